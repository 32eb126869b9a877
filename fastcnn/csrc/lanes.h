/* Running over the lanes of one pixel, whatever their number. */
#ifndef FC_LANES_H
#define FC_LANES_H

#include "vec.h"

/* Runs `statement` for lanes l, l + N, ...: N is a constant (VW, then 8, 4, 1 for what remains), so that loads
 * and stores of N lanes are single moves. */
#define LANE_CHUNKS(l, lanes, statement) \
    do { \
        int64_t l = 0, lanes_ = (lanes); \
        for (; l + VW <= lanes_; l += VW) { enum { N = VW }; statement; } \
        if (VW > 8) for (; l + 8 <= lanes_; l += 8) { enum { N = 8 }; statement; } \
        if (VW > 4) for (; l + 4 <= lanes_; l += 4) { enum { N = 4 }; statement; } \
        for (; l < lanes_; l++) { enum { N = 1 }; statement; } \
    } while (0)

typedef uint8_t vb __attribute__((vector_size(VW)));

INLINE vi load_bytes(const uint8_t *p, const int n) {
    vb v = {0};
    memcpy(&v, p, n);
    return __builtin_convertvector(v, vi);
}
INLINE void store_bytes(uint8_t *p, vi v, const int n) {
    vb narrow = __builtin_convertvector(v, vb);
    memcpy(p, &narrow, n);
}
INLINE vi select_i(vi mask, vi a, vi b) { return (a & mask) | (b & ~mask); }
INLINE vf keep_where(vi mask, vf a) { return (vf)((vi)a & mask); }

/* A vector constant made of f(lane number, g) */
#if VW == 16
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g), f(4, g), f(5, g), f(6, g), f(7, g), f(8, g), \
                             f(9, g), f(10, g), f(11, g), f(12, g), f(13, g), f(14, g), f(15, g)}
#elif VW == 8
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g), f(4, g), f(5, g), f(6, g), f(7, g)}
#else
#define EACH_LANE(f, g) (vi){f(0, g), f(1, g), f(2, g), f(3, g)}
#endif
#define LANE_NUMBER(i, unused) (i)

INLINE vi lane_numbers(void) { return EACH_LANE(LANE_NUMBER, 0); }

#endif
