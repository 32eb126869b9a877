/* The kernels of one ISA. Compiled once per ISA by isa_*.c, which defines FC_ISA; all but the table
 * is static. */
#include "activation_impl.h"
#include "dense_impl.h"
#include "gather_impl.h"
#include "gradient_impl.h"
#include "augment_impl.h"
#include "loss_impl.h"
#include "log_softmax_impl.h"
#include "elementwise_loss_impl.h"
#include "sample_loss_impl.h"
#include "optimizer_impl.h"
#include "conv2d_impl.h"
#include "peak_impl.h"
#include "batch_norm_impl.h"
#include "bias_impl.h"
#include "copy_impl.h"
#include "dropout_impl.h"
#include "fold_impl.h"
#include "local2d_impl.h"
#include "merge_impl.h"
#include "pool2d_impl.h"
#include "rng_impl.h"
#include "weights_impl.h"
#include "activity_impl.h"
#include "hog_impl.h"
#include "color_histogram_impl.h"
#include "upsampling2d_impl.h"
#include "prelu_impl.h"
#include "group_norm_impl.h"
#include "layer_norm_impl.h"
#include "lrn_impl.h"
#include "maxout_impl.h"
#include "noise_impl.h"
#include "winograd_impl.h"

#define FC_PASTE(a, b) a##b
#define FC_TABLE(isa) FC_PASTE(fc_table_, isa)
#define FC_TEXT_(x) #x
#define FC_TEXT(x) FC_TEXT_(x)

static const fc_kernel kernels[] = {
    ACTIVATION_KERNELS,
    DENSE_KERNELS,
    GATHER_KERNELS,
    GRADIENT_KERNELS,
    AUGMENT_KERNELS,
    LOG_SOFTMAX_KERNELS,
    LOSS_KERNELS,
    ELEMENTWISE_LOSS_KERNELS,
    SAMPLE_LOSS_KERNELS,
    OPTIMIZER_KERNELS,
    CONV2D_KERNELS,
    PEAK_KERNELS,
    BATCH_NORM_KERNELS,
    BIAS_KERNELS,
    COPY_KERNELS,
    DROPOUT_KERNELS,
    FOLD_KERNELS,
    LOCAL2D_KERNELS,
    MERGE_KERNELS,
    POOL2D_KERNELS,
    RNG_KERNELS,
    WEIGHTS_KERNELS,
    ACTIVITY_KERNELS,
    HOG_KERNELS,
    COLOR_HISTOGRAM_KERNELS,
    UPSAMPLING2D_KERNELS,
    PRELU_KERNELS,
    GROUP_NORM_KERNELS,
    LAYER_NORM_KERNELS,
    LRN_KERNELS,
    MAXOUT_KERNELS,
    NOISE_KERNELS,
    WINOGRAD_KERNELS,
};

const fc_table FC_TABLE(FC_ISA) = {FC_TEXT(FC_ISA), kernels, sizeof kernels / sizeof *kernels};
