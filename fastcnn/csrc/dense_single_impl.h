/* y = act(w x + b) of images that lie alone (one lane), with packed weights: vectors hold outputs,
 * inputs are the scalars. The weights, which are read once for some images, pass by as one stream;
 * dot products, which read x again for every few rows, get three quarters of L3's speed. */
#ifndef FC_DENSE_SINGLE_IMPL_H
#define FC_DENSE_SINGLE_IMPL_H

#include "dense_rows.h"
#include "transpose.h"

#define DENSE_AHEAD 1024   /* floats from the weights that are read to those that are fetched */

/* Whether the weights are packed, as [group of up to TILE_COLUMNS vectors][input][output of the
 * group]. The last vector is as long as there are outputs: what is loaded beyond is not stored. */
INLINE int dense_packs(const fc_args *a) { return a->i[1] && a->t[0].shape[2] == 1; }

INLINE int64_t dense_vectors(const fc_args *a) { return ceil_div(a->t[1].shape[0], VW); }

INLINE partition dense_groups(const fc_args *a) { return parts_of(dense_vectors(a), TILE_COLUMNS); }

typedef struct {
    int64_t first, outputs, columns;   /* columns: vectors */
    float *w;
} output_group;

INLINE output_group output_group_of(const fc_args *a, int64_t k) {
    int64_t first = part_begin(dense_groups(a), k) * VW, columns = part_size(dense_groups(a), k);
    float *w = (float *)a->workspace + first * a->t[1].shape[1];
    return (output_group){first, min_i64(columns * VW, a->t[1].shape[0] - first), columns, w};
}

static size_t dense_single_workspace(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    return dense_packs(a) ? (w->shape[0] * w->shape[1] + VW) * sizeof(float) : 0;
}

/* The weights of outputs [o, o + count) of a group */
static void dense_pack_vector(const fc_args *a, const output_group *g, int64_t o, int64_t count) {
    const fc_tensor *w = &a->t[1];
    int64_t n = w->shape[1];
    for (int64_t k = 0; k < n; k += VW) {
        int64_t part = min_i64(VW, n - k);
        vf rows[VW] = {{0}};
        for (int64_t r = 0; r < count; r++)
            rows[r] = load_n(cdata(w) + (g->first + o + r) * w->stride[0] + k, part);
        transpose(rows);
        for (int64_t i = 0; i < part; i++) store_n(g->w + (k + i) * g->outputs + o, rows[i], count);
    }
}

static void dense_single_prepare(const fc_args *a, const fc_context *ctx) {
    int64_t begin, end;
    if (!dense_packs(a)) return;
    split(dense_groups(a).parts, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        output_group g = output_group_of(a, k);
        for (int64_t o = 0; o < g.outputs; o += VW)
            dense_pack_vector(a, &g, o, min_i64(VW, g.outputs - o));
    }
}

/* What run_tile does for one row: nothing is read twice, so the weights are fetched far ahead. */
INLINE void dense_stream(const tile_args *t, const int columns) {
    const float *w = t->column[0], *x = t->scalar;
    vf acc[4];
    UNROLL for (int v = 0; v < columns; v++) acc[v] = (vf){0};
    for (int64_t k = 0; k < t->steps; k++, w += t->column_step, x += t->scalar_step) {
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

/* The outputs of a group, of all images */
static void dense_single_group(const fc_args *a, const fc_context *ctx, const output_group *g) {
    const fc_tensor *x = &a->t[0];
    float sums[TILE_ROWS * TILE_COLUMNS * VW];
    tile_args t = {.scalar_row = x->stride[0], .scalar_step = x->stride[1],
                   .steps = a->t[1].shape[1], .segments = 1, .column_step = g->outputs,
                   .out_row = TILE_COLUMNS * VW};
    partition images = parts_of(active_blocks(x, ctx), tile_rows[g->columns]);
    for (int64_t v = 0; v < g->columns; v++) {
        t.out[v] = sums + v * VW;
        t.column[v] = g->w + v * VW;
    }
    for (int64_t part = 0; part < images.parts; part++) {
        int64_t image = part_begin(images, part), rows = part_size(images, part);
        t.scalar = dense_row(x, image, 0);
        if (rows == 1)
            dense_streams[g->columns - 1](&t);
        else
            run_tile(rows, g->columns, &t);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t o = 0; o < g->outputs; o += VW)
                dense_single_store(a, load(sums + r * t.out_row + o), image + r, g->first + o,
                                   min_i64(VW, g->outputs - o));
    }
}

/* Every other run begins with the groups that the one before has left in L2. */
static void dense_forward_single(const fc_args *a, const fc_context *ctx) {
    int64_t begin, end;
    split(dense_groups(a).parts, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        output_group g = output_group_of(a, ctx->run % 2 ? begin + end - 1 - k : k);
        dense_single_group(a, ctx, &g);
    }
}

#endif
