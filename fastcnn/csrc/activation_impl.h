/* Activations as kernels of their own; where it pays they are fused into their neighbours instead. */
#include "activation_math.h"

/* Rows (block, channel, y) of a (B, C, H, W, L) tensor; a row is W * L contiguous floats. */
INLINE int64_t row_offset(const fc_tensor *t, int64_t row) {
    int64_t h = t->shape[2], c = t->shape[1];
    return row % h * t->stride[2] + row / h % c * t->stride[1] + row / h / c * t->stride[0];
}
INLINE float *row_at(const fc_tensor *t, int64_t row) { return (float *)t->data + row_offset(t, row); }

static void activation_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    int activation = (int)a->i[0];
    float alpha = (float)a->f[0];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row);
        float *py = row_at(y, row);
        int64_t i = 0;
        for (; i + VW <= n; i += VW) store(py + i, activate(activation, load(px + i), alpha));
        if (i < n) store_part(py + i, activate(activation, load_part(px + i, n - i), alpha), n - i);
    }
}

static void activation_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *y = &a->t[1], *dx = &a->t[2];
    int activation = (int)a->i[0];
    float alpha = (float)a->f[0];
    int64_t n = y->shape[3] * y->shape[4], begin, end;
    split(active_blocks(y, ctx) * y->shape[1] * y->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *pdy = row_at(dy, row), *py = row_at(y, row);
        float *pdx = row_at(dx, row);
        int64_t i = 0;
        for (; i + VW <= n; i += VW)
            store(pdx + i, activate_backward(activation, load(pdy + i), load(py + i), alpha));
        if (i < n) {
            vf d = activate_backward(activation, load_part(pdy + i, n - i), load_part(py + i, n - i), alpha);
            store_part(pdx + i, d, n - i);
        }
    }
}

#define ACTIVATION_KERNELS \
    {"activation_forward", "x >y | activation | alpha", activation_forward, 0, 0, 0}, \
    {"activation_backward", "dy y >dx | activation | alpha", activation_backward, 0, 0, 0}
