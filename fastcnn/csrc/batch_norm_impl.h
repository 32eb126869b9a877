/* Batch normalisation: statistics of each channel over blocks, pixels and the lanes that hold images.
 * A thread owns whole channels. Lanes must divide VW or be a multiple of it (1, 2, 4, 8, 16 all are). */
#include "activation_math.h"
#include "lanes.h"

/* Sums of one channel in float64. Float32 partial sums are never longer than PIECE vectors. */
typedef struct {
    double a[VW], b[VW];
} channel_sums;

#define PIECE 64

/* Of a long row, the floats a page ahead: prefetchers of hardware stop where a page of 4 KB ends. */
#define PAGE_FLOATS 1024
#define FETCH_PAGE_AHEAD(p, writes) __builtin_prefetch((p) + PAGE_FLOATS, writes)

/* How a channel is walked: `rows` rows of n floats in each block, lanes repeating every `period` floats. */
typedef struct {
    int64_t blocks, rows, n, period;
    const int32_t *masks;    /* (blocks, period): -1 where the lane holds an image, else 0 */
    double count;            /* values in a channel */
} channel_walk;

INLINE int64_t lane_period(int64_t lanes) { return max_i64(lanes, VW); }

INLINE int rows_touch(const fc_tensor *t) {
    return t->shape[2] == 1 || t->stride[2] == t->shape[3] * t->shape[4];
}

/* The tensors are walked together: a channel of a block is one long row if that holds for all of them. */
static channel_walk start_walk(
    const fc_tensor *order, const fc_context *ctx, const fc_tensor *const tensors[4]
) {
    const fc_tensor *x = tensors[0];
    int64_t lanes = x->shape[4], h = x->shape[2], w = x->shape[3], images = 0;
    int32_t *masks = (int32_t *)ctx->scratch;
    channel_walk walk = {active_blocks(x, ctx), h, w * lanes, lane_period(lanes), masks, 0.0};
    int touch = 1;
    for (int k = 0; k < 4; k++) touch &= rows_touch(tensors[k]);
    if (touch) {
        walk.rows = 1;
        walk.n = h * w * lanes;
    }
    for (int64_t b = 0; b < walk.blocks; b++) {
        const int64_t *image = (const int64_t *)order->data + b * order->stride[0];
        for (int64_t l = 0; l < lanes; l++) images += image[l * order->stride[1]] >= 0;
        for (int64_t j = 0; j < walk.period; j++)
            masks[b * walk.period + j] = -(image[j % lanes * order->stride[1]] >= 0);
    }
    walk.count = (double)images * (double)(h * w);
    return walk;
}

/* All rows of a channel, and in each the vectors that start at k, k + period, ...: they share a lane mask. */
#define EACH_ROW(walk, b, row, k) \
    for (int64_t b = 0; b < (walk)->blocks; b++) \
        for (int64_t row = 0; row < (walk)->rows; row++) \
            for (int64_t k = 0; k < (walk)->period; k += VW)

INLINE float *channel_row(const fc_tensor *t, int64_t b, int64_t c, int64_t row) {
    return (float *)t->data + b * t->stride[0] + c * t->stride[1] + row * t->stride[2];
}

INLINE float channel_value(const fc_tensor *t, int64_t c, float absent) {
    return t->data ? ((const float *)t->data)[c * t->stride[0]] : absent;
}

INLINE void set_channel(const fc_tensor *t, int64_t c, double value) {
    if (t->data) ((float *)t->data)[c * t->stride[0]] = (float)value;
}

INLINE vi mask_at(const channel_walk *walk, int64_t b, int64_t k) {
    vi mask;
    memcpy(&mask, walk->masks + b * walk->period + k, sizeof mask);
    return mask;
}

INLINE vi first_lanes(int64_t n) { return lane_numbers() < splat_i((int32_t)n); }

INLINE void flush(channel_sums *sums, vf a, vf b) {
    for (int j = 0; j < VW; j++) {
        sums->a[j] += a[j];
        sums->b[j] += b[j];
    }
}

INLINE double total(const double *lanes) {
    double sum = 0.0;
    for (int j = 0; j < VW; j++) sum += lanes[j];
    return sum;
}

