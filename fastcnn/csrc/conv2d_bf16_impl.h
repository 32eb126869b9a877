/* Direct convolution with bf16 operands: see conv2d_bf16_job_impl.h. */
#ifndef FC_CONV2D_BF16_IMPL_H
#define FC_CONV2D_BF16_IMPL_H

#include "conv2d_bf16_forward_impl.h"
#include "conv2d_bf16_backward_weight_impl.h"

#define CONV2D_BF16_ENTRY(name, signature) \
    {#name, signature, name, name##_prepare, name##_workspace, name##_scratch}
#define CONV2D_BF16_KERNELS \
    CONV2D_BF16_ENTRY(conv2d_bf16_forward, \
                      "x w ?b >y | stride_h stride_w dilation_h dilation_w groups activation " \
                      "zero_top zero_bottom | alpha"), \
    CONV2D_BF16_ENTRY(conv2d_bf16_backward_input, \
                      "dy w ?y >dx | stride_h stride_w dilation_h dilation_w groups pad_top " \
                      "pad_left halo_top halo_left halo_bottom activation | alpha"), \
    CONV2D_BF16_ENTRY(conv2d_bf16_backward_weight, \
                      "x dy >dw >?db | stride_h stride_w dilation_h dilation_w groups zero_top " \
                      "zero_bottom |")

#endif
