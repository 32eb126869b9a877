/* Transposing VW x VW floats in registers, and adding up the lanes of several vectors. Lanes move
 * inside fours first: Zen 5 does that beside its multiply-adds; VPERMT2PS takes the place of one. */
#ifndef FC_TRANSPOSE_H
#define FC_TRANSPOSE_H

#include "vec.h"

/* Lanes of two vectors, the second's counted on from VW. Of each four of both: the lower two in turn,
 * the upper two in turn; the lower pairs, the upper pairs; every other lane. And every other four. */
#if VW == 16
#define LOW_IN_TURN 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_IN_TURN 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_PAIRS 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_PAIRS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define EVEN_LANES 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30
#define ODD_LANES 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31
#define EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#elif VW == 8
#define LOW_IN_TURN 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_IN_TURN 2, 10, 3, 11, 6, 14, 7, 15
#define LOW_PAIRS 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_PAIRS 2, 3, 10, 11, 6, 7, 14, 15
#define EVEN_LANES 0, 2, 8, 10, 4, 6, 12, 14
#define ODD_LANES 1, 3, 9, 11, 5, 7, 13, 15
#define EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11
#define ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15
#else
#define LOW_IN_TURN 0, 4, 1, 5
#define HIGH_IN_TURN 2, 6, 3, 7
#define LOW_PAIRS 0, 1, 4, 5
#define HIGH_PAIRS 2, 3, 6, 7
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#endif

/* Rows r and r + d become FIRST and SECOND of themselves. */
#define EXCHANGE(v, d, FIRST, SECOND)                            \
    UNROLL for (int r = 0; r < VW; r++) if (!(r & d)) {          \
        vf a = v[r], b = v[r + d];                               \
        v[r] = __builtin_shufflevector(a, b, FIRST);             \
        v[r + d] = __builtin_shufflevector(a, b, SECOND);        \
    }

/* v[r] lane c <-> v[c] lane r */
INLINE void transpose(vf v[VW]) {
    EXCHANGE(v, 1, LOW_IN_TURN, HIGH_IN_TURN)
    EXCHANGE(v, 2, LOW_PAIRS, HIGH_PAIRS)
#if VW >= 8
    EXCHANGE(v, 4, EVEN_FOURS, ODD_FOURS)
#endif
#if VW == 16
    EXCHANGE(v, 8, EVEN_FOURS, ODD_FOURS)
#endif
    UNROLL for (int r = 0; r < VW; r += 4) {   /* now columns r, r + 2, r + 1, r + 3 */
        vf swapped = v[r + 1];
        v[r + 1] = v[r + 2];
        v[r + 2] = swapped;
    }
}

#define ADD_EVEN_ODD(a, b, WHICH) \
    (__builtin_shufflevector(a, b, EVEN_##WHICH) + __builtin_shufflevector(a, b, ODD_##WHICH))

/* The lanes of VW vectors are added up in two steps. First, of four vectors: lane 4 g + k is the sum
 * of four g of v[k]. */
INLINE vf sum_in_fours(const vf *v) {
    vf a = ADD_EVEN_ODD(v[0], v[1], LANES), b = ADD_EVEN_ODD(v[2], v[3], LANES);
    return ADD_EVEN_ODD(a, b, LANES);
}

/* Then, of VW / 4 such vectors: lane 4 g + k is the sum of lanes k of all fours of v[g]. */
INLINE vf sum_fours(const vf *v) {
#if VW == 16
    vf a = ADD_EVEN_ODD(v[0], v[1], FOURS), b = ADD_EVEN_ODD(v[2], v[3], FOURS);
    return ADD_EVEN_ODD(a, b, FOURS);
#elif VW == 8
    return ADD_EVEN_ODD(v[0], v[1], FOURS);
#else
    return v[0];
#endif
}

/* Lane k: the sum of all lanes of v[k], k < VW */
INLINE vf sum_each(const vf *v) {
    vf fours[VW / 4];
    UNROLL for (int g = 0; g < VW / 4; g++) fours[g] = sum_in_fours(v + 4 * g);
    return sum_fours(fours);
}

#endif
