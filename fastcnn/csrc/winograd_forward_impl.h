/* Winograd's convolution of 3x3 and 5x5 kernels at stride 1: forward, with 2x2 max pooling, and the
 * input gradient, which is a convolution of dy with turned weights.
 *
 * A thread takes chunks of tiles, small enough for V and M to lie in its L2 cache:
 *     V[k][c][tile] = B' x B          k: one of 36 positions; a column is VW images of one tile
 *     M[k][o][tile] = sum over c of U[k][c][o] V[k][c][tile]
 *     y[o][tile] = act(A' M A + bias)
 * U = G w G' is made by prepare. In bf16, V and U are rounded and hold pairs of channels c, M is
 * float32. Parts of tiles before and beyond the image read zeros, not memory: x needs no border, and
 * a NaN there would not spread; one inside the image spreads over its tiles. */
#ifndef FC_WINOGRAD_FORWARD_IMPL_H
#define FC_WINOGRAD_FORWARD_IMPL_H

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
    const fc_tensor *index;                          /* of the 2x2 max pool, or NULL */
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
        j->size[d] = j->out->shape[2 + d] * (j->index ? 2 : 1);
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
    j.index = pooled ? &a->t[4] : 0;
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

/* ---- V ---- */

typedef struct {
    int64_t block, y, x, count;                      /* tiles beside each other in a row of tiles */
} wino_run_of_tiles;

static const float wino_zero[VW];

/* The rows of pixels under a run of tiles; those beyond the image are one zero, again and again. */
typedef struct {
    const float *row[WINO_SIDE];
    int64_t step[WINO_SIDE], channel[WINO_SIDE];     /* to the next pixel, the next channel */
    int64_t before, there;                           /* columns inside the image: [before, there) */
} wino_source;

INLINE wino_source wino_source_of(const wino_job *j, const wino_run_of_tiles *r, int64_t part,
                                  int64_t width) {
    const fc_tensor *x = j->x;
    int64_t lanes = tensor_l(x), y = j->first[0] + r->y * j->m, left = j->first[1] + r->x * j->m;
    wino_source s = {.before = min_i64(width, max_i64(0, -left))};
    s.there = max_i64(s.before, min_i64(width, tensor_w(x) - left));
    for (int i = 0; i < WINO_SIDE; i++) {
        int inside = y + i >= 0 && y + i < tensor_h(x);
        s.row[i] = wino_zero;
        if (inside) s.row[i] = tensor_row(x, r->block, 0, y + i) + left * lanes + part * VW;
        s.step[i] = inside ? lanes : 0;
        s.channel[i] = inside ? x->stride[1] : 0;
    }
    return s;
}

INLINE void wino_next_channel(wino_source *s) {
    for (int i = 0; i < WINO_SIDE; i++) s->row[i] += s->channel[i];
}

/* Columns of pixels, transformed along y: half[i][column]. */
INLINE void wino_input_columns(const wino_source *s, int64_t width, float *half) {
    for (int64_t k = 0; k < s->before; k++, half += VW)
        UNROLL for (int i = 0; i < WINO_SIDE; i++) store(half + i * WINO_WIDTH, (vf){0});
    for (int64_t k = s->before; k < s->there; k++, half += VW) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int i = 0; i < WINO_SIDE; i++) {
            in[i] = load(s->row[i] + k * s->step[i]);
            __builtin_prefetch(s->row[i] + k * s->step[i] + s->channel[i]);
        }
        wino_input(in, out);
        UNROLL for (int i = 0; i < WINO_SIDE; i++) store(half + i * WINO_WIDTH, out[i]);
    }
    for (int64_t k = s->there; k < width; k++, half += VW)
        UNROLL for (int i = 0; i < WINO_SIDE; i++) store(half + i * WINO_WIDTH, (vf){0});
}

/* level: a channel, or a pair of them */
INLINE float *wino_v_at(const wino_job *j, float *v, int64_t level, int64_t column) {
    int64_t strip = column / WINO_COLUMNS;
    return v + ((strip * j->depth + level) * WINO_COLUMNS + column % WINO_COLUMNS) * VW;
}

