/* Neighbouring columns of an image, apart: even[i] and odd[i] are the two columns behind float i of a
 * row of half as many. */
#ifndef FC_POOL2D_PAIRS_H
#define FC_POOL2D_PAIRS_H

#include "lanes.h"

#define EVEN(i, g) ((i) / (g) * 2 * (g) + (i) % (g))
#define ODD(i, g) (EVEN(i, g) + (g))
#define LOW(i, g) ((i) / (2 * (g)) * (g) + (i) % (g) + (i) / (g) % 2 * VW)
#define HIGH(i, g) (LOW(i, g) + VW / 2)

INLINE int64_t pair_offset(int64_t i, const int lanes) {
    return (int64_t)((uint64_t)i / lanes * 2 * lanes + (uint64_t)i % lanes);
}

INLINE void load_pair(const float *row, int64_t i, vf *even, vf *odd, const int lanes) {
    if (lanes >= VW) {
        *even = load(row + pair_offset(i, lanes));
        *odd = load(row + pair_offset(i, lanes) + lanes);
        return;
    }
    vf a = load(row + 2 * i), b = load(row + 2 * i + VW);
    *even = __builtin_shuffle(a, b, EACH_LANE(EVEN, lanes));
    *odd = __builtin_shuffle(a, b, EACH_LANE(ODD, lanes));
}

/* Of a row of n < VW pooled floats */
INLINE void load_pair_part(const float *row, int64_t n, vf *even, vf *odd, const int lanes) {
    vf a = load_part(row, min_i64(VW, 2 * n)), b = {0};
    if (2 * n > VW) b = load_part(row + VW, 2 * n - VW);
    *even = __builtin_shuffle(a, b, EACH_LANE(EVEN, lanes));
    *odd = __builtin_shuffle(a, b, EACH_LANE(ODD, lanes));
}

INLINE void store_pair(float *row, int64_t i, vf even, vf odd, const int lanes) {
    if (lanes >= VW) {
        store(row + pair_offset(i, lanes), even);
        store(row + pair_offset(i, lanes) + lanes, odd);
        return;
    }
    store(row + 2 * i, __builtin_shuffle(even, odd, EACH_LANE(LOW, lanes)));
    store(row + 2 * i + VW, __builtin_shuffle(even, odd, EACH_LANE(HIGH, lanes)));
}

#endif
