/* Transposing VW x VW floats in registers. */
#ifndef FC_TRANSPOSE_H
#define FC_TRANSPOSE_H

#include "vec.h"

/* Step d of a butterfly: rows r and r + d exchange the lanes whose numbers differ in bit d. */
#if VW == 16
#define SWAP8_LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SWAP8_HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define SWAP4_LOW 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define SWAP4_HIGH 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define SWAP2_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define SWAP2_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define SWAP1_LOW 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define SWAP1_HIGH 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#elif VW == 8
#define SWAP4_LOW 0, 1, 2, 3, 8, 9, 10, 11
#define SWAP4_HIGH 4, 5, 6, 7, 12, 13, 14, 15
#define SWAP2_LOW 0, 1, 8, 9, 4, 5, 12, 13
#define SWAP2_HIGH 2, 3, 10, 11, 6, 7, 14, 15
#define SWAP1_LOW 0, 8, 2, 10, 4, 12, 6, 14
#define SWAP1_HIGH 1, 9, 3, 11, 5, 13, 7, 15
#else
#define SWAP2_LOW 0, 1, 4, 5
#define SWAP2_HIGH 2, 3, 6, 7
#define SWAP1_LOW 0, 4, 2, 6
#define SWAP1_HIGH 1, 5, 3, 7
#endif

#define SWAP_LANES(v, d, LOW, HIGH)                              \
    UNROLL for (int r = 0; r < VW; r++) if (!(r & d)) {          \
        vf a = v[r], b = v[r + d];                               \
        v[r] = __builtin_shufflevector(a, b, LOW);               \
        v[r + d] = __builtin_shufflevector(a, b, HIGH);          \
    }

/* v[r] lane c <-> v[c] lane r */
INLINE void transpose(vf v[VW]) {
#if VW == 16
    SWAP_LANES(v, 8, SWAP8_LOW, SWAP8_HIGH)
#endif
#if VW >= 8
    SWAP_LANES(v, 4, SWAP4_LOW, SWAP4_HIGH)
#endif
    SWAP_LANES(v, 2, SWAP2_LOW, SWAP2_HIGH)
    SWAP_LANES(v, 1, SWAP1_LOW, SWAP1_HIGH)
}

#endif
