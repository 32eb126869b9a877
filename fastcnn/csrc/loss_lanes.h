/* What all losses share. Lanes are images, so that sums over outputs are vertical. Lanes without
 * image have a negative label or order: loss 0, gradient 0. A loss is multiplied by the weight of
 * its sample, its gradient also divided by the number of images. */
#ifndef FC_LOSS_LANES_H
#define FC_LOSS_LANES_H

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

/* The tensors of a loss: class numbers, or targets of the outputs' shape with `order` beside them. */
typedef struct {
    const fc_tensor *p, *targets, *order, *weight, *loss, *dp;   /* targets NULL: order is labels */
    int64_t outputs;
    float images, keep, off;   /* a target t counts as t * keep + off: label smoothing */
} loss_args;

INLINE loss_args loss_tensors(const fc_args *a, const fc_context *ctx, const int dense) {
    const fc_tensor *t = a->t + dense;
    loss_args l = {.p = a->t, .targets = dense ? a->t + 1 : NULL, .order = t + 1,
                   .weight = t + 2, .loss = t + 3, .dp = t + 4, .keep = 1.0f};
    l.outputs = l.p->shape[1];
    l.images = count_images(l.order, ctx);
    return l;
}

INLINE loss_args smooth_over_classes(loss_args l, double smoothing) {
    l.keep = (float)(1.0 - smoothing);
    l.off = (float)(smoothing / (double)l.outputs);
    return l;
}

/* The current lanes' images */
typedef struct {
    vi label, mask;
    vf weight, share;   /* of the sample; the same over the number of images */
} sample;

INLINE sample walk_sample(const lane_walk *s, const loss_args *l) {
    sample m = {.label = walk_labels(s, l->order), .weight = splat(1.0f)};
    m.mask = m.label >= 0;
    if (l->weight->data)
        m.weight = load_n((const float *)l->weight->data + s->block * l->weight->stride[0] +
                          s->lane, s->count);
    m.share = m.weight / l->images;
    return m;
}

INLINE vf target_at(const lane_walk *s, const loss_args *l, const sample *m, int64_t k) {
    vf one = (vf)((vi)splat(1.0f) & (m->label == (int32_t)k));
    return (l->targets ? walk_load(s, l->targets, k) : one) * l->keep + l->off;
}

INLINE void put_loss(const lane_walk *s, const loss_args *l, const sample *m, vf value) {
    walk_result(s, l->loss, value * m->weight, m->mask);
}
INLINE void put_slope(const lane_walk *s, const loss_args *l, const sample *m, int64_t k, vf v) {
    walk_store(s, l->dp, k, (vf)((vi)(v * m->share) & m->mask));
}

/* In this order NaN stays NaN */
INLINE vf clip_probability(vf p) { return vmin(splat(CLIP_HIGH), vmax(splat(CLIP_LOW), p)); }
INLINE vi is_probability(vf p) { return (p >= CLIP_LOW) & (p <= CLIP_HIGH); }
/* x^g for x >= 0 */
INLINE vf vpow(vf x, float g) { return vexp(vlog(vmax(splat(1e-37f), x)) * g); }

#endif
