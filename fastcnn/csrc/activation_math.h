/* Activations and their slopes. ACTIVATIONS are in the order of ENUMS["activation"] in
 * fastcnn/kernels/spec/op.py: those whose slope can be had from their output y, so that no input need be kept,
 * and then those that need their input x. */
#ifndef FC_ACTIVATION_MATH_H
#define FC_ACTIVATION_MATH_H

#include "vecmath.h"

#define ACTIVATIONS(X) \
    X(LINEAR) X(RELU) X(LEAKY_RELU) X(SIGMOID) X(TANH) X(ELU) X(SELU) X(RELU6) X(HARD_SIGMOID) X(SOFTPLUS) \
    X(SOFTSIGN) X(THRESHOLD) X(GELU) X(GELU_TANH) X(SWISH) X(MISH)
#define ACTIVATION_CODE(name) ACT_##name,
enum { ACTIVATIONS(ACTIVATION_CODE) };

#define SELU_SCALE 1.05070098735548f
#define SELU_ALPHA 1.67326324235437f
#define GELU_TANH_SCALE 1.59576912160573f   /* 2 sqrt(2 / pi), for tanh(u) = 2 sigmoid(2 u) - 1 */
#define GELU_TANH_CUBIC 0.044715f
#define NORMAL_DENSITY 0.398942280401433f   /* 1 / sqrt(2 pi) */

INLINE vf relu_up_to(vf x, float most) { return vmin(splat(most), vmax((vf){0}, x)); }

/* x P(X < x); the tail is exact on either side */
INLINE vf vgelu(vf x) {
    vf below = x * vnormal(x).tail;
    return select(x > 0.0f, x - below, below);
}

INLINE vf vgelu_slope(vf x) {
    normal_parts p = vnormal(x);
    vf share = select(x > 0.0f, 1.0f - p.tail, p.tail);
    return share + x * p.bell * NORMAL_DENSITY;
}

INLINE vf gelu_tanh_share(vf x) {
    return vsigmoid(x * (x * x * (GELU_TANH_SCALE * GELU_TANH_CUBIC) + GELU_TANH_SCALE));
}

INLINE vf vgelu_tanh_slope(vf x) {
    vf s = gelu_tanh_share(x);
    vf inner = x * x * (3.0f * GELU_TANH_SCALE * GELU_TANH_CUBIC) + GELU_TANH_SCALE;
    return s + x * inner * (s * (1.0f - s));
}

INLINE vf vswish_slope(vf x) {
    vf s = vsigmoid(x);
    return s + x * (s * (1.0f - s));
}

