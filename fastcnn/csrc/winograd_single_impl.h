/* Winograd's convolution of images that lie alone (one lane), forward: vectors hold channels.
 *
 *     V[k][tile][c] = B' x B          c: a vector of channels, transposed out of their planes
 *     M[k][tile][o] = sum over c of V[k][tile][c] U[k][c][o]       tile.h: V are the scalars
 *     y = act(A' M A + bias)          transposed into planes
 * Threads share (chunk of tiles, group of output channels). U is packed by prepare as
 * [group][k][c][lanes of the group]. */
#ifndef FC_WINOGRAD_SINGLE_IMPL_H
#define FC_WINOGRAD_SINGLE_IMPL_H

#include "tile.h"
#include "winograd_forward_impl.h"

#define WINO_SINGLE_TILES WINO_CHUNK_TILES           /* of a chunk; V and M of it lie in L2 */

/* A group of output channels. */
typedef struct {
    int64_t first, vectors, width;                   /* vectors * VW lanes, from vector `first` on */
    float *u;
} wino_group;

INLINE int64_t wino_vectors(const wino_job *j) { return ceil_div(j->outs, VW); }
INLINE int64_t wino_row(const wino_job *j) { return ceil_div(j->in, VW) * VW; }    /* of V */
/* From one position to the next, in V and in M of a group. */
INLINE int64_t wino_v_step(const wino_job *j) { return wino_odd_lines(WINO_SINGLE_TILES * wino_row(j)); }
INLINE int64_t wino_m_step(int64_t width) { return wino_odd_lines(WINO_SINGLE_TILES * width); }

/* Vectors of a group: half as many where there would be nothing to share. By shape alone. */
INLINE int64_t wino_group_size(const wino_job *j) {
    int64_t images = j->x->shape[0];
    int shared = images * j->tiles > WINO_SINGLE_TILES || wino_vectors(j) > TILE_COLUMNS;
    return shared || TILE_COLUMNS < 4 ? TILE_COLUMNS : TILE_COLUMNS / 2;
}

static wino_group wino_group_at(const wino_job *j, int64_t number) {
    int64_t size = wino_group_size(j), first = number * size;
    int64_t vectors = min_i64(size, wino_vectors(j) - first);
    return (wino_group){first, vectors, vectors * VW, j->u + first * VW * j->area * j->in};
}

static size_t wino_single_workspace(const wino_job *j) {
    return j->area * wino_vectors(j) * VW * j->in * sizeof(float);
}

static size_t wino_single_scratch(const wino_job *j) {
    int64_t v = j->area * wino_v_step(j), half = j->side * WINO_WIDTH;
    int64_t m = j->area * wino_m_step(TILE_COLUMNS * VW);
    return (v + m + half) * sizeof(float);
}

static void wino_single_prepare(const wino_job *j, const fc_context *ctx) {
    int64_t size = wino_group_size(j), begin, end;
    vf u[WINO_AREA];
    split(wino_vectors(j), ctx, &begin, &end);
    for (int64_t vector = begin; vector < end; vector++) {
        wino_group g = wino_group_at(j, vector / size);
        int64_t filter = vector * VW, filters = min_i64(VW, j->outs - filter);
        for (int64_t c = 0; c < j->in; c++) {
            wino_channel_of_u(j, filter, filters, c, u);
            float *to = g.u + c * g.width + (vector - g.first) * VW;
            for (int p = 0; p < j->area; p++) store(to + p * j->in * g.width, u[p]);
        }
    }
}

/* ---- V ---- */

/* half[column]: pixels [left, left + n) of VW channels, out of row y of their planes; zeros before
 * and beyond the image. */
