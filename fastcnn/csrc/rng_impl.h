/* Random words as a kernel of their own. */
#include "philox.h"

INLINE uint32_t *word_at(const fc_tensor *t, int64_t row, int64_t column) {
    return (uint32_t *)t->data + row * t->stride[0] + column * t->stride[1];
}

/* counter (N, 4), key (2) in; words (N, 4) out */
static void philox_words(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *counter = &a->t[0], *words = &a->t[2];
    const uint32_t *key = a->t[1].data;
    uint32_t key_words[2] = {key[0], key[a->t[1].stride[0]]};
    uint32_t in[4][PHILOX_STREAMS] = {{0}}, out[4][PHILOX_STREAMS];
    int64_t n = counter->shape[0], begin, end;
    split(ceil_div(n, PHILOX_STREAMS), ctx, &begin, &end);
    for (int64_t call = begin; call < end; call++) {
        int64_t first = call * PHILOX_STREAMS, count = min_i64(PHILOX_STREAMS, n - first);
        for (int64_t s = 0; s < count; s++)
            for (int k = 0; k < 4; k++)
                in[k][s] = *word_at(counter, first + s, k);
        philox(in, key_words, out);
        for (int64_t s = 0; s < count; s++)
            for (int k = 0; k < 4; k++)
                *word_at(words, first + s, k) = out[k][s];
    }
}

#define RNG_KERNELS {"philox", "counter key >words", philox_words, 0, 0, 0}
