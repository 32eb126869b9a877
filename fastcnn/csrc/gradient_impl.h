/* All gradients together: penalties, clipping, norms. The rules stand in
 * kernels/reference/gradient.py. */
#ifndef FC_GRADIENT_IMPL_H
#define FC_GRADIENT_IMPL_H

#include "vec.h"

#define SQUARE_SUM_PIECE 4096   /* as in kernels/checks.py */
#define GRADIENT_GRAIN 64       /* threads share arrays in pieces of whole cache lines */

INLINE vf sign(vf p) {
    vf one = splat(1.0f);
    return (vf)((vi)one & (p > 0.0f)) - (vf)((vi)one & (p < 0.0f));
}

INLINE double sum_lanes(vf v) {
    double sum = 0.0;
    for (int l = 0; l < VW; l++) sum += v[l];
    return sum;
}

/* This thread's floats [*begin, *end) of n. */
INLINE void split_floats(int64_t n, const fc_context *ctx, int64_t *begin, int64_t *end) {
    split(ceil_div(n, GRADIENT_GRAIN), ctx, begin, end);
    *begin *= GRADIENT_GRAIN;
    *end = min_i64(*end * GRADIENT_GRAIN, n);
}

static void penalty_gradient(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *bounds = &a->t[2], *penalties = &a->t[3];
    const int64_t *bound = bounds->data;
    const float *p = a->t[0].data;
    float *g = a->t[1].data;
    int64_t begin, end;
    split_floats(a->t[0].shape[0], ctx, &begin, &end);
    for (int64_t s = 0; s + 1 < bounds->shape[0]; s++) {
        const float *row = (const float *)penalties->data + s * penalties->stride[0];
        int64_t last = min_i64(bound[s + 1], end);
        for (int64_t k = max_i64(bound[s], begin), n; k < last; k += n) {
            n = min_i64(VW, last - k);
            vf x = load_n(p + k, n);
            store_n(g + k, load_n(g + k, n) + (row[0] * sign(x) + 2.0f * row[1] * x), n);
        }
    }
}

/* Sum of squares of n <= SQUARE_SUM_PIECE floats; float sums of 16 vectors at most. */
INLINE double square_sum(const float *p, int64_t n) {
    double total = 0.0;
    for (int64_t k = 0, end; k < n; k = end) {
        vf squares = {0};
        end = min_i64(k + 16 * VW, n);
        for (; k < end; k += VW) {
            vf x = load_n(p + k, min_i64(VW, end - k));
            squares += x * x;
        }
        total += sum_lanes(squares);
    }
    return total;
}

/* Threads share the pieces of all segments, each piece being summed by one of them. */
static void square_sums(const fc_args *a, const fc_context *ctx) {
    const int64_t *bound = a->t[1].data;
    double *squares = a->t[2].data;
    int64_t begin, end, piece = 0;
    split(a->t[2].shape[0], ctx, &begin, &end);
    for (int64_t s = 0; s + 1 < a->t[1].shape[0]; s++)
        for (int64_t k = bound[s]; k < bound[s + 1]; k += SQUARE_SUM_PIECE, piece++)
            if (piece >= begin && piece < end)
                squares[piece] = square_sum((const float *)a->t[0].data + k,
                                            min_i64(SQUARE_SUM_PIECE, bound[s + 1] - k));
}

/* Sum of the pieces of a segment of n floats; *squares moves on to the next segment. */
INLINE double segment_sum(const double **squares, int64_t n) {
    double sum = 0.0;
    for (int64_t k = 0; k < n; k += SQUARE_SUM_PIECE) sum += *(*squares)++;
    return sum;
}

static void clip_value(const fc_args *a, const fc_context *ctx) {
    float *g = a->t[0].data;
    vf limit = splat((float)a->f[0]);
    int64_t k, end;
    split_floats(a->t[0].shape[0], ctx, &k, &end);
    for (int64_t n; k < end; k += n) {
        n = min_i64(VW, end - k);
        vf x = load_n(g + k, n);
        x = select(x > limit, limit, x);   /* a NaN stays */
        store_n(g + k, select(x < -limit, -limit, x), n);
    }
}

INLINE void scale_floats(float *g, int64_t k, int64_t end, float scale) {
    for (int64_t n; k < end; k += n) {
        n = min_i64(VW, end - k);
        store_n(g + k, scale * load_n(g + k, n), n);
    }
}

static void clip_norm(const fc_args *a, const fc_context *ctx) {
    const int64_t *bound = a->t[1].data, segments = a->t[1].shape[0] - 1;
    const double *squares = a->t[2].data;
    double limit = a->f[0], sum = 0.0;
    int64_t begin, end;
    split_floats(a->t[0].shape[0], ctx, &begin, &end);
    if (a->i[0])
        for (int64_t s = 0; s < segments; s++) sum += segment_sum(&squares, bound[s + 1] - bound[s]);
    for (int64_t s = 0; s < segments; s++) {
        if (!a->i[0]) sum = segment_sum(&squares, bound[s + 1] - bound[s]);
        if (sqrt(sum) <= limit) continue;
        scale_floats(a->t[0].data, max_i64(bound[s], begin), min_i64(bound[s + 1], end),
                     (float)(limit / sqrt(sum)));
    }
}

#define GRADIENT_KERNELS \
    {"penalty_gradient", "p >g bounds penalties", penalty_gradient, 0, 0, 0}, \
    {"square_sums", "p bounds >squares", square_sums, 0, 0, 0}, \
    {"clip_value", ">g | | limit", clip_value, 0, 0, 0}, \
    {"clip_norm", ">g bounds squares | together | limit", clip_norm, 0, 0, 0}

#endif
