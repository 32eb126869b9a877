/* y = act(w x + b) of images that lie alone (one lane), with packed weights: vectors hold outputs,
 * inputs are the scalars. The weights, which are read once for some images, pass by as one stream;
 * dot products, which read x again for every few rows, get three quarters of L3's speed. */
#ifndef FC_DENSE_SINGLE_IMPL_H
#define FC_DENSE_SINGLE_IMPL_H

#include "dense_rows.h"
#include "transpose.h"

#define DENSE_AHEAD 1024   /* floats from the weights that are read to those that are fetched */

/* Whether the weights are packed, as [group of TILE_COLUMNS vectors][input][lanes of the group]. */
INLINE int dense_packs(const fc_args *a) { return a->i[1] && a->t[0].shape[2] == 1; }

INLINE int64_t dense_vectors(const fc_args *a) { return ceil_div(a->t[1].shape[0], VW); }

static size_t dense_single_workspace(const fc_args *a) {
    return dense_packs(a) ? dense_vectors(a) * VW * a->t[1].shape[1] * sizeof(float) : 0;
}

static void dense_single_prepare(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *w = &a->t[1];
    int64_t n = w->shape[1], begin, end;
    if (!dense_packs(a)) return;
    split(dense_vectors(a), ctx, &begin, &end);
    for (int64_t v = begin; v < end; v++) {
        int64_t first = v / TILE_COLUMNS * TILE_COLUMNS;
        int64_t width = min_i64(TILE_COLUMNS, dense_vectors(a) - first) * VW;
        float *to = (float *)a->workspace + first * VW * n + (v - first) * VW;
        for (int64_t k = 0; k < n; k += VW) {
            int64_t part = min_i64(VW, n - k);
            vf rows[VW] = {{0}};
            for (int64_t o = 0; o < min_i64(VW, w->shape[0] - v * VW); o++)
                rows[o] = load_n(cdata(w) + (v * VW + o) * w->stride[0] + k, part);
            transpose(rows);
            for (int64_t i = 0; i < part; i++) store(to + (k + i) * width, rows[i]);
        }
    }
}

/* What run_tile does for one row: nothing is read twice, so the weights are fetched far ahead. */
INLINE void dense_stream(const tile_args *t, const int columns) {
    const float *w = t->column[0], *x = t->scalar;
    vf acc[4];
    UNROLL for (int v = 0; v < columns; v++) acc[v] = (vf){0};
    for (int64_t k = 0; k < t->steps; k++, w += columns * VW, x += t->scalar_step) {
        vf value = splat(*x);
        UNROLL for (int v = 0; v < columns; v++) {
            __builtin_prefetch(w + v * VW + DENSE_AHEAD);
            acc[v] += load(w + v * VW) * value;
        }
    }
    UNROLL for (int v = 0; v < columns; v++) store(t->out[v], acc[v]);
}

#define DENSE_STREAM(V) \
    static void dense_stream_##V(const tile_args *t) { \
        if (V <= TILE_COLUMNS) dense_stream(t, V); \
    }
DENSE_STREAM(1) DENSE_STREAM(2) DENSE_STREAM(3) DENSE_STREAM(4)

static void (*const dense_streams[])(const tile_args *) = {dense_stream_1, dense_stream_2,
                                                           dense_stream_3, dense_stream_4};

/* Outputs [o, o + count) of one image, from their sums */
static void dense_single_store(const fc_args *a, vf v, int64_t image, int64_t o, int64_t count) {
    const fc_tensor *b = &a->t[2], *y = &a->t[3];
    float *out = dense_row(y, image, o), lanes[VW];
    if (b->data) v += load_n(cdata(b) + o, count);
    v = activate((int)a->i[0], v, (float)a->f[0]);
    if (y->stride[1] == 1) {
        store_n(out, v, count);
        return;
    }
    store(lanes, v);
    for (int64_t k = 0; k < count; k++) out[k * y->stride[1]] = lanes[k];
}

static void dense_forward_single(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1];
    float sums[TILE_ROWS * TILE_COLUMNS * VW];
    int64_t groups = ceil_div(dense_vectors(a), TILE_COLUMNS), begin, end;
    tile_args t = {.scalar_row = x->stride[0], .scalar_step = x->stride[1], .steps = w->shape[1],
                   .segments = 1, .out_row = TILE_COLUMNS * VW};
    for (int64_t v = 0; v < TILE_COLUMNS; v++) t.out[v] = sums + v * VW;
    split(groups, ctx, &begin, &end);
    for (int64_t group = begin; group < end; group++) {
        int64_t first = group * TILE_COLUMNS, columns = min_i64(TILE_COLUMNS, dense_vectors(a) - first);
        partition images = parts_of(active_blocks(x, ctx), tile_rows[columns]);
        t.column_step = columns * VW;
        for (int64_t v = 0; v < columns; v++)
            t.column[v] = (float *)a->workspace + first * VW * w->shape[1] + v * VW;
        for (int64_t part = 0; part < images.parts; part++) {
            int64_t image = part_begin(images, part), rows = part_size(images, part);
            t.scalar = dense_row(x, image, 0);
            if (rows == 1)
                dense_streams[columns - 1](&t);
            else
                run_tile(rows, columns, &t);
            for (int64_t k = 0; k < rows * columns; k++) {
                int64_t v = k % columns, o = (first + v) * VW;
                dense_single_store(a, load(sums + k / columns * TILE_COLUMNS * VW + v * VW),
                                   image + k / columns, o, min_i64(VW, w->shape[0] - o));
            }
        }
    }
}

#endif
