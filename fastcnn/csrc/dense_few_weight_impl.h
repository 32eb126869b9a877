/* dw = dy x^T of layers with few outputs: VW images of VW inputs are transposed in registers, each
 * vector of inputs takes part in the sums of all outputs, and no transposed x goes through memory. */
#ifndef FC_DENSE_FEW_WEIGHT_IMPL_H
#define FC_DENSE_FEW_WEIGHT_IMPL_H

#include "dense_few_input_impl.h"
#include "transpose.h"

#define FEW_LANES 16   /* from a row of x or dy to the next: a constant, for cheap addresses */

/* v[k] = VW images of input k from `from` on; zero beyond the last input */
INLINE void load_inputs(const float *from, int64_t inputs, vf v[VW]) {
    if (inputs >= VW)
        UNROLL for (int k = 0; k < VW; k++) v[k] = load(from + k * FEW_LANES);
    else
        UNROLL for (int k = 0; k < VW; k++) v[k] = k < inputs ? load(from + k * FEW_LANES) : (vf){0};
}

/* dw of VW inputs from `first` on, or as many as there are */
INLINE void few_weights(int outputs, const fc_args *a, int64_t blocks, int64_t first) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2];
    int64_t inputs = min_i64(VW, x->shape[1] - first);
    vf sums[FEW_OUTPUTS];
    UNROLL for (int o = 0; o < outputs; o++) sums[o] = (vf){0};
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t lane = 0; lane < FEW_LANES; lane += VW) {
            const float *from = dense_row(x, b, first) + lane, *scalar = dense_row(dy, b, 0) + lane;
            vf v[VW];
            load_inputs(from, inputs, v);
            transpose(v);
            UNROLL for (int l = 0; l < VW; l++)
                UNROLL for (int o = 0; o < outputs; o++)
                    sums[o] += v[l] * splat(scalar[o * FEW_LANES + l]);
        }
    float *to = (float *)dw->data + first;
    UNROLL for (int o = 0; o < outputs; o++) store_n(to + o * dw->stride[0], sums[o], inputs);
}

INLINE int has_few_weights(const fc_tensor *x, const fc_tensor *dy) {
    return dy->shape[1] <= FEW_OUTPUTS && x->shape[2] == FEW_LANES && x->stride[1] == FEW_LANES &&
           dy->stride[1] == FEW_LANES;
}

#define FEW_WEIGHTS(O)                                                          \
    static void few_weights_##O(const fc_args *a, int64_t blocks, int64_t first) { \
        few_weights(O, a, blocks, first);                                       \
    }
FEW_WEIGHTS(1) FEW_WEIGHTS(2) FEW_WEIGHTS(3) FEW_WEIGHTS(4) FEW_WEIGHTS(5)
FEW_WEIGHTS(6) FEW_WEIGHTS(7) FEW_WEIGHTS(8) FEW_WEIGHTS(9) FEW_WEIGHTS(10)

static void (*const few_weights_of[])(const fc_args *, int64_t, int64_t) = {
    few_weights_1, few_weights_2, few_weights_3, few_weights_4, few_weights_5,
    few_weights_6, few_weights_7, few_weights_8, few_weights_9, few_weights_10};

static void dense_backward_weight_few(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1];
    int64_t begin, end;
    split(ceil_div(x->shape[1], VW), ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++)
        few_weights_of[dy->shape[1] - 1](a, active_blocks(x, ctx), k * VW);
}

#endif