static void wino_single_row(const wino_job *j, int64_t block, int64_t c, int64_t y, int64_t left,
                            int64_t n, float *half) {
    int64_t channels = y >= 0 && y < tensor_h(j->x) ? min_i64(VW, j->in - c) : 0;
    int64_t before = min_i64(n, max_i64(0, -left));
    for (int64_t p = 0; p < before; p++) store(half + p * VW, (vf){0});
    for (int64_t k = before; k < n; k += VW) {
        int64_t there = max_i64(0, min_i64(VW, tensor_w(j->x) - left - k));
        vf v[VW] = {{0}};
        for (int64_t l = 0; l < channels; l++)
            v[l] = load_n(tensor_row(j->x, block, c + l, y) + left + k, there);
        transpose(v);
        for (int64_t p = 0; p < min_i64(VW, n - k); p++) store(half + (k + p) * VW, v[p]);
    }
}

INLINE void wino_single_transform(const wino_job *j, const wino_run_of_tiles *r, float *v,
                                  float *half, const int S) {
    int64_t width = (r->count - 1) * j->m + S;
    for (int64_t c = 0; c < j->in; c += VW) {
        for (int i = 0; i < S; i++)
            wino_single_row(j, r->block, c, j->first[0] + r->y * j->m + i,
                            j->first[1] + r->x * j->m, width, half + i * WINO_WIDTH);
        for (float *p = half; p < half + width * VW; p += VW) {
            vf in[WINO_SIDE], out[WINO_SIDE];
            UNROLL for (int i = 0; i < S; i++) in[i] = load(p + i * WINO_WIDTH);
            wino_input(in, out, S);
            UNROLL for (int i = 0; i < S; i++) store(p + i * WINO_WIDTH, out[i]);
        }
        for (int64_t t = 0; t < r->count; t++)
            wino_input_tile(half + t * j->m * VW, v + t * wino_row(j) + c, wino_v_step(j), S);
    }
}

#define WINO_SINGLE_TRANSFORM(S) \
    NOINLINE void wino_single_transform_##S(const wino_job *j, const wino_run_of_tiles *r, float *v, \
                                            float *half) { \
        wino_single_transform(j, r, v, half, S); \
    }
WINO_SINGLE_TRANSFORM(6) WINO_SINGLE_TRANSFORM(4)

static void (*const wino_single_transforms[WINO_SIDES])(
    const wino_job *, const wino_run_of_tiles *, float *, float *) = WINO_SIDE_NAMES(wino_single_transform);

/* ---- M and outputs ---- */

/* Some tiles of M at one position. Not tile.h's, which fetches lines in bursts: those take a tenth
 * longer here. */
typedef struct {
    const float *u, *v, *next;                       /* next: of U, fetched into L2 meanwhile */
    int64_t steps, v_row;
    float *m;
} wino_single_args;

/* lines: of `next`, for each step */
INLINE void wino_single_tile(const wino_single_args *t, const int rows, const int columns,
                             const int lines) {
    const float *u = t->u, *v = t->v, *next = t->next;
    int64_t row = t->v_row;
    vf acc[TILE_ROWS * TILE_COLUMNS];
    UNROLL for (int k = 0; k < rows * columns; k++) acc[k] = (vf){0};
    for (int64_t c = 0; c < t->steps; c++, u += columns * VW, next += lines * VW, v++) {
        vf x[TILE_COLUMNS];
        UNROLL for (int q = 0; q < lines; q++) __builtin_prefetch(next + q * VW, 0, 2);
        UNROLL for (int q = 0; q < columns; q++) x[q] = load(u + q * VW);
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = splat(v[r * row]);
            UNROLL for (int q = 0; q < columns; q++) acc[r * columns + q] += x[q] * a;
        }
    }
    UNROLL for (int k = 0; k < rows * columns; k++) store(t->m + k * VW, acc[k]);
}

#define WINO_SINGLE_TILE(M, V) \
    static void wino_single_all_##M##_##V(const wino_single_args *t) { wino_single_tile(t, M, V, V); } \
    static void wino_single_half_##M##_##V(const wino_single_args *t) { \
        wino_single_tile(t, M, V, (V + 1) / 2); \
    }
EACH_TILE(WINO_SINGLE_TILE)

/* [whether half a position's U is fetched in one pass over the other][columns - 1][rows - 1] */
static void (*const wino_single_tiles[2][TILE_COLUMNS][TILE_ROWS])(const wino_single_args *) = {
    TILE_NAMES(wino_single_all), TILE_NAMES(wino_single_half)};

