/* dw[o][c][tap] = sum over blocks, pixels and lanes of dy[o][pixel] * x[c][pixel + tap]; db = sum
 * of dy.
 *
 * A tile is OT output channels x KT (channel, tap) pairs, held in registers while vectors of
 * pixels stream by. The lanes are added up once a strip of rows; a strip is as many rows, over
 * blocks, as the streamed operand fits the L2 cache, and depends on the shapes alone. Each tile is
 * summed by one thread in the order of the rows. */
#ifndef FC_CONV2D_BACKWARD_WEIGHT_IMPL_H
#define FC_CONV2D_BACKWARD_WEIGHT_IMPL_H

#include "conv2d_tile_impl.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define DW_ACCUMULATORS 25
#else                                                /* 16 registers */
#define DW_ACCUMULATORS 12
#endif
#define DW_SIDE 8                                    /* longest side of a tile */
#define DW_SUMS 32                                   /* floats kept for a tile */
#define DW_STRIP_BYTES 524288                        /* of the operand that is streamed from L2 */
#define DW_KEPT_BYTES 131072                         /* of the chunk which it is streamed past */
#define DW_POOL_STRIP_BYTES 32768

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

/* ---- plan: everything below follows from the shapes alone ---- */

/* The tile with the fewest loads for each pixel, among those that fit the registers. */
static void dw_choose_tile(dw_job *j) {
    int64_t best = INT64_MAX;
    for (int64_t ot = 1; ot <= DW_SIDE; ot++) {
        int64_t kt = min_i64(DW_SIDE, DW_ACCUMULATORS / ot);
        int64_t out_chunks = ceil_div(j->outs, ot), tap_chunks = ceil_div(j->taps, kt);
        int64_t loads = out_chunks * j->taps + tap_chunks * j->outs;
        if (loads >= best) continue;
        best = loads;
        j->ot = ot;
        j->kt = kt;
        j->out_chunks = out_chunks;
        j->tap_chunks = tap_chunks;
    }
}

/* The operand with fewer bytes a row is streamed from L2 again and again, past chunks of the
 * other one. */
static void dw_choose_strip(dw_job *j, int64_t pooled) {
    int64_t dy_channel = j->cols * j->lanes * sizeof(float), dy_row = j->outs * dy_channel;
    int64_t x_channel = j->x->shape[3] * j->lanes * j->stride[0] * sizeof(float);
    int64_t x_row = j->x->shape[1] / j->groups * x_channel;
    if (pooled) {
        j->strip = max_i64(2, DW_POOL_STRIP_BYTES / (j->ot * dy_channel) / 2 * 2);
        return;
    }
    j->taps_outside = x_row > dy_row;
    int64_t channels = j->kt / (j->kernel[0] * j->kernel[1]) + 1;
    int64_t kept = j->taps_outside ? channels * x_channel : j->ot * dy_channel;
    j->strip = max_i64(1, min_i64(DW_STRIP_BYTES / min_i64(x_row, dy_row), DW_KEPT_BYTES / kept));
}

#include "conv2d_sparse_weight_impl.h"

INLINE int64_t dw_tiles(const dw_job *j) { return j->groups * j->out_chunks * j->tap_chunks; }

static dw_job dw_make_job(const fc_args *a, const fc_tensor *dw, const fc_tensor *dy,
                          int64_t pooled) {
    int64_t scale = pooled ? 2 : 1;
    dw_job j = {.x = &a->t[0], .dy = dy->data};
    j.rows = scale * dy->shape[2];
    j.cols = scale * dy->shape[3];
    j.lanes = dy->shape[4];
    j.dy_block = dy->stride[0];
    j.dy_channel = dy->stride[1];
    j.dy_row = dy->stride[2];
    j.groups = a->i[4];
    j.outs = dw->shape[0] / j.groups;
    j.taps = dw->shape[1] * dw->shape[2] * dw->shape[3];
    for (int d = 0; d < 2; d++) {
        j.kernel[d] = dw->shape[2 + d];
        j.stride[d] = a->i[d];
        j.dilation[d] = a->i[2 + d];
    }
    j.zero_top = a->i[5];
    j.zero_bottom = a->i[6];
    for (int l = 0; l < VW; l++) j.tail_mask[l] = l >= VW - j.cols * j.lanes % VW ? -1 : 0;
    dw_choose_tile(&j);
    dw_choose_strip(&j, pooled);
    if (pooled && dw_sparse(&j, (int)a->i[7])) dw_plan_sparse(&j);
    j.offsets = (int64_t *)a->workspace;
    j.tiles = (dw_tile *)(j.offsets + j.taps);
    j.sums = (float *)(j.tiles + dw_tiles(&j));
    j.bias_sums = j.sums + dw_tiles(&j) * DW_SUMS;
    return j;
}

