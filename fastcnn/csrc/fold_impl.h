/* Batch norm put into the weights of the layer before it, in float64:
 * scale = gamma / sqrt(moving_var + epsilon), w' = scale w, b' = (b - moving_mean) scale + beta. */
#include "vec.h"

INLINE double fold_value(const fc_tensor *t, int64_t k, double absent) {
    return t->data ? ((const float *)t->data)[k] : absent;
}

static void fold_batch_norm(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *w = &a->t[0];
    int64_t n = w->shape[1], begin, end;
    split(w->shape[0], ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        double scale = fold_value(&a->t[2], k, 1.0) / sqrt(fold_value(&a->t[5], k, 1.0) + a->f[0]);
        const float *from = (const float *)w->data + k * n;
        float *to = (float *)a->t[6].data + k * n;
        for (int64_t i = 0; i < n; i++) to[i] = (float)(from[i] * scale);
        double shift = fold_value(&a->t[1], k, 0.0) - fold_value(&a->t[4], k, 0.0);
        ((float *)a->t[7].data)[k] = (float)(shift * scale + fold_value(&a->t[3], k, 0.0));
    }
}

#define FOLD_KERNELS \
    {"fold_batch_norm", \
     "w ?b ?gamma ?beta moving_mean moving_var >folded_w >folded_b | | epsilon", \
     fold_batch_norm, 0, 0, 0}
