/* Local response normalisation, across channels: y = x d^-beta, d = k + alpha / size * (sum of x^2 over `size`
 * channels around). Pixels and images are lanes; backward computes d again rather than keep it. */
#include "activation_math.h"

typedef struct {
    int64_t radius, channels;
    float alpha, beta, k;   /* alpha: divided by the size */
} lrn_job;

static lrn_job lrn_job_of(const fc_args *a) {
    float alpha = (float)(a->f[0] / (double)a->i[0]);
    return (lrn_job){a->i[0] / 2, a->t[0].shape[1], alpha, (float)a->f[1], (float)a->f[2]};
}

INLINE int64_t lrn_from(const lrn_job *j, int64_t c) { return max_i64(0, c - j->radius); }
INLINE int64_t lrn_to(const lrn_job *j, int64_t c) { return min_i64(j->channels, c + j->radius + 1); }

/* log d of channel c */
INLINE vf lrn_log(const lrn_job *j, const float *px, int64_t step, int64_t c, int64_t n) {
    vf sum = {0};
    for (int64_t o = lrn_from(j, c); o < lrn_to(j, c); o++) sum += load_n(px + o * step, n) * load_n(px + o * step, n);
    return vlog(sum * j->alpha + j->k);
}

static void lrn_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    lrn_job j = lrn_job_of(a);
    for (ln_walk w = ln_start(x, ctx); w.row < w.end; ln_next(&w)) {
        const float *px = ln_at(x, &w);
        float *py = ln_at(y, &w);
        for (int64_t c = 0; c < j.channels; c++) {
            vf power = vexp(lrn_log(&j, px, x->stride[1], c, w.n) * -j.beta);
            store_n(py + c * y->stride[1], load_n(px + c * x->stride[1], w.n) * power, w.n);
        }
    }
}

/* dx = dy d^-beta - 2 alpha / size beta x (sum over channels around of t), t = dy x d^(-beta - 1) */
static void lrn_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[1], *x = &a->t[0], *dx = &a->t[2];
    lrn_job j = lrn_job_of(a);
    float *direct = (float *)ctx->scratch, *t = direct + j.channels * VW;
    for (ln_walk w = ln_start(x, ctx); w.row < w.end; ln_next(&w)) {
        const float *px = ln_at(x, &w), *pdy = ln_at(dy, &w);
        for (int64_t c = 0; c < j.channels; c++) {
            vf log_d = lrn_log(&j, px, x->stride[1], c, w.n);
            vf scaled = load_n(pdy + c * dy->stride[1], w.n) * vexp(log_d * -j.beta);
            store(direct + c * VW, scaled);
            store(t + c * VW, scaled * load_n(px + c * x->stride[1], w.n) * vexp(-log_d));
        }
        float *pdx = ln_at(dx, &w);
        for (int64_t c = 0; c < j.channels; c++) {
            vf sum = {0};
            for (int64_t o = lrn_from(&j, c); o < lrn_to(&j, c); o++) sum += load(t + o * VW);
            vf others = load_n(px + c * x->stride[1], w.n) * sum * (2.0f * j.alpha * j.beta);
            store_n(pdx + c * dx->stride[1], load(direct + c * VW) - others, w.n);
        }
    }
}

static size_t lrn_scratch(const fc_args *a) { return (size_t)a->t[0].shape[1] * 2 * VW * sizeof(float); }

#define LRN_KERNELS \
    {"lrn_forward", "x >y | size | alpha beta k", lrn_forward, 0, 0, 0}, \
    {"lrn_backward", "x dy >dx | size | alpha beta k", lrn_backward, 0, 0, lrn_scratch}