/* U of many channels comes from L3 or memory: while one position is multiplied, by as many passes
 * over its U as the tiles have parts, that of the next one is fetched. */
static void wino_single_multiply(const wino_job *j, const wino_group *g, const float *v,
                                 int64_t tiles, float *m) {
    partition rows = parts_of(tiles, tile_rows[g->vectors]);
    int64_t lines = rows.parts > 1 ? (g->vectors + 1) / 2 : g->vectors;
    wino_single_args t = {.u = g->u, .steps = j->in, .v_row = wino_row(j)};
    for (int64_t k = 0; k < j->area; k++, v += wino_v_step(j), m += wino_m_step(g->width)) {
        const float *next = t.u + j->in * g->width;
        for (int64_t part = 0; part < rows.parts; part++) {
            int64_t first = part_begin(rows, part);
            t.next = next + part * j->in * lines * VW;
            t.v = v + first * wino_row(j);
            t.m = m + first * g->width;
            wino_single_tiles[rows.parts > 1][g->vectors - 1][part_size(rows, part) - 1](&t);
        }
        t.u = next;
    }
}

/* rows[i][column]: the outputs of a run of tiles, lanes are channels */
INLINE void wino_single_outputs(const float *m, int64_t tiles, int64_t width, float *rows,
                                const int S, const int M) {
    for (int64_t t = 0; t < tiles; t++, m += width, rows += M * VW) {
        vf half[4][WINO_SIDE], y[4];
        wino_output_columns(m, wino_m_step(width), half, S, M);
        UNROLL for (int i = 0; i < M; i++) {
            wino_output(half[i], y, S, M);
            UNROLL for (int k = 0; k < M; k++) store(rows + i * WINO_WIDTH + k * VW, y[k]);
        }
    }
}

#define WINO_SINGLE_OUTPUTS(S, M, name) \
    NOINLINE void name##_##S##_##M(const float *m, int64_t tiles, int64_t width, float *rows) { \
        name(m, tiles, width, rows, S, M); \
    }
WINO_FOR_EACH(WINO_SINGLE_OUTPUTS, wino_single_outputs)

static void (*const wino_single_outputs_of[])(const float *, int64_t, int64_t, float *) = {
    WINO_FOR_EACH(WINO_NAME, wino_single_outputs)};

/* One row of a run, from lanes into planes. */
static void wino_single_store(const wino_job *j, const float *row, int64_t channel, int64_t n,
                              float *to) {
    int64_t outs = min_i64(VW, j->outs - channel);
    vf bias = j->bias ? load_n(j->bias + channel, outs) : (vf){0};
    for (int64_t x = 0; x < n; x += VW) {
        int64_t part = min_i64(VW, n - x);
        vf v[VW] = {{0}};
        for (int64_t p = 0; p < part; p++)
            v[p] = activate(j->activation, load(row + (x + p) * VW) + bias, j->alpha);
        transpose(v);
        for (int64_t o = 0; o < outs; o++) store_n(to + o * j->out->stride[1] + x, v[o], part);
    }
}

/* The maxima of n windows of 2x2 outputs, two rows of a run, in the place of the first row. A NaN
 * in the first of four stays, as in wino_pool_window. */
static void wino_single_pool(float *rows, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        const float *top = rows + 2 * k * VW, *below = top + WINO_WIDTH;
        vf upper = vmax(load(top + VW), load(top)), left = vmax(load(below), upper);
        store(rows + k * VW, vmax(load(below + VW), left));
    }
}

