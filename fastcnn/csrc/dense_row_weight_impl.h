/* dw = dy x^T of very few images: bound by the stores, so it is written row after row. */
#ifndef FC_DENSE_ROW_WEIGHT_IMPL_H
#define FC_DENSE_ROW_WEIGHT_IMPL_H

#include "dense_forward_impl.h"

#define ROW_IMAGES 4
#define ROW_INPUTS 1024   /* of a run: those of all images stay in L1 */

typedef struct {
    const float *x;                /* [image][input], zeros up to a whole vector */
    int64_t width, inputs;         /* from an image to the next; of this run */
    float dy[ROW_IMAGES], *dw;
} weight_row_args;

/* dw[k] = sum over images j of dy[j] * x[j][k] */
INLINE void weight_row(int images, const weight_row_args *t) {
    const float *x = t->x;
    int64_t width = t->width, inputs = t->inputs;
    float *dw = t->dw;
    vf dy[ROW_IMAGES];
    UNROLL for (int j = 0; j < images; j++) dy[j] = splat(t->dy[j]);
    for (int64_t k = 0; k < inputs; k += VW) {
        vf sum = dy[0] * load(x + k);
        UNROLL for (int j = 1; j < images; j++) sum += dy[j] * load(x + j * width + k);
        store_n(dw + k, sum, min_i64(VW, inputs - k));
    }
}

#define WEIGHT_ROW(J) \
    static void weight_row_##J(const weight_row_args *t) { weight_row(J, t); }
WEIGHT_ROW(1) WEIGHT_ROW(2) WEIGHT_ROW(3) WEIGHT_ROW(4)

static void (*const weight_rows[])(const weight_row_args *) = {weight_row_1, weight_row_2,
                                                               weight_row_3, weight_row_4};

INLINE int has_weight_rows(const fc_tensor *x) { return x->shape[0] * x->shape[2] <= ROW_IMAGES; }

static void dense_backward_weight_rows(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2];
    int64_t lanes = x->shape[2], images = active_blocks(x, ctx) * lanes, begin, end;
    float *rows = (float *)ctx->scratch;
    weight_row_args t = {.width = dot_width(dw)};
    split(dy->shape[1], ctx, &begin, &end);
    if (!images) return;
    if (begin < end) images_to_rows(x, 0, images / lanes, t.width, rows);
    for (int64_t k = 0; k < dw->shape[1]; k += ROW_INPUTS)
        for (int64_t o = begin; o < end; o++) {
            for (int64_t j = 0; j < images; j++) t.dy[j] = dense_row(dy, j / lanes, o)[j % lanes];
            t.x = rows + k;
            t.inputs = min_i64(ROW_INPUTS, dw->shape[1] - k);
            t.dw = (float *)dw->data + o * dw->stride[0] + k;
            weight_rows[images - 1](&t);
        }
}

INLINE size_t dense_backward_weight_rows_scratch(const fc_args *a) {
    return a->t[0].shape[0] * a->t[0].shape[2] * dot_width(&a->t[2]) * sizeof(float);
}

#endif
