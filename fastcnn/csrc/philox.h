/* Philox4x32-10, a counter-based random generator (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011): four random words are a function of a counter of four words and a key of two. */
#ifndef FC_PHILOX_H
#define FC_PHILOX_H

#include "vec.h"

#define PHILOX_STREAMS 16

/* words[k][s] = word k for the counter (counter[0][s], ..., counter[3][s]). Plain C: one iteration of the loop
 * is a lane, and the compiler makes vectors of any ISA from it. */
static __attribute__((noinline)) void philox(
    uint32_t counter[4][PHILOX_STREAMS], const uint32_t key[2], uint32_t words[4][PHILOX_STREAMS]
) {
    for (int s = 0; s < PHILOX_STREAMS; s++) {
        uint32_t c0 = counter[0][s], c1 = counter[1][s], c2 = counter[2][s], c3 = counter[3][s];
        uint32_t k0 = key[0], k1 = key[1];
        UNROLL for (int round = 0; round < 10; round++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
            c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)p1;
            c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)p0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        words[0][s] = c0;
        words[1][s] = c1;
        words[2][s] = c2;
        words[3][s] = c3;
    }
}

#endif
