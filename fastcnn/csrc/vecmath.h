/* Mathematical functions of vectors. Each states its largest relative error, which tests/kernels/test_vecmath.py
 * measures through the kernels that use it. NaN stays NaN, so that divergence is seen. */
#ifndef FC_VECMATH_H
#define FC_VECMATH_H

#include "vec.h"

/* GCC makes one instruction of it. */
INLINE vf vsqrt(vf x) {
    vf r;
    UNROLL for (int l = 0; l < VW; l++) r[l] = __builtin_sqrtf(x[l]);
    return r;
}

INLINE vf vabs(vf x) { return (vf)((vi)x & 0x7fffffff); }

/* x = n ln 2 + r, r in [-ln2/2, ln2/2], for x in [-87.3, 88.3]; outside, of the nearest end of it. */
typedef struct {
    vf n, r;
} exp_parts;

INLINE exp_parts exp_split(vf x) {
    x = vmin(splat(88.37626f), vmax(splat(-87.33654f), x));   /* in this order NaN stays NaN */
    vf t = x * 1.44269504f;
    vf n = (t + 12582912.0f) - 12582912.0f;                   /* 1.5 * 2^23: rounds to an integer */
    return (exp_parts){n, x - n * 0.693359375f + n * 2.12194440e-4f};
}

/* (exp(r) - 1 - r) / r^2; Cephes' polynomial */
INLINE vf exp_rest(vf r) {
    vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    return p * r + 5.0000001201e-1f;
}

INLINE vf power_of_2(vf n) { return (vf)((__builtin_convertvector(n, vi) + 127) << 23); }

/* exp(x - low), 0 <= low < 0.06: relative error below 2e-7 */
INLINE vf vexp_minus(vf x, vf low) {
    exp_parts s = exp_split(x);
    vf r = s.r - low;
    return (exp_rest(r) * (r * r) + r + 1.0f) * power_of_2(s.n);
}

/* exp(x): relative error below 2e-7 */
INLINE vf vexp(vf x) { return vexp_minus(x, (vf){0}); }

/* exp(x) - 1: relative error below 3e-7, for small x as well */
INLINE vf vexpm1(vf x) {
    exp_parts s = exp_split(x);
    vf p = power_of_2(s.n);
    return p * (exp_rest(s.r) * (s.r * s.r) + s.r) + (p - 1.0f);
}

/* log(x), for normal x > 0: relative error below 2.5e-7; x = 2^n m, m in [sqrt(1/2), sqrt(2)); as Cephes' logf */
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
    return select(x == x, r, x);
}

/* log(1 + x), for x in [0, 1]: relative error below 3e-7; what 1 + x loses of x is added to the logarithm */
INLINE vf vlog1p(vf x) {
    vf w = 1.0f + x;
    return vlog(w) + (x - (w - 1.0f)) / w;
}

INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

/* log(1 + exp(x)): relative error below 4e-7 */
INLINE vf vsoftplus(vf x) { return vmax((vf){0}, x) + vlog1p(vexp(-vabs(x))); }

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

/* The normal distribution beyond |x|: tail = P(X > |x|), bell = exp(-x^2 / 2). Relative error below 5e-7,
 * until exp(-x^2 / 2) underflows (|x| > 13). */
typedef struct {
    vf tail, bell;
} normal_parts;

/* x^2 is made of two parts, for its rounding error is multiplied by x^2 / 2. tail / bell is a polynomial of
 * (a - 4) / (a + 4) over a + 4: a weighted least maximum fit, 4e-8. */
INLINE normal_parts vnormal(vf x) {
    vf a = vabs(x), high = (vf)((vi)a & ~0xfff), low = (a - high) * (a + high) * 0.5f;
    vf bell = vexp_minus(high * high * -0.5f, vmin(splat(0.06f), low));
    vf r = 1.0f / (a + 4.0f), t = (a - 4.0f) * r;
    vf p = t * -1.5464240278e-4f + 1.2723020336e-4f;
    p = p * t + 1.5587608796e-3f;
    p = p * t - 3.4723953941e-3f;
    p = p * t - 7.5093032792e-3f;
    p = p * t + 6.0393240303e-2f;
    p = p * t - 1.8652726710e-1f;
    p = p * t + 3.8713788986e-1f;
    p = p * t - 6.0789638758e-1f;
    p = p * t + 7.5528514385e-1f;
    return (normal_parts){p * r * bell, bell};
}

/* cos and sin of 2 pi turns, turns in [0, 1]: absolute error below 2e-7. In quarters of a turn,
 * 4 turns = k + f with |f| <= 1/2, nothing is lost. */
typedef struct {
    vf cos, sin;
} circle_point;

INLINE circle_point vcircle(vf turns) {
    vf quarters = turns * 4.0f, n = (quarters + 12582912.0f) - 12582912.0f, f = quarters - n, s = f * f;
    vf sin = f * (s * (s * (s * -4.6016551e-3f + 7.9680033e-2f) - 6.4596343e-1f) + 1.5707964f);
    vf cos = s * (s * (s * (s * 9.0336264e-4f - 2.0859936e-2f) + 2.5366917e-1f) - 1.2337005f) + 1.0f;
    vi k = __builtin_convertvector(n, vi), odd = (k & 1) != 0;
    vf x = select(odd, sin, cos), y = select(odd, cos, sin);
    vi x_sign = (((k + 1) & 2) != 0) & INT32_MIN, y_sign = ((k & 2) != 0) & INT32_MIN;
    return (circle_point){(vf)((vi)x ^ x_sign), (vf)((vi)y ^ y_sign)};
}

#endif