/* One tile of one channel, along x. */
INLINE void wino_input_tile(const float *half, float *to, int64_t position) {
    for (int i = 0; i < WINO_SIDE; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int k = 0; k < WINO_SIDE; k++) in[k] = load(half + k * VW);
        wino_input(in, out);
        UNROLL for (int k = 0; k < WINO_SIDE; k++, to += position) store(to, out[k]);
    }
}

/* One tile of two channels, in bf16; the second one may be missing. */
INLINE void wino_input_pairs(const float *half, const float *other, float *to, int64_t position) {
    for (int i = 0; i < WINO_SIDE; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], even[WINO_SIDE], odd[WINO_SIDE] = {0};
        UNROLL for (int k = 0; k < WINO_SIDE; k++) in[k] = load(half + k * VW);
        wino_input(in, even);
        if (other) {
            UNROLL for (int k = 0; k < WINO_SIDE; k++) in[k] = load(other + i * WINO_WIDTH + k * VW);
            wino_input(in, odd);
        }
        UNROLL for (int k = 0; k < WINO_SIDE; k++, to += position)
            store_pairs((uint32_t *)to, pair(even[k], odd[k]));
    }
}

static void wino_transform_pairs(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                                 float *v, float *half) {
    int64_t width = (r->count - 1) * j->m + WINO_SIDE;
    float *other = half + WINO_SIDE * WINO_WIDTH;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t level = 0; level < j->depth; level++) {
            int whole = 2 * level + 1 < j->in;
            wino_input_columns(&s, width, half);
            wino_next_channel(&s);
            if (whole) {
                wino_input_columns(&s, width, other);
                wino_next_channel(&s);
            }
            for (int64_t t = 0; t < r->count; t++)
                wino_input_pairs(half + t * j->m * VW, whole ? other + t * j->m * VW : 0,
                                 wino_v_at(j, v, level, (tile + t) * j->parts + part),
                                 j->v_position);
        }
    }
}

static void wino_transform_run(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                               float *v, float *half) {
    int64_t width = (r->count - 1) * j->m + WINO_SIDE;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t channel = 0; channel < j->in; channel++, wino_next_channel(&s)) {
            wino_input_columns(&s, width, half);
            for (int64_t t = 0; t < r->count; t++)
                wino_input_tile(half + t * j->m * VW,
                                wino_v_at(j, v, channel, (tile + t) * j->parts + part),
                                j->v_position);
        }
    }
}

/* The run of tiles that begins with `tile`, of all blocks. */
static wino_run_of_tiles wino_run_at(const wino_job *j, int64_t tile, int64_t end) {
    int64_t in_block = tile % j->tiles, x = in_block % j->grid[1];
    return (wino_run_of_tiles){tile / j->tiles, in_block / j->grid[1], x,
                               min_i64(end - tile, j->grid[1] - x)};
}

/* ---- M ---- */

INLINE void wino_tile(const float *v, const float *u, int64_t channels, float *m, int64_t m_out,
                      int add, const int OT, const int TT) {
    vf acc[WINO_OT][WINO_COLUMNS];
    UNROLL for (int o = 0; o < OT; o++)
        UNROLL for (int t = 0; t < TT; t++) __builtin_prefetch(m + o * m_out + t * VW, 1);
    UNROLL for (int o = 0; o < OT; o++)
        UNROLL for (int t = 0; t < TT; t++)
            acc[o][t] = add ? load(m + o * m_out + t * VW) : (vf){0};
    for (int64_t c = 0; c < channels; c++, v += WINO_COLUMNS * VW, u += OT) {
        vf column[WINO_COLUMNS];
        UNROLL for (int t = 0; t < TT; t++) column[t] = load(v + t * VW);
        UNROLL for (int o = 0; o < OT; o++) {
            vf weight = splat(u[o]);
            UNROLL for (int t = 0; t < TT; t++) acc[o][t] += column[t] * weight;
        }
    }
    UNROLL for (int o = 0; o < OT; o++)
        UNROLL for (int t = 0; t < TT; t++) store(m + o * m_out + t * VW, acc[o][t]);
}

