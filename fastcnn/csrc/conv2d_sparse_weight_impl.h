/* dw of a convolution before a 2x2 max pool, straight from the pooled gradient.
 *
 * Of the four pixels of a window only the chosen one has a gradient, in each lane another one. So
 * not the gradient is spread over four pixels, but x is picked from them: for KW neighbouring taps
 * that is KW + 1 picks between two rows and KW between two columns, and KW instead of 4 KW
 * multiply-adds. Worth it with the mask registers of AVX-512 (measured: 1.4 to 1.7 times as fast
 * as spreading); 16 registers could not hold the window. */
#ifndef FC_CONV2D_SPARSE_WEIGHT_IMPL_H
#define FC_CONV2D_SPARSE_WEIGHT_IMPL_H

#include "lanes.h"

#define DW_SPARSE_KW 5
#define DW_SPARSE_SUMS 15
#define DW_SPARSE_OT 4                               /* with 5, sums would spill */
#define DW_SPARSE_X_BYTES 524288                     /* of x, streamed from L2 */
#define DW_SPARSE_DY_BYTES 16384                     /* of a chunk of dy, kept in L1 */

typedef struct {
    const fc_tensor *dy, *y, *index;
    int activation;
    float alpha;
    float *scratch;
} dw_pool;

INLINE const uint8_t *dw_index_row(const dw_pool *p, int64_t block, int64_t channel, int64_t y) {
    const int64_t *stride = p->index->stride;
    return (const uint8_t *)p->index->data + block * stride[0] + channel * stride[1] +
           y * stride[2];
}

#if VW == 16
INLINE uint16_t dw_has_bit(v16c v, int bit) {
    return __builtin_ia32_ptestmb128(v, (char)bit - (v16c){0}, (uint16_t)-1);
}
INLINE vf dw_pick(uint16_t mask, vf no, vf yes) {
    return __builtin_ia32_blendmps_512_mask(no, yes, mask);
}

/* One vector of pooled pixels; x0 and x1 are the rows of its windows. */
INLINE void dw_sparse_vector(const float *x0, const float *x1, int64_t lanes, const float *dy,
                             int64_t dy_channel, const uint8_t *index, int64_t index_channel,
                             const int OT, const int KW, vf *acc) {
    vf top[DW_SPARSE_KW + 1], low[DW_SPARSE_KW + 1];
    UNROLL for (int k = 0; k <= KW; k++) {
        top[k] = load(x0 + k * lanes);
        low[k] = load(x1 + k * lanes);
    }
    UNROLL for (int o = 0; o < OT; o++) {
        vf d = load(dy + o * dy_channel);
        v16c which;
        memcpy(&which, index + o * index_channel, sizeof which);
        uint16_t right = dw_has_bit(which, 1), below = dw_has_bit(which, 2);
        vf left = dw_pick(below, top[0], low[0]);
        UNROLL for (int k = 0; k < KW; k++) {
            vf next = dw_pick(below, top[k + 1], low[k + 1]);
            acc[o * KW + k] += d * dw_pick(right, left, next);
            left = next;
        }
    }
}

INLINE void dw_sparse_rows(const dw_job *j, const dw_pool *p, const dw_tile *t, int64_t begin,
                           int64_t end, const int OT, const int KW) {
    vf acc[DW_SPARSE_SUMS];
    UNROLL for (int i = 0; i < OT * KW; i++) acc[i] = (vf){0};
    const int64_t lanes = j->lanes, n = j->cols / 2 * lanes, *stride = j->x->stride;
    for (int64_t row = begin; row < end; row += 2) {
        int64_t block = row / j->rows, y = row % j->rows;
        const float *x0 = t->x + block * stride[0] + y * stride[2] + t->offset[0];
        const float *x1 = x0 + stride[2], *dy = tensor_row(p->dy, block, t->out, y / 2);
        const uint8_t *index = dw_index_row(p, block, t->out, y / 2);
        for (int64_t part = 0; part < lanes; part += VW)
            for (int64_t i = part, ix = part; i < n; i += lanes, ix += 2 * lanes)
                dw_sparse_vector(x0 + ix, x1 + ix, lanes, dy + i, p->dy->stride[1], index + i,
                                 p->index->stride[1], OT, KW, acc);
    }
    dw_add_lanes(acc, OT * KW, t->sums);
}

