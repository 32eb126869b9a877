/* dw[o][c][tap] = sum over blocks, pixels and lanes of dy[o][pixel] * x[c][pixel + tap]; db = sum
 * of dy.
 *
 * A tile is OT output channels x KT (channel, tap) pairs, held in registers while vectors of
 * pixels stream by. The lanes are added up once a strip of rows; a strip is as many rows, over
 * blocks, as the streamed operand fits the L2 cache, and depends on the shapes alone. Each tile is
 * summed by one thread in the order of the rows. */
#ifndef FC_CONV2D_BACKWARD_WEIGHT_IMPL_H
#define FC_CONV2D_BACKWARD_WEIGHT_IMPL_H

#include "conv2d_depthwise_weight_impl.h"
#include "conv2d_turned_weight_impl.h"
#include "conv2d_weight_tile_impl.h"

#define DW_STRIP_BYTES 524288                        /* of the operand that is streamed from L2 */
#define DW_KEPT_BYTES 131072                         /* of the chunk which it is streamed past */
#define DW_POOL_STRIP_BYTES 32768

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
    if (tw_fits(a)) return tw_workspace(a);
    if (depth_weight_fits(a)) return depth_weight_workspace(a);
    dw_job j = dw_plain_job(a);
    return dw_job_workspace(&j);
}

static size_t conv2d_backward_weight_scratch(const fc_args *a) {
    return tw_fits(a) ? TW_STRIP_BYTES : 0;
}

static void conv2d_backward_weight_prepare(const fc_args *a, const fc_context *ctx) {
    if (tw_fits(a)) {
        tw_prepare(a, ctx);
        return;
    }
    if (depth_weight_fits(a)) return;
    dw_job j = dw_plain_job(a);
    dw_prepare(&j, ctx);
}

static void conv2d_backward_weight(const fc_args *a, const fc_context *ctx) {
    if (tw_fits(a)) {
        tw_run_kernel(a, ctx);
        return;
    }
    if (depth_weight_fits(a)) {
        depth_weight_run(a, ctx);
        return;
    }
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
            vi which = load_bytes(index + i + part, VW);
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
     conv2d_backward_weight, conv2d_backward_weight_prepare, conv2d_backward_weight_workspace, \
     conv2d_backward_weight_scratch}, \
    {"conv2d_max_pool_backward_weight", \
     "x dy y index >dw ?>db | stride_h stride_w dilation_h dilation_w groups zero_top " \
     "zero_bottom activation | alpha", \
     conv2d_max_pool_backward_weight, conv2d_max_pool_backward_weight_prepare, \
     conv2d_max_pool_backward_weight_workspace, conv2d_max_pool_backward_weight_scratch}

#endif