static size_t dw_job_workspace(const dw_job *j) {
    return j->taps * sizeof(int64_t) + dw_tiles(j) * (sizeof(dw_tile) + DW_SUMS * sizeof(float)) +
           j->groups * j->outs * VW * sizeof(float);
}

static void dw_live_rows(const dw_job *j, dw_tile *t) {
    int64_t area = j->kernel[0] * j->kernel[1], low = j->kernel[0], high = 0;
    for (int64_t k = t->tap; k < t->tap + t->taps; k++) {
        low = min_i64(low, k % area / j->kernel[1]);
        high = max_i64(high, k % area / j->kernel[1]);
    }
    int64_t zeros = j->x->shape[2] - j->zero_bottom;
    t->live_begin = 0;
    t->live_end = j->rows;
    low *= j->dilation[0];
    high *= j->dilation[0];
    while (t->live_begin < j->rows && t->live_begin * j->stride[0] + high < j->zero_top)
        t->live_begin++;
    while (t->live_end > 0 && (t->live_end - 1) * j->stride[0] + low >= zeros) t->live_end--;
}

static dw_tile dw_tile_at(const dw_job *j, int64_t index) {
    int64_t chunks = j->out_chunks * j->tap_chunks, in_group = index % chunks;
    int64_t out_chunk = j->taps_outside ? in_group % j->out_chunks : in_group / j->tap_chunks;
    int64_t tap_chunk = j->taps_outside ? in_group / j->out_chunks : in_group % j->tap_chunks;
    dw_tile t = {.group = index / chunks};
    balanced(j->outs, j->out_chunks, out_chunk, &t.out, &t.outs);
    balanced(j->taps, j->tap_chunks, tap_chunk, &t.tap, &t.taps);
    t.out += t.group * j->outs;
    t.offset = j->offsets + t.tap;
    t.x = (const float *)j->x->data + t.group * (j->x->shape[1] / j->groups) * j->x->stride[1];
    t.dy = j->dy + t.out * j->dy_channel;
    t.sums = j->sums + index * DW_SUMS;
    dw_live_rows(j, &t);
    return t;
}

static void dw_prepare(const dw_job *j, const fc_context *ctx) {
    int64_t area = j->kernel[0] * j->kernel[1], begin, end;
    for (int64_t k = 0; k < j->taps && ctx->thread == 0; k++)
        j->offsets[k] = k / area * j->x->stride[1] +
                        k % area / j->kernel[1] * j->dilation[0] * j->x->stride[2] +
                        k % j->kernel[1] * j->dilation[1] * j->lanes;
    split(dw_tiles(j), ctx, &begin, &end);
    for (int64_t index = begin; index < end; index++) j->tiles[index] = dw_tile_at(j, index);
}

/* ---- sums ---- */