/* a += sum of d, b += sum of d^2, d = x - pivot, over floats k, k + period, ... of a row */
INLINE void sum_row(
    channel_sums *sums, const float *x, int64_t k, int64_t n, int64_t period, vi mask, vf pivot
) {
    int64_t i = k;
    while (i + VW <= n) {
        vf a = {0}, b = {0};
        int64_t end = min_i64(n, i + PIECE * period);
        for (; i + VW <= end; i += period) {
            FETCH_PAGE_AHEAD(x + i, 0);
            vf d = keep_where(mask, load(x + i) - pivot);
            a += d;
            b += d * d;
        }
        flush(sums, a, b);
    }
    if (i < n) {
        vf d = keep_where(mask & first_lanes(n - i), load_part(x + i, n - i) - pivot);
        flush(sums, d, d * d);
    }
}

/* The mean of a piece of the middle row of the first block that holds an image */
static float channel_pivot(const channel_walk *walk, const fc_tensor *x, int64_t c) {
    int64_t n = min_i64(walk->n, PIECE * VW), lanes = x->shape[4];
    for (int64_t b = 0; b < walk->blocks; b++) {
        int64_t images = 0;
        for (int64_t l = 0; l < lanes; l++) images -= walk->masks[b * walk->period + l];
        if (!images) continue;
        channel_sums sums = {{0}};
        const float *row = channel_row(x, b, c, walk->rows / 2);
        for (int64_t k = 0; k < walk->period; k += VW)
            sum_row(&sums, row, k, n, walk->period, mask_at(walk, b, k), splat(0.0f));
        return (float)(total(sums.a) / (double)(images * (n / lanes)));
    }
    return 0.0f;
}

/* Mean and biased variance in one pass over x - pivot. Subtracting squares loses digits when the pivot is
 * many standard deviations from the mean, so the pivot is a mean itself, of a small part of the data. */
static void channel_statistics(
    const channel_walk *walk, const fc_tensor *x, int64_t c, double *mean, double *variance
) {
    float pivot = channel_pivot(walk, x, c);
    channel_sums sums = {{0}};
    EACH_ROW(walk, b, row, k) {
        vi mask = mask_at(walk, b, k);
        sum_row(&sums, channel_row(x, b, c, row), k, walk->n, walk->period, mask, splat(pivot));
    }
    double n = walk->count > 0.0 ? walk->count : 1.0, shift = total(sums.a) / n;
    *mean = pivot + shift;
    *variance = fmax(0.0, total(sums.b) / n - shift * shift);
}

/* normal(x) = (x - mean) * scale + shift. The mean is subtracted first, for x may be large beside its spread. */
typedef struct {
    float mean, scale, shift, alpha;
    int activation;
} bn_map;

/* The same floats forward and backward, so that the way back finds the bits again that the activation got. */
INLINE bn_map bn_map_of(
    double mean, double inv_std, const fc_tensor *gamma, const fc_tensor *beta, int64_t c, int activation,
    float alpha
) {
    double scale = inv_std * channel_value(gamma, c, 1.0f), rounded_off = mean - (float)mean;
    float shift = (float)(channel_value(beta, c, 0.0f) - rounded_off * scale);
    return (bn_map){(float)mean, (float)scale, shift, alpha, activation};
}

INLINE vf normal(const bn_map *m, vf x) { return (x - m->mean) * m->scale + m->shift; }

/* Constants for f, so that loops over vectors decide nothing */
#define WITH_ACTIVATION(activation, f, ...) \
    switch (activation) { \
    case ACT_LINEAR: f(__VA_ARGS__, ACT_LINEAR); break; \
    case ACT_RELU: f(__VA_ARGS__, ACT_RELU); break; \
    default: f(__VA_ARGS__, activation); \
    }

/* The same place in x, z (or NULL) and y */
typedef struct {
    const float *x, *z;
    float *y;
    int streamed;            /* y is stored past the caches */
} bn_rows;

INLINE bn_rows bn_rows_at(
    const fc_tensor *x, const fc_tensor *z, const fc_tensor *y, int64_t b, int64_t c, int64_t row,
    int streamed
) {
    const float *sum = z->data ? channel_row(z, b, c, row) : NULL;
    return (bn_rows){channel_row(x, b, c, row), sum, channel_row(y, b, c, row), streamed};
}

/* What lies where x or z did is in the caches. */
INLINE int bn_streams(
    const fc_tensor *x, const fc_tensor *z, const fc_tensor *y, const fc_context *ctx
) {
    return streams(y, ctx) && y->data != x->data && y->data != z->data;
}

/* y = act(normal(x) + z) for n floats at i */
INLINE void normalize(const bn_map *m, const bn_rows *r, int64_t i, int64_t n, vi mask, const int activation) {
    if (!r->streamed) FETCH_PAGE_AHEAD(r->y + i, 1);
    vf v = normal(m, load_n(r->x + i, n));
    if (r->z) {
        FETCH_PAGE_AHEAD(r->z + i, 0);
        v += load_n(r->z + i, n);
    }
    v = keep_where(mask, activate(activation, v, m->alpha));
    if (r->streamed && n == VW)
        stream(r->y + i, v);
    else
        store_n(r->y + i, v, n);
}

