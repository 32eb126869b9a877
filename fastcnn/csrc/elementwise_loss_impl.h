/* Losses that add up over the outputs of a sample: each is a value and a slope of one output. */
#include "loss_lanes.h"

typedef struct {
    vf value, slope;
} point;

/* Of prediction p and target t; a holds the loss's options. */
typedef point point_loss(vf p, vf t, const fc_args *a);

INLINE vf vsign(vf x) { return (vf)((vi)splat(1.0f) & (x > 0.0f)) - (vf)((vi)splat(1.0f) & (x < 0.0f)); }
INLINE vf where(vi mask, vf a) { return (vf)((vi)a & mask); }
/* log, NaN of what is not positive */
INLINE vf vlog_or_nan(vf x) { return select(x > 0.0f, vlog(x), splat(NAN)); }

INLINE void elementwise_loss(const fc_args *a, const fc_context *ctx, point_loss *at,
                             const int mean) {
    loss_args l = loss_tensors(a, ctx, 1);
    float scale = mean ? 1.0f / (float)l.outputs : 1.0f;
    for (lane_walk s = walk_lanes(l.p, ctx); next_lanes(&s);) {
        sample m = walk_sample(&s, &l);
        vf sum = (vf){0};
        for (int64_t k = 0; k < l.outputs; k++) {
            point here = at(walk_load(&s, l.p, k), walk_load(&s, l.targets, k), a);
            sum += here.value;
            if (l.dp->data) put_slope(&s, &l, &m, k, here.slope * scale);
        }
        put_loss(&s, &l, &m, sum * scale);
    }
}

