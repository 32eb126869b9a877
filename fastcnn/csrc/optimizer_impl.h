/* Optimizers: one pass over all parameters, which lie in one flat array p, gradients g alike.
 * Segments [bounds[s], bounds[s + 1]) have penalties of their own: l1, l2 and decoupled weight
 * decay. The rules stand in kernels/reference/optimizer.py. */
#include "vec.h"

#define OPTIMIZER_GRAIN 64   /* threads share p in pieces of this many floats: whole cache lines */

typedef struct {
    float l1, l2, decay;   /* gradient l1 sign(p) + l2 p (twice the penalty's l2), step -decay p */
} segment_penalty;

INLINE segment_penalty penalty_of(const fc_args *a, const fc_tensor *penalties, int64_t s) {
    const float *row = (const float *)penalties->data + s * penalties->stride[0];
    const double *hyper = a->t[4].data;
    return (segment_penalty){row[0], 2.0f * row[1], (float)hyper[0] * row[2]};
}

INLINE vf sign(vf p) {
    vf one = splat(1.0f);
    return (vf)((vi)one & (p > 0.0f)) - (vf)((vi)one & (p < 0.0f));
}

/* What an optimizer does to n <= VW parameters from number k, with their effective gradient. */
typedef struct {
    float *state[2];
    float c[6];   /* the rule's constants */
} rule;

typedef vf (*rule_step)(const rule *, int64_t k, int64_t n, vf p, vf g);

/* Vectors stand at multiples of VW, whatever the threads: an element always takes the same path. */
INLINE void update(const fc_args *a, const fc_context *ctx, const rule *r, rule_step step) {
    const fc_tensor *p = &a->t[0], *bounds = &a->t[2], *penalties = &a->t[3];
    const float *g = a->t[1].data;
    const int64_t *bound = bounds->data;
    float *parameters = p->data;
    int64_t share_begin, share_end;
    split(ceil_div(p->shape[0], OPTIMIZER_GRAIN), ctx, &share_begin, &share_end);
    for (int64_t s = 0; s + 1 < bounds->shape[0]; s++) {
        int64_t k = max_i64(bound[s], share_begin * OPTIMIZER_GRAIN);
        int64_t end = min_i64(bound[s + 1], share_end * OPTIMIZER_GRAIN);
        segment_penalty penalty = penalty_of(a, penalties, s);
        while (k < end) {
            int64_t n = min_i64(VW - k % VW, end - k);
            vf old = load_n(parameters + k, n);
            vf gradient = load_n(g + k, n) + (penalty.l1 * sign(old) + penalty.l2 * old);
            vf value = step(r, k, n, old - penalty.decay * old, gradient);
            store_n(parameters + k, value, n);
            k += n;
        }
    }
}

INLINE double hyper(const fc_args *a, int64_t k) { return ((const double *)a->t[4].data)[k]; }

/* ---- SGD: c = learning rate, momentum ---- */

INLINE vf sgd_step(const rule *r, int64_t k, int64_t n, vf p, vf g) { return p - r->c[0] * g; }

INLINE vf momentum_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf v = r->c[1] * load_n(r->state[0] + k, n) - r->c[0] * g;
    store_n(r->state[0] + k, v, n);
    return p + v;
}

INLINE vf nesterov_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf v = r->c[1] * load_n(r->state[0] + k, n) - r->c[0] * g;
    store_n(r->state[0] + k, v, n);
    return p + (r->c[1] * v - r->c[0] * g);
}

static void sgd_update(const fc_args *a, const fc_context *ctx) {
    rule r = {.state = {a->t[5].data}, .c = {(float)hyper(a, 0), (float)a->f[0]}};
    if (!r.state[0])
        update(a, ctx, &r, sgd_step);
    else if (a->i[0])
        update(a, ctx, &r, nesterov_step);
    else
        update(a, ctx, &r, momentum_step);
}

/* ---- Adam: c = step size alpha, 1 - beta1, 1 - beta2, epsilon ---- */

INLINE vf adam_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf m = load_n(r->state[0] + k, n), v = load_n(r->state[1] + k, n);
    m += (g - m) * r->c[1];
    v += (g * g - v) * r->c[2];
    store_n(r->state[0] + k, m, n);
    store_n(r->state[1] + k, v, n);
    return p - r->c[0] * m / (vsqrt(v) + r->c[3]);
}

static void adam_update(const fc_args *a, const fc_context *ctx) {
    double alpha = hyper(a, 0) * sqrt(hyper(a, 2)) / hyper(a, 1);
    rule r = {.state = {a->t[5].data, a->t[6].data},
              .c = {(float)alpha, (float)(1.0 - a->f[0]), (float)(1.0 - a->f[1]), (float)a->f[2]}};
    update(a, ctx, &r, adam_step);
}