typedef void wino_tile_function(const float *v, const float *u, int64_t channels, float *m,
                                int64_t m_out, int add);

#define WINO_TILE(OT, TT) \
    NOINLINE void wino_tile_##OT##_##TT(const float *v, const float *u, int64_t channels, \
                                        float *m, int64_t m_out, int add) { \
        wino_tile(v, u, channels, m, m_out, add, OT, TT); \
    }
#define WINO_TILES(TT) \
    WINO_TILE(1, TT) WINO_TILE(2, TT) WINO_TILE(3, TT) \
    WINO_TILE(4, TT) WINO_TILE(5, TT) WINO_TILE(6, TT)
#define WINO_TILE_NAMES(TT) \
    {wino_tile_1_##TT, wino_tile_2_##TT, wino_tile_3_##TT, \
     wino_tile_4_##TT, wino_tile_5_##TT, wino_tile_6_##TT}
WINO_TILES(1) WINO_TILES(2)
#if WINO_COLUMNS == 4
WINO_TILES(3) WINO_TILES(4)
#endif

static wino_tile_function *const wino_tiles[WINO_COLUMNS][WINO_OT] = {
    WINO_TILE_NAMES(1), WINO_TILE_NAMES(2),
#if WINO_COLUMNS == 4
    WINO_TILE_NAMES(3), WINO_TILE_NAMES(4),
#endif
};

/* As a tile of wino_tiles, of pairs of channels. */
static void wino_pair_tile(const float *v, const float *u, int64_t pairs, float *m, int64_t m_out,
                           int add, int64_t outs, int64_t columns) {
    pair_tile_args t = {.column_step = WINO_COLUMNS * VW, .offset = no_offset, .scalar_row = 1};
    t.scalar = (const uint32_t *)u;
    t.scalar_step = outs;
    t.steps = pairs;
    t.segments = 1;
    t.out_row = m_out;
    t.add = add;
    for (int64_t q = 0; q < columns; q++) {
        t.column[q] = (const uint32_t *)v + q * VW;
        t.out[q] = m + q * VW;
    }
    run_pair_tile(outs, columns, &t);
}

/* All filters at one position, for some columns and channels, or pairs of these. */
INLINE void wino_multiply_strip(const wino_job *j, const float *v, const float *u, int64_t c,
                                int64_t channels, float *m, int64_t columns) {
    int64_t chunks = ceil_div(j->outs, WINO_OT), size = j->outs / chunks, more = j->outs % chunks;
    for (int64_t chunk = 0, outs; chunk < chunks; chunk++, m += outs * j->m_out) {
        outs = size + (chunk < more);
        if (j->paired)
            wino_pair_tile(v, u + c * outs, channels, m, j->m_out, c > 0, outs, columns);
        else
            wino_tiles[columns - 1][outs - 1](v, u + c * outs, channels, m, j->m_out, c > 0);
        u += outs * j->depth;
    }
}

static void wino_multiply(const wino_job *j, const float *v, float *m, int64_t columns) {
    int64_t parts = ceil_div(j->depth, WINO_CHANNELS), c, channels;
    for (int64_t k = 0; k < WINO_AREA; k++, v += j->v_position, m += j->columns * VW)
        for (int64_t part = 0; part < parts; part++) {
            balanced(j->depth, parts, part, &c, &channels);
            for (int64_t t = 0; t < columns; t += WINO_COLUMNS)
                wino_multiply_strip(j, v + (t * j->depth + c * WINO_COLUMNS) * VW,
                                    j->u + k * j->depth * j->outs, c, channels, m + t * VW,
                                    min_i64(WINO_COLUMNS, columns - t));
        }
}

/* ---- outputs ---- */

/* Where the outputs of a tile go, and how many of its rows and columns there are. */
typedef struct {
    float *out;
    const float *y, *z;
    uint8_t *choice;
    int64_t rows, cols;
} wino_place;

static wino_place wino_place_of(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                                int64_t out, int64_t part) {
    int64_t y = r->y * j->m, x = (r->x + tile) * j->m, lanes = tensor_l(j->out);
    wino_place p = {.rows = min_i64(j->m, j->size[0] - y), .cols = min_i64(j->m, j->size[1] - x)};
    if (j->index) {
        y /= 2;
        x /= 2;
        p.choice = (uint8_t *)j->index->data + r->block * j->index->stride[0] +
                   out * j->index->stride[1] + y * j->index->stride[2] + x * lanes + part * VW;
    }
    p.out = tensor_row(j->out, r->block, out, y) + x * lanes + part * VW;
    if (j->y) p.y = tensor_row(j->y, r->block, out, y) + x * lanes + part * VW;
    if (j->z) p.z = tensor_row(j->z, r->block, out, y) + x * lanes + part * VW;
    return p;
}

/* half[row][k] = A' M, the tile transformed along y */
INLINE void wino_output_columns(const float *m, int64_t m_position, vf half[4][WINO_SIDE],
                                const int M) {
    UNROLL for (int k = 0; k < WINO_SIDE; k++) {
        vf in[WINO_SIDE], out[4];
        UNROLL for (int i = 0; i < WINO_SIDE; i++) in[i] = load(m + (i * WINO_SIDE + k) * m_position);
        wino_output(in, out, M);
        UNROLL for (int i = 0; i < M; i++) half[i][k] = out[i];
    }
}

INLINE void wino_finish(const wino_job *j, const wino_place *p, const float *m, float bias,
                        const int M) {
    int64_t lanes = tensor_l(j->out);
    vf half[4][WINO_SIDE], y[4];
    wino_output_columns(m, j->columns * VW, half, M);
    UNROLL for (int i = 0; i < M; i++) {
        if (i >= p->rows) return;
        wino_output(half[i], y, M);
        float *out = p->out + i * j->out->stride[2];
        UNROLL for (int k = 0; k < M; k++) {
            if (k >= p->cols) break;
            vf v = y[k] + bias;
            if (p->z) v += load(p->z + i * j->z->stride[2] + k * lanes);
            if (p->y)
                v = activate_backward(j->activation, v,
                                      load(p->y + i * j->y->stride[2] + k * lanes), j->alpha);
            else
                v = activate(j->activation, v, j->alpha);
            store(out + k * lanes, v);
        }
    }
}

/* One window; the first of equal values wins. */
INLINE void wino_pool_window(const wino_job *j, const vf top[2], const vf bottom[2], float bias,
                             float *out, uint8_t *choice) {
    vf value[4] = {top[0] + bias, top[1] + bias, bottom[0] + bias, bottom[1] + bias};
    vf best = value[0];
    vi which = {0};
    UNROLL for (int q = 1; q < 4; q++) {
        vi better = value[q] > best;
        best = select(better, value[q], best);
        which = (better & q) | (~better & which);
    }
    store(out, activate(j->activation, best, j->alpha));
    vb narrow = __builtin_convertvector(which, vb);
    memcpy(choice, &narrow, sizeof narrow);
}

INLINE void wino_finish_pooled(const wino_job *j, const wino_place *p, const float *m, float bias,
                               const int M) {
    int64_t lanes = tensor_l(j->out);
    vf half[4][WINO_SIDE], top[4], bottom[4];
    wino_output_columns(m, j->columns * VW, half, M);
    UNROLL for (int i = 0; i < M; i += 2) {
        if (i >= p->rows) return;
        wino_output(half[i], top, M);
        wino_output(half[i + 1], bottom, M);
        UNROLL for (int k = 0; k < M; k += 2)
            if (k < p->cols)
                wino_pool_window(j, top + k, bottom + k, bias,
                                 p->out + i / 2 * j->out->stride[2] + k / 2 * lanes,
                                 p->choice + i / 2 * j->index->stride[2] + k / 2 * lanes);
    }
}

#define WINO_FINISH(name, M) \
    NOINLINE void name##_##M(const wino_job *j, const wino_place *p, const float *m, float bias) { \
        name(j, p, m, bias, M); \
    }
