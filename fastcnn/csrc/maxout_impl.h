/* Maxout: the largest of each `pool` neighbouring channels, and which it was. */
#include "activation_math.h"
#include "lanes.h"

INLINE uint8_t *index_row_at(const fc_tensor *t, int64_t row) {
    int64_t h = t->shape[2], c = t->shape[1];
    return (uint8_t *)t->data + row % h * t->stride[2] + row / h % c * t->stride[1] + row / h / c * t->stride[0];
}

/* Row of channel pool * c of x, for the row of channel c of y */
INLINE float *pool_row_at(const fc_tensor *x, int64_t row, int64_t pool) {
    int64_t h = x->shape[2];
    return row_at(x, row / h * pool * h + row % h);
}

static void maxout_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1], *index = &a->t[2];
    int64_t pool = a->i[0], width = y->shape[3] * y->shape[4], begin, end;
    split(active_blocks(y, ctx) * y->shape[1] * y->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = pool_row_at(x, row, pool);
        for (int64_t i = 0; i < width; i += VW) {
            int64_t n = min_i64(VW, width - i);
            vf top = load_n(px + i, n);
            vi at = {0};
            for (int64_t k = 1; k < pool; k++) {
                vf v = load_n(px + i + k * x->stride[1], n);
                vi higher = (v > top) | (v != v);   /* NaN wins, so that divergence is seen */
                top = select(higher, v, top);
                at = select_i(higher, splat_i((int32_t)k), at);
            }
            store_n(row_at(y, row) + i, top, n);
            if (index->data) store_bytes(index_row_at(index, row) + i, at, (int)n);
        }
    }
}

static void maxout_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *index = &a->t[1], *dx = &a->t[2];
    int64_t pool = a->i[0], width = dy->shape[3] * dy->shape[4], begin, end;
    split(active_blocks(dy, ctx) * dy->shape[1] * dy->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        float *pdx = pool_row_at(dx, row, pool);
        for (int64_t i = 0; i < width; i += VW) {
            int64_t n = min_i64(VW, width - i);
            vf d = load_n(row_at(dy, row) + i, n);
            vi at = load_bytes_part(index_row_at(index, row) + i, n);
            for (int64_t k = 0; k < pool; k++)
                store_n(pdx + i + k * dx->stride[1], keep_where(at == splat_i((int32_t)k), d), n);
        }
    }
}

#define MAXOUT_KERNELS \
    {"maxout_forward", "x >y >?index | pool", maxout_forward, 0, 0, 0}, \
    {"maxout_backward", "dy index >dx | pool", maxout_backward, 0, 0, 0}
