/* Group normalisation: mean and variance of each image over the pixels and channels of a group. A thread owns whole
 * (block, group) pairs; the lanes of a block are its images, so sums stay apart by lane. Lanes are 1, 4, 8 or 16.
 * mean and inv_std are (B, G, L). */
#include "activation_math.h"
#include "lanes.h"

#define GN_LANES 16

/* Two sums for each lane, in float64 */
typedef struct {
    double a[GN_LANES], b[GN_LANES];
} lane_sums;

/* A number for each lane, repeated to fill vectors: that of float i of a row stands at i % GN_LANES. */
typedef struct {
    float v[GN_LANES];
} lane_values;

INLINE vf lane_value(const lane_values *values, int64_t i) { return load(values->v + i % GN_LANES); }

INLINE void spread(lane_values *to, const float *from, int64_t lanes) {
    for (int64_t j = 0; j < GN_LANES; j++) to->v[j] = from[j % lanes];
}

typedef struct {
    int64_t lanes, groups, channels, height, width, pixels, begin, end;   /* channels: of a group */
} gn_shape;

INLINE gn_shape gn_shape_of(const fc_tensor *x, int64_t groups, const fc_context *ctx) {
    gn_shape s = {.lanes = x->shape[4], .groups = groups, .channels = x->shape[1] / groups, .height = x->shape[2],
                  .width = x->shape[3] * x->shape[4]};
    s.pixels = s.channels * s.height * x->shape[3];
    split(active_blocks(x, ctx) * groups, ctx, &s.begin, &s.end);
    return s;
}

/* Row r of a group (its channels, and in each its rows), of item (block, group) */
INLINE int64_t gn_channel(const gn_shape *s, int64_t item, int64_t r) {
    return item % s->groups * s->channels + r / s->height;
}
INLINE float *gn_row(const gn_shape *s, const fc_tensor *t, int64_t item, int64_t r) {
    return channel_row(t, item / s->groups, gn_channel(s, item, r), r % s->height);
}

INLINE void gn_flush(lane_sums *sums, vf a, vf b, int64_t k, int64_t lanes) {
    for (int64_t j = 0; j < VW; j++) {
        sums->a[(k + j) % lanes] += a[j];
        sums->b[(k + j) % lanes] += b[j];
    }
}

/* Sums over a group of two terms a and b, which `term` makes of the n floats at px + i and pz + i of a row of x and z.
 * Vectors GN_LANES apart have the same lanes; r is the row. */
#define GN_SUM(sums, s, item, x, z, term) \
    for (int64_t k = 0; k < GN_LANES && k < (s)->width; k += VW) { \
        vf sum_a = {0}, sum_b = {0}; \
        int64_t pending = 0; \
        for (int64_t r = 0; r < (s)->channels * (s)->height; r++) { \
            const float *px = gn_row(s, x, item, r), *pz = gn_row(s, z, item, r); \
            (void)pz; \
            for (int64_t i = k; i < (s)->width; i += GN_LANES) { \
                int64_t n = min_i64(VW, (s)->width - i); \
                vf a, b; \
                term; \
                sum_a += a; \
                sum_b += b; \
            } \
            pending += (s)->width / GN_LANES + 1; \
            if (pending < PIECE) continue; \
            gn_flush(sums, sum_a, sum_b, k, (s)->lanes); \
            sum_a = sum_b = (vf){0}; \
            pending = 0; \
        } \
        gn_flush(sums, sum_a, sum_b, k, (s)->lanes); \
    }

INLINE vf keep_first(vf v, int64_t n) { return n == VW ? v : keep_where(first_lanes(n), v); }

/* Mean and 1 / sqrt(variance + epsilon) of each lane of a group, from sums of x - first and then of x - mean */
static void gn_statistics(const gn_shape *s, const fc_tensor *x, int64_t item, double epsilon, float *mean,
                          float *inv_std) {
    lane_values centre;
    spread(&centre, gn_row(s, x, item, 0), s->lanes);
    for (int pass = 0; pass < 2; pass++) {
        lane_sums sums = {{0}};
        GN_SUM(&sums, s, item, x, x, {
            a = keep_first(load_n(px + i, n) - lane_value(&centre, i), n);
            b = a * a;
        })
        for (int64_t l = 0; l < s->lanes; l++) {
            double shift = sums.a[l] / s->pixels, variance = sums.b[l] / s->pixels - shift * shift;
            mean[l] = (float)(centre.v[l] + shift);
            inv_std[l] = (float)(1.0 / sqrt(fmax(0.0, variance) + epsilon));
        }
        spread(&centre, mean, s->lanes);
    }
}

static float *gn_statistic(const gn_shape *s, const fc_tensor *t, int64_t item) {
    return (float *)t->data + item * s->lanes;
}

