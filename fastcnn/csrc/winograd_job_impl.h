/* A job of Winograd's convolution: geometry, and the transformed weights U. What U, V and M are is
 * said in winograd_forward_impl.h. */
#ifndef FC_WINOGRAD_JOB_IMPL_H
#define FC_WINOGRAD_JOB_IMPL_H

#include "bf16_tile.h"
#include "conv2d_tile_impl.h"
#include "lanes.h"
#include "winograd_transform_impl.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers: 24 accumulators */
#define WINO_COLUMNS 4
#else                                                /* 16 registers: 12 */
#define WINO_COLUMNS 2
#endif
#define WINO_OT 6
#define WINO_LINE 16                                 /* output channels of a cache line of U */
#define WINO_CHUNK_BYTES 409600                      /* of V and M */
#define WINO_CHUNK_TILES 16                          /* at most */
#define WINO_WIDTH ((4 * WINO_CHUNK_TILES + 2) * VW) /* pixels beside each other in a chunk */
#define WINO_CHANNELS 128                            /* of V that lie in L1 at a time */

typedef struct {
    const fc_tensor *x, *out, *y, *z;                /* z is added to out, which is multiplied by act'(y) */
    const fc_tensor *index;                          /* of the 2x2 max pool, unless images lie alone */
    int pooled;
    const float *w, *bias;
    int transposed, activation, paired;              /* paired: in bf16 */
    float alpha;
    int64_t kernel, side, area, m;                   /* side x side inputs, m x m outputs of a tile */
    int form;                                        /* of tiles: functions for them by wino_form */
    int64_t in, outs, first[2];                      /* first: pixel of x under the first tap */
    int64_t depth;                                   /* of the sums: channels, or pairs of them */
    int64_t size[2];                                 /* of the output, before pooling */
    int64_t grid[2], tiles;                          /* tiles of an image, of a block in all */
    int64_t parts, chunk;                            /* vectors of a pixel, tiles of a chunk */
    int64_t columns, v_position, m_out;              /* of a chunk; strides of V and M */
    float *u;
} wino_job;

/* ---- geometry ---- */

INLINE int64_t wino_strips(const wino_job *j) { return ceil_div(j->columns, WINO_COLUMNS); }

/* An odd number of cache lines, so that positions don't fall into the same few sets. */
INLINE int64_t wino_odd_lines(int64_t floats) { return (ceil_div(floats, 16) | 1) * 16; }

static void wino_choose_chunk(wino_job *j) {
    int64_t tile_bytes = j->area * (j->depth + j->outs) * tensor_l(j->x) * sizeof(float);
    j->parts = tensor_l(j->x) / VW;
    int64_t least = ceil_div(WINO_COLUMNS, j->parts);
    j->chunk = min_i64(WINO_CHUNK_TILES, WINO_CHUNK_BYTES / tile_bytes) / least * least;
    j->chunk = max_i64(j->chunk, least);
    j->columns = j->chunk * j->parts;
    j->v_position = wino_odd_lines(wino_strips(j) * j->depth * WINO_COLUMNS * VW);
    j->m_out = wino_odd_lines(j->area * j->columns * VW);
}

static void wino_set_side(wino_job *j, int64_t side, int64_t kernel) {
    j->kernel = kernel;
    j->side = side;
    j->area = side * side;
    j->m = side + 1 - kernel;
    j->form = wino_form(side, j->m);
}

static void wino_complete_job(wino_job *j, const fc_args *a, int64_t side) {
    j->depth = j->paired ? ceil_div(j->in, 2) : j->in;
    wino_set_side(j, side, a->t[1].shape[2]);
    for (int d = 0; d < 2; d++) {
        j->size[d] = j->out->shape[2 + d] * (j->pooled ? 2 : 1);
        j->grid[d] = ceil_div(j->size[d], j->m);
    }
    j->tiles = j->grid[0] * j->grid[1];
    j->w = a->t[1].data;
    j->u = (float *)a->workspace;
    if (tensor_l(j->x) % VW == 0) wino_choose_chunk(j);
}

