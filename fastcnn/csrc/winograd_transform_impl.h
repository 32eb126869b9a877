/* Winograd's transforms of vectors, in one dimension; tiles are transformed along y, then along x.
 *
 * A tile of 6 x 6 inputs gives M x M outputs of an R x R kernel, M + R = 7: y = A' [(G w) * (B' x)]
 * with the points 0, +-1/sqrt 2, +-sqrt 2, infinity, in this order (' is the transpose). Their
 * product is 1 and B' needs no division; errors are half those of the usual points 0, +-1, +-2. */
#ifndef FC_WINOGRAD_TRANSFORM_IMPL_H
#define FC_WINOGRAD_TRANSFORM_IMPL_H

#include "activation_math.h"
#include "transpose.h"

#define WINO_SIDE 6
#define WINO_AREA 36
#define WINO_TAPS 25                                 /* of the largest kernel */
#define WINO_P 0.70710678118654752f                  /* points: +-p and +-q */
#define WINO_Q 1.41421356237309505f

/* v = B' x */
INLINE void wino_input(const vf x[WINO_SIDE], vf v[WINO_SIDE]) {
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
INLINE void wino_output(const vf m[WINO_SIDE], vf *y, const int M) {
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
INLINE void wino_output_adjoint(const vf *y, vf m[WINO_SIDE], const int M) {
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
static const float wino_powers[WINO_SIDE - 1][5] = {
    {1.0f},
    WINO_POWERS(WINO_P, -1.5f), WINO_POWERS(-WINO_P, -1.5f),
    WINO_POWERS(WINO_Q, 6.0f), WINO_POWERS(-WINO_Q, 6.0f)};

INLINE float wino_g(int position, int tap, const int R) {
    return position < WINO_SIDE - 1 ? wino_powers[position][tap] : tap == R - 1;
}

/* u[6][6] = G w G' */
INLINE void wino_kernel(const vf *w, vf *u, const int R) {
    vf half[WINO_SIDE][5];
    for (int i = 0; i < WINO_SIDE; i++)
        UNROLL for (int x = 0; x < R; x++) {
            half[i][x] = w[x] * wino_g(i, 0, R);
            UNROLL for (int y = 1; y < R; y++) half[i][x] += w[y * R + x] * wino_g(i, y, R);
        }
    for (int i = 0; i < WINO_SIDE; i++)
        UNROLL for (int k = 0; k < WINO_SIDE; k++) {
            vf sum = half[i][0] * wino_g(k, 0, R);
            UNROLL for (int x = 1; x < R; x++) sum += half[i][x] * wino_g(k, x, R);
            u[i * WINO_SIDE + k] = sum;
        }
}

/* w = G' u G: what wino_kernel makes of gradients */
INLINE void wino_kernel_adjoint(const vf *u, vf *w, const int R) {
    vf half[WINO_SIDE][5];
    for (int i = 0; i < WINO_SIDE; i++)
        UNROLL for (int x = 0; x < R; x++) {
            half[i][x] = u[i * WINO_SIDE] * wino_g(0, x, R);
            UNROLL for (int k = 1; k < WINO_SIDE; k++)
                half[i][x] += u[i * WINO_SIDE + k] * wino_g(k, x, R);
        }
    for (int y = 0; y < R; y++)
        UNROLL for (int x = 0; x < R; x++) {
            vf sum = half[0][x] * wino_g(0, y, R);
            UNROLL for (int i = 1; i < WINO_SIDE; i++) sum += half[i][x] * wino_g(i, y, R);
            w[y * R + x] = sum;
        }
}

#endif