INLINE void normalize_row(
    const bn_map *m, bn_rows r, int64_t k, int64_t n, int64_t period, vi mask, const int activation
) {
    int64_t i = k;
    for (; i + VW <= n; i += period) normalize(m, &r, i, VW, mask, activation);
    if (i < n) normalize(m, &r, i, n - i, mask, activation);
}

INLINE void update_moving(const fc_tensor *moving, int64_t c, double momentum, double value) {
    set_channel(moving, c, momentum * channel_value(moving, c, 0.0f) + (1.0 - momentum) * value);
}

static void batch_norm_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *z = &a->t[3], *y = &a->t[5];
    double epsilon = a->f[0], momentum = a->f[1], variance;
    double *mean = a->t[6].data, *inv_std = a->t[7].data;
    channel_walk walk = start_walk(&a->t[4], ctx, (const fc_tensor *[]){x, y, z->data ? z : y, y});
    int64_t begin, end;
    split(x->shape[1], ctx, &begin, &end);
    int streamed = bn_streams(x, z, y, ctx);
    for (int64_t c = begin; c < end; c++) {
        channel_statistics(&walk, x, c, &mean[c], &variance);
        inv_std[c] = 1.0 / sqrt(variance + epsilon);
        bn_map m = bn_map_of(mean[c], inv_std[c], &a->t[1], &a->t[2], c, (int)a->i[0], (float)a->f[2]);
        EACH_ROW(&walk, b, row, k) {
            bn_rows r = bn_rows_at(x, z, y, b, c, row, streamed);
            vi mask = mask_at(&walk, b, k);
            WITH_ACTIVATION(m.activation, normalize_row, &m, r, k, walk.n, walk.period, mask)
        }
        if (walk.count == 0.0) continue;
        update_moving(&a->t[8], c, momentum, mean[c]);
        update_moving(&a->t[9], c, momentum, variance);
    }
    if (streamed) stream_end();
}

static void batch_norm_inference(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[6];
    int64_t channels = x->shape[1], n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * channels, ctx, &begin, &end);
    int streamed = bn_streams(x, &a->t[3], y, ctx);
    for (int64_t plane = begin; plane < end; plane++) {
        int64_t b = plane / channels, c = plane % channels;
        double inv_std = 1.0 / sqrt(channel_value(&a->t[5], c, 1.0f) + a->f[0]);
        double mean = channel_value(&a->t[4], c, 0.0f);
        bn_map m = bn_map_of(mean, inv_std, &a->t[1], &a->t[2], c, (int)a->i[0], (float)a->f[1]);
        for (int64_t row = 0; row < x->shape[2]; row++) {
            bn_rows r = bn_rows_at(x, &a->t[3], y, b, c, row, streamed);
            WITH_ACTIVATION(m.activation, normalize_row, &m, r, 0, n, VW, splat_i(-1))
        }
    }
    if (streamed) stream_end();
}

/* What the gradient of a channel is made from */
typedef struct {
    bn_map map;
    float ds_mean, slope;    /* of ds, the gradient before the activation, and of ds over x */
    int keeps_ds;            /* dx holds ds between the two passes */
} bn_gradient;

/* The same place in x, dy and dx */
typedef struct {
    const float *x, *dy;
    float *dx;
} bn_gradient_rows;

INLINE vf gradient_before(const bn_map *m, vf dy, vf x, vi mask, const int activation) {
    if (activation != ACT_LINEAR) dy = activate_backward_at(activation, dy, normal(m, x), m->alpha);
    return keep_where(mask, dy);
}

/* a += sum of ds, b += sum of ds * (x - mean), for n floats at i */
INLINE void sum_gradient(
    vf *a, vf *b, const bn_gradient *g, const bn_gradient_rows *r, int64_t i, int64_t n, vi mask,
    const int activation
) {
    FETCH_PAGE_AHEAD(r->x + i, 0);
    FETCH_PAGE_AHEAD(r->dy + i, 0);
    vf x = load_n(r->x + i, n), ds = gradient_before(&g->map, load_n(r->dy + i, n), x, mask, activation);
    if (is_costly(activation) && g->keeps_ds) store_n(r->dx + i, ds, n);
    *a += ds;
    *b += ds * (x - g->map.mean);
}

