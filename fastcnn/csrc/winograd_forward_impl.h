/* Winograd's convolution of 3x3 and 5x5 kernels at stride 1: forward, with 2x2 max pooling, and the
 * input gradient, which is a convolution of dy with turned weights. Tiles of 6 x 6, or of 4 x 4.
 *
 * A thread takes chunks of tiles, small enough for V and M to lie in its L2 cache:
 *     V[k][c][tile] = B' x B          k: one of the positions of a tile; a column is VW images of one tile
 *     M[k][o][tile] = sum over c of U[k][c][o] V[k][c][tile]
 *     y[o][tile] = act(A' M A + bias)
 * U = G w G' is made by prepare. In bf16, V and U are rounded and hold pairs of channels c, M is
 * float32. Parts of tiles before and beyond the image read zeros, not memory: x needs no border, and
 * a NaN there would not spread; one inside the image spreads over its tiles. */
#ifndef FC_WINOGRAD_FORWARD_IMPL_H
#define FC_WINOGRAD_FORWARD_IMPL_H

#include "winograd_input_impl.h"

/* ---- M ---- */

/* The line of U after this one is fetched meanwhile: that of many channels comes from L3. */
INLINE void wino_tile(const float *v, const float *u, int64_t channels, int64_t ahead, float *m,
                      int64_t m_out, int add, const int OT, const int TT) {
    vf acc[WINO_OT][WINO_COLUMNS];
    UNROLL for (int o = 0; o < OT; o++)
        UNROLL for (int t = 0; t < TT; t++) __builtin_prefetch(m + o * m_out + t * VW, 1);
    UNROLL for (int o = 0; o < OT; o++)
        UNROLL for (int t = 0; t < TT; t++)
            acc[o][t] = add ? load(m + o * m_out + t * VW) : (vf){0};
    for (int64_t c = 0; c < channels; c++, v += WINO_COLUMNS * VW, u += WINO_LINE) {
        __builtin_prefetch(u + ahead);
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

typedef void wino_tile_function(const float *v, const float *u, int64_t channels, int64_t ahead,
                                float *m, int64_t m_out, int add);

#define WINO_TILE(OT, TT) \
    NOINLINE void wino_tile_##OT##_##TT(const float *v, const float *u, int64_t channels, \
                                        int64_t ahead, float *m, int64_t m_out, int add) { \
        wino_tile(v, u, channels, ahead, m, m_out, add, OT, TT); \
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
    pair_tile_args t = {.column_step = WINO_COLUMNS * VW, .scalar_row = 1};
    t.scalar = (const uint32_t *)u;
    t.scalar_step = WINO_LINE;
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

/* Filters of one line of U at one position, for some columns and channels, or pairs of these. */
INLINE void wino_multiply_line(const wino_job *j, const float *v, const float *u, int add,
                               int64_t channels, float *m, int64_t columns, int64_t filters) {
    int64_t tiles = ceil_div(filters, WINO_OT), most = ceil_div(filters, tiles);
    for (int64_t o = 0, outs; o < filters; o += outs, u += outs, m += outs * j->m_out) {
        outs = min_i64(most, filters - o);
        if (j->paired)
            wino_pair_tile(v, u, channels, m, j->m_out, add, outs, columns);
        else
            wino_tiles[columns - 1][outs - 1](v, u, channels, j->depth * WINO_LINE, m, j->m_out, add);
    }
}

static void wino_multiply(const wino_job *j, const float *v, float *m, int64_t columns) {
    int64_t parts = ceil_div(j->depth, WINO_CHANNELS), lines = wino_lines(j->outs), c, channels;
    for (int64_t k = 0; k < j->area; k++, v += j->v_position, m += j->columns * VW)
        for (int64_t part = 0; part < parts; part++) {
            balanced(j->depth, parts, part, &c, &channels);
            for (int64_t t = 0; t < columns; t += WINO_COLUMNS)
                for (int64_t line = 0; line < lines; line++) {
                    const float *u = j->u + ((k * lines + line) * j->depth + c) * WINO_LINE;
                    wino_multiply_line(j, v + (t * j->depth + c * WINO_COLUMNS) * VW, u, c > 0, channels,
                                       m + t * VW + line * WINO_LINE * j->m_out,
                                       min_i64(WINO_COLUMNS, columns - t),
                                       min_i64(WINO_LINE, j->outs - line * WINO_LINE));
                }
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
                                const int S, const int M) {
    UNROLL for (int k = 0; k < S; k++) {
        vf in[WINO_SIDE], out[4];
        UNROLL for (int i = 0; i < S; i++) in[i] = load(m + (i * S + k) * m_position);
        wino_output(in, out, S, M);
        UNROLL for (int i = 0; i < M; i++) half[i][k] = out[i];
    }
}

INLINE void wino_finish(const wino_job *j, const wino_place *p, const float *m, float bias,
                        const int S, const int M) {
    int64_t lanes = tensor_l(j->out);
    vf half[4][WINO_SIDE], y[4];
    wino_output_columns(m, j->columns * VW, half, S, M);
    UNROLL for (int i = 0; i < M; i++) {
        if (i >= p->rows) return;
        wino_output(half[i], y, S, M);
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
            __builtin_prefetch(out + k * lanes + j->out->stride[1], 1);    /* of the next channel */
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
    store_bytes(choice, which, VW);
}

INLINE void wino_finish_pooled(const wino_job *j, const wino_place *p, const float *m, float bias,
                               const int S, const int M) {
    int64_t lanes = tensor_l(j->out);
    vf half[4][WINO_SIDE], top[4], bottom[4];
    wino_output_columns(m, j->columns * VW, half, S, M);
    UNROLL for (int i = 0; i < M; i += 2) {
        if (i >= p->rows) return;
        wino_output(half[i], top, S, M);
        wino_output(half[i + 1], bottom, S, M);
        UNROLL for (int k = 0; k < M; k += 2)
            if (k < p->cols)
                wino_pool_window(j, top + k, bottom + k, bias,
                                 p->out + i / 2 * j->out->stride[2] + k / 2 * lanes,
                                 p->choice + i / 2 * j->index->stride[2] + k / 2 * lanes);
    }
}

#define WINO_FINISH(S, M, name) \
    NOINLINE void name##_##S##_##M(const wino_job *j, const wino_place *p, const float *m, float bias) { \
        name(j, p, m, bias, S, M); \
    }
WINO_FOR_EACH(WINO_FINISH, wino_finish)
WINO_FOR_EACH(WINO_FINISH, wino_finish_pooled)

static void (*const wino_finishes[2][WINO_FORMS])(const wino_job *, const wino_place *, const float *,
                                                  float) = {
    {WINO_FOR_EACH(WINO_NAME, wino_finish)}, {WINO_FOR_EACH(WINO_NAME, wino_finish_pooled)}};

static void wino_finish_run(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                            const float *m) {
    for (int64_t out = 0; out < j->outs; out++, m += j->m_out) {
        float bias = j->bias ? j->bias[out] : 0.0f;
        for (int64_t t = 0; t < r->count; t++)
            for (int64_t part = 0; part < j->parts; part++) {
                wino_place p = wino_place_of(j, r, t, out, part);
                const float *from = m + ((tile + t) * j->parts + part) * VW;
                wino_finishes[j->index != 0][j->form](j, &p, from, bias);
            }
    }
}

/* ---- kernels ---- */

static size_t wino_job_scratch(const wino_job *j) {
    int64_t half = (j->paired ? 2 : 1) * j->side * WINO_WIDTH;
    return (j->area * j->v_position + j->outs * j->m_out + half) * sizeof(float);
}

static void wino_chunk(const wino_job *j, int64_t begin, int64_t end, char *scratch) {
    float *v = (float *)scratch, *m = v + j->area * j->v_position;
    float *half = m + j->outs * j->m_out;
    for (int64_t tile = begin; tile < end;) {
        wino_run_of_tiles r = wino_run_at(j, tile, end);
        wino_transforms[j->paired][wino_side_index(j->side)](j, &r, tile - begin, v, half);
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
    static size_t name##_workspace(const fc_args *a) { \
        wino_job j = job; \
        return wino_workspace(&j); \
    } \
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
    {#name, signature, name, name##_prepare, name##_workspace, name##_scratch}
#define WINO_FORWARD_SIGNATURE "x w ?b >y | pad_top pad_left side activation | alpha"
#define WINO_OTHER_ENTRIES(family) \
    WINO_ENTRY(family##_max_pool_forward, "x w ?b >y >index | pad_top pad_left side activation | alpha"), \
    WINO_ENTRY(family##_backward_input, \
               "dy w ?y ?z >dx | pad_top pad_left halo_top halo_left side activation | alpha")
#define WINOGRAD_FORWARD_KERNELS \
    WINO_ENTRY(winograd_bf16_forward, WINO_FORWARD_SIGNATURE), \
    WINO_OTHER_ENTRIES(winograd), WINO_OTHER_ENTRIES(winograd_bf16)

#endif