static void group_norm_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *gamma = &a->t[1], *beta = &a->t[2], *y = &a->t[3];
    gn_shape s = gn_shape_of(x, a->i[0], ctx);
    int activation = (int)a->i[1];
    for (int64_t item = s.begin; item < s.end; item++) {
        float mean[GN_LANES], inv_std[GN_LANES];
        lane_values m, d;
        gn_statistics(&s, x, item, a->f[0], mean, inv_std);
        spread(&m, mean, s.lanes);
        spread(&d, inv_std, s.lanes);
        for (int64_t r = 0; r < s.channels * s.height; r++) {
            int64_t c = gn_channel(&s, item, r);
            const float *px = gn_row(&s, x, item, r), g = channel_value(gamma, c, 1.0f), b = channel_value(beta, c, 0.0f);
            float *py = gn_row(&s, y, item, r);
            for (int64_t i = 0; i < s.width; i += VW) {
                int64_t n = min_i64(VW, s.width - i);
                vf v = (load_n(px + i, n) - lane_value(&m, i)) * lane_value(&d, i) * g + b;
                store_n(py + i, activate(activation, v, (float)a->f[1]), n);
            }
        }
        if (a->t[4].data) memcpy(gn_statistic(&s, &a->t[4], item), mean, s.lanes * sizeof(float));
        if (a->t[5].data) memcpy(gn_statistic(&s, &a->t[5], item), inv_std, s.lanes * sizeof(float));
    }
}

/* dx = inv_std (g - mean(g) - xhat mean(g xhat)), g = gamma dy, means over the group */
static void group_norm_backward_input(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *gamma = &a->t[2], *dx = &a->t[5];
    gn_shape s = gn_shape_of(x, a->i[0], ctx);
    for (int64_t item = s.begin; item < s.end; item++) {
        lane_values mean, inv_std, g_mean, slope;
        lane_sums sums = {{0}};
        spread(&mean, gn_statistic(&s, &a->t[3], item), s.lanes);
        spread(&inv_std, gn_statistic(&s, &a->t[4], item), s.lanes);
#define GN_XHAT ((load_n(px + i, n) - lane_value(&mean, i)) * lane_value(&inv_std, i))
        GN_SUM(&sums, &s, item, x, dy, {
            a = load_n(pz + i, n) * channel_value(gamma, gn_channel(&s, item, r), 1.0f);
            b = a * GN_XHAT;
        })
        for (int64_t j = 0; j < GN_LANES; j++) {
            g_mean.v[j] = (float)(sums.a[j % s.lanes] / s.pixels);
            slope.v[j] = (float)(sums.b[j % s.lanes] / s.pixels);
        }
        for (int64_t r = 0; r < s.channels * s.height; r++) {
            const float *px = gn_row(&s, x, item, r), *pdy = gn_row(&s, dy, item, r);
            float *pdx = gn_row(&s, dx, item, r), scale = channel_value(gamma, gn_channel(&s, item, r), 1.0f);
            for (int64_t i = 0; i < s.width; i += VW) {
                int64_t n = min_i64(VW, s.width - i);
                vf d = load_n(pdy + i, n) * scale - lane_value(&g_mean, i) - GN_XHAT * lane_value(&slope, i);
                store_n(pdx + i, d * lane_value(&inv_std, i), n);
            }
        }
#undef GN_XHAT
    }
}

/* dgamma = sum dy xhat, dbeta = sum dy: a thread owns whole channels. */
static void group_norm_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *mean = &a->t[2], *inv_std = &a->t[3];
    gn_shape s = gn_shape_of(x, a->i[0], ctx);
    int64_t begin, end;
    split(x->shape[1], ctx, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        channel_sums sums = {{0}};
        for (int64_t b = 0; b < active_blocks(x, ctx); b++) {
            lane_values m, d;
            spread(&m, gn_statistic(&s, mean, b * s.groups + c / s.channels), s.lanes);
            spread(&d, gn_statistic(&s, inv_std, b * s.groups + c / s.channels), s.lanes);
            for (int64_t h = 0; h < s.height; h++) {
                const float *px = channel_row(x, b, c, h), *pdy = channel_row(dy, b, c, h);
                for (int64_t i = 0; i < s.width;) {
                    vf dgamma = {0}, dbeta = {0};
                    for (int64_t stop = min_i64(s.width, i + PIECE * VW); i < stop; i += VW) {
                        int64_t n = min_i64(VW, s.width - i);
                        vf g = load_n(pdy + i, n);
                        dgamma += g * ((load_n(px + i, n) - lane_value(&m, i)) * lane_value(&d, i));
                        dbeta += g;
                    }
                    flush(&sums, dgamma, dbeta);
                }
            }
        }
        set_channel(&a->t[4], c, total(sums.a));
        set_channel(&a->t[5], c, total(sums.b));
    }
}

#define GROUP_NORM_KERNELS \
    {"group_norm_forward", "x ?gamma ?beta >y >?mean >?inv_std | groups activation | epsilon alpha", \
     group_norm_forward, 0, 0, 0}, \
    {"group_norm_backward_input", "dy x ?gamma mean inv_std >dx | groups", group_norm_backward_input, 0, 0, 0}, \
    {"group_norm_backward_weight", "dy x mean inv_std >?dgamma >?dbeta | groups", group_norm_backward_weight, 0, 0, 0}
