/* Softmax, cross entropies and accuracy. */
#include "loss_lanes.h"

/* ---- softmax as a layer: over axis K of (B, K, H, W, L) ---- */

typedef struct {
    int64_t begin, end, height, n;   /* rows (block, y) of n = W * L floats */
} row_share;

INLINE row_share softmax_rows(const fc_tensor *x, const fc_context *ctx) {
    row_share r = {.height = x->shape[2], .n = x->shape[3] * x->shape[4]};
    split(active_blocks(x, ctx) * r.height, ctx, &r.begin, &r.end);
    return r;
}

INLINE float *softmax_row(const fc_tensor *t, const row_share *r, int64_t row) {
    return (float *)t->data + row / r->height * t->stride[0] + row % r->height * t->stride[2];
}

static void softmax_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    row_share share = softmax_rows(x, ctx);
    int64_t classes = x->shape[1];
    for (int64_t row = share.begin; row < share.end; row++)
        for (int64_t i = 0; i < share.n; i += VW) {
            const float *px = softmax_row(x, &share, row) + i;
            float *py = softmax_row(y, &share, row) + i;
            int64_t n = min_i64(VW, share.n - i);
            vf top = load_n(px, n), sum = (vf){0};
            for (int64_t k = 1; k < classes; k++) top = vmax(top, load_n(px + k * x->stride[1], n));
            for (int64_t k = 0; k < classes; k++) {
                vf e = vexp(load_n(px + k * x->stride[1], n) - top);
                sum += e;
                store_n(py + k * y->stride[1], e, n);
            }
            for (int64_t k = 0; k < classes; k++)
                store_n(py + k * y->stride[1], load_n(py + k * y->stride[1], n) / sum, n);
        }
}

static void softmax_backward(const fc_args *a, const fc_context *ctx) {
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
            for (int64_t k = 0; k < classes; k++)
                sum += load_n(pdy + k * dy->stride[1], n) * load_n(py + k * y->stride[1], n);
            for (int64_t k = 0; k < classes; k++) {
                vf d = load_n(pdy + k * dy->stride[1], n) - sum;
                store_n(pdx + k * dx->stride[1], load_n(py + k * y->stride[1], n) * d, n);
            }
        }
}

/* ---- softmax and cross entropy in one ---- */

INLINE void softmax_cross_entropy_of(const loss_args l, const fc_context *ctx) {
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        peak top = largest(&s, l.p);
        vf sum = (vf){0}, all = (vf){0}, own = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) {
            vf d = walk_load(&s, l.p, k) - top.value, e = vexp(d), t = target_at(&s, &l, &m, k);
            sum += e;
            all += t;
            own += t * d;
            if (l.dp->data) walk_store(&s, l.dp, k, e);
        }
        put_loss(&s, &l, &m, all * vlog(sum) - own);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++) {
            vf p = walk_load(&s, l.dp, k) / sum;
            put_slope(&s, &l, &m, k, all * p - target_at(&s, &l, &m, k));
        }
    }
}

static void softmax_cross_entropy(const fc_args *a, const fc_context *ctx) {
    softmax_cross_entropy_of(smooth_over_classes(loss_tensors(a, ctx, 0), a->f[0]), ctx);
}
static void softmax_cross_entropy_dense(const fc_args *a, const fc_context *ctx) {
    softmax_cross_entropy_of(smooth_over_classes(loss_tensors(a, ctx, 1), a->f[0]), ctx);
}

/* ---- cross entropy of probabilities, which are made to sum to 1 ---- */

INLINE vf sum_outputs(const lane_walk *s, const fc_tensor *t) {
    vf sum = (vf){0};
    for (int64_t k = 0; k < t->shape[1]; k++) sum += walk_load(s, t, k);
    return sum;
}

INLINE void cross_entropy_of(const loss_args l, const fc_context *ctx) {
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf total = sum_outputs(&s, l.p), value = (vf){0}, all = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) {
            vf p = walk_load(&s, l.p, k) / total, t = target_at(&s, &l, &m, k);
            vi inside = is_probability(p);
            value -= t * vlog(clip_probability(p));
            all += (vf)((vi)t & inside);
            if (l.dp->data) walk_store(&s, l.dp, k, (vf)((vi)(t / p) & inside));
        }
        put_loss(&s, &l, &m, value);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++)
            put_slope(&s, &l, &m, k, (all - walk_load(&s, l.dp, k)) / total);
    }
}

static void cross_entropy(const fc_args *a, const fc_context *ctx) {
    cross_entropy_of(smooth_over_classes(loss_tensors(a, ctx, 0), a->f[0]), ctx);
}
static void cross_entropy_dense(const fc_args *a, const fc_context *ctx) {
    cross_entropy_of(smooth_over_classes(loss_tensors(a, ctx, 1), a->f[0]), ctx);
}

/* ---- whether the largest output is the wanted one ---- */

static void correct_labels(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *p = &a->t[0], *labels = &a->t[1], *correct = &a->t[2];
    for (lane_walk s = walk_lanes(p, ctx); next_lanes(&s);) {
        vi label = walk_labels(&s, labels);
        walk_result(&s, correct, splat(1.0f), (label >= 0) & (largest(&s, p).index == label));
    }
}

static void correct_dense(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *p = &a->t[0], *targets = &a->t[1], *order = &a->t[2], *correct = &a->t[3];
    float threshold = (float)a->f[0];
    for (lane_walk s = walk_lanes(p, ctx); next_lanes(&s);) {
        vi mask = walk_labels(&s, order) >= 0;
        peak top = largest(&s, p), wanted = largest(&s, targets);
        vi same = p->shape[1] > 1 ? top.index == wanted.index
                                  : (top.value > threshold) == (wanted.value > 0.5f);
        walk_result(&s, correct, splat(1.0f), mask & same);
    }
}

#define LABEL_LOSS "predictions labels ?weight >loss >?dpredictions"
#define DENSE_LOSS "predictions targets order ?weight >loss >?dpredictions"

#define LOSS_KERNELS \
    {"softmax_forward", "x >y", softmax_forward, 0, 0, 0}, \
    {"softmax_backward", "dy y >dx", softmax_backward, 0, 0, 0}, \
    {"softmax_cross_entropy", LABEL_LOSS " | | label_smoothing", softmax_cross_entropy, 0, 0, 0}, \
    {"softmax_cross_entropy_dense", DENSE_LOSS " | | label_smoothing", \
     softmax_cross_entropy_dense, 0, 0, 0}, \
    {"cross_entropy", LABEL_LOSS " | | label_smoothing", cross_entropy, 0, 0, 0}, \
    {"cross_entropy_dense", DENSE_LOSS " | | label_smoothing", cross_entropy_dense, 0, 0, 0}, \
    {"correct_labels", "predictions labels >correct", correct_labels, 0, 0, 0}, \
    {"correct_dense", "predictions targets order >correct | | threshold", correct_dense, 0, 0, 0}
