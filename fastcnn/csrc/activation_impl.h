/* Activations as kernels of their own; where it pays they are fused into their neighbours instead. */
#include "activation_math.h"

/* Rows (block, channel, y) of a (B, C, H, W, L) tensor; a row is W * L contiguous floats. */
INLINE int64_t row_offset(const fc_tensor *t, int64_t row) {
    int64_t h = t->shape[2], c = t->shape[1];
    return row % h * t->stride[2] + row / h % c * t->stride[1] + row / h / c * t->stride[0];
}
INLINE float *row_at(const fc_tensor *t, int64_t row) { return (float *)t->data + row_offset(t, row); }

/* For every vector of this thread's rows of out: `statement` with its n floats at px (of x) and po (of out), and at
 * pz of a third tensor. */
#define EACH_VECTOR(x, z, out, ctx, statement) \
    do { \
        int64_t width = (out)->shape[3] * (out)->shape[4], begin, end; \
        split(active_blocks(out, ctx) * (out)->shape[1] * (out)->shape[2], ctx, &begin, &end); \
        for (int64_t row = begin; row < end; row++) { \
            const float *px = row_at(x, row), *pz = row_at(z, row); \
            float *po = row_at(out, row); \
            (void)pz; \
            int64_t i = 0; \
            for (; i + VW <= width; i += VW, px += VW, pz += VW, po += VW) { enum { n = VW }; statement; } \
            if (i < width) { int64_t n = width - i; statement; } \
        } \
    } while (0)

/* A loop of its own for each activation, so that none is chosen inside */
#define ACTIVATION_CASE(name) case ACT_##name: ACTIVATION_LOOP(ACT_##name) break;

static void activation_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    float alpha = (float)a->f[0];
#define ACTIVATION_LOOP(code) \
    EACH_VECTOR(x, x, y, ctx, store_n(po, activation_value(code, load_n(px, n), alpha), n));
    switch ((int)a->i[0]) { ACTIVATIONS(ACTIVATION_CASE) }
#undef ACTIVATION_LOOP
}

static void activation_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *y = &a->t[1], *dx = &a->t[2];
    float alpha = (float)a->f[0];
#define ACTIVATION_LOOP(code) \
    EACH_VECTOR(dy, y, dx, ctx, store_n(po, activation_slope(code, load_n(px, n), load_n(pz, n), alpha), n));
    switch ((int)a->i[0]) { ACTIVATIONS(ACTIVATION_CASE) }
#undef ACTIVATION_LOOP
}

static void activation_input_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *dx = &a->t[2];
#define ACTIVATION_LOOP(code) \
    EACH_VECTOR(dy, x, dx, ctx, store_n(po, activation_input_slope(code, load_n(px, n), load_n(pz, n)), n));
    switch ((int)a->i[0]) { ACTIVATIONS(ACTIVATION_CASE) }
#undef ACTIVATION_LOOP
}

/* ---- Keras' rectifier: max_value from there on, x above threshold, else negative_slope (x - threshold) ---- */

typedef struct {
    float slope, most, threshold;
} rectifier;

INLINE rectifier rectifier_of(const fc_args *a) {
    return (rectifier){(float)a->f[0], (float)a->f[1], (float)a->f[2]};
}

INLINE vf rectify(const rectifier *r, vf x) {
    vf below = (x - r->threshold) * r->slope;   /* NaN, if x is */
    return select(x >= r->most, splat(r->most), select(x > r->threshold, x, below));
}

INLINE vf rectifier_slope(const rectifier *r, vf dy, vf x) {
    return (vf)((vi)select(x > r->threshold, dy, dy * r->slope) & ~(x >= r->most));
}

static void rectifier_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    rectifier r = rectifier_of(a);
    EACH_VECTOR(x, x, y, ctx, store_n(po, rectify(&r, load_n(px, n)), n));
}

static void rectifier_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *x = &a->t[1], *dx = &a->t[2];
    rectifier r = rectifier_of(a);
    EACH_VECTOR(dy, x, dx, ctx, store_n(po, rectifier_slope(&r, load_n(px, n), load_n(pz, n)), n));
}

#define RECTIFIER_FLOATS "negative_slope max_value threshold"
#define ACTIVATION_KERNELS \
    {"activation_forward", "x >y | activation | alpha", activation_forward, 0, 0, 0}, \
    {"activation_backward", "dy y >dx | activation | alpha", activation_backward, 0, 0, 0}, \
    {"activation_input_backward", "dy x >dx | activation", activation_input_backward, 0, 0, 0}, \
    {"rectifier_forward", "x >y | | " RECTIFIER_FLOATS, rectifier_forward, 0, 0, 0}, \
    {"rectifier_backward", "dy x >dx | | " RECTIFIER_FLOATS, rectifier_backward, 0, 0, 0}