INLINE void sum_gradient_row(
    channel_sums *sums, const bn_gradient *g, bn_gradient_rows r, int64_t k, int64_t n, int64_t period,
    vi mask, const int activation
) {
    int64_t i = k;
    while (i + VW <= n) {
        vf a = {0}, b = {0};
        int64_t end = min_i64(n, i + PIECE * period);
        for (; i + VW <= end; i += period) sum_gradient(&a, &b, g, &r, i, VW, mask, activation);
        flush(sums, a, b);
    }
    if (i < n) {
        vf a = {0}, b = {0};
        sum_gradient(&a, &b, g, &r, i, n - i, mask & first_lanes(n - i), activation);
        flush(sums, a, b);
    }
}

/* dx = scale * (ds - ds_mean - (x - mean) * slope) */
INLINE void write_gradient(
    const bn_gradient *g, const bn_gradient_rows *r, int64_t i, int64_t n, vi mask, const int activation
) {
    FETCH_PAGE_AHEAD(r->x + i, 0);
    FETCH_PAGE_AHEAD(r->dx + i, 1);
    vf x = load_n(r->x + i, n), ds;
    if (is_costly(activation) && g->keeps_ds)
        ds = load_n(r->dx + i, n);
    else
        ds = gradient_before(&g->map, load_n(r->dy + i, n), x, mask, activation);
    vf dx = (ds - g->ds_mean - (x - g->map.mean) * g->slope) * g->map.scale;
    store_n(r->dx + i, keep_where(mask, dx), n);
}

INLINE void write_gradient_row(
    const bn_gradient *g, bn_gradient_rows r, int64_t k, int64_t n, int64_t period, vi mask,
    const int activation
) {
    int64_t i = k;
    for (; i + VW <= n; i += period) write_gradient(g, &r, i, VW, mask, activation);
    if (i < n) write_gradient(g, &r, i, n - i, mask, activation);
}

/* dx may lie where dy or x does. */
static void batch_norm_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dx = &a->t[7];
    const double *mean = a->t[4].data, *inv_std = a->t[5].data;
    channel_walk walk = start_walk(&a->t[6], ctx, (const fc_tensor *[]){x, dy, dx, dx});
    double count = walk.count > 0.0 ? walk.count : 1.0;
    int64_t begin, end;
    split(x->shape[1], ctx, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        int activation = (int)a->i[0];
        bn_map m = bn_map_of(mean[c], inv_std[c], &a->t[2], &a->t[3], c, activation, (float)a->f[0]);
        bn_gradient g = {.map = m, .keeps_ds = dx->data != x->data};
        channel_sums sums = {{0}};
        EACH_ROW(&walk, b, row, k) {
            bn_gradient_rows r = {channel_row(x, b, c, row), channel_row(dy, b, c, row),
                                  channel_row(dx, b, c, row)};
            vi mask = mask_at(&walk, b, k);
            WITH_ACTIVATION(activation, sum_gradient_row, &sums, &g, r, k, walk.n, walk.period, mask)
        }
        double dbeta = total(sums.a), dgamma = total(sums.b) * inv_std[c];
        g.ds_mean = (float)(dbeta / count);
        g.slope = (float)(dgamma * inv_std[c] / count);
        EACH_ROW(&walk, b, row, k) {
            bn_gradient_rows r = {channel_row(x, b, c, row), channel_row(dy, b, c, row),
                                  channel_row(dx, b, c, row)};
            vi mask = mask_at(&walk, b, k);
            WITH_ACTIVATION(activation, write_gradient_row, &g, r, k, walk.n, walk.period, mask)
        }
        set_channel(&a->t[8], c, dgamma);
        set_channel(&a->t[9], c, dbeta);
    }
}

static size_t lane_masks_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[0];
    return (size_t)(x->shape[0] * lane_period(x->shape[4])) * sizeof(int32_t);
}

#define BATCH_NORM_KERNELS \
    {"batch_norm_forward", \
     "x ?gamma ?beta ?z order >y >mean >inv_std >moving_mean >moving_var | activation " \
     "| epsilon momentum alpha", \
     batch_norm_forward, 0, 0, lane_masks_scratch}, \
    {"batch_norm_inference", \
     "x ?gamma ?beta ?z moving_mean moving_var >y | activation | epsilon alpha", \
     batch_norm_inference, 0, 0, 0}, \
    {"batch_norm_backward", \
     "x dy ?gamma ?beta mean inv_std order >dx >?dgamma >?dbeta | activation | alpha", \
     batch_norm_backward, 0, 0, lane_masks_scratch}