typedef void dw_sparse_function(const dw_job *, const dw_pool *, const dw_tile *, int64_t, int64_t);

#define DW_SPARSE(KW, OT) \
    NOINLINE void dw_sparse_##KW##_##OT(const dw_job *j, const dw_pool *p, const dw_tile *t, \
                                        int64_t begin, int64_t end) { \
        dw_sparse_rows(j, p, t, begin, end, OT, KW); \
    }
DW_SPARSE(3, 1) DW_SPARSE(3, 2) DW_SPARSE(3, 3) DW_SPARSE(3, 4)
DW_SPARSE(5, 1) DW_SPARSE(5, 2) DW_SPARSE(5, 3)

static dw_sparse_function *const dw_sparse_3[] = {dw_sparse_3_1, dw_sparse_3_2, dw_sparse_3_3,
                                                  dw_sparse_3_4};
static dw_sparse_function *const dw_sparse_5[] = {dw_sparse_5_1, dw_sparse_5_2, dw_sparse_5_3};

/* The functions for 1, 2, ... output channels, or NULL. */
static dw_sparse_function *const *dw_sparse(const dw_job *j, int activation) {
    int one_by_one = j->stride[0] == 1 && j->stride[1] == 1 && j->dilation[1] == 1;
    if (activation != ACT_LINEAR || !one_by_one || j->lanes % VW) return 0;
    return j->kernel[1] == 5 ? dw_sparse_5 : j->kernel[1] == 3 ? dw_sparse_3 : 0;
}

/* Tiles are kernel rows, in strips of which x fits L2 and dy of a tile L1. */
static void dw_plan_sparse(dw_job *j) {
    j->kt = j->kernel[1];
    j->tap_chunks = j->taps / j->kt;
    j->out_chunks = ceil_div(j->outs, min_i64(DW_SPARSE_OT, DW_SPARSE_SUMS / j->kt));
    j->ot = ceil_div(j->outs, j->out_chunks);
    int64_t row = j->cols * j->lanes * sizeof(float);
    int64_t x_rows = DW_SPARSE_X_BYTES / (j->x->shape[1] / j->groups * row) - j->kernel[0] + 1;
    j->strip = max_i64(1, min_i64(x_rows / 2, DW_SPARSE_DY_BYTES / (j->ot * row / 2))) * 2;
}

static void dw_sparse_bias(const dw_job *j, const dw_pool *p, const dw_tile *t, int64_t begin,
                           int64_t end) {
    int64_t n = j->cols / 2 * j->lanes;
    for (int64_t o = 0; o < t->outs; o++) {
        float *sums = j->bias_sums + (t->out + o) * VW;
        vf sum = load(sums);
        for (int64_t row = begin; row < end; row += 2) {
            const float *dy = tensor_row(p->dy, row / j->rows, t->out + o, row % j->rows / 2);
            for (int64_t i = 0; i < n; i += VW) sum += load(dy + i);
        }
        store(sums, sum);
    }
}

static void dw_run_sparse(const dw_job *j, const dw_pool *p, const dw_tile *t, int64_t begin,
                          int64_t end) {
    dw_sparse(j, p->activation)[t->outs - 1](j, p, t, begin, end);
    if (t->tap == 0) dw_sparse_bias(j, p, t, begin, end);
}
#else
static const void *dw_sparse(const dw_job *j, int activation) {
    (void)j, (void)activation;
    return 0;
}
static void dw_plan_sparse(dw_job *j) { (void)j; }
static void dw_run_sparse(const dw_job *j, const dw_pool *p, const dw_tile *t, int64_t begin,
                          int64_t end) {
    (void)j, (void)p, (void)t, (void)begin, (void)end;
}
#endif

#endif
