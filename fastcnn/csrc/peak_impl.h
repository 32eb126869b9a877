/* What the machine could do at most: multiply-adds on registers alone. Benchmarks divide by it. */
#include "vec.h"

#if VW == 16 || defined(__aarch64__)
#define PEAK_ACCUMULATORS 24
#else
#define PEAK_ACCUMULATORS 12
#endif

/* iterations * PEAK_ACCUMULATORS * VW multiply-adds on every thread; flops[0] is 2 * their
 * number, of one. */
static void fma_peak(const fc_args *a, const fc_context *ctx) {
    double *flops = a->t[0].data;
    vf acc[PEAK_ACCUMULATORS], x = splat(0.999f), y = splat(1e-3f);
    UNROLL for (int k = 0; k < PEAK_ACCUMULATORS; k++) acc[k] = splat((float)k);
    for (int64_t i = 0; i < a->i[0]; i++)
        UNROLL for (int k = 0; k < PEAK_ACCUMULATORS; k++) acc[k] = acc[k] * x + y;
    vf sum = {0};
    UNROLL for (int k = 0; k < PEAK_ACCUMULATORS; k++) sum += acc[k];
    if (ctx->thread == 0) flops[0] = 2.0 * PEAK_ACCUMULATORS * VW * a->i[0];
    /* The condition never holds; without it the loop would be dropped as useless. */
    if (sum[0] < 0.0f) flops[0] = 0.0;
}

#define PEAK_KERNELS {"fma_peak", ">flops | iterations |", fma_peak, 0, 0, 0}
