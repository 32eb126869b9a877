/* Optimizers: one pass over all parameters, which lie in one flat array p, gradients g alike.
 * Segments [bounds[s], bounds[s + 1]) have penalties of their own (l1, l2, decoupled weight decay)
 * and a learning-rate factor. The rules stand in kernels/reference/optimizer.py. */
#include "gradient_impl.h"
#include "vecmath.h"

typedef struct {
    float l1, l2, decay;   /* gradient l1 sign(p) + l2 p (twice the penalty's l2), step -decay p */
    float rate;            /* factor of the learning rate */
} segment_penalty;

INLINE segment_penalty penalty_of(const fc_args *a, const fc_tensor *penalties, int64_t s) {
    const float *row = (const float *)penalties->data + s * penalties->stride[0];
    const double *hyper = a->t[4].data;
    return (segment_penalty){row[0], 2.0f * row[1], (float)hyper[0] * row[2] * row[3], row[3]};
}

/* What an optimizer does to n <= VW parameters from number k, with their effective gradient. */
typedef struct {
    float *state[3];
    float c[8];   /* the rule's constants; the first is proportional to the learning rate */
} rule;

typedef vf (*rule_step)(const rule *, int64_t k, int64_t n, vf p, vf g);

/* This thread's part of segment s. Vectors stand at multiples of VW, whatever the threads: an
 * element always takes the same path. */
INLINE void update_segment(const fc_args *a, const fc_context *ctx, int64_t s,
                           segment_penalty penalty, const rule *r, rule_step step) {
    const int64_t *bound = a->t[2].data;
    const float *g = a->t[1].data;
    float *parameters = a->t[0].data;
    int64_t share_begin, share_end;
    split_floats(a->t[0].shape[0], ctx, &share_begin, &share_end);
    int64_t k = max_i64(bound[s], share_begin), end = min_i64(bound[s + 1], share_end);
    while (k < end) {
        int64_t n = min_i64(VW - k % VW, end - k);
        vf old = load_n(parameters + k, n);
        vf gradient = load_n(g + k, n) + (penalty.l1 * sign(old) + penalty.l2 * old);
        vf value = step(r, k, n, old - penalty.decay * old, gradient);
        store_n(parameters + k, value, n);
        k += n;
    }
}

INLINE void update(const fc_args *a, const fc_context *ctx, const rule *r, rule_step step) {
    for (int64_t s = 0; s + 1 < a->t[2].shape[0]; s++) {
        segment_penalty penalty = penalty_of(a, &a->t[3], s);
        rule own = *r;
        own.c[0] *= penalty.rate;
        update_segment(a, ctx, s, penalty, &own, step);
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

/* ---- Adam: c = step size, 1 - beta1, 1 - beta2, epsilon ---- */

/* state[0], state[1] = means of g and g^2; returns them */
typedef struct { vf m, v; } moments;

INLINE moments update_moments(const rule *r, int64_t k, int64_t n, vf g) {
    moments x = {load_n(r->state[0] + k, n), load_n(r->state[1] + k, n)};
    x.m += (g - x.m) * r->c[1];
    x.v += (g * g - x.v) * r->c[2];
    store_n(r->state[0] + k, x.m, n);
    store_n(r->state[1] + k, x.v, n);
    return x;
}

INLINE vf adam_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    moments x = update_moments(r, k, n, g);
    return p - r->c[0] * x.m / (vsqrt(x.v) + r->c[3]);
}

INLINE vf amsgrad_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    moments x = update_moments(r, k, n, g);
    vf largest = vmax(load_n(r->state[2] + k, n), x.v);
    store_n(r->state[2] + k, largest, n);
    return p - r->c[0] * x.m / (vsqrt(largest) + r->c[3]);
}

INLINE rule moments_rule(const fc_args *a, double step_size) {
    return (rule){.state = {a->t[5].data, a->t[6].data},
                  .c = {(float)step_size, (float)(1.0 - a->f[0]), (float)(1.0 - a->f[1]),
                        (float)a->f[2]}};
}

static void adam_update(const fc_args *a, const fc_context *ctx) {
    rule r = moments_rule(a, hyper(a, 0) * sqrt(hyper(a, 2)) / hyper(a, 1));
    r.state[2] = a->t[7].data;
    if (r.state[2])
        update(a, ctx, &r, amsgrad_step);
    else
        update(a, ctx, &r, adam_step);
}

/* ---- Adamax: c = step size, 1 - beta1, beta2, epsilon ---- */

INLINE vf adamax_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf m = load_n(r->state[0] + k, n), u = r->c[2] * load_n(r->state[1] + k, n);
    m += (g - m) * r->c[1];
    u = vmax(u, vmax(g, -g));
    store_n(r->state[0] + k, m, n);
    store_n(r->state[1] + k, u, n);
    return p - r->c[0] * m / (u + r->c[3]);
}

static void adamax_update(const fc_args *a, const fc_context *ctx) {
    rule r = moments_rule(a, hyper(a, 0) / hyper(a, 1));
    r.c[2] = (float)a->f[1];
    update(a, ctx, &r, adamax_step);
}

/* ---- Nadam: c = learning rate, 1 - beta1, 1 - beta2, epsilon, weights of m and g,
 *      1 / (1 - beta2^t) ---- */

