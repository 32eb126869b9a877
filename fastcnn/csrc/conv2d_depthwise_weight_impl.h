/* dw of a depthwise convolution (see conv2d_depthwise_impl.h): dw[c][tap] = sum over blocks, pixels
 * and lanes of dy[c][pixel] * x[c][pixel + tap].
 *
 * All taps of a channel, and its bias, are summed while its planes are read once, in the order in
 * which they lie in memory; lanes are added up at the very end. A channel is summed by one
 * thread. */
#ifndef FC_CONV2D_DEPTHWISE_WEIGHT_IMPL_H
#define FC_CONV2D_DEPTHWISE_WEIGHT_IMPL_H

#include "conv2d_depthwise_impl.h"

#define DEPTH_SUMS (DEPTH_TAPS + 1)                  /* and the bias */
#define DEPTH_STRIP 16      /* rows summed up before they are added to those before them */

INLINE int depth_weight_fits(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    return dw->shape[1] == 1 && dw->shape[0] == a->i[4] && dw->shape[2] == 3 && dw->shape[3] == 3 &&
           a->i[2] == 1 && a->i[3] == 1 && a->t[1].shape[4] % VW == 0;
}

static size_t depth_weight_workspace(const fc_args *a) {
    return a->t[2].shape[0] * DEPTH_SUMS * sizeof(vf);
}

/* A row of dy: sum[ky][kx] += dy[column] * x[ky][column * step + kx], the last one += dy. Each x is
 * loaded once a tap: the loads are as many as the multiply-adds that a core does meanwhile. */
INLINE void depth_weight_row(const float *x, int64_t x_row, int64_t step, const float *dy,
                             int64_t lanes, int64_t cols, const int fetched, vf *sum) {
    for (int64_t column = 0; column < cols; column++, x += step * lanes, dy += lanes) {
        vf d = load(dy);
        __builtin_prefetch(dy + DEPTH_AHEAD);
        UNROLL for (int k = 0; k < fetched * fetched; k++)
            __builtin_prefetch(x + DEPTH_AHEAD + k / fetched * x_row + k % fetched * lanes);
        UNROLL for (int ky = 0; ky < 3; ky++)
            UNROLL for (int kx = 0; kx < 3; kx++)
                sum[3 * ky + kx] += d * load(x + ky * x_row + kx * lanes);
        sum[DEPTH_TAPS] += d;
    }
}

/* Rows [begin, end) of a plane; fetched: rows, and columns, of x that are new in each step */
INLINE void depth_weight_strip(const fc_args *a, int64_t block, int64_t channel, int64_t begin,
                               int64_t end, const int fetched, float *sums) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1];
    int64_t lanes = tensor_l(dy);
    vf sum[DEPTH_SUMS];
    UNROLL for (int k = 0; k < DEPTH_SUMS; k++) sum[k] = (vf){0};
    for (int64_t m = begin; m < end; m++)
        for (int64_t part = 0; part < lanes; part += VW)
            depth_weight_row(tensor_row(x, block, channel, m * a->i[0]) + part, x->stride[2],
                             a->i[1], tensor_row(dy, block, channel, m) + part, lanes, tensor_w(dy),
                             fetched, sum);
    UNROLL for (int k = 0; k < DEPTH_SUMS; k++) store(sums + k * VW, load(sums + k * VW) + sum[k]);
}

NOINLINE void depth_weight_strip_1(const fc_args *a, int64_t block, int64_t channel, int64_t begin,
                                   int64_t end, float *sums) {
    depth_weight_strip(a, block, channel, begin, end, 1, sums);
}

NOINLINE void depth_weight_strip_2(const fc_args *a, int64_t block, int64_t channel, int64_t begin,
                                   int64_t end, float *sums) {
    depth_weight_strip(a, block, channel, begin, end, 2, sums);
}

static float depth_lane_sum(const float *v) {
    float sum = 0.0f;
    for (int l = 0; l < VW; l++) sum += v[l];
    return sum;
}

static void depth_weight_run(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[1];
    float *dw = a->t[2].data, *db = a->t[3].data, *all = (float *)a->workspace;
    int64_t rows = tensor_h(dy), begin, end;
    split(dy->shape[1], ctx, &begin, &end);
    memset(all + begin * DEPTH_SUMS * VW, 0, (end - begin) * DEPTH_SUMS * sizeof(vf));
    for (int64_t block = 0; block < active_blocks(dy, ctx); block++)
        for (int64_t c = begin; c < end; c++)
            for (int64_t m = 0; m < rows; m += DEPTH_STRIP)
                (a->i[0] == 1 ? depth_weight_strip_1 : depth_weight_strip_2)(
                    a, block, c, m, min_i64(rows, m + DEPTH_STRIP), all + c * DEPTH_SUMS * VW);
    for (int64_t c = begin; c < end; c++) {
        const float *sums = all + c * DEPTH_SUMS * VW;
        for (int k = 0; k < DEPTH_TAPS; k++) dw[c * DEPTH_TAPS + k] = depth_lane_sum(sums + k * VW);
        if (db) db[c] = depth_lane_sum(sums + DEPTH_TAPS * VW);
    }
}

#endif
