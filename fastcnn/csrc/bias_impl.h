/* db[c] = sum of dy[c] over blocks, pixels and lanes. */
#include "activation_math.h"

/* Rows in order, four sums side by side to hide the latency of addition. */
static float bias_sum(const fc_tensor *dy, int64_t blocks, int64_t channel) {
    int64_t n = dy->shape[3] * dy->shape[4];
    vf sum[4] = {{0}};
    for (int64_t block = 0; block < blocks; block++)
        for (int64_t h = 0; h < dy->shape[2]; h++) {
            const float *p = row_at(dy, (block * dy->shape[1] + channel) * dy->shape[2] + h);
            int64_t i = 0;
            for (; i + 4 * VW <= n; i += 4 * VW)
                UNROLL for (int k = 0; k < 4; k++) sum[k] += load(p + i + k * VW);
            for (; i + VW <= n; i += VW) sum[0] += load(p + i);
            if (i < n) sum[1] += load_part(p + i, n - i);
        }
    vf lanes = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    float total = 0.0f;
    for (int l = 0; l < VW; l++) total += lanes[l];
    return total;
}

static void bias_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0];
    float *db = a->t[1].data;
    int64_t blocks = active_blocks(dy, ctx), begin, end;
    split(dy->shape[1], ctx, &begin, &end);
    for (int64_t c = begin; c < end; c++) db[c] = bias_sum(dy, blocks, c);
}

#define BIAS_KERNELS {"bias_backward", "dy >db |", bias_backward, 0, 0, 0}
