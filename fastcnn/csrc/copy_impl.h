/* Copies between views (into and out of halos), multiples and sums of two tensors. */
#include "activation_math.h"

static void copy(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    int64_t begin, end, bytes = x->shape[3] * x->shape[4] * (int64_t)sizeof(float);
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) memcpy(row_at(y, row), row_at(x, row), bytes);
}

static void scale(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    float factor = (float)a->f[0];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row);
        float *py = row_at(y, row);
        for (int64_t i = 0; i < n; i++) py[i] = factor * px[i];
    }
}

static void add(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *z = &a->t[1], *y = &a->t[2];
    int activation = (int)a->i[0];
    float alpha = (float)a->f[0];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row), *pz = row_at(z, row);
        float *py = row_at(y, row);
        int64_t i = 0;
        for (; i + VW <= n; i += VW) store(py + i, activate(activation, load(px + i) + load(pz + i), alpha));
        if (i < n) {
            vf sum = load_part(px + i, n - i) + load_part(pz + i, n - i);
            store_part(py + i, activate(activation, sum, alpha), n - i);
        }
    }
}

#define COPY_KERNELS \
    {"copy", "x >y", copy, 0, 0, 0}, \
    {"scale", "x >y | | factor", scale, 0, 0, 0}, \
    {"add", "x z >y | activation | alpha", add, 0, 0, 0}