WINO_FINISH(wino_finish, 2) WINO_FINISH(wino_finish, 4)
WINO_FINISH(wino_finish_pooled, 2) WINO_FINISH(wino_finish_pooled, 4)

static void wino_finish_run(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                            const float *m) {
    for (int64_t out = 0; out < j->outs; out++, m += j->m_out) {
        float bias = j->bias ? j->bias[out] : 0.0f;
        for (int64_t t = 0; t < r->count; t++)
            for (int64_t part = 0; part < j->parts; part++) {
                wino_place p = wino_place_of(j, r, t, out, part);
                const float *from = m + ((tile + t) * j->parts + part) * VW;
                if (j->index)
                    (j->m == 4 ? wino_finish_pooled_4 : wino_finish_pooled_2)(j, &p, from, bias);
                else
                    (j->m == 4 ? wino_finish_4 : wino_finish_2)(j, &p, from, bias);
            }
    }
}

/* ---- kernels ---- */

static size_t wino_job_scratch(const wino_job *j) {
    int64_t half = (j->paired ? 2 : 1) * WINO_SIDE * WINO_WIDTH;
    return (WINO_AREA * j->v_position + j->outs * j->m_out + half) * sizeof(float);
}

static void wino_chunk(const wino_job *j, int64_t begin, int64_t end, char *scratch) {
    float *v = (float *)scratch, *m = v + WINO_AREA * j->v_position;
    float *half = m + j->outs * j->m_out;
    for (int64_t tile = begin; tile < end;) {
        wino_run_of_tiles r = wino_run_at(j, tile, end);
        (j->paired ? wino_transform_pairs : wino_transform_run)(j, &r, tile - begin, v, half);
        tile += r.count;
    }
    wino_multiply(j, v, m, (end - begin) * j->parts);
    for (int64_t tile = begin; tile < end;) {
        wino_run_of_tiles r = wino_run_at(j, tile, end);
        wino_finish_run(j, &r, tile - begin, m);
        tile += r.count;
    }
}