static void wino_single_finish(const wino_job *j, const wino_group *g, const wino_run_of_tiles *r,
                               const float *m, float *rows) {
    int64_t y = r->y * j->m, x = r->x * j->m;
    int64_t height = min_i64(j->m, j->size[0] - y), width = min_i64(r->count * j->m, j->size[1] - x);
    int64_t step = j->pooled ? 2 : 1;
    for (int64_t v = 0; v < g->vectors; v++) {
        int64_t channel = (g->first + v) * VW;
        wino_single_outputs_of[j->form](m + v * VW, r->count, g->width, rows);
        for (int64_t i = 0; i < height; i += step) {
            if (j->pooled) wino_single_pool(rows + i * WINO_WIDTH, width / 2);
            wino_single_store(j, rows + i * WINO_WIDTH, channel, width / step,
                              tensor_row(j->out, r->block, channel, (y + i) / step) + x / step);
        }
    }
}

/* ---- the whole ---- */

static void wino_single_run(const wino_job *j, const fc_context *ctx) {
    float *v = (float *)ctx->scratch, *half = v + j->area * wino_v_step(j);
    float *m = half + j->side * WINO_WIDTH;
    int64_t tiles = active_blocks(j->out, ctx) * j->tiles, begin, end, transformed = -1;
    int64_t groups = ceil_div(wino_vectors(j), wino_group_size(j));
    split(ceil_div(tiles, WINO_SINGLE_TILES) * groups, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item / groups * WINO_SINGLE_TILES;
        int64_t last = min_i64(tiles, first + WINO_SINGLE_TILES);
        wino_group g = wino_group_at(j, item % groups);
        wino_run_of_tiles r;
        for (int64_t t = first; t < last && first != transformed; t += r.count) {
            r = wino_run_at(j, t, last);
            wino_single_transforms[wino_side_index(j->side)](j, &r, v + (t - first) * wino_row(j), half);
        }
        transformed = first;
        wino_single_multiply(j, &g, v, last - first, m);
        for (int64_t t = first; t < last; t += r.count) {
            r = wino_run_at(j, t, last);
            wino_single_finish(j, &g, &r, m + (t - first) * g.width, half);
        }
    }
}

static int wino_is_single(const fc_args *a) { return a->t[0].shape[4] == 1; }

static size_t winograd_forward_workspace(const fc_args *a) {
    wino_job j = wino_forward_job(a, 0, 0);
    return wino_is_single(a) ? wino_single_workspace(&j) : wino_workspace(&j);
}

static size_t winograd_forward_scratch(const fc_args *a) {
    wino_job j = wino_forward_job(a, 0, 0);
    return wino_is_single(a) ? wino_single_scratch(&j) : wino_job_scratch(&j);
}

static void winograd_forward_prepare(const fc_args *a, const fc_context *ctx) {
    wino_job j = wino_forward_job(a, 0, 0);
    (wino_is_single(a) ? wino_single_prepare : wino_prepare)(&j, ctx);
}

static void winograd_forward(const fc_args *a, const fc_context *ctx) {
    wino_job j = wino_forward_job(a, 0, 0);
    (wino_is_single(a) ? wino_single_run : wino_run)(&j, ctx);
}

static size_t winograd_single_max_pool_forward_workspace(const fc_args *a) {
    wino_job j = wino_forward_job(a, 1, 0);
    return wino_single_workspace(&j);
}

static size_t winograd_single_max_pool_forward_scratch(const fc_args *a) {
    wino_job j = wino_forward_job(a, 1, 0);
    return wino_single_scratch(&j);
}

static void winograd_single_max_pool_forward_prepare(const fc_args *a, const fc_context *ctx) {
    wino_job j = wino_forward_job(a, 1, 0);
    wino_single_prepare(&j, ctx);
}

static void winograd_single_max_pool_forward(const fc_args *a, const fc_context *ctx) {
    wino_job j = wino_forward_job(a, 1, 0);
    wino_single_run(&j, ctx);
}

#define WINOGRAD_ANY_KERNELS \
    {"winograd_forward", WINO_FORWARD_SIGNATURE, winograd_forward, winograd_forward_prepare, \
     winograd_forward_workspace, winograd_forward_scratch}, \
    {"winograd_single_max_pool_forward", WINO_FORWARD_SIGNATURE, winograd_single_max_pool_forward, \
     winograd_single_max_pool_forward_prepare, winograd_single_max_pool_forward_workspace, \
     winograd_single_max_pool_forward_scratch}

#endif
