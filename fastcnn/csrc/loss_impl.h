/* Losses and softmax. Lanes are images, so that sums over classes are vertical. Lanes without image
 * have a negative label or order: loss 0, gradient 0. Gradients are divided by the number of
 * images. */
#include "activation_math.h"

#define CLIP_LOW 1e-7f          /* probabilities are clipped as Keras does */
#define CLIP_HIGH (1.0f - 1e-7f)

/* One (block, VW lanes) after the other of this thread's share. */
typedef struct {
    int64_t item, end, groups, lanes;
    int64_t block, lane, count;   /* the current lanes: [lane, lane + count) of a block */
} lane_walk;

INLINE lane_walk walk_lanes(const fc_tensor *x, const fc_context *ctx) {
    lane_walk s = {.lanes = x->shape[x->ndim - 1]};
    s.groups = ceil_div(s.lanes, VW);
    split(active_blocks(x, ctx) * s.groups, ctx, &s.item, &s.end);
    return s;
}

INLINE int next_lanes(lane_walk *s) {
    if (s->item == s->end) return 0;
    s->block = s->item / s->groups;
    s->lane = s->item % s->groups * VW;
    s->count = min_i64(VW, s->lanes - s->lane);
    s->item++;
    return 1;
}

/* Every thread counts for itself: none may read what another writes. */
static float count_images(const fc_tensor *order, const fc_context *ctx) {
    int64_t n = 0;
    for (int64_t b = 0; b < active_blocks(order, ctx); b++)
        for (int64_t l = 0; l < order->shape[1]; l++)
            n += ((const int64_t *)order->data)[b * order->stride[0] + l] >= 0;
    return (float)max_i64(n, 1);
}

/* The current lanes of labels or order; -1 where there are none. */
INLINE vi walk_labels(const lane_walk *s, const fc_tensor *labels) {
    const int64_t *p = (const int64_t *)labels->data + s->block * labels->stride[0] + s->lane;
    vi v;
    for (int64_t l = 0; l < VW; l++)
        v[l] = l < s->count ? (int32_t)max_i64(-1, min_i64(p[l], INT32_MAX)) : -1;
    return v;
}

INLINE float *walk_row(const lane_walk *s, const fc_tensor *t, int64_t k) {
    return (float *)t->data + s->block * t->stride[0] + k * t->stride[1] + s->lane;
}
INLINE vf walk_load(const lane_walk *s, const fc_tensor *t, int64_t k) {
    return load_n(walk_row(s, t, k), s->count);
}
INLINE void walk_store(const lane_walk *s, const fc_tensor *t, int64_t k, vf v) {
    store_n(walk_row(s, t, k), v, s->count);
}
/* Into a (B, L) tensor, zero in lanes without image */
INLINE void walk_result(const lane_walk *s, const fc_tensor *t, vf v, vi mask) {
    store_n((float *)t->data + s->block * t->stride[0] + s->lane, (vf)((vi)v & mask), s->count);
}

typedef struct {
    vf value;
    vi index;
} peak;

/* The largest of axis 1, and the first place where it stands; NaN stays NaN. */
INLINE peak largest(const lane_walk *s, const fc_tensor *t) {
    peak p = {walk_load(s, t, 0), (vi){0}};
    for (int64_t k = 1; k < t->shape[1]; k++) {
        vf v = walk_load(s, t, k);
        vi higher = v > p.value;
        p.index = (p.index & ~higher) | (splat_i((int32_t)k) & higher);
        p.value = select(higher, v, p.value);
    }
    return p;
}

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

static void softmax_cross_entropy(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *z = &a->t[0], *labels = &a->t[1];
    const fc_tensor *loss = &a->t[2], *correct = &a->t[3], *dz = &a->t[4];
    int64_t classes = z->shape[1];
    float smoothing = (float)a->f[0], off = smoothing / (float)classes;
    float images = count_images(labels, ctx);
    for (lane_walk s = walk_lanes(z, ctx); next_lanes(&s);) {
        vi label = walk_labels(&s, labels), mask = label >= 0;
        peak top = largest(&s, z);
        vf sum = (vf){0}, all = (vf){0}, own = (vf){0};
        for (int64_t k = 0; k < classes; k++) {
            vf d = walk_load(&s, z, k) - top.value, e = vexp(d);
            sum += e;
            all += d;
            own += (vf)((vi)d & (label == (int32_t)k));
            if (dz->data) walk_store(&s, dz, k, e);
        }
        walk_result(&s, loss, vlog(sum) - (1.0f - smoothing) * own - off * all, mask);
        walk_result(&s, correct, splat(1.0f), mask & (top.index == label));
        for (int64_t k = 0; dz->data && k < classes; k++) {
            vf target = select(label == (int32_t)k, splat(1.0f - smoothing + off), splat(off));
            vf d = (walk_load(&s, dz, k) / sum - target) / images;
            walk_store(&s, dz, k, (vf)((vi)d & mask));
        }
    }
}

