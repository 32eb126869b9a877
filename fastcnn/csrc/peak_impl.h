/* What the machine could do at most: multiply-adds on registers alone, and memory alone. Benchmarks
 * divide by it. */
#include "vec.h"

#if VW == 16 || defined(__aarch64__)
#define PEAK_ACCUMULATORS 24
#else
#define PEAK_ACCUMULATORS 12
#endif
#define PEAK_PART 16384   /* floats: all read, all written, then the next */
#define PEAK_LINE 16      /* floats of a cache line */

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

INLINE float peak_sum(const float *x, int64_t n) {
    vf s[8] = {{0}};
    int64_t k = 0;
    for (; k + 8 * VW <= n; k += 8 * VW)
        UNROLL for (int u = 0; u < 8; u++) s[u] += load(x + k + u * VW);
    for (; k < n; k += VW) s[0] += load_part(x + k, min_i64(VW, n - k));
    UNROLL for (int u = 1; u < 8; u++) s[0] += s[u];
    float sum = 0.0f;
    for (int l = 0; l < VW; l++) sum += s[0][l];
    return sum;
}

/* Where part p of m floats begins: at a cache line */
INLINE int64_t peak_part(int64_t m, int64_t p, int64_t parts) {
    return p == parts ? m : m * p / parts / PEAK_LINE * PEAK_LINE;
}

/* Both are cut into as many parts, of about PEAK_PART floats together; y's part p is filled with
 * the sum of x's part p, so that each is read or written once. */
static void memory_peak(const fc_args *a, const fc_context *ctx) {
    const float *x = a->t[0].data;
    float *y = a->t[1].data;
    int64_t n = a->t[0].shape[0], m = a->t[1].shape[0], begin, end;
    int64_t parts = ceil_div(n + m, PEAK_PART);
    int streamed = streams_bytes(y, m * sizeof(float));
    split(parts, ctx, &begin, &end);
    for (int64_t p = begin; p < end; p++) {
        int64_t from = n * p / parts, to = peak_part(m, p, parts), stop = peak_part(m, p + 1, parts);
        vf sum = splat(peak_sum(x + from, n * (p + 1) / parts - from));
        for (; streamed && to + VW <= stop; to += VW) stream(y + to, sum);
        for (; to < stop; to += VW) store_n(y + to, sum, min_i64(VW, stop - to));
    }
    if (streamed) stream_end();
}

#define PEAK_KERNELS \
    {"fma_peak", ">flops | iterations |", fma_peak, 0, 0, 0}, \
    {"memory_peak", "x >y | |", memory_peak, 0, 0, 0}
