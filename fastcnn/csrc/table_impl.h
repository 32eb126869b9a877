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
#include "copy_impl.h"
#include "dropout_impl.h"
#include "pool2d_impl.h"
#include "rng_impl.h"

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
    COPY_KERNELS,
    DROPOUT_KERNELS,
    POOL2D_KERNELS,
    RNG_KERNELS,
};

const fc_table FC_TABLE(FC_ISA) = {FC_TEXT(FC_ISA), kernels, sizeof kernels / sizeof *kernels};
