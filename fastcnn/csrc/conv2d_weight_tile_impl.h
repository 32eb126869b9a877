/* Tiles of a weight gradient: see conv2d_backward_weight_impl.h. */
#ifndef FC_CONV2D_WEIGHT_TILE_IMPL_H
#define FC_CONV2D_WEIGHT_TILE_IMPL_H

#include "conv2d_job_impl.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define DW_ACCUMULATORS 25
#else                                                /* 16 registers */
#define DW_ACCUMULATORS 12
#endif
#define DW_SIDE 8                                    /* longest side of a tile */
#define DW_SUMS 32                                   /* floats kept for a tile */

typedef struct {
    int64_t group, out, outs, tap, taps;    /* first and number of output channels and of taps */
    int64_t live_begin, live_end;    /* rows of dy for which not all taps lie on known zeros */
    const float *x, *dy;
    const int64_t *offset;
    float *sums;
} dw_tile;

typedef struct {
    const fc_tensor *x;
    const float *dy;
    int64_t dy_block, dy_channel, dy_row;            /* strides */
    int64_t rows, cols, lanes;                       /* of dy */
    int64_t groups, outs, taps;    /* of a group: output channels, (channel, ky, kx) */
    int64_t kernel[2], stride[2], dilation[2];
    int64_t zero_top, zero_bottom;
    int64_t ot, kt, out_chunks, tap_chunks;
    int taps_outside;    /* loop over tap chunks around that over out chunks */
    int64_t strip;                                   /* rows of a strip */
    int32_t tail_mask[VW];                           /* lanes of a row's last vector that count */
    int64_t *offsets;    /* workspace: of x, for each (channel, ky, kx), */
    dw_tile *tiles;
    float *bias_sums, *sums;    /* VW for each output channel, DW_SUMS for each tile */
} dw_job;

typedef void dw_tile_function(const dw_job *, const dw_tile *, int64_t begin, int64_t end);

/* ---- adding up the lanes of many vectors at once ---- */

/* Each node joins two vectors whose halves (quarters, ...) are sums of earlier ones; lane i of
 * the root is the sum over the lanes of a[i]. Missing vectors are replaced by their neighbour. */
#define DW_NODE(name, child, span, LOW, HIGH) \
    INLINE vf name(const vf *a, const int n, const int i) { \
        vf l = child(a, n, i), r = l; \
        if (i + span < n) r = child(a, n, i + span); \
        return __builtin_shufflevector(l, r, LOW) + __builtin_shufflevector(l, r, HIGH); \
    }
#define DW_LIST(...) __VA_ARGS__

INLINE vf dw_leaf(const vf *a, const int n, const int i) {
    (void)n;
    return a[i];
}
#if VW == 16
DW_NODE(dw_sum2, dw_leaf, 1, DW_LIST(0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29),
        DW_LIST(2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31))
