/* Winograd's transforms of vectors, in one dimension; tiles are transformed along y, then along x.
 *
 * A tile of S x S inputs gives M x M outputs of an R x R kernel, S = M + R - 1:
 *     y = A' [(G w) * (B' x)]                       (' is the transpose)
 * with the points, in this order, 0, +-1, infinity for S = 4, and 0, +-1/sqrt 2, +-sqrt 2, infinity
 * for S = 6: their product is 1 and B' needs no division; errors are half those of the usual points
 * 0, +-1, +-2. */
#ifndef FC_WINOGRAD_TRANSFORM_IMPL_H
#define FC_WINOGRAD_TRANSFORM_IMPL_H

#include "activation_math.h"
#include "transpose.h"

#define WINO_SIDE 6                                  /* of the largest tile */
#define WINO_AREA 36
#define WINO_TAPS 25                                 /* of the largest kernel */
#define WINO_P 0.70710678118654752f                  /* points: +-p and +-q */
#define WINO_Q 1.41421356237309505f

/* What S and M may be, and the numbers by which functions made for them are found. */
#define WINO_FORMS 3
#define WINO_FOR_EACH(F, name) F(6, 4, name) F(6, 2, name) F(4, 2, name)
#define WINO_NAME(S, M, name) name##_##S##_##M,
INLINE int wino_form(int64_t side, int64_t m) { return side == 4 ? 2 : m == 4 ? 0 : 1; }

/* Functions that depend on the side alone are found by this number. */
#define WINO_SIDES 2
#define WINO_SIDE_NAMES(name) {name##_6, name##_4}
INLINE int wino_side_index(int64_t side) { return side == 4; }
/* The side of a tile of so many positions. */
INLINE int64_t wino_side_of(int64_t area) { return area == 4 * 4 ? 4 : 6; }

/* v = B' x */
INLINE void wino_input(const vf *x, vf *v, const int S) {
    if (S == 4) {
        v[0] = x[2] - x[0];
        v[1] = x[2] + x[1];
        v[2] = x[2] - x[1];
        v[3] = x[3] - x[1];
        return;
    }
    vf p = x[4] - x[2] * 2.0f, p_odd = x[3] - x[1] * 2.0f;
    vf q = x[4] - x[2] * 0.5f, q_odd = x[3] - x[1] * 0.5f;
    v[0] = (x[0] + x[4]) - x[2] * 2.5f;
    v[1] = p + p_odd * WINO_P;
    v[2] = p - p_odd * WINO_P;
    v[3] = q + q_odd * WINO_Q;
    v[4] = q - q_odd * WINO_Q;
    v[5] = (x[1] + x[5]) - x[3] * 2.5f;
}

/* y = A' m, M of them */
INLINE void wino_output(const vf *m, vf *y, const int S, const int M) {
    if (S == 4) {
        y[0] = (m[0] + m[1]) + m[2];
        y[1] = (m[1] - m[2]) + m[3];
        return;
    }
    vf p = m[1] + m[2], p_odd = m[1] - m[2], q = m[3] + m[4], q_odd = m[3] - m[4];
    y[0] = (m[0] + p) + q;
    y[1] = p_odd * WINO_P + q_odd * WINO_Q;
    if (M == 2) {
        y[1] += m[5];
        return;
    }
    y[2] = p * 0.5f + q * 2.0f;
    y[3] = (p_odd * (WINO_P / 2) + q_odd * (2 * WINO_Q)) + m[5];
}

/* m = A y: what wino_output makes of gradients */
INLINE void wino_output_adjoint(const vf *y, vf *m, const int S, const int M) {
    if (S == 4) {
        m[0] = y[0];
        m[1] = y[0] + y[1];
        m[2] = y[0] - y[1];
        m[3] = y[1];
        return;
    }
    vf p = y[0], p_odd = y[1], q = y[0], q_odd = y[1];
    if (M == 4) {
        p += y[2] * 0.5f;
        q += y[2] * 2.0f;
        p_odd += y[3] * 0.5f;
        q_odd += y[3] * 2.0f;
    }
    m[0] = y[0];
    m[1] = p + p_odd * WINO_P;
    m[2] = p - p_odd * WINO_P;
    m[3] = q + q_odd * WINO_Q;
    m[4] = q - q_odd * WINO_Q;
    m[5] = y[M - 1];
}

/* Rows of G: the powers of a point, over the product of its distances to the others. */
#define WINO_POWERS(t, n) {1 / (n), t / (n), t * t / (n), t * t * t / (n), t * t * t * t / (n)}
static const float wino_powers_6[][5] = {
    {1.0f},
    WINO_POWERS(WINO_P, -1.5f), WINO_POWERS(-WINO_P, -1.5f),
    WINO_POWERS(WINO_Q, 6.0f), WINO_POWERS(-WINO_Q, 6.0f)};
static const float wino_powers_4[][5] = {
    {-1.0f}, WINO_POWERS(1.0f, 2.0f), WINO_POWERS(-1.0f, 2.0f)};

INLINE float wino_g(int position, int tap, const int S, const int R) {
    if (position == S - 1) return tap == R - 1;
    return (S == 4 ? wino_powers_4 : wino_powers_6)[position][tap];
}

/* u[S][S] = G w G' */
INLINE void wino_kernel(const vf *w, vf *u, const int S, const int R) {
    vf half[WINO_SIDE][5];
    for (int i = 0; i < S; i++)
        UNROLL for (int x = 0; x < R; x++) {
            half[i][x] = w[x] * wino_g(i, 0, S, R);
            UNROLL for (int y = 1; y < R; y++) half[i][x] += w[y * R + x] * wino_g(i, y, S, R);
        }
    for (int i = 0; i < S; i++)
        UNROLL for (int k = 0; k < S; k++) {
            vf sum = half[i][0] * wino_g(k, 0, S, R);
            UNROLL for (int x = 1; x < R; x++) sum += half[i][x] * wino_g(k, x, S, R);
            u[i * S + k] = sum;
        }
}

/* w = G' u G: what wino_kernel makes of gradients */
INLINE void wino_kernel_adjoint(const vf *u, vf *w, const int S, const int R) {
    vf half[WINO_SIDE][5];
    for (int i = 0; i < S; i++)
        UNROLL for (int x = 0; x < R; x++) {
            half[i][x] = u[i * S] * wino_g(0, x, S, R);
            UNROLL for (int k = 1; k < S; k++) half[i][x] += u[i * S + k] * wino_g(k, x, S, R);
        }
    for (int y = 0; y < R; y++)
        UNROLL for (int x = 0; x < R; x++) {
            vf sum = half[0][x] * wino_g(0, y, S, R);
            UNROLL for (int i = 1; i < S; i++) sum += half[i][x] * wino_g(i, y, S, R);
            w[y * R + x] = sum;
        }
}

/* By form: those that are made for constant sizes. */
typedef void wino_kernel_function(const vf *from, vf *to);

#define WINO_KERNEL_OF(S, M, name) \
    static void name##_##S##_##M(const vf *from, vf *to) { name(from, to, S, S + 1 - M); }
WINO_FOR_EACH(WINO_KERNEL_OF, wino_kernel)
WINO_FOR_EACH(WINO_KERNEL_OF, wino_kernel_adjoint)

static wino_kernel_function *const wino_kernels[] = {WINO_FOR_EACH(WINO_NAME, wino_kernel)};
static wino_kernel_function *const wino_kernel_adjoints[] = {
    WINO_FOR_EACH(WINO_NAME, wino_kernel_adjoint)};

#endif
