/* Activations whose derivative can be had from their output y, so that no input need be kept.
 * Codes as in fastcnn/kernels/spec/op.py. */
#ifndef FC_ACTIVATION_MATH_H
#define FC_ACTIVATION_MATH_H

#include "vec.h"

enum { ACT_LINEAR, ACT_RELU, ACT_LEAKY_RELU, ACT_SIGMOID, ACT_TANH };

/* exp, relative error below 2e-7: exp(x) = 2^n * p(r), r = x - n ln 2 in [-ln2/2, ln2/2]; Cephes' p. */
INLINE vf vexp(vf x) {
    x = vmin(splat(88.37626f), vmax(splat(-87.33654f), x));   /* in this order NaN stays NaN */
    vf t = x * 1.44269504f;
    vf n = (t + 12582912.0f) - 12582912.0f;          /* 1.5 * 2^23: rounds to an integer */
    vf r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    vi e = (__builtin_convertvector(n, vi) + 127) << 23;
    return p * (vf)e;
}

/* log, relative error below 2.5e-7, for normal x > 0: x = 2^n m, m in [sqrt(1/2), sqrt(2)); as
 * Cephes' logf. */
INLINE vf vlog(vf x) {
    vi n = (((vi)x - 0x3f3504f3) >> 23);
    vf m = (vf)((vi)x - (n << 23)) - 1.0f;
    vf e = __builtin_convertvector(n, vf), s = m * m;
    vf p = m * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    vf r = p * m * s - 2.12194440e-4f * e - 0.5f * s;
    r = r + m + e * 0.693359375f;
    return select(x == x, r, x);   /* NaN stays NaN, so that divergence is seen */
}

INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

/* tanh: a rational approximation (odd 13th over even 6th degree) on |x| < 7.9, else +-1 by clamping. */
INLINE vf vtanh(vf x) {
    x = vmin(splat(7.90531110763549805f), vmax(splat(-7.90531110763549805f), x));
    vf s = x * x;
    vf p = s * -2.76076847742355e-16f + 2.00018790482477e-13f;
    p = p * s + -8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    vf q = s * 1.19825839466702e-06f + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return x * p / q;
}

INLINE vf activate(int activation, vf x, float alpha) {
    switch (activation) {
    case ACT_RELU: return vmax((vf){0}, x);   /* in this order NaN stays NaN */
    case ACT_LEAKY_RELU: return select(x > 0.0f, x, x * alpha);
    case ACT_SIGMOID: return vsigmoid(x);
    case ACT_TANH: return vtanh(x);
    default: return x;
    }
}

/* dy * act'(x), from y = act(x) */
INLINE vf activate_backward(int activation, vf dy, vf y, float alpha) {
    switch (activation) {
    case ACT_RELU: return (vf)((vi)dy & (y > 0.0f));
    case ACT_LEAKY_RELU: return select(y > 0.0f, dy, dy * alpha);
    case ACT_SIGMOID: return dy * (y * (1.0f - y));
    case ACT_TANH: return dy * (1.0f - y * y);
    default: return dy;
    }
}

#endif
