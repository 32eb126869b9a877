/* Which of the compiled kernel tables this CPU can run, best first. */
#include "fastcnn.h"

#ifdef FC_HAVE_AVX512_BF16
extern const fc_table fc_table_avx512_bf16;
#endif
#ifdef FC_HAVE_AVX512
extern const fc_table fc_table_avx512;
#endif
#ifdef FC_HAVE_AVX2
extern const fc_table fc_table_avx2;
#endif
#ifdef FC_HAVE_NEON
extern const fc_table fc_table_neon;
#endif
extern const fc_table fc_table_baseline;

static const fc_table *runnable[5];
static int count;

static void detect(void) {
    if (count) return;
    int n = 0;
#if defined(FC_HAVE_AVX512)
    __builtin_cpu_init();
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#if defined(FC_HAVE_AVX512_BF16)
    if (avx512 && __builtin_cpu_supports("avx512bf16")) runnable[n++] = &fc_table_avx512_bf16;
#endif
    if (avx512) runnable[n++] = &fc_table_avx512;
#endif
#if defined(FC_HAVE_AVX2)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) runnable[n++] = &fc_table_avx2;
#endif
#if defined(FC_HAVE_NEON)
    runnable[n++] = &fc_table_neon;
#endif
    runnable[n++] = &fc_table_baseline;
    count = n;
}

int fc_isa_count(void) {
    detect();
    return count;
}

const fc_table *fc_isa_table(int index) {
    detect();
    return index >= 0 && index < count ? runnable[index] : 0;
}
