/* Pairs of bf16 numbers, the operands of a dot product with sums in float32: a register holds VW
 * pairs, of which the even number lies in the lower half of 32 bits.
 *
 * Numbers are rounded to the nearest bf16, ties to even; a NaN stays one. With AVX512-BF16 both
 * are instructions, elsewhere the same numbers come from shifts and multiply-adds. */
#ifndef FC_BF16_H
#define FC_BF16_H

#include "vec.h"

typedef vu vp;

INLINE vp load_pairs(const uint32_t *p) {
    vp v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store_pairs(uint32_t *p, vp v) { memcpy(p, &v, sizeof v); }
INLINE vp splat_pair(uint32_t x) { return x - (vp){0}; }

/* In the upper halves; the lower ones are whatever. */
INLINE vu round_bf16(vf x) {
    vu bits = (vu)x, up = bits + (0x7fff + (bits >> 16 & 1));
    return (vu)select(x == x, (vf)up, (vf)(bits | 0x400000));
}

/* Inline assembly, because the types of the builtins differ from one compiler to the next. */
#ifdef __AVX512BF16__

typedef uint16_t v32hu __attribute__((vector_size(64)));

/* 16 bf16 of `low`, then 16 of `high`. */
INLINE v32hu bf16_halves(vf low, vf high) {
    v32hu v;
    __asm__("vcvtne2ps2bf16 %2, %1, %0" : "=v"(v) : "v"(high), "v"(low));
    return v;
}

INLINE vp pair(vf even, vf odd) {
    v32hu v = bf16_halves(even, odd);
    return (vp)__builtin_shufflevector(v, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* acc + the products of both halves */
INLINE vf add_products(vf acc, vp a, vp b) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
    return acc;
}

#else

INLINE vp pair(vf even, vf odd) {
    return (round_bf16(even) >> 16) | (round_bf16(odd) & 0xffff0000);
}

INLINE vf add_products(vf acc, vp a, vp b) {
    acc += (vf)(a & 0xffff0000) * (vf)(b & 0xffff0000);
    return acc + (vf)(a << 16) * (vf)(b << 16);
}

#endif

/* VW numbers as they follow each other: VW / 2 pairs of neighbours. */
INLINE void store_bf16(uint16_t *p, vf v) {
    vu bits = round_bf16(v) >> 16;
    typedef uint16_t vh __attribute__((vector_size(2 * VW)));
    vh narrow = __builtin_convertvector(bits, vh);
    memcpy(p, &narrow, sizeof narrow);
}

#endif
