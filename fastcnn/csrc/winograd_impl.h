/* Winograd's convolution: forward, input gradient, weight gradient. */
#include "winograd_forward_impl.h"
#include "winograd_single_impl.h"
#include "winograd_backward_weight_impl.h"

#define WINOGRAD_KERNELS \
    WINOGRAD_ANY_KERNELS, WINOGRAD_FORWARD_KERNELS, WINOGRAD_BACKWARD_WEIGHT_KERNELS
