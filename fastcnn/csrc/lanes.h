/* Running over the lanes of one pixel, whatever their number. */
#ifndef FC_LANES_H
#define FC_LANES_H

#include "vec.h"

/* Runs `statement` for lanes l, l + N, ...: N is a constant (VW, then 8, 4, 1 for what remains), so
 * that loads and stores of N lanes are single moves. */
#define LANE_CHUNKS(l, lanes, statement) \
    do { \
        int64_t l = 0, lanes_ = (lanes); \
        for (; l + VW <= lanes_; l += VW) { enum { N = VW }; statement; } \
        if (VW > 8) for (; l + 8 <= lanes_; l += 8) { enum { N = 8 }; statement; } \
        if (VW > 4) for (; l + 4 <= lanes_; l += 4) { enum { N = 4 }; statement; } \
        for (; l < lanes_; l++) { enum { N = 1 }; statement; } \
    } while (0)

/* Calls f(..., lanes) with lanes as a constant: 16, 8, 4 or 1. */
#define WITH_LANES(lanes, f, ...) \
    switch (lanes) { \
    case 16: f(__VA_ARGS__, 16); break; \
    case 8: f(__VA_ARGS__, 8); break; \
    case 4: f(__VA_ARGS__, 4); break; \
    default: f(__VA_ARGS__, 1); \
    }

typedef uint8_t vb __attribute__((vector_size(VW)));

typedef float v4f __attribute__((vector_size(16)));
typedef float v8f __attribute__((vector_size(32)));

/* n floats (a constant: VW, 8, 4 or 1) into the first lanes; the others hold anything. Neither
 * through memory nor with masks: what a masked or a narrower store wrote can't be forwarded to a
 * wider load (measured: 3 to 10 times slower where windows overlap). The builtins cost no
 * instruction. */
INLINE vf load_lanes(const float *p, const int n) {
    if (n == VW) return load(p);
    float one;
    memcpy(&one, p, sizeof one);
    if (n == 1) return (vf){one};
#if VW == 16
    v8f eight;
    if (n == 8) {
        memcpy(&eight, p, sizeof eight);
        return __builtin_ia32_ps512_256ps(eight);
    }
#endif
#if VW > 4
    v4f four;
    memcpy(&four, p, sizeof four);
#endif
#if VW == 16
    return __builtin_ia32_ps512_ps(four);
#elif VW == 8
    return __builtin_ia32_ps256_ps(four);
#else
    return load(p);
#endif
}
INLINE void store_lanes(float *p, vf v, const int n) { memcpy(p, &v, n * sizeof(float)); }
typedef char v16c __attribute__((vector_size(16)));

/* The first VW bytes as numbers. Builtins, because GCC 12 converts them one by one. */
INLINE vi widen_bytes(v16c v) {
#if VW == 16
    return __builtin_ia32_pmovzxbd512_mask(v, (vi){0}, -1);
#elif VW == 8
    return __builtin_ia32_pmovzxbd256(v);
#elif defined(__SSE2__)
    typedef short v8s __attribute__((vector_size(16)));
    v8s pairs = (v8s)__builtin_ia32_punpcklbw128(v, (v16c){0});
    return (vi)__builtin_ia32_punpcklwd128(pairs, (v8s){0});
#else
    vb low;
    memcpy(&low, &v, sizeof low);
    return __builtin_convertvector(low, vi);
#endif
}
/* n of VW bytes, the others zero: the first few of a row, */
INLINE vi load_bytes_part(const uint8_t *p, int64_t n) {
    v16c v = {0};
    memcpy(&v, p, n);
    return widen_bytes(v);
}
/* or of constant number, as in load_lanes. */
INLINE vi load_bytes(const uint8_t *p, const int n) {
    typedef uint64_t words __attribute__((vector_size(16)));
    uint64_t low = 0;
    v16c v;
    if (n > 8) return load_bytes_part(p, VW);
    memcpy(&low, p, n);
    words all = {low};
    memcpy(&v, &all, sizeof v);
    return widen_bytes(v);
}
INLINE void store_bytes(uint8_t *p, vi v, const int n) {
    vb narrow = __builtin_convertvector(v, vb);
    memcpy(p, &narrow, n);
}
/* The first n of VW bytes */
INLINE void store_bytes_part(uint8_t *p, vi v, int64_t n) {
    vb narrow = __builtin_convertvector(v, vb);
#if VW == 16
    typedef char bytes __attribute__((vector_size(16)));
    __builtin_ia32_storedquqi128_mask((char *)p, (bytes)narrow, (1u << n) - 1);
#else
    memcpy(p, &narrow, n);
#endif
}
INLINE vi select_i(vi mask, vi a, vi b) { return (a & mask) | (b & ~mask); }
INLINE vf keep_where(vi mask, vf a) { return (vf)((vi)a & mask); }

/* A vector constant made of f(lane number, g) */
#if VW == 16
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g), f(4, g), f(5, g), f(6, g), \
                             f(7, g), f(8, g), f(9, g), f(10, g), f(11, g), f(12, g), f(13, g), \
                             f(14, g), f(15, g)}
#elif VW == 8
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g), f(4, g), f(5, g), f(6, g), f(7, g)}
#else
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g)}
#endif
#define LANE_NUMBER(i, unused) (i)

INLINE vi lane_numbers(void) { return EACH_LANE(LANE_NUMBER, 0); }

#endif