static void softmax_cross_entropy_dense(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *z = &a->t[0], *targets = &a->t[1], *order = &a->t[2];
    const fc_tensor *loss = &a->t[3], *correct = &a->t[4], *dz = &a->t[5];
    int64_t classes = z->shape[1];
    float images = count_images(order, ctx);
    for (lane_walk s = walk_lanes(z, ctx); next_lanes(&s);) {
        vi mask = walk_labels(&s, order) >= 0;
        peak top = largest(&s, z), wanted = largest(&s, targets);
        vf sum = (vf){0}, weight = (vf){0}, own = (vf){0};
        for (int64_t k = 0; k < classes; k++) {
            vf d = walk_load(&s, z, k) - top.value, e = vexp(d), t = walk_load(&s, targets, k);
            sum += e;
            weight += t;
            own += t * d;
            if (dz->data) walk_store(&s, dz, k, e);
        }
        walk_result(&s, loss, weight * vlog(sum) - own, mask);
        walk_result(&s, correct, splat(1.0f), mask & (top.index == wanted.index));
        for (int64_t k = 0; dz->data && k < classes; k++) {
            vf d = (weight * (walk_load(&s, dz, k) / sum) - walk_load(&s, targets, k)) / images;
            walk_store(&s, dz, k, (vf)((vi)d & mask));
        }
    }
}

/* ---- cross entropy of probabilities ---- */

INLINE vf clip_probability(vf p) { return vmin(splat(CLIP_HIGH), vmax(splat(CLIP_LOW), p)); }

/* d log(clip(p)) / dp: nothing flows where it was clipped */
INLINE vf log_slope(vf p) {
    return (vf)((vi)(1.0f / p) & ~((p < CLIP_LOW) | (p > CLIP_HIGH)));
}

static void cross_entropy(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *p = &a->t[0], *labels = &a->t[1];
    const fc_tensor *loss = &a->t[2], *correct = &a->t[3], *dp = &a->t[4];
    float images = count_images(labels, ctx);
    for (lane_walk s = walk_lanes(p, ctx); next_lanes(&s);) {
        vi label = walk_labels(&s, labels), mask = label >= 0;
        peak top = largest(&s, p);
        vf own = (vf){0};
        for (int64_t k = 0; k < p->shape[1]; k++) {
            vi here = label == (int32_t)k;
            vf v = walk_load(&s, p, k);
            own = select(here, v, own);
            if (dp->data) walk_store(&s, dp, k, (vf)((vi)(-log_slope(v) / images) & here));
        }
        walk_result(&s, loss, -vlog(clip_probability(own)), mask);
        walk_result(&s, correct, splat(1.0f), mask & (top.index == label));
    }
}

static void cross_entropy_dense(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *p = &a->t[0], *targets = &a->t[1], *order = &a->t[2];
    const fc_tensor *loss = &a->t[3], *correct = &a->t[4], *dp = &a->t[5];
    float images = count_images(order, ctx);
    for (lane_walk s = walk_lanes(p, ctx); next_lanes(&s);) {
        vi mask = walk_labels(&s, order) >= 0;
        peak top = largest(&s, p), wanted = largest(&s, targets);
        vf sum = (vf){0};
        for (int64_t k = 0; k < p->shape[1]; k++) {
            vf v = walk_load(&s, p, k), t = walk_load(&s, targets, k);
            sum -= t * vlog(clip_probability(v));
            if (dp->data) walk_store(&s, dp, k, (vf)((vi)(-t * log_slope(v) / images) & mask));
        }
        walk_result(&s, loss, sum, mask);
        walk_result(&s, correct, splat(1.0f), mask & (top.index == wanted.index));
    }
}

/* ---- regression ---- */

static void mean_squared_error(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *p = &a->t[0], *targets = &a->t[1], *order = &a->t[2];
    const fc_tensor *loss = &a->t[3], *dp = &a->t[4];
    float outputs = (float)p->shape[1], factor = 2.0f / (outputs * count_images(order, ctx));
    for (lane_walk s = walk_lanes(p, ctx); next_lanes(&s);) {
        vi mask = walk_labels(&s, order) >= 0;
        vf sum = (vf){0};
        for (int64_t k = 0; k < p->shape[1]; k++) {
            vf d = walk_load(&s, p, k) - walk_load(&s, targets, k);
            sum += d * d;
            if (dp->data) walk_store(&s, dp, k, (vf)((vi)(d * factor) & mask));
        }
        walk_result(&s, loss, sum / outputs, mask);
    }
}

#define LOSS_KERNELS \
    {"softmax_forward", "x >y", softmax_forward, 0, 0, 0}, \
    {"softmax_backward", "dy y >dx", softmax_backward, 0, 0, 0}, \
    {"softmax_cross_entropy", "logits labels >loss >correct >?dlogits | | label_smoothing", \
     softmax_cross_entropy, 0, 0, 0}, \
    {"softmax_cross_entropy_dense", "logits targets order >loss >correct >?dlogits", \
     softmax_cross_entropy_dense, 0, 0, 0}, \
    {"cross_entropy", "probabilities labels >loss >correct >?dprobabilities", \
     cross_entropy, 0, 0, 0}, \
    {"cross_entropy_dense", "probabilities targets order >loss >correct >?dprobabilities", \
     cross_entropy_dense, 0, 0, 0}, \
    {"mean_squared_error", "predictions targets order >loss >?dpredictions", \
     mean_squared_error, 0, 0, 0}