/* ---- Adadelta: c = learning rate, rho, 1 - rho, epsilon ---- */

INLINE vf adadelta_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf squares = r->c[1] * load_n(r->state[0] + k, n) + r->c[2] * (g * g);
    vf deltas = load_n(r->state[1] + k, n);
    vf delta = vsqrt(deltas + r->c[3]) * g / vsqrt(squares + r->c[3]);
    store_n(r->state[0] + k, squares, n);
    store_n(r->state[1] + k, r->c[1] * deltas + r->c[2] * (delta * delta), n);
    return p - r->c[0] * delta;
}

static void adadelta_update(const fc_args *a, const fc_context *ctx) {
    rule r = {.state = {a->t[5].data, a->t[6].data},
              .c = {(float)hyper(a, 0), (float)a->f[0], (float)(1.0 - a->f[0]), (float)a->f[1]}};
    update(a, ctx, &r, adadelta_step);
}

/* ---- RMSprop: c = learning rate, rho, 1 - rho, epsilon, momentum ---- */

INLINE vf rmsprop_increment(const rule *r, int64_t k, int64_t n, vf g) {
    vf squares = r->c[1] * load_n(r->state[0] + k, n) + r->c[2] * (g * g);
    store_n(r->state[0] + k, squares, n);
    return r->c[0] * g / vsqrt(squares + r->c[3]);
}

INLINE vf rmsprop_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    return p - rmsprop_increment(r, k, n, g);
}

INLINE vf rmsprop_momentum_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf v = r->c[4] * load_n(r->state[1] + k, n) + rmsprop_increment(r, k, n, g);
    store_n(r->state[1] + k, v, n);
    return p - v;
}

static void rmsprop_update(const fc_args *a, const fc_context *ctx) {
    rule r = {.state = {a->t[5].data, a->t[6].data},
              .c = {(float)hyper(a, 0), (float)a->f[0], (float)(1.0 - a->f[0]), (float)a->f[1],
                    (float)a->f[2]}};
    if (r.state[1])
        update(a, ctx, &r, rmsprop_momentum_step);
    else
        update(a, ctx, &r, rmsprop_step);
}

/* ---- Adagrad: c = learning rate, epsilon ---- */

INLINE vf adagrad_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf sum = load_n(r->state[0] + k, n) + g * g;
    store_n(r->state[0] + k, sum, n);
    return p - r->c[0] * g / vsqrt(sum + r->c[1]);
}

static void adagrad_update(const fc_args *a, const fc_context *ctx) {
    rule r = {.state = {a->t[5].data}, .c = {(float)hyper(a, 0), (float)a->f[0]}};
    update(a, ctx, &r, adagrad_step);
}

/* ---- what the penalties add to the loss ---- */

INLINE double sum_lanes(vf v) {
    double sum = 0.0;
    for (int l = 0; l < VW; l++) sum += v[l];
    return sum;
}

/* One thread, so that the order of additions is fixed; float sums of 64 vectors at most. */
static void penalty_value(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *bounds = &a->t[1], *penalties = &a->t[2];
    const int64_t *bound = bounds->data;
    double total = 0.0;
    if (ctx->thread) return;
    for (int64_t s = 0; s + 1 < bounds->shape[0]; s++) {
        const float *row = (const float *)penalties->data + s * penalties->stride[0];
        if (row[0] == 0.0f && row[1] == 0.0f) continue;
        for (int64_t k = bound[s], end; k < bound[s + 1]; k = end) {
            vf absolute = (vf){0}, squares = (vf){0};
            end = min_i64(k + 64 * VW, bound[s + 1]);
            for (; k < end; k += VW) {
                vf p = load_n((const float *)a->t[0].data + k, min_i64(VW, end - k));
                absolute += vmax(p, -p);
                squares += p * p;
            }
            total += row[0] * sum_lanes(absolute) + row[1] * sum_lanes(squares);
        }
    }
    *(double *)a->t[3].data = total;
}

#define OPTIMIZER_KERNELS \
    {"sgd_update", ">p g bounds penalties hyper >?velocity | nesterov | momentum", \
     sgd_update, 0, 0, 0}, \
    {"adam_update", ">p g bounds penalties hyper >m >v | | beta1 beta2 epsilon", \
     adam_update, 0, 0, 0}, \
    {"adadelta_update", ">p g bounds penalties hyper >squares >deltas | | rho epsilon", \
     adadelta_update, 0, 0, 0}, \
    {"rmsprop_update", ">p g bounds penalties hyper >squares >?velocity | | rho epsilon momentum", \
     rmsprop_update, 0, 0, 0}, \
    {"adagrad_update", ">p g bounds penalties hyper >squares | | epsilon", \
     adagrad_update, 0, 0, 0}, \
    {"penalty_value", "p bounds penalties >out", penalty_value, 0, 0, 0}
