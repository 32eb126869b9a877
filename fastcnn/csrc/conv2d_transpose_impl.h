/* y = act(b + the adjoint of a convolution with w applied to x): the tile driver of
 * conv2d_backward_input, which ends with a bias and an activation here. */
#include "conv2d_rows_impl.h"

static conv_job conv_transpose_job(const fc_args *a) {
    fc_args plain = *a;
    plain.t[2].data = 0;                             /* no slope: the bias is in its place */
    conv_job j = conv_backward_input_job(&plain);
    j.x = &a->t[0];
    j.out = &a->t[3];
    j.bias = a->t[2].data;
    j.activation = (int)a->i[10];
    return j;
}

static void conv2d_transpose_forward_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_transpose_job(a);
    conv_prepare(&j, ctx);
}

static void conv2d_transpose_forward(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_transpose_job(a);
    conv_run_rows(&j, ctx);
}

#define CONV2D_TRANSPOSE_KERNELS \
    {"conv2d_transpose_forward", \
     "x w ?b >y | stride_h stride_w dilation_h dilation_w groups pad_top pad_left halo_top " \
     "halo_left halo_bottom activation | alpha", \
     conv2d_transpose_forward, conv2d_transpose_forward_prepare, conv_workspace, 0}
