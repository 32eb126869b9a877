/* The logarithm of the softmax, over axis K of (B, K, H, W, L). Rows as of the softmax in loss_impl.h. */
#include "activation_math.h"

static void log_softmax_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    row_share share = softmax_rows(x, ctx);
    int64_t classes = x->shape[1], step = x->stride[1];
    for (int64_t row = share.begin; row < share.end; row++)
        for (int64_t i = 0; i < share.n; i += VW) {
            const float *px = softmax_row(x, &share, row) + i;
            float *py = softmax_row(y, &share, row) + i;
            int64_t n = min_i64(VW, share.n - i);
            vf top = load_n(px, n), sum = (vf){0};
            for (int64_t k = 1; k < classes; k++) top = vmax(top, load_n(px + k * step, n));
            for (int64_t k = 0; k < classes; k++) sum += vexp(load_n(px + k * step, n) - top);
            vf log_sum = vlog(sum);
            for (int64_t k = 0; k < classes; k++)
                store_n(py + k * y->stride[1], load_n(px + k * step, n) - top - log_sum, n);
        }
}

static void log_softmax_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *y = &a->t[1], *dx = &a->t[2];
    row_share share = softmax_rows(y, ctx);
    int64_t classes = y->shape[1];
    for (int64_t row = share.begin; row < share.end; row++)
        for (int64_t i = 0; i < share.n; i += VW) {
            const float *pdy = softmax_row(dy, &share, row) + i;
            const float *py = softmax_row(y, &share, row) + i;
            float *pdx = softmax_row(dx, &share, row) + i;
            int64_t n = min_i64(VW, share.n - i);
            vf sum = (vf){0};
            for (int64_t k = 0; k < classes; k++) sum += load_n(pdy + k * dy->stride[1], n);
            for (int64_t k = 0; k < classes; k++) {
                vf d = load_n(pdy + k * dy->stride[1], n) - vexp(load_n(py + k * y->stride[1], n)) * sum;
                store_n(pdx + k * dx->stride[1], d, n);
            }
        }
}

#define LOG_SOFTMAX_KERNELS \
    {"log_softmax_forward", "x >y", log_softmax_forward, 0, 0, 0}, \
    {"log_softmax_backward", "dy y >dx", log_softmax_backward, 0, 0, 0}
