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
    int64_t kernel, m;                               /* m x m outputs of a tile */
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

/* An odd number of cache lines, so that 36 positions don't fall into the same few sets. */
INLINE int64_t wino_odd_lines(int64_t floats) { return (ceil_div(floats, 16) | 1) * 16; }

static void wino_choose_chunk(wino_job *j) {
    int64_t tile_bytes = WINO_AREA * (j->depth + j->outs) * tensor_l(j->x) * sizeof(float);
    j->parts = tensor_l(j->x) / VW;
    int64_t least = ceil_div(WINO_COLUMNS, j->parts);
    j->chunk = min_i64(WINO_CHUNK_TILES, WINO_CHUNK_BYTES / tile_bytes) / least * least;
    j->chunk = max_i64(j->chunk, least);
    j->columns = j->chunk * j->parts;
    j->v_position = wino_odd_lines(wino_strips(j) * j->depth * WINO_COLUMNS * VW);
    j->m_out = wino_odd_lines(WINO_AREA * j->columns * VW);
}

static void wino_complete_job(wino_job *j, const fc_args *a) {
    j->depth = j->paired ? ceil_div(j->in, 2) : j->in;
    j->kernel = a->t[1].shape[2];
    j->m = 7 - j->kernel;
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
    j.activation = (int)a->i[2];
    j.alpha = (float)a->f[0];
    wino_complete_job(&j, a);
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
    j.activation = j.y ? (int)a->i[4] : ACT_LINEAR;
    j.alpha = (float)a->f[0];
    wino_complete_job(&j, a);
    return j;
}

/* ---- U, packed as [position][chunk of outs][in][out of the chunk] ---- */

static size_t wino_workspace(const fc_args *a) {
    return WINO_AREA * a->t[1].shape[0] * a->t[1].shape[1] * sizeof(float);
}

/* Where U of an input channel, or of its pair, and an output channel goes, at position 0. */
static float *wino_u_at(const wino_job *j, int64_t in, int64_t out) {
    int64_t chunks = ceil_div(j->outs, WINO_OT), c = out * chunks / j->outs, begin, size;
    balanced(j->outs, chunks, c, &begin, &size);
    for (; begin + size <= out; c++) balanced(j->outs, chunks, c + 1, &begin, &size);
    for (; begin > out; c--) balanced(j->outs, chunks, c - 1, &begin, &size);
    return j->u + begin * j->depth + (j->paired ? in / 2 : in) * size + (out - begin);
}

/* A number of a pair; after the last of an odd number of channels comes a zero. */
INLINE void wino_store_half(float *to, float x, int64_t in, int64_t channels) {
    uint32_t bits = round_bf16(splat(x))[0] >> 16, other;
    memcpy(&other, to, sizeof other);
    if (in % 2)
        bits = bits << 16 | (other & 0xffff);
    else if (in + 1 < channels)
        bits |= other & 0xffff0000;
    memcpy(to, &bits, sizeof bits);
}

/* taps[c * taps + tap] for VW filters (rows of w, lanes here) and up to VW channels, from c0 on. */
static void wino_load_weights(const wino_job *j, int64_t filter, int64_t filters, int64_t c0,
                              int64_t channels, int64_t width, vf *taps) {
    int64_t area = j->kernel * j->kernel, n = channels * area;
    for (int64_t from = 0; from < n; from += VW) {
        vf rows[VW] = {0};
        for (int64_t f = 0; f < filters; f++)
            rows[f] = load_n(j->w + ((filter + f) * width + c0) * area + from,
                             min_i64(VW, n - from));
        transpose(rows);
        for (int64_t k = 0; k < VW; k++) taps[from + k] = rows[k];
    }
}

static void wino_scatter_u(const wino_job *j, int64_t filter, int64_t filters, int64_t channel,
                           const vf *u) {
    float *to[VW], lanes[VW];
    for (int64_t f = 0; f < filters; f++)
        to[f] = j->transposed ? wino_u_at(j, filter + f, channel) : wino_u_at(j, channel, filter + f);
    for (int k = 0; k < WINO_AREA; k++) {
        store(lanes, u[k]);
        for (int64_t f = 0; f < filters; f++) {
            float *at = to[f] + k * j->depth * j->outs;
            if (j->paired)
                wino_store_half(at, lanes[f], j->transposed ? filter + f : channel, j->in);
            else
                *at = lanes[f];
        }
    }
}

static void wino_pack_channel(const wino_job *j, const vf *taps, vf *u) {
    int64_t area = j->kernel * j->kernel;
    vf w[WINO_TAPS];
    for (int64_t t = 0; t < area; t++) w[t] = taps[j->transposed ? area - 1 - t : t];
    if (j->kernel == 3)
        wino_kernel(w, u, 3);
    else
        wino_kernel(w, u, 5);
}

/* Threads share the rows of w. */
static void wino_prepare(const wino_job *j, const fc_context *ctx) {
    int64_t filters = j->transposed ? j->in : j->outs, width = j->transposed ? j->outs : j->in;
    int64_t area = j->kernel * j->kernel, begin, end;
    vf taps[VW * WINO_TAPS + VW], u[WINO_AREA];
    split(ceil_div(filters, VW), ctx, &begin, &end);
    for (int64_t f = begin * VW; f < min_i64(filters, end * VW); f += VW) {
        int64_t n = min_i64(VW, filters - f);
        for (int64_t c = 0; c < width; c += VW) {
            int64_t channels = min_i64(VW, width - c);
            wino_load_weights(j, f, n, c, channels, width, taps);
            for (int64_t k = 0; k < channels; k++) {
                wino_pack_channel(j, taps + k * area, u);
                wino_scatter_u(j, f, n, c + k, u);
            }
        }
    }
}

#endif
