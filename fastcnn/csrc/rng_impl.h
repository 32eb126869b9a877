/* Random words as a kernel of their own. */
#include "philox.h"

/* counter (N, 4), key (2) in; words (N, 4) out */
static void philox_words(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *counter = &a->t[0], *words = &a->t[2];
    const uint32_t *key = a->t[1].data;
    uint32_t key_words[2] = {key[0], key[a->t[1].stride[0]]}, in[4][PHILOX_STREAMS] = {{0}}, out[4][PHILOX_STREAMS];
    int64_t n = counter->shape[0], begin, end;
    split(ceil_div(n, PHILOX_STREAMS), ctx, &begin, &end);
    for (int64_t first = begin * PHILOX_STREAMS; first < min_i64(n, end * PHILOX_STREAMS); first += PHILOX_STREAMS) {
        int64_t count = min_i64(PHILOX_STREAMS, n - first);
        for (int64_t s = 0; s < count; s++)
            for (int k = 0; k < 4; k++)
                in[k][s] = ((const uint32_t *)counter->data)[(first + s) * counter->stride[0] + k * counter->stride[1]];
        philox(in, key_words, out);
        for (int64_t s = 0; s < count; s++)
            for (int k = 0; k < 4; k++)
                ((uint32_t *)words->data)[(first + s) * words->stride[0] + k * words->stride[1]] = out[k][s];
    }
}

#define RNG_KERNELS {"philox", "counter key >words", philox_words, 0, 0, 0}