/* x w ?b >y [>index] */
static wino_job wino_forward_job(const fc_args *a, int pooled, int paired) {
    wino_job j = {.x = &a->t[0], .out = &a->t[3], .bias = a->t[2].data, .paired = paired};
    j.pooled = pooled;
    j.index = pooled && tensor_l(j.x) > 1 ? &a->t[4] : 0;
    j.in = a->t[1].shape[1];
    j.outs = a->t[1].shape[0];
    for (int d = 0; d < 2; d++) j.first[d] = -a->i[d];
    j.activation = (int)a->i[3];
    j.alpha = (float)a->f[0];
    wino_complete_job(&j, a, a->i[2]);
    return j;
}

/* dy w ?y ?z >dx; x is dy here, with or without a halo, out is dx. */
static wino_job wino_backward_input_job(const fc_args *a, int paired) {
    wino_job j = {.x = &a->t[0], .out = &a->t[4], .transposed = 1, .paired = paired};
    j.y = a->t[2].data ? &a->t[2] : 0;
    j.z = a->t[3].data ? &a->t[3] : 0;
    j.in = a->t[1].shape[0];
    j.outs = a->t[1].shape[1];
    for (int d = 0; d < 2; d++) j.first[d] = a->i[d] + a->i[2 + d] - (a->t[1].shape[2 + d] - 1);
    j.activation = j.y ? (int)a->i[5] : ACT_LINEAR;
    j.alpha = (float)a->f[0];
    wino_complete_job(&j, a, a->i[4]);
    return j;
}

/* ---- U, packed as [position][line of outs][channel or pair of them][WINO_LINE] ---- */

INLINE int64_t wino_lines(int64_t outs) { return ceil_div(outs, WINO_LINE); }

static size_t wino_workspace(const wino_job *j) {
    return j->area * wino_lines(j->outs) * WINO_LINE * j->depth * sizeof(float);
}

/* u[k] = (G w G')[k] of an input channel; lanes are n output channels from `out` on. */
static void wino_channel_of_u(const wino_job *j, int64_t out, int64_t n, int64_t channel, vf *u) {
    int64_t area = j->kernel * j->kernel;
    int64_t row = (j->transposed ? 1 : j->in) * area, column = (j->transposed ? j->outs : 1) * area;
    vf taps[WINO_TAPS + VW], turned[WINO_TAPS];
    for (int64_t from = 0; from < area; from += VW) {
        vf rows[VW] = {0};
        for (int64_t f = 0; f < n; f++)
            rows[f] = load_n(j->w + (out + f) * row + channel * column + from, min_i64(VW, area - from));
        transpose(rows);
        for (int64_t k = 0; k < VW; k++) taps[from + k] = rows[k];
    }
    for (int64_t t = 0; t < area && j->transposed; t++) turned[t] = taps[area - 1 - t];
    wino_kernels[j->form](j->transposed ? turned : taps, u);
}

/* One channel, or pair of channels, of a line. */
static void wino_pack(const wino_job *j, int64_t line, int64_t level) {
    int64_t lines = wino_lines(j->outs), last = min_i64(j->outs, (line + 1) * WINO_LINE);
    vf u[WINO_AREA], odd[WINO_AREA] = {0};
    for (int64_t out = line * WINO_LINE; out < last; out += VW) {
        int64_t n = min_i64(VW, last - out);
        float *to = j->u + (line * j->depth + level) * WINO_LINE + out % WINO_LINE;
        wino_channel_of_u(j, out, n, j->paired ? 2 * level : level, u);
        if (j->paired && 2 * level + 1 < j->in) wino_channel_of_u(j, out, n, 2 * level + 1, odd);
        for (int k = 0; k < j->area; k++, to += lines * j->depth * WINO_LINE)
            if (j->paired)
                store_pairs((uint32_t *)to, pair(u[k], odd[k]));
            else
                store(to, u[k]);
    }
}

static void wino_prepare(const wino_job *j, const fc_context *ctx) {
    int64_t begin, end;
    split(wino_lines(j->outs) * j->depth, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) wino_pack(j, k / j->depth, k % j->depth);
}

#endif
