/* Constraints and penalties on the weights of a layer: w is (A, U, B), A and B together what comes
 * into unit U. The rules stand in kernels/reference/weights.py. */
#include "vec.h"

#define SMALLEST 1e-7   /* Keras' epsilon */

typedef struct {
    float *data;
    int64_t a, units, b;
} weights;

INLINE weights weights_of(const fc_tensor *w) {
    return (weights){w->data, w->shape[0], w->shape[1], w->shape[2]};
}
/* The weights (a, u, 0) to (a, u, B - 1), which follow each other */
INLINE float *weights_row(const weights *w, int64_t a, int64_t u) {
    return w->data + (a * w->units + u) * w->b;
}

/* ---- constraints: threads share the units ---- */

INLINE double unit_norm(const weights *w, int64_t u) {
    vf sum = {0};
    double total = 0.0;
    for (int64_t a = 0; a < w->a; a++)
        for (int64_t k = 0; k < w->b; k += VW) {
            vf x = load_n(weights_row(w, a, u) + k, min_i64(VW, w->b - k));
            sum += x * x;
        }
    for (int l = 0; l < VW; l++) total += sum[l];
    return sqrt(total);
}

static void norm_constraint(const fc_args *a, const fc_context *ctx) {
    weights w = weights_of(&a->t[0]);
    int64_t u, end;
    for (split(w.units, ctx, &u, &end); u < end; u++) {
        double norm = unit_norm(&w, u), rate = a->f[2];
        double wanted = norm < a->f[0] ? a->f[0] : norm > a->f[1] ? a->f[1] : norm;
        vf scale = splat((float)((rate * wanted + (1.0 - rate) * norm) / (SMALLEST + norm)));
        for (int64_t i = 0; i < w.a; i++)
            for (int64_t k = 0; k < w.b; k += VW) {
                int64_t n = min_i64(VW, w.b - k);
                float *p = weights_row(&w, i, u) + k;
                store_n(p, load_n(p, n) * scale, n);
            }
    }
}

static void non_negative(const fc_args *a, const fc_context *ctx) {
    weights w = weights_of(&a->t[0]);
    int64_t k, end;
    split(ceil_div(w.a * w.units * w.b, VW), ctx, &k, &end);
    end = min_i64(end * VW, w.a * w.units * w.b);
    for (k *= VW; k < end; k += VW) {
        int64_t n = min_i64(VW, end - k);
        vf x = load_n(w.data + k, n);
        store_n(w.data + k, select(x < 0.0f, (vf){0}, x), n);   /* a NaN stays */
    }
}

/* ---- orthogonal penalty: vectors of unit length, packed into the workspace ---- */

typedef struct {
    int64_t count, length, padded;   /* vectors, numbers in each, and with zeros up to VW */
    float *unit, *norms;             /* (count, padded) and (count,) */
} vectors;

INLINE vectors vectors_of(const fc_args *a) {
    weights w = weights_of(&a->t[0]);
    vectors v = {.count = w.units, .length = w.a * w.b};
    if (a->i[0]) v = (vectors){.count = w.a * w.b, .length = w.units};
    v.padded = ceil_div(v.length, VW) * VW;
    v.unit = (float *)a->workspace;
    v.norms = v.unit + v.count * v.padded;
    return v;
}

static size_t orthogonal_workspace(const fc_args *a) {
    vectors v = vectors_of(a);
    return (size_t)(v.count * (v.padded + 1)) * sizeof(float);
}
static size_t orthogonal_scratch(const fc_args *a) {
    return (size_t)vectors_of(a).padded * sizeof(float);
}

/* Number k of vector i lies in w (or in dw, which has the same shape) here. */
INLINE int64_t vector_place(const fc_args *a, int64_t i, int64_t k) {
    weights w = weights_of(&a->t[0]);
    int64_t unit = a->i[0] ? k : i, input = a->i[0] ? i : k;
    return (input / w.b * w.units + unit) * w.b + input % w.b;
}

static void orthogonal_prepare(const fc_args *a, const fc_context *ctx) {
    vectors v = vectors_of(a);
    const float *w = a->t[0].data;
    int64_t i, end;
    for (split(v.count, ctx, &i, &end); i < end; i++) {
        float *row = v.unit + i * v.padded;
        double sum = 0.0;
        for (int64_t k = 0; k < v.padded; k++) {
            row[k] = k < v.length ? w[vector_place(a, i, k)] : 0.0f;
            sum += (double)row[k] * row[k];
        }
        v.norms[i] = (float)(sqrt(sum) > SMALLEST ? sqrt(sum) : SMALLEST);
        for (int64_t k = 0; k < v.padded; k++) row[k] /= v.norms[i];
    }
}

INLINE float dot(const float *x, const float *y, int64_t n) {
    vf sum = {0};
    float total = 0.0f;
    for (int64_t k = 0; k < n; k += VW) sum += load(x + k) * load(y + k);
    for (int l = 0; l < VW; l++) total += sum[l];
    return total;
}

INLINE void add_scaled(float *to, const float *x, float scale, int64_t n) {
    for (int64_t k = 0; k < n; k += VW) store(to + k, load(to + k) + scale * load(x + k));
}

/* pull = sum over j of the sign of cos(i, j) times vector j, without what is along vector i */
INLINE void orthogonal_pull(const vectors *v, int64_t i, float *pull) {
    const float *own = v->unit + i * v->padded;
    memset(pull, 0, v->padded * sizeof(float));
    for (int64_t j = 0; j < v->count; j++) {
        const float *other = v->unit + j * v->padded;
        float cosine = j == i ? 0.0f : dot(own, other, v->padded);
        if (cosine != 0.0f) add_scaled(pull, other, cosine > 0.0f ? 1.0f : -1.0f, v->padded);
    }
    add_scaled(pull, own, -dot(own, pull, v->padded), v->padded);
}

INLINE double orthogonal_value(const vectors *v) {
    double sum = 0.0;
    for (int64_t i = 0; i < v->count; i++)
        for (int64_t j = 0; j < i; j++)
            sum += fabsf(dot(v->unit + i * v->padded, v->unit + j * v->padded, v->padded));
    return sum;
}

static void orthogonal_penalty(const fc_args *a, const fc_context *ctx) {
    vectors v = vectors_of(a);
    double pairs = 0.5 * v.count * (v.count - 1), scale = a->f[0] / (pairs > 1.0 ? pairs : 1.0);
    float *dw = a->t[1].data, *pull = (float *)ctx->scratch;
    int64_t i, end;
    if (a->t[2].data && !ctx->thread) *(double *)a->t[2].data = scale * orthogonal_value(&v);
    if (!dw) return;
    for (split(v.count, ctx, &i, &end); i < end; i++) {
        orthogonal_pull(&v, i, pull);
        for (int64_t k = 0; k < v.length; k++)
            dw[vector_place(a, i, k)] += (float)scale * pull[k] / v.norms[i];
    }
}

#define WEIGHTS_KERNELS \
    {"norm_constraint", ">w | | low high rate", norm_constraint, 0, 0, 0}, \
    {"non_negative", ">w", non_negative, 0, 0, 0}, \
    {"orthogonal_penalty", "w >?dw >?out | rows | factor", orthogonal_penalty, \
     orthogonal_prepare, orthogonal_workspace, orthogonal_scratch}
