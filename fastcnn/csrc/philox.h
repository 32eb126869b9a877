/* Philox4x32-10, a counter-based random generator (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011): four random words are a function of a counter of four words and a key of two. */
#ifndef FC_PHILOX_H
#define FC_PHILOX_H

#include "vec.h"

#define PHILOX_STREAMS 16

typedef long long vll __attribute__((vector_size(4 * VW)));
typedef uint64_t vq __attribute__((vector_size(4 * VW)));

/* Products of the low halves of 64-bit lanes. Builtins, because GCC makes a full 64-bit multiplication of the
 * plain expression (measured: 1.3 to 3 times slower). */
INLINE vq multiply_low(vq a, vq b) {
#if VW == 16
    return (vq)__builtin_ia32_pmuludq512_mask((vi)a, (vi)b, (vll){0}, -1);
#elif VW == 8
    return (vq)__builtin_ia32_pmuludq256((vi)a, (vi)b);
#elif defined(__SSE2__)
    return (vq)__builtin_ia32_pmuludq128((vi)a, (vi)b);
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

/* One round; only the low halves of the lanes count. */
INLINE void philox_round(vq c[4], uint32_t k0, uint32_t k1) {
    vq p0 = multiply_low(c[0], (vq){0} + 0xD2511F53u), p1 = multiply_low(c[2], (vq){0} + 0xCD9E8D57u);
    c[0] = (p1 >> 32) ^ c[1] ^ k0;
    c[1] = p1;
    c[2] = (p0 >> 32) ^ c[3] ^ k1;
    c[3] = p0;
}

/* words[k][s] = word k for the counter (counter[0][s], ..., counter[3][s]). Even and odd streams of
 * a vector lie in the low and high halves of 64-bit lanes and are computed apart. */
static __attribute__((noinline)) void philox(
    uint32_t counter[4][PHILOX_STREAMS], const uint32_t key[2], uint32_t words[4][PHILOX_STREAMS]
) {
    for (int s = 0; s < PHILOX_STREAMS; s += VW) {
        vq even[4], odd[4];
        UNROLL for (int k = 0; k < 4; k++) {
            memcpy(&even[k], counter[k] + s, sizeof even[k]);
            odd[k] = even[k] >> 32;
        }
        uint32_t k0 = key[0], k1 = key[1];
        UNROLL for (int round = 0; round < 10; round++) {
            philox_round(even, k0, k1);
            philox_round(odd, k0, k1);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        UNROLL for (int k = 0; k < 4; k++) {
            vq both = (even[k] & 0xFFFFFFFFu) | odd[k] << 32;
            memcpy(words[k] + s, &both, sizeof both);
        }
    }
}

#endif