#define MEAN_OF(name) \
    static void name(const fc_args *a, const fc_context *ctx) { \
        elementwise_loss(a, ctx, name##_at, 1); \
    }
#define SUM_OF(name) \
    static void name(const fc_args *a, const fc_context *ctx) { \
        elementwise_loss(a, ctx, name##_at, 0); \
    }

/* ---- distances ---- */

INLINE point mean_squared_error_at(vf p, vf t, const fc_args *a) {
    vf d = p - t;
    return (point){d * d, 2.0f * d};
}
MEAN_OF(mean_squared_error)

INLINE point mean_absolute_error_at(vf p, vf t, const fc_args *a) {
    vf d = p - t;
    return (point){vabs(d), vsign(d)};
}
MEAN_OF(mean_absolute_error)

INLINE point mean_absolute_percentage_error_at(vf p, vf t, const fc_args *a) {
    vf d = p - t, percent = 100.0f / vmax(splat(CLIP_LOW), vabs(t));
    return (point){vabs(d) * percent, vsign(d) * percent};
}
MEAN_OF(mean_absolute_percentage_error)

INLINE point mean_squared_logarithmic_error_at(vf p, vf t, const fc_args *a) {
    vf shifted = vmax(splat(CLIP_LOW), p) + 1.0f;
    vf d = vlog(shifted) - vlog(vmax(splat(CLIP_LOW), t) + 1.0f);
    return (point){d * d, where(p >= CLIP_LOW, 2.0f * d / shifted)};
}
MEAN_OF(mean_squared_logarithmic_error)

INLINE point huber_at(vf p, vf t, const fc_args *a) {
    float delta = (float)a->f[0];
    vf d = p - t, size = vabs(d);
    vi far = size > delta;
    return (point){select(far, delta * size - 0.5f * delta * delta, 0.5f * d * d),
                   select(far, delta * vsign(d), d)};
}
MEAN_OF(huber)

INLINE point log_cosh_at(vf p, vf t, const fc_args *a) {
    vf d = p - t, size = vabs(d);
    return (point){size + vlog(1.0f + vexp(-2.0f * size)) - 0.693147181f, vtanh(d)};
}
MEAN_OF(log_cosh)

/* ---- counts and distributions ---- */

INLINE point poisson_at(vf p, vf t, const fc_args *a) {
    vf shifted = p + CLIP_LOW;
    return (point){p - t * vlog_or_nan(shifted), 1.0f - t / shifted};
}
MEAN_OF(poisson)

INLINE point kl_divergence_at(vf p, vf t, const fc_args *a) {
    vf q = vmin(splat(1.0f), vmax(splat(CLIP_LOW), p));
    vf wanted = vmin(splat(1.0f), vmax(splat(CLIP_LOW), t));
    vi inside = (p >= CLIP_LOW) & (p <= 1.0f);
    return (point){wanted * (vlog(wanted) - vlog(q)), where(inside, -wanted / q)};
}
SUM_OF(kl_divergence)

/* ---- margins; a target of 0 counts as -1 ---- */

INLINE vf side(vf t) { return select(t == 0.0f, splat(-1.0f), t); }

INLINE point hinge_at(vf p, vf t, const fc_args *a) {
    vf margin = vmax((vf){0}, 1.0f - side(t) * p);
    return (point){margin, where(margin > 0.0f, -side(t))};
}
MEAN_OF(hinge)

INLINE point squared_hinge_at(vf p, vf t, const fc_args *a) {
    vf margin = vmax((vf){0}, 1.0f - side(t) * p);
    return (point){margin * margin, -2.0f * side(t) * margin};
}
MEAN_OF(squared_hinge)

/* ---- yes or no; options: | from_logits | label_smoothing ... ---- */

INLINE vf smooth_yes_or_no(vf t, const fc_args *a) {
    float smoothing = (float)a->f[0];
    return t * (1.0f - smoothing) + 0.5f * smoothing;
}

/* Both logarithms of clipped figures: 1 - (1 - 1e-7) is no 1e-7 in float32. */
INLINE point yes_or_no(vf p, vf t, const fc_args *a) {
    if (a->i[0]) return (point){vsoftplus(p) - t * p, vsigmoid(p) - t};
    vf yes = clip_probability(p), no = clip_probability(1.0f - p);
    vi inside = is_probability(p);
    return (point){-(t * vlog(yes) + (1.0f - t) * vlog(no)),
                   where(inside, (1.0f - t) / no - t / yes)};
}

INLINE point binary_crossentropy_at(vf p, vf t, const fc_args *a) {
    return yes_or_no(p, smooth_yes_or_no(t, a), a);
}
MEAN_OF(binary_crossentropy)

INLINE point binary_focal_crossentropy_at(vf x, vf target, const fc_args *a) {
    float alpha = (float)a->f[1], gamma = (float)a->f[2];
    vf t = smooth_yes_or_no(target, a), p = a->i[0] ? vsigmoid(x) : x;
    point entropy = yes_or_no(x, t, a);
    vf dp = a->i[0] ? p * (1.0f - p) : splat(1.0f);
    vf miss = vmax((vf){0}, t + p - 2.0f * t * p);   /* 1 - (t p + (1 - t) (1 - p)) */
    vf lower = vpow(miss, gamma - 1.0f), focus = lower * miss;
    vf balance = a->i[1] ? t * alpha + (1.0f - t) * (1.0f - alpha) : splat(1.0f);
    vf slope = gamma * lower * (1.0f - 2.0f * t) * dp * entropy.value + focus * entropy.slope;
    return (point){balance * focus * entropy.value, balance * slope};
}
MEAN_OF(binary_focal_crossentropy)

#define ELEMENTWISE_LOSS_KERNELS \
    {"mean_squared_error", DENSE_LOSS, mean_squared_error, 0, 0, 0}, \
    {"mean_absolute_error", DENSE_LOSS, mean_absolute_error, 0, 0, 0}, \
    {"mean_absolute_percentage_error", DENSE_LOSS, mean_absolute_percentage_error, 0, 0, 0}, \
    {"mean_squared_logarithmic_error", DENSE_LOSS, mean_squared_logarithmic_error, 0, 0, 0}, \
    {"huber", DENSE_LOSS " | | delta", huber, 0, 0, 0}, \
    {"log_cosh", DENSE_LOSS, log_cosh, 0, 0, 0}, \
    {"poisson", DENSE_LOSS, poisson, 0, 0, 0}, \
    {"kl_divergence", DENSE_LOSS, kl_divergence, 0, 0, 0}, \
    {"hinge", DENSE_LOSS, hinge, 0, 0, 0}, \
    {"squared_hinge", DENSE_LOSS, squared_hinge, 0, 0, 0}, \
    {"binary_crossentropy", DENSE_LOSS " | from_logits | label_smoothing", \
     binary_crossentropy, 0, 0, 0}, \
    {"binary_focal_crossentropy", \
     DENSE_LOSS " | from_logits apply_class_balancing | label_smoothing alpha gamma", \
     binary_focal_crossentropy, 0, 0, 0}
