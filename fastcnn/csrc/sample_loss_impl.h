/* Losses that need all outputs of a sample at once. */
#include "loss_lanes.h"

/* ---- margins ---- */

static void categorical_hinge(const fc_args *a, const fc_context *ctx) {
    const loss_args l = loss_tensors(a, ctx, 1);
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf own = (vf){0}, other = splat(-INFINITY);
        vi place = {0};
        for (int64_t k = 0; k < l.outputs; k++) {
            vf p = walk_load(&s, l.p, k), t = walk_load(&s, l.targets, k), v = (1.0f - t) * p;
            vi higher = (v > other) | (v != v);   /* NaN wins and stays */
            own += t * p;
            other = select(higher, v, other);
            place = (place & ~higher) | (splat_i((int32_t)k) & higher);
        }
        vf margin = vmax((vf){0}, other - own + 1.0f);
        put_loss(&s, &l, &m, margin);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++) {
            vf t = walk_load(&s, l.targets, k);
            vf rival = (vf)((vi)(1.0f - t) & (place == (int32_t)k));
            put_slope(&s, &l, &m, k, (vf)((vi)(rival - t) & (margin > 0.0f)));
        }
    }
}

static void multi_class_hinge(const fc_args *a, const fc_context *ctx) {
    const loss_args l = loss_tensors(a, ctx, 0);
    float margin = (float)a->f[0];
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf own = (vf){0}, sum = (vf){0}, rivals = (vf){0}, one = splat(1.0f);
        for (int64_t k = 0; k < l.outputs; k++)
            own = select(m.label == (int32_t)k, walk_load(&s, l.p, k), own);
        for (int64_t k = 0; k < l.outputs; k++) {
            vf v = vmax((vf){0}, walk_load(&s, l.p, k) - own + margin);
            vi other = m.label != (int32_t)k;
            sum += (vf)((vi)v & other);
            rivals += (vf)((vi)one & other & (v > 0.0f));
        }
        put_loss(&s, &l, &m, sum);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++) {
            vf above = (vf)((vi)one & (walk_load(&s, l.p, k) - own + margin > 0.0f));
            put_slope(&s, &l, &m, k, select(m.label == (int32_t)k, -rivals, above));
        }
    }
}

/* ---- overlap ---- */

#define SMALLEST_NORM 1e-7f

static void cosine_similarity(const fc_args *a, const fc_context *ctx) {
    const loss_args l = loss_tensors(a, ctx, 1);
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf pp = (vf){0}, tt = (vf){0}, pt = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) {
            vf p = walk_load(&s, l.p, k), t = walk_load(&s, l.targets, k);
            pp += p * p;
            tt += t * t;
            pt += p * t;
        }
        vf length = vmax(splat(SMALLEST_NORM), vsqrt(pp));
        vf both = length * vmax(splat(SMALLEST_NORM), vsqrt(tt)), cosine = pt / both;
        vf back = (vf)((vi)(cosine / length / length) & (length > SMALLEST_NORM));
        put_loss(&s, &l, &m, -cosine);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++)
            put_slope(&s, &l, &m, k,
                      back * walk_load(&s, l.p, k) - walk_load(&s, l.targets, k) / both);
    }
}

static void dice(const fc_args *a, const fc_context *ctx) {
    const loss_args l = loss_tensors(a, ctx, 1);
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf common = (vf){0}, total = splat(CLIP_LOW);
        for (int64_t k = 0; k < l.outputs; k++) {
            vf p = walk_load(&s, l.p, k), t = walk_load(&s, l.targets, k);
            common += p * t;
            total += p + t;
        }
        vf overlap = 2.0f * common / total;
        put_loss(&s, &l, &m, 1.0f - overlap);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++)
            put_slope(&s, &l, &m, k, (overlap - 2.0f * walk_load(&s, l.targets, k)) / total);
    }
}

/* ---- focal: classes that are already right count less ---- */

typedef struct {
    vf value, weighted;   /* (1 - q)^g log q; q times its slope */
} focus;

INLINE focus focus_at(vf q, vf log_q, float gamma) {
    vf miss = vmax((vf){0}, 1.0f - q), lower = vpow(miss, gamma - 1.0f), power = lower * miss;
    return (focus){power * log_q, power - gamma * lower * q * log_q};
}

INLINE void focal_of_logits(const loss_args l, const fc_context *ctx, float alpha, float gamma) {
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf top = largest(&s, l.p).value, sum = (vf){0}, value = (vf){0}, all = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) sum += vexp(walk_load(&s, l.p, k) - top);
        vf log_sum = top + vlog(sum);
        for (int64_t k = 0; k < l.outputs; k++) {
            vf log_q = walk_load(&s, l.p, k) - log_sum, t = alpha * target_at(&s, &l, &m, k);
            focus f = focus_at(vexp(log_q), log_q, gamma);
            value -= t * f.value;
            all += t * f.weighted;
            if (l.dp->data) walk_store(&s, l.dp, k, t * f.weighted);
        }
        put_loss(&s, &l, &m, value);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++) {
            vf q = vexp(walk_load(&s, l.p, k) - log_sum);
            put_slope(&s, &l, &m, k, q * all - walk_load(&s, l.dp, k));
        }
    }
}

INLINE void focal_of_probabilities(const loss_args l, const fc_context *ctx, float alpha,
                                   float gamma) {
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf total = sum_outputs(&s, l.p), value = (vf){0}, all = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) {
            vf p = walk_load(&s, l.p, k) / total, q = clip_probability(p);
            vf t = alpha * target_at(&s, &l, &m, k);
            focus f = focus_at(q, vlog(q), gamma);
            vf flow = (vf)((vi)(t * f.weighted) & is_probability(p));
            value -= t * f.value;
            all += flow;
            if (l.dp->data) walk_store(&s, l.dp, k, flow / q);
        }
        put_loss(&s, &l, &m, value);
        for (int64_t k = 0; l.dp->data && k < l.outputs; k++)
            put_slope(&s, &l, &m, k, (all - walk_load(&s, l.dp, k)) / total);
    }
}

static void categorical_focal_crossentropy(const fc_args *a, const fc_context *ctx) {
    loss_args l = smooth_over_classes(loss_tensors(a, ctx, 1), a->f[0]);
    float alpha = (float)a->f[1], gamma = (float)a->f[2];
    if (a->i[0])
        focal_of_logits(l, ctx, alpha, gamma);
    else
        focal_of_probabilities(l, ctx, alpha, gamma);
}

#define SAMPLE_LOSS_KERNELS \
    {"categorical_hinge", DENSE_LOSS, categorical_hinge, 0, 0, 0}, \
    {"multi_class_hinge", LABEL_LOSS " | | margin", multi_class_hinge, 0, 0, 0}, \
    {"cosine_similarity", DENSE_LOSS, cosine_similarity, 0, 0, 0}, \
    {"dice", DENSE_LOSS, dice, 0, 0, 0}, \
    {"categorical_focal_crossentropy", \
     DENSE_LOSS " | from_logits | label_smoothing alpha gamma", \
     categorical_focal_crossentropy, 0, 0, 0}