/* tanh(softplus(x)) = n / (n + 2), n = e^2 + 2 e, e = exp(x); from x = 20 on it is 1 in float32. */
INLINE vf vmish(vf x) {
    vf e = vexp(vmin(splat(20.0f), x)), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

INLINE vf vmish_slope(vf x) {
    vf e = vexp(vmin(splat(20.0f), x)), n = e * (e + 2.0f), r = 1.0f / (n + 2.0f);
    return n * r + x * (4.0f * e * (e + 1.0f) * r) * r;
}

/* f(x) of any activation; with a constant one, its formula alone. */
INLINE vf activation_value(const int activation, vf x, float alpha) {
    switch (activation) {
    case ACT_RELU: return vmax((vf){0}, x);   /* in this order NaN stays NaN */
    case ACT_LEAKY_RELU: return select(x > 0.0f, x, x * alpha);
    case ACT_SIGMOID: return vsigmoid(x);
    case ACT_TANH: return vtanh(x);
    case ACT_ELU: return select(x > 0.0f, x, vexpm1(x) * alpha);
    case ACT_SELU: return SELU_SCALE * select(x > 0.0f, x, vexpm1(x) * SELU_ALPHA);
    case ACT_RELU6: return relu_up_to(x, 6.0f);
    case ACT_HARD_SIGMOID: return relu_up_to(x + 3.0f, 6.0f) / 6.0f;
    case ACT_SOFTPLUS: return vsoftplus(x);
    case ACT_SOFTSIGN: return x / (1.0f + vabs(x));
    case ACT_THRESHOLD: return select(x == x, select(x > alpha, splat(1.0f), (vf){0}), x);
    case ACT_GELU: return vgelu(x);
    case ACT_GELU_TANH: return x * gelu_tanh_share(x);
    case ACT_SWISH: return x * vsigmoid(x);
    case ACT_MISH: return vmish(x);
    default: return x;
    }
}

/* dy * f'(x), from y = f(x); those that need x are below. */
INLINE vf activation_slope(const int activation, vf dy, vf y, float alpha) {
    switch (activation) {
    case ACT_RELU: return (vf)((vi)dy & (y > 0.0f));
    case ACT_LEAKY_RELU: return select(y > 0.0f, dy, dy * alpha);
    case ACT_SIGMOID: return dy * (y * (1.0f - y));
    case ACT_TANH: return dy * (1.0f - y * y);
    case ACT_ELU: return select(y > 0.0f, dy, dy * (y + alpha));
    case ACT_SELU: return dy * select(y > 0.0f, splat(SELU_SCALE), y + SELU_SCALE * SELU_ALPHA);
    case ACT_RELU6: return (vf)((vi)dy & (y > 0.0f) & (y < 6.0f));
    case ACT_HARD_SIGMOID: return (vf)((vi)(dy / 6.0f) & (y > 0.0f) & (y < 1.0f));
    case ACT_SOFTPLUS: return dy * -vexpm1(-y);
    case ACT_SOFTSIGN: return dy * ((1.0f - vabs(y)) * (1.0f - vabs(y)));
    case ACT_THRESHOLD: return (vf){0};
    default: return dy;
    }
}

/* dy * f'(x), from x */
INLINE vf activation_input_slope(const int activation, vf dy, vf x) {
    switch (activation) {
    case ACT_GELU: return dy * vgelu_slope(x);
    case ACT_GELU_TANH: return dy * vgelu_tanh_slope(x);
    case ACT_SWISH: return dy * vswish_slope(x);
    case ACT_MISH: return dy * vmish_slope(x);
    default: return dy;
    }
}

/* dy * f'(x), from x, of any activation */
INLINE vf activation_slope_at(const int activation, vf dy, vf x, float alpha) {
    if (activation >= ACT_GELU) return activation_input_slope(activation, dy, x);
    return activation_slope(activation, dy, activation_value(activation, x, alpha), alpha);
}

/* For the loops of other kernels: all but the cheapest are called, so that those loops stay small. */
static __attribute__((noinline)) vf called_value(int activation, vf x, float alpha) {
    return activation_value(activation, x, alpha);
}
static __attribute__((noinline)) vf called_slope(int activation, vf dy, vf y, float alpha) {
    return activation_slope(activation, dy, y, alpha);
}
static __attribute__((noinline)) vf called_slope_at(int activation, vf dy, vf x, float alpha) {
    return activation_slope_at(activation, dy, x, alpha);
}

INLINE vf activate(int activation, vf x, float alpha) {
    switch (activation) {
    case ACT_LINEAR: return x;
    case ACT_RELU: return activation_value(ACT_RELU, x, alpha);
    case ACT_LEAKY_RELU: return activation_value(ACT_LEAKY_RELU, x, alpha);
    default: return called_value(activation, x, alpha);
    }
}

INLINE vf activate_backward(int activation, vf dy, vf y, float alpha) {
    switch (activation) {
    case ACT_LINEAR: return dy;
    case ACT_RELU: return activation_slope(ACT_RELU, dy, y, alpha);
    case ACT_LEAKY_RELU: return activation_slope(ACT_LEAKY_RELU, dy, y, alpha);
    default: return called_slope(activation, dy, y, alpha);
    }
}

/* Whether more than a comparison is needed */
INLINE int is_costly(int activation) { return activation > ACT_LEAKY_RELU; }

/* dy * f'(x), from x */
INLINE vf activate_backward_at(int activation, vf dy, vf x, float alpha) {
    switch (activation) {
    case ACT_LINEAR: return dy;
    case ACT_RELU: return activation_slope(ACT_RELU, dy, x, alpha);
    case ACT_LEAKY_RELU: return activation_slope(ACT_LEAKY_RELU, dy, x, alpha);
    default: return called_slope_at(activation, dy, x, alpha);
    }
}

#endif
