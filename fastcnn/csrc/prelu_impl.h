/* Rectifier with learned slopes: alpha is (AC, AH, AW), each axis as long as that of x or 1 (shared). */
#include "activation_math.h"
#include "lanes.h"

/* Slopes of the pixels of a row: 1 step apart, or the same for all (step 0) */
typedef struct {
    const float *first;
    int64_t step;
} slope_row;

INLINE slope_row slopes_of(const fc_tensor *alpha, int64_t c, int64_t h) {
    const int64_t *n = alpha->shape;
    int64_t at = (n[0] == 1 ? 0 : c) * n[1] * n[2] + (n[1] == 1 ? 0 : h) * n[2];
    return (slope_row){(const float *)alpha->data + at, n[2] > 1};
}

#define PRELU_ROW(statement) \
    if (!slopes.step) \
        for (int64_t i = 0; i < pixels * lanes; i += VW) { \
            int64_t n = min_i64(VW, pixels * lanes - i); \
            vf slope = splat(*slopes.first); \
            statement; \
        } \
    else \
        for (int64_t w = 0; w < pixels; w++) { \
            vf slope = splat(slopes.first[w]); \
            for (int64_t l = 0; l < lanes; l += VW) { \
                int64_t i = w * lanes + l, n = min_i64(VW, lanes - l); \
                statement; \
            } \
        }

static void prelu_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *alpha = &a->t[1], *y = &a->t[2];
    int64_t c = x->shape[1], h = x->shape[2], pixels = x->shape[3], lanes = x->shape[4], begin, end;
    split(active_blocks(x, ctx) * c * h, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        slope_row slopes = slopes_of(alpha, row / h % c, row % h);
        const float *px = row_at(x, row);
        float *py = row_at(y, row);
        PRELU_ROW({
            vf v = load_n(px + i, n);
            store_n(py + i, select(v > 0.0f, v, v * slope), n);
        })
    }
}

static void prelu_backward_input(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *alpha = &a->t[2], *dx = &a->t[3];
    int64_t c = x->shape[1], h = x->shape[2], pixels = x->shape[3], lanes = x->shape[4], begin, end;
    split(active_blocks(x, ctx) * c * h, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        slope_row slopes = slopes_of(alpha, row / h % c, row % h);
        const float *px = row_at(x, row), *pdy = row_at(dy, row);
        float *pdx = row_at(dx, row);
        PRELU_ROW({
            vf d = load_n(pdy + i, n);
            store_n(pdx + i, select(load_n(px + i, n) > 0.0f, d, d * slope), n);
        })
    }
}

/* Sum of dy x where x <= 0, over the n floats at the same place of x and dy */
INLINE double prelu_sum(const float *px, const float *pdy, int64_t count) {
    double sum = 0.0;
    for (int64_t i = 0; i < count;) {
        vf piece = {0};
        for (int64_t stop = min_i64(count, i + PIECE * VW); i < stop; i += VW) {
            int64_t n = min_i64(VW, count - i);
            vf x = load_n(px + i, n);
            piece += select(x > 0.0f, (vf){0}, x * load_n(pdy + i, n));
        }
        for (int j = 0; j < VW; j++) sum += piece[j];
    }
    return sum;
}

/* A thread owns slopes, and adds up all that share one. */
static void prelu_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *dalpha = &a->t[2];
    const int64_t *n = dalpha->shape, lanes = x->shape[4];
    int64_t c_step = n[0], h_step = n[1], width = (n[2] == 1 ? x->shape[3] : 1) * lanes, begin, end;
    split(n[0] * n[1] * n[2], ctx, &begin, &end);
    for (int64_t slope = begin; slope < end; slope++) {
        int64_t c0 = slope / n[2] / n[1], h0 = slope / n[2] % n[1], at = slope % n[2] * lanes;
        double sum = 0.0;
        for (int64_t b = 0; b < active_blocks(x, ctx); b++)
            for (int64_t c = c0; c < x->shape[1]; c += c_step)
                for (int64_t h = h0; h < x->shape[2]; h += h_step)
                    sum += prelu_sum(channel_row(x, b, c, h) + at, channel_row(dy, b, c, h) + at, width);
        ((float *)dalpha->data)[slope] = (float)sum;
    }
}

#define PRELU_KERNELS \
    {"prelu_forward", "x alpha >y", prelu_forward, 0, 0, 0}, \
    {"prelu_backward_input", "dy x alpha >dx", prelu_backward_input, 0, 0, 0}, \
    {"prelu_backward_weight", "dy x >dalpha", prelu_backward_weight, 0, 0, 0}
