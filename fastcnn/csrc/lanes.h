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
/* Fewer than VW bytes go through an integer register: see load_part. */
INLINE vi load_bytes(const uint8_t *p, const int n) {
    uint64_t words[(VW + 7) / 8] = {0};
    vb v;
    memcpy(words, p, n);
    memcpy(&v, words, VW);
    return __builtin_convertvector(v, vi);
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
