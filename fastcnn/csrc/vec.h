/* Native vectors of the ISA that this file is compiled for, and what every kernel needs of them.
 * Vectors wider than the machine's are split badly by GCC, so a block of 16 lanes is 16 / VW of these. */
#ifndef FC_VEC_H
#define FC_VEC_H

#include "fastcnn.h"

#include <math.h>
#include <string.h>

#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX2__)
#define VW 8
#else
#define VW 4
#endif

typedef float vf __attribute__((vector_size(4 * VW)));
typedef int32_t vi __attribute__((vector_size(4 * VW)));
typedef uint32_t vu __attribute__((vector_size(4 * VW)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

/* memcpy, not a pointer cast: rows need no more than 4-byte alignment, and GCC makes one move of it. */
INLINE vf load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store(float *p, vf v) { memcpy(p, &v, sizeof v); }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vi splat_i(int32_t x) { return x - (vi){0}; }

/* The first n < VW floats of a row; the others are zero. Masked moves, because a vector that is put
 * together in memory and loaded as a whole waits for the stores (measured: 10 times slower).
 * Builtins, because the intrinsics' headers declare POSIX' select(). */
INLINE vf load_part(const float *p, int64_t n) {
#if VW == 16
    return __builtin_ia32_loadups512_mask(p, (vf){0}, (1u << n) - 1);
#elif VW == 8
    return __builtin_ia32_maskloadps256((const vf *)p, (vi){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)n);
#else
    vf v = {0};
    UNROLL for (int j = 0; j < VW; j++) if (j < n) v[j] = p[j];
    return v;
#endif
}
INLINE void store_part(float *p, vf v, int64_t n) {
#if VW == 16
    __builtin_ia32_storeups512_mask(p, v, (1u << n) - 1);
#else
    memcpy(p, &v, n * sizeof(float));
#endif
}
/* n <= VW, mostly VW */
INLINE vf load_n(const float *p, int64_t n) { return n == VW ? load(p) : load_part(p, n); }
INLINE void store_n(float *p, vf v, int64_t n) {
    if (n == VW)
        store(p, v);
    else
        store_part(p, v, n);
}

/* mask ? a : b, mask lanes all ones or all zeros */
INLINE vf select(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }
/* a > b ? a : b and a < b ? a : b, so b where either is NaN. Builtins, because GCC makes three
 * instructions of the comparison. */
#if VW == 16
INLINE vf vmax(vf a, vf b) { return __builtin_ia32_maxps512_mask(a, b, a, -1, 4); }
INLINE vf vmin(vf a, vf b) { return __builtin_ia32_minps512_mask(a, b, a, -1, 4); }
#elif VW == 8
INLINE vf vmax(vf a, vf b) { return __builtin_ia32_maxps256(a, b); }
INLINE vf vmin(vf a, vf b) { return __builtin_ia32_minps256(a, b); }
#elif defined(__SSE__)
INLINE vf vmax(vf a, vf b) { return __builtin_ia32_maxps(a, b); }
INLINE vf vmin(vf a, vf b) { return __builtin_ia32_minps(a, b); }
#else
INLINE vf vmax(vf a, vf b) { return select(a > b, a, b); }
INLINE vf vmin(vf a, vf b) { return select(a < b, a, b); }
#endif

/* This thread's share [*begin, *end) of n items; the first n % threads threads take one more. */
INLINE void split(int64_t n, const fc_context *c, int64_t *begin, int64_t *end) {
    int64_t each = n / c->threads, more = n % c->threads;
    *begin = each * c->thread + (c->thread < more ? c->thread : more);
    *end = *begin + each + (c->thread < more);
}

INLINE int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Blocks of an activation that hold images in this run. */
INLINE int64_t active_blocks(const fc_tensor *x, const fc_context *c) {
    return min_i64(x->shape[0], c->blocks);
}

/* ---- stores past the caches ---- */

/* An ordinary store to a line that is in no cache reads it first. What is larger than the caches is
 * better stored past them: whoever reads it finds its beginning in none of them anyway. */
#define STREAM_BYTES (12 << 20)

/* Whether so many bytes at p are large, and their vectors whole lines, as `stream` needs them. */
INLINE int streams_bytes(const void *p, int64_t bytes) {
    return VW == 16 && bytes >= STREAM_BYTES && (intptr_t)p % sizeof(vf) == 0;
}
/* Likewise for an activation y. */
INLINE int streams(const fc_tensor *y, const fc_context *c) {
    int64_t floats = active_blocks(y, c), steps = y->shape[4];
    for (int d = 1; d < 5; d++) floats *= y->shape[d];
    for (int d = 0; d < 3; d++) steps |= y->stride[d];
    return steps % VW == 0 && streams_bytes(y->data, floats * sizeof(float));
}
INLINE void stream(float *p, vf v) {
#if VW == 16
    __builtin_ia32_movntps512(p, v);
#else
    store(p, v);
#endif
}
/* Other threads see nothing of it before. */
INLINE void stream_end(void) {
#if VW == 16
    __builtin_ia32_sfence();
#endif
}

#endif
