/* Direct convolution: forward, input gradient, weight gradient, transposed, in bf16; x always holds its zero border,
 * so that C never pads. */
#include "conv2d_forward_impl.h"
#include "conv2d_backward_input_impl.h"
#include "conv2d_backward_weight_impl.h"
#include "conv2d_transpose_impl.h"
#include "conv2d_bf16_impl.h"

#define CONV2D_KERNELS \
    CONV2D_FORWARD_KERNELS, \
    CONV2D_BACKWARD_INPUT_KERNELS, \
    CONV2D_BACKWARD_WEIGHT_KERNELS, \
    CONV2D_TRANSPOSE_KERNELS, \
    CONV2D_BF16_KERNELS