/* Bias: vectors of dy are added up over rows, their lanes at the very end. */
static void dw_add_bias(const dw_job *j, const dw_tile *t, int64_t begin, int64_t end) {
    int64_t n = j->cols * j->lanes;
    for (int64_t o = 0; o < t->outs; o++) {
        float *sums = j->bias_sums + (t->out + o) * VW;
        vf s[4] = {load(sums)};
        dw_row r = dw_row_at(j, t, begin);
        for (int64_t row = begin; row < end; row++, dw_next_row(j, &r)) {
            const float *dy = r.dy + o * j->dy_channel;
            int64_t i = 0;
            for (; i + 4 * VW <= n; i += 4 * VW)
                UNROLL for (int u = 0; u < 4; u++) s[u] += load(dy + i + u * VW);
            for (; i + VW <= n; i += VW) s[0] += load(dy + i);
            if (i < n) s[1] += load_part(dy + i, n - i);
        }
        store(sums, (s[0] + s[1]) + (s[2] + s[3]));
    }
}

static void dw_clear(const dw_job *j, int64_t begin, int64_t end) {
    for (const dw_tile *t = j->tiles + begin; t < j->tiles + end; t++) {
        memset(t->sums, 0, DW_SUMS * sizeof(float));
        if (t->tap == 0) memset(j->bias_sums + t->out * VW, 0, t->outs * VW * sizeof(float));
    }
}

static void dw_write(const dw_job *j, int64_t begin, int64_t end, float *dw, float *db) {
    for (const dw_tile *t = j->tiles + begin; t < j->tiles + end; t++)
        for (int64_t o = 0; o < t->outs; o++) {
            float *to = dw + (t->out + o) * j->taps + t->tap;
            memcpy(to, t->sums + o * t->taps, t->taps * sizeof(float));
            if (t->tap || !db) continue;
            float sum = 0.0f;
            for (int l = 0; l < VW; l++) sum += j->bias_sums[(t->out + o) * VW + l];
            db[t->out + o] = sum;
        }
}

/* ---- kernels ---- */

static dw_job dw_plain_job(const fc_args *a) { return dw_make_job(a, &a->t[2], &a->t[1], 0); }

static size_t conv2d_backward_weight_workspace(const fc_args *a) {
    dw_job j = dw_plain_job(a);
    return dw_job_workspace(&j);
}

static void conv2d_backward_weight_prepare(const fc_args *a, const fc_context *ctx) {
    dw_job j = dw_plain_job(a);
    dw_prepare(&j, ctx);
}

static void conv2d_backward_weight(const fc_args *a, const fc_context *ctx) {
    dw_job j = dw_plain_job(a);
    float *dw = a->t[2].data, *db = a->t[3].data;
    int64_t begin, end, rows = active_blocks(&a->t[1], ctx) * j.rows;
    split(dw_tiles(&j), ctx, &begin, &end);
    dw_clear(&j, begin, end);
    for (int64_t row = 0; row < rows; row += j.strip)
        for (const dw_tile *t = j.tiles + begin; t < j.tiles + end; t++) {
            int64_t stop = min_i64(rows, row + j.strip);
            dw_function(&j, t->outs, t->taps)(&j, t, row, stop);
            if (t->tap == 0 && db) dw_add_bias(&j, t, row, stop);
        }
    dw_write(&j, begin, end, dw, db);
}

/* After a max pool: dy of the convolution is zero but for one pixel in each window. Where the
 * sparse tiles cannot make use of that, it is spread out into scratch, a strip of a chunk of
 * channels at a time, so that it never goes to memory. */
static dw_job dw_pool_job(const fc_args *a) { return dw_make_job(a, &a->t[4], &a->t[1], 1); }

static size_t conv2d_max_pool_backward_weight_workspace(const fc_args *a) {
    dw_job j = dw_pool_job(a);
    return dw_job_workspace(&j);
}

static size_t conv2d_max_pool_backward_weight_scratch(const fc_args *a) {
    dw_job j = dw_pool_job(a);
    if (dw_sparse(&j, (int)a->i[7])) return 0;
    return j.ot * j.strip * j.cols * j.lanes * sizeof(float);
}

static void conv2d_max_pool_backward_weight_prepare(const fc_args *a, const fc_context *ctx) {
    dw_job j = dw_pool_job(a);
    dw_prepare(&j, ctx);
}

