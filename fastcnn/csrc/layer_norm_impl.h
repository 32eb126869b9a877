/* Layer normalisation: mean and variance of each pixel over its channels. A pixel of an image is one lane, so all
 * sums are vertical. mean and inv_std are (B, H, W, L). */
#include "activation_math.h"

#define LN_PIECE 64   /* a float32 partial sum of channels is no longer */

/* Sum over channels c of `term`, where `at` holds channel c of x and at_dy that of dy; in pieces, which rounds less. */
#define SUM_CHANNELS(sum, channels, term) \
    do { \
        sum = (vf){0}; \
        for (int64_t c0 = 0; c0 < (channels); c0 += LN_PIECE) { \
            vf piece = (vf){0}; \
            for (int64_t c = c0; c < min_i64(c0 + LN_PIECE, channels); c++) piece += term; \
            sum += piece; \
        } \
    } while (0)

/* Where this thread is: row (block, y), floats [i, i + n) of it */
typedef struct {
    int64_t row, end, i, n, width, height, channels;
} ln_walk;

INLINE ln_walk ln_start(const fc_tensor *x, const fc_context *ctx) {
    ln_walk w = {.width = x->shape[3] * x->shape[4], .height = x->shape[2], .channels = x->shape[1]};
    split(active_blocks(x, ctx) * w.height, ctx, &w.row, &w.end);
    w.n = min_i64(VW, w.width);
    return w;
}

INLINE void ln_next(ln_walk *w) {
    w->i += VW;
    if (w->i >= w->width) w->row++, w->i = 0;
    w->n = min_i64(VW, w->width - w->i);
}

/* Channel 0 of an activation */
INLINE float *ln_at(const fc_tensor *t, const ln_walk *w) {
    return (float *)t->data + w->row / w->height * t->stride[0] + w->row % w->height * t->stride[2] + w->i;
}

/* In mean or inv_std */
INLINE float *ln_statistic(const fc_tensor *t, const ln_walk *w) {
    return (float *)t->data + w->row * w->width + w->i;
}

static void layer_norm_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *gamma = &a->t[1], *beta = &a->t[2], *y = &a->t[3];
    int64_t step = x->stride[1];
    float count = (float)x->shape[1];
    for (ln_walk w = ln_start(x, ctx); w.row < w.end; ln_next(&w)) {
        const float *px = ln_at(x, &w);
        float *py = ln_at(y, &w);
        vf first = load_n(px, w.n), sum, squares;
        SUM_CHANNELS(sum, w.channels, load_n(px + c * step, w.n) - first);
        vf mean = first + sum / count;   /* of differences: x may be large beside its spread */
        SUM_CHANNELS(squares, w.channels, (load_n(px + c * step, w.n) - mean) * (load_n(px + c * step, w.n) - mean));
        vf inv_std = 1.0f / vsqrt(squares / count + (float)a->f[0]);
        for (int64_t c = 0; c < w.channels; c++) {
            vf normal = (load_n(px + c * step, w.n) - mean) * inv_std;
            vf v = normal * channel_value(gamma, c, 1.0f) + channel_value(beta, c, 0.0f);
            store_n(py + c * y->stride[1], activate((int)a->i[0], v, (float)a->f[1]), w.n);
        }
        if (a->t[4].data) store_n(ln_statistic(&a->t[4], &w), mean, w.n);
        if (a->t[5].data) store_n(ln_statistic(&a->t[5], &w), inv_std, w.n);
    }
}

/* dx = inv_std (g - mean(g) - xhat mean(g xhat)), g = gamma dy, means over the channels */
static void layer_norm_backward_input(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *gamma = &a->t[2], *dx = &a->t[5];
    for (ln_walk w = ln_start(x, ctx); w.row < w.end; ln_next(&w)) {
        const float *px = ln_at(x, &w), *pdy = ln_at(dy, &w);
        float *pdx = ln_at(dx, &w), count = (float)w.channels;
        vf mean = load_n(ln_statistic(&a->t[3], &w), w.n), inv_std = load_n(ln_statistic(&a->t[4], &w), w.n);
        vf sum, product;
#define LN_G (load_n(pdy + c * dy->stride[1], w.n) * channel_value(gamma, c, 1.0f))
#define LN_XHAT ((load_n(px + c * x->stride[1], w.n) - mean) * inv_std)
        SUM_CHANNELS(sum, w.channels, LN_G);
        SUM_CHANNELS(product, w.channels, LN_G * LN_XHAT);
        for (int64_t c = 0; c < w.channels; c++)
            store_n(pdx + c * dx->stride[1], (LN_G - sum / count - LN_XHAT * (product / count)) * inv_std, w.n);
#undef LN_G
#undef LN_XHAT
    }
}

/* dgamma = sum dy xhat, dbeta = sum dy: a thread owns whole channels. */
static void layer_norm_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *mean = &a->t[2], *inv_std = &a->t[3];
    int64_t width = x->shape[3] * x->shape[4], height = x->shape[2], begin, end;
    split(x->shape[1], ctx, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        channel_sums sums = {{0}};
        for (int64_t row = 0; row < active_blocks(x, ctx) * height; row++) {
            const float *px = channel_row(x, row / height, c, row % height);
            const float *pdy = channel_row(dy, row / height, c, row % height);
            const float *pm = (const float *)mean->data + row * width, *ps = (const float *)inv_std->data + row * width;
            for (int64_t i = 0; i < width;) {
                vf dbeta = {0}, dgamma = {0};
                for (int64_t stop = min_i64(width, i + PIECE * VW); i < stop; i += VW) {
                    int64_t n = min_i64(VW, width - i);
                    vf d = load_n(pdy + i, n);
                    dbeta += d;
                    dgamma += d * ((load_n(px + i, n) - load_n(pm + i, n)) * load_n(ps + i, n));
                }
                flush(&sums, dgamma, dbeta);
            }
        }
        set_channel(&a->t[4], c, total(sums.a));
        set_channel(&a->t[5], c, total(sums.b));
    }
}

#define LAYER_NORM_KERNELS \
    {"layer_norm_forward", "x ?gamma ?beta >y >?mean >?inv_std | activation | epsilon alpha", \
     layer_norm_forward, 0, 0, 0}, \
    {"layer_norm_backward_input", "dy x ?gamma mean inv_std >dx", layer_norm_backward_input, 0, 0, 0}, \
    {"layer_norm_backward_weight", "dy x mean inv_std >?dgamma >?dbeta", layer_norm_backward_weight, 0, 0, 0}
