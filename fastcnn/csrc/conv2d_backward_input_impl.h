/* dx[iy] = sum of dy[oy] * w[ky] over iy + pad = stride * oy + dilation * ky, times act'(y) if y
 * is given. */
#include "conv2d_run_impl.h"

static conv_job conv_backward_input_job(const fc_args *a) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3], groups = a->i[4];
    conv_job j = {.x = dy, .out = &a->t[3], .w = w->data, .max_ot = CONV_OT, .transposed = 1};
    j.y = a->t[2].data ? &a->t[2] : 0;
    j.activation = j.y ? (int)a->i[10] : ACT_LINEAR;
    j.alpha = (float)a->f[0];
    j.groups = groups;
    j.in = w->shape[0] / groups;
    j.outs = w->shape[1];
    j.w_in = j.outs * taps;
    j.w_out = taps;
    j.w_group = j.in * j.w_in;
    for (int d = 0; d < 2; d++) {
        j.kernel[d] = w->shape[2 + d];
        j.stride[d] = j.write_step[d] = a->i[d];
        j.read_step[d] = 1;
        j.dilation[d] = a->i[2 + d];
        j.shift[d] = a->i[5 + d];
        j.halo[d] = a->i[7 + d];
    }
    j.zero_top = a->i[7];
    j.zero_bottom = a->i[9];
    conv_place_workspace(&j, a);
    return j;
}

static void conv2d_backward_input_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_backward_input_job(a);
    conv_prepare(&j, ctx);
}

static void conv2d_backward_input(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_backward_input_job(a);
    conv_run_job(&j, ctx);
}

#define CONV2D_BACKWARD_INPUT_KERNELS \
    {"conv2d_backward_input", \
     "dy w ?y >dx | stride_h stride_w dilation_h dilation_w groups pad_top pad_left halo_top " \
     "halo_left halo_bottom activation | alpha", \
     conv2d_backward_input, conv2d_backward_input_prepare, conv_workspace, pixel_scratch}