/* Threads share the tiles, in lots that fill the columns of the inner loop. */
static void wino_run(const wino_job *j, const fc_context *ctx) {
    int64_t tiles = active_blocks(j->out, ctx) * j->tiles, lot = ceil_div(WINO_COLUMNS, j->parts);
    int64_t begin, end;
    split(ceil_div(tiles, lot), ctx, &begin, &end);
    end = min_i64(tiles, end * lot);
    for (int64_t t = begin * lot; t < end; t += j->chunk)
        wino_chunk(j, t, min_i64(end, t + j->chunk), ctx->scratch);
}

#define WINO_KERNEL(name, job) \
    static size_t name##_scratch(const fc_args *a) { \
        wino_job j = job; \
        return wino_job_scratch(&j); \
    } \
    static void name##_prepare(const fc_args *a, const fc_context *ctx) { \
        wino_job j = job; \
        wino_prepare(&j, ctx); \
    } \
    static void name(const fc_args *a, const fc_context *ctx) { \
        wino_job j = job; \
        wino_run(&j, ctx); \
    }
WINO_KERNEL(winograd_max_pool_forward, wino_forward_job(a, 1, 0))
WINO_KERNEL(winograd_backward_input, wino_backward_input_job(a, 0))
WINO_KERNEL(winograd_bf16_forward, wino_forward_job(a, 0, 1))
WINO_KERNEL(winograd_bf16_max_pool_forward, wino_forward_job(a, 1, 1))
WINO_KERNEL(winograd_bf16_backward_input, wino_backward_input_job(a, 1))

#define WINO_ENTRY(name, signature) \
    {#name, signature, name, name##_prepare, wino_workspace, name##_scratch}
#define WINO_FORWARD_SIGNATURE "x w ?b >y | pad_top pad_left activation | alpha"
#define WINO_OTHER_ENTRIES(family) \
    WINO_ENTRY(family##_max_pool_forward, "x w ?b >y >index | pad_top pad_left activation | alpha"), \
    WINO_ENTRY(family##_backward_input, \
               "dy w ?y ?z >dx | pad_top pad_left halo_top halo_left activation | alpha")
#define WINOGRAD_FORWARD_KERNELS \
    WINO_ENTRY(winograd_bf16_forward, WINO_FORWARD_SIGNATURE), \
    WINO_OTHER_ENTRIES(winograd), WINO_OTHER_ENTRIES(winograd_bf16)

#endif