/* One pooled row of one channel becomes two rows at `to`; its gradients are added to *sum. */
INLINE void dw_spread_row(const dw_job *j, const dw_pool *p, int64_t block, int64_t channel,
                          int64_t y, float *to, vf *sum) {
    int64_t n = j->cols / 2 * j->lanes, lanes = j->lanes, below = j->cols * lanes;
    const float *dy = tensor_row(p->dy, block, channel, y);
    const float *out = tensor_row(p->y, block, channel, y);
    const uint8_t *index = dw_index_row(p, block, channel, y);
    for (int64_t i = 0; i < n; i += lanes, to += lanes)
        for (int64_t part = 0; part < lanes; part += VW, to += VW) {
            vi which = dw_load_index(index + i + part);
            vf d = load(dy + i + part);
            d = activate_backward(p->activation, d, load(out + i + part), p->alpha);
            *sum += d;
            UNROLL for (int q = 0; q < 4; q++)
                store(to + (q & 1) * lanes + (q >> 1) * below, (vf)((vi)d & (which == q)));
        }
}

static void dw_spread(const dw_job *j, const dw_pool *p, const dw_tile *t, int64_t begin,
                      int64_t end, int with_bias) {
    int64_t row_floats = j->cols * j->lanes;
    for (int64_t o = 0; o < t->outs; o++) {
        float *sums = j->bias_sums + (t->out + o) * VW;
        vf sum = load(sums);
        for (int64_t row = begin; row < end; row += 2)
            dw_spread_row(j, p, row / j->rows, t->out + o, row % j->rows / 2,
                          p->scratch + (o * j->strip + row - begin) * row_floats, &sum);
        if (with_bias) store(sums, sum);
    }
}

/* Points the job's dy at the scratch, which holds rows [begin, begin + strip) of one chunk. */
static void dw_read_scratch(dw_job *j, const dw_pool *p) {
    j->dy = p->scratch;
    j->dy_row = j->cols * j->lanes;
    j->dy_block = j->rows * j->dy_row;
    j->dy_channel = j->strip * j->dy_row;
}

static void conv2d_max_pool_backward_weight(const fc_args *a, const fc_context *ctx) {
    dw_job j = dw_pool_job(a);
    dw_pool p = {&a->t[1], &a->t[2], &a->t[3], (int)a->i[7], (float)a->f[0], (float *)ctx->scratch};
    int64_t begin, end, rows = active_blocks(p.dy, ctx) * j.rows;
    int sparse = dw_sparse(&j, p.activation) != 0;
    split(dw_tiles(&j), ctx, &begin, &end);
    dw_read_scratch(&j, &p);
    dw_clear(&j, begin, end);
    for (int64_t row = 0; row < rows; row += j.strip)
        for (int64_t index = begin; index < end; index++) {
            int64_t stop = min_i64(rows, row + j.strip);
            dw_tile t = j.tiles[index];
            if (sparse) {
                dw_run_sparse(&j, &p, &t, row, stop);
                continue;
            }
            if (t.tap == 0 || index == begin) dw_spread(&j, &p, &t, row, stop, t.tap == 0);
            t.dy = p.scratch - row * j.dy_row;
            dw_function(&j, t.outs, t.taps)(&j, &t, row, stop);
        }
    dw_write(&j, begin, end, a->t[4].data, a->t[5].data);
}

#define CONV2D_BACKWARD_WEIGHT_KERNELS \
    {"conv2d_backward_weight", \
     "x dy >dw ?>db | stride_h stride_w dilation_h dilation_w groups zero_top zero_bottom |", \
     conv2d_backward_weight, conv2d_backward_weight_prepare, conv2d_backward_weight_workspace, 0}, \
    {"conv2d_max_pool_backward_weight", \
     "x dy y index >dw ?>db | stride_h stride_w dilation_h dilation_w groups zero_top " \
     "zero_bottom activation | alpha", \
     conv2d_max_pool_backward_weight, conv2d_max_pool_backward_weight_prepare, \
     conv2d_max_pool_backward_weight_workspace, conv2d_max_pool_backward_weight_scratch}

#endif