DW_NODE(dw_sum4, dw_sum2, 2, DW_LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        DW_LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
DW_NODE(dw_sum8, dw_sum4, 4, DW_LIST(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
        DW_LIST(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
DW_NODE(dw_sum_lanes, dw_sum8, 8, DW_LIST(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
        DW_LIST(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#elif VW == 8
DW_NODE(dw_sum2, dw_leaf, 1, DW_LIST(0, 8, 1, 9, 4, 12, 5, 13), DW_LIST(2, 10, 3, 11, 6, 14, 7, 15))
DW_NODE(dw_sum4, dw_sum2, 2, DW_LIST(0, 1, 8, 9, 4, 5, 12, 13), DW_LIST(2, 3, 10, 11, 6, 7, 14, 15))
DW_NODE(dw_sum_lanes, dw_sum4, 4, DW_LIST(0, 1, 2, 3, 8, 9, 10, 11),
        DW_LIST(4, 5, 6, 7, 12, 13, 14, 15))
#else
DW_NODE(dw_sum2, dw_leaf, 1, DW_LIST(0, 4, 1, 5), DW_LIST(2, 6, 3, 7))
DW_NODE(dw_sum_lanes, dw_sum2, 2, DW_LIST(0, 1, 4, 5), DW_LIST(2, 3, 6, 7))
#endif

/* sums[i] += the lanes of a[i], i < n; writes whole vectors. */
INLINE void dw_add_lanes(const vf *a, const int n, float *sums) {
    UNROLL for (int i = 0; i < n; i += VW) store(sums + i, load(sums + i) + dw_sum_lanes(a, n, i));
}

/* ---- tiles ---- */

/* A block and a row of dy, and how to get to the next one. */
typedef struct {
    const float *x, *dy;
    int64_t block, y;
} dw_row;

INLINE dw_row dw_row_at(const dw_job *j, const dw_tile *t, int64_t row) {
    dw_row r = {.block = row / j->rows, .y = row % j->rows};
    r.x = t->x + r.block * j->x->stride[0] + r.y * j->stride[0] * j->x->stride[2];
    r.dy = t->dy + r.block * j->dy_block + r.y * j->dy_row;
    return r;
}
INLINE void dw_next_row(const dw_job *j, dw_row *r) {
    r->x += j->stride[0] * j->x->stride[2];
    r->dy += j->dy_row;
    if (++r->y < j->rows) return;
    r->y = 0;
    r->block++;
    r->x += j->x->stride[0] - j->rows * j->stride[0] * j->x->stride[2];
    r->dy += j->dy_block - j->rows * j->dy_row;
}

/* `count` vectors of a row: acc[o][k] += dy[o] * x[k]. */
INLINE void dw_vectors(const float *const *x, const float *const *dy, int64_t count,
                       const int64_t x_step, const int64_t dy_step, vi mask, const int masked,
                       const int OT, const int KT, vf *acc) {
    for (int64_t i = 0, ix = 0, iy = 0; i < count; i++, ix += x_step, iy += dy_step) {
        vf d[DW_SIDE];
        UNROLL for (int o = 0; o < OT; o++) d[o] = load(dy[o] + iy);
        if (masked) UNROLL for (int o = 0; o < OT; o++) d[o] = (vf)((vi)d[o] & mask);
        UNROLL for (int k = 0; k < KT; k++) {
            vf v = load(x[k] + ix);
            UNROLL for (int o = 0; o < OT; o++) acc[o * KT + k] += d[o] * v;
        }
    }
}

INLINE void dw_rows(const dw_job *j, const dw_tile *t, int64_t begin, int64_t end,
                    const int stepped, const int OT, const int KT) {
    vf acc[DW_ACCUMULATORS];
    UNROLL for (int i = 0; i < OT * KT; i++) acc[i] = (vf){0};
    int64_t lanes = j->lanes, n = j->cols * lanes;
    dw_row r = dw_row_at(j, t, begin);
    for (int64_t row = begin; row < end; row++, dw_next_row(j, &r)) {
        if (r.y < t->live_begin || r.y >= t->live_end) continue;
        const float *x[DW_SIDE], *dy[DW_SIDE];
        vi mask = {0};
        UNROLL for (int k = 0; k < KT; k++) x[k] = r.x + t->offset[k];
        UNROLL for (int o = 0; o < OT; o++) dy[o] = r.dy + o * j->dy_channel;
        if (stepped) {
            for (int64_t part = 0; part < lanes; part += VW) {
                dw_vectors(x, dy, j->cols, j->stride[1] * lanes, lanes, mask, 0, OT, KT, acc);
                UNROLL for (int k = 0; k < KT; k++) x[k] += VW;
                UNROLL for (int o = 0; o < OT; o++) dy[o] += VW;
            }
            continue;
        }
        dw_vectors(x, dy, n / VW, VW, VW, mask, 0, OT, KT, acc);
        if (n % VW == 0) continue;
        /* The last vector overlaps the one before; what that has counted is masked. */
        memcpy(&mask, j->tail_mask, sizeof mask);
        UNROLL for (int k = 0; k < KT; k++) x[k] += n - VW;
        UNROLL for (int o = 0; o < OT; o++) dy[o] += n - VW;
        dw_vectors(x, dy, 1, VW, VW, mask, 1, OT, KT, acc);
    }
    dw_add_lanes(acc, OT * KT, t->sums);
}

/* Rows shorter than a vector, or a step with L < VW: x is gathered lane by lane, slowly. */
static void dw_scattered(const dw_job *j, const dw_tile *t, int64_t begin, int64_t end) {
    int64_t lanes = j->lanes, n = j->cols * lanes, x_at[VW];
    vf acc[DW_ACCUMULATORS] = {0}, d[DW_SIDE];
    for (int64_t from = 0; from < n; from += VW) {
        int64_t count = min_i64(VW, n - from);
        for (int64_t i = 0; i < count; i++)
            x_at[i] = (from + i) / lanes * j->stride[1] * lanes + (from + i) % lanes;
        dw_row r = dw_row_at(j, t, begin);
        for (int64_t row = begin; row < end; row++, dw_next_row(j, &r)) {
            if (r.y < t->live_begin || r.y >= t->live_end) continue;
            for (int64_t o = 0; o < t->outs; o++)
                d[o] = load_part(r.dy + o * j->dy_channel + from, count);
            for (int64_t k = 0; k < t->taps; k++) {
                float x[VW] = {0};
                for (int64_t i = 0; i < count; i++) x[i] = r.x[t->offset[k] + x_at[i]];
                for (int64_t o = 0; o < t->outs; o++) acc[o * t->taps + k] += d[o] * load(x);
            }
        }
    }
    dw_add_lanes(acc, DW_ACCUMULATORS, t->sums);
}

#define DW_TILE(OT, KT) \
    NOINLINE void dw_contiguous_##OT##_##KT(const dw_job *j, const dw_tile *t, int64_t begin, \
                                            int64_t end) { \
        if (OT * KT <= DW_ACCUMULATORS) dw_rows(j, t, begin, end, 0, OT, KT); \
    } \
    NOINLINE void dw_stepped_##OT##_##KT(const dw_job *j, const dw_tile *t, int64_t begin, \
                                         int64_t end) { \
        if (OT * KT <= DW_ACCUMULATORS) dw_rows(j, t, begin, end, 1, OT, KT); \
    }
#define DW_TILES(OT) \
    DW_TILE(OT, 1) DW_TILE(OT, 2) DW_TILE(OT, 3) DW_TILE(OT, 4) \
    DW_TILE(OT, 5) DW_TILE(OT, 6) DW_TILE(OT, 7) DW_TILE(OT, 8)
DW_TILES(1) DW_TILES(2) DW_TILES(3) DW_TILES(4) DW_TILES(5) DW_TILES(6) DW_TILES(7) DW_TILES(8)

#define DW_ROW(kind, OT) \
    {dw_##kind##_##OT##_1, dw_##kind##_##OT##_2, dw_##kind##_##OT##_3, dw_##kind##_##OT##_4, \
     dw_##kind##_##OT##_5, dw_##kind##_##OT##_6, dw_##kind##_##OT##_7, dw_##kind##_##OT##_8}
#define DW_TABLE(kind) \
    {DW_ROW(kind, 1), DW_ROW(kind, 2), DW_ROW(kind, 3), DW_ROW(kind, 4), \
     DW_ROW(kind, 5), DW_ROW(kind, 6), DW_ROW(kind, 7), DW_ROW(kind, 8)}

static dw_tile_function *const dw_contiguous[DW_SIDE][DW_SIDE] = DW_TABLE(contiguous);
static dw_tile_function *const dw_stepped[DW_SIDE][DW_SIDE] = DW_TABLE(stepped);

static dw_tile_function *dw_function(const dw_job *j, int64_t ot, int64_t kt) {
    if (j->stride[1] == 1 && j->cols * j->lanes >= VW) return dw_contiguous[ot - 1][kt - 1];
    return j->lanes % VW == 0 ? dw_stepped[ot - 1][kt - 1] : dw_scattered;
}

#endif
