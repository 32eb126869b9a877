/* The adjoint of Winograd's convolution in its weights:
 *     sums[share][k][c][o] = sum over tiles and images of V[k][c] * dM[k][o],
 *     V = B' x B, dM = A dy A'
 * and once a step dw = G' sums G, by a kernel of its own, because it needs all positions k and shares.
 *
 * Lanes of dM are filters: it is transposed on its way, so that the sums are those of a dense
 * layer's tiles, without any adding up of lanes. In bf16 a step of the sums is a pair of images.
 * One share: threads share rows of positions; several: they share tiles. */
#ifndef FC_WINOGRAD_BACKWARD_WEIGHT_IMPL_H
#define FC_WINOGRAD_BACKWARD_WEIGHT_IMPL_H

#include "winograd_weight_rows_impl.h"
#include "winograd_weight_tiles_impl.h"

static size_t wino_dw_scratch(const fc_args *a, int paired) {
    return a->t[2].shape[0] == 1 ? wino_rows_scratch(a, paired) : wino_tiles_scratch(a, paired);
}

static void wino_dw_run(const fc_args *a, const fc_context *ctx, int paired) {
    (a->t[2].shape[0] == 1 ? wino_rows_run : wino_tiles_run)(a, ctx, paired);
}

/* ---- dw = G' sums G ---- */

#define WINO_BACK_CHANNELS 4                         /* of a unit of work */

/* u[channel][position] of some channels of VW filters, all shares added up */
static void wino_add_shares(const fc_tensor *sums, int64_t filter, int64_t channel,
                            int64_t channels, vf *u) {
    const float *from = (const float *)sums->data + channel * sums->stride[2] + filter;
    for (int64_t k = 0; k < sums->shape[1]; k++, from += sums->stride[1])
        for (int64_t c = 0; c < channels; c++) {
            vf sum = load(from + c * sums->stride[2]);
            for (int64_t s = 1; s < sums->shape[0]; s++)
                sum += load(from + c * sums->stride[2] + s * sums->stride[0]);
            u[c * sums->shape[1] + k] = sum;
        }
}

/* Up to WINO_BACK_CHANNELS channels of VW filters. */
static void wino_write_weights(const fc_tensor *sums, const fc_tensor *dw, int64_t filter,
                               int64_t channel) {
    int64_t in = dw->shape[1], kernel = dw->shape[2], area = kernel * kernel;
    int64_t channels = min_i64(WINO_BACK_CHANNELS, in - channel);
    int64_t filters = min_i64(VW, dw->shape[0] - filter);
    vf u[WINO_BACK_CHANNELS * WINO_AREA], taps[WINO_BACK_CHANNELS * WINO_TAPS + VW];
    int64_t side = wino_side_of(sums->shape[1]);
    wino_kernel_function *adjoint = wino_kernel_adjoints[wino_form(side, side + 1 - kernel)];
    wino_add_shares(sums, filter, channel, channels, u);
    for (int64_t c = 0; c < channels; c++) adjoint(u + c * sums->shape[1], taps + c * area);
    for (int64_t at = 0, n; at < channels * area; at += VW) {
        n = min_i64(VW, channels * area - at);
        transpose(taps + at);
        for (int64_t f = 0; f < filters; f++)
            store_n((float *)dw->data + ((filter + f) * in + channel) * area + at, taps[at + f], n);
    }
}

static void wino_add_bias_shares(const fc_tensor *shares, float *db, int64_t begin, int64_t end) {
    const float *from = shares->data;
    for (int64_t f = begin; f < end; f++) {
        db[f] = from[f];
        for (int64_t s = 1; s < shares->shape[0]; s++) db[f] += from[s * shares->stride[0] + f];
    }
}

static void winograd_weight_gradient(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *sums = &a->t[0], *dw = &a->t[2];
    int64_t across = ceil_div(dw->shape[1], WINO_BACK_CHANNELS), begin, end;
    split(ceil_div(dw->shape[0], VW) * across, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++)
        wino_write_weights(sums, dw, k / across * VW, k % across * WINO_BACK_CHANNELS);
    split(dw->shape[0], ctx, &begin, &end);
    if (a->t[3].data) wino_add_bias_shares(&a->t[1], a->t[3].data, begin, end);
}

#define WINO_DW_KERNEL(name, paired) \
    static size_t name##_scratch(const fc_args *a) { return wino_dw_scratch(a, paired); } \
    static void name(const fc_args *a, const fc_context *ctx) { wino_dw_run(a, ctx, paired); }
WINO_DW_KERNEL(winograd_backward_weight, 0)
WINO_DW_KERNEL(winograd_bf16_backward_weight, 1)

#define WINO_DW_ENTRY(name) \
    {#name, "x dy >sums ?>bias_sums | kernel pad_top pad_left |", name, 0, 0, name##_scratch}
#define WINOGRAD_BACKWARD_WEIGHT_KERNELS \
    WINO_DW_ENTRY(winograd_backward_weight), \
    WINO_DW_ENTRY(winograd_bf16_backward_weight), \
    {"winograd_weight_gradient", "sums ?bias_sums >dw ?>db | |", winograd_weight_gradient, 0, 0, 0}

#endif
