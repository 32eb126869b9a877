/* Which kernels do the job of a convolution, forward or for its input gradient. */
#ifndef FC_CONV2D_RUN_IMPL_H
#define FC_CONV2D_RUN_IMPL_H

#include "conv2d_depthwise_impl.h"
#include "conv2d_phases_impl.h"
#include "conv2d_pixel_impl.h"

static void conv_run_job(conv_job *j, const fc_context *ctx) {
    j->streamed = streams(j->out, ctx);
    if (depth_fits(j))
        depth_run(j, ctx);
    else if (pixel_fits(j))
        pixel_run(j, ctx);
    else if (phases_fits(j))
        phases_run(j, ctx);
    else
        conv_run_rows(j, ctx);
    if (j->streamed) stream_end();
}

#endif