INLINE vf nadam_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    moments x = update_moments(r, k, n, g);
    vf momentum = r->c[4] * x.m + r->c[5] * g;
    return p - r->c[0] * momentum / (vsqrt(x.v * r->c[6]) + r->c[3]);
}

static void nadam_update(const fc_args *a, const fc_context *ctx) {
    rule r = moments_rule(a, hyper(a, 0));
    r.c[4] = (float)hyper(a, 1);
    r.c[5] = (float)hyper(a, 2);
    r.c[6] = (float)(1.0 / hyper(a, 3));
    update(a, ctx, &r, nadam_step);
}

/* ---- RAdam: as Adam, but without v while the rectification is 0 ---- */

INLINE vf radam_plain_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    return p - r->c[0] * update_moments(r, k, n, g).m;
}

static void radam_update(const fc_args *a, const fc_context *ctx) {
    double step_size = hyper(a, 0) / hyper(a, 1), rectification = hyper(a, 3);
    if (rectification > 0.0) {
        rule r = moments_rule(a, step_size * rectification * sqrt(hyper(a, 2)));
        update(a, ctx, &r, adam_step);
    } else {
        rule r = moments_rule(a, step_size);
        update(a, ctx, &r, radam_plain_step);
    }
}

/* ---- Lion: c = learning rate, 1 - beta1, 1 - beta2 ---- */

INLINE vf lion_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf m = load_n(r->state[0] + k, n), towards = g - m;
    store_n(r->state[0] + k, m + towards * r->c[2], n);
    return p - r->c[0] * sign(m + towards * r->c[1]);
}

static void lion_update(const fc_args *a, const fc_context *ctx) {
    rule r = {.state = {a->t[5].data},
              .c = {(float)hyper(a, 0), (float)(1.0 - a->f[0]), (float)(1.0 - a->f[1])}};
    update(a, ctx, &r, lion_step);
}

/* ---- LARS: c = learning rate of the segment, momentum ---- */

INLINE vf lars_step(const rule *r, int64_t k, int64_t n, vf p, vf g) {
    vf v = r->c[1] * load_n(r->state[0] + k, n) + r->c[0] * g;
    store_n(r->state[0] + k, v, n);
    return p - v;
}

/* Learning rate over that of all: by the norms of parameters and gradients of a segment. */
INLINE double lars_trust(const fc_args *a, double p_square, double g_square, double decay) {
    double p_norm = sqrt(p_square), g_norm = sqrt(g_square);
    if (!(p_norm > 0.0 && g_norm > 0.0)) return 1.0;
    return a->f[1] * p_norm / (g_norm + decay * p_norm + a->f[2]);
}

/* Weight decay is part of the gradient here. */
static void lars_update(const fc_args *a, const fc_context *ctx) {
    const int64_t *bound = a->t[2].data, *adapted = a->t[6].data;
    const double *p_squares = a->t[7].data, *g_squares = a->t[8].data;
    for (int64_t s = 0; s + 1 < a->t[2].shape[0]; s++) {
        float decay = ((const float *)a->t[3].data + s * a->t[3].stride[0])[2];
        double p_square = segment_sum(&p_squares, bound[s + 1] - bound[s]);
        double g_square = segment_sum(&g_squares, bound[s + 1] - bound[s]);
        double trust = adapted[s] ? lars_trust(a, p_square, g_square, decay) : 1.0;
        segment_penalty penalty = penalty_of(a, &a->t[3], s);
        rule r = {.state = {a->t[5].data},
                  .c = {(float)(hyper(a, 0) * trust) * penalty.rate, (float)a->f[0]}};
        penalty.l2 += decay;
        penalty.decay = 0.0f;
        update_segment(a, ctx, s, penalty, &r, lars_step);
    }
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
    {"adam_update", ">p g bounds penalties hyper >m >v >?largest | | beta1 beta2 epsilon", \
     adam_update, 0, 0, 0}, \
    {"adamax_update", ">p g bounds penalties hyper >m >u | | beta1 beta2 epsilon", \
     adamax_update, 0, 0, 0}, \
    {"nadam_update", ">p g bounds penalties hyper >m >v | | beta1 beta2 epsilon", \
     nadam_update, 0, 0, 0}, \
    {"radam_update", ">p g bounds penalties hyper >m >v | | beta1 beta2 epsilon", \
     radam_update, 0, 0, 0}, \
    {"lion_update", ">p g bounds penalties hyper >m | | beta1 beta2", lion_update, 0, 0, 0}, \
    {"lars_update", ">p g bounds penalties hyper >velocity adapted p_squares g_squares" \
     " | | momentum trust epsilon", lars_update, 0, 0, 0}, \
    {"adadelta_update", ">p g bounds penalties hyper >squares >deltas | | rho epsilon", \
     adadelta_update, 0, 0, 0}, \
    {"rmsprop_update", ">p g bounds penalties hyper >squares >?velocity | | rho epsilon momentum", \
     rmsprop_update, 0, 0, 0}, \
    {"adagrad_update", ">p g bounds penalties hyper >squares | | epsilon", \
     adagrad_update, 0, 0, 0}, \
    {"penalty_value", "p bounds penalties >out", penalty_value, 0, 0, 0}
