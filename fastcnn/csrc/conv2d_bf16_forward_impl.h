/* Forward and input gradient of the convolution with bf16 operands: conv2d_bf16_job_impl.h. */
#include "conv2d_bf16_job_impl.h"

/* columns[pair][item] */
INLINE void bf16_gather(const bf16_phase *p, const bf16_item *at, uint32_t *columns, const int n) {
    const int64_t *offset = p->offset;
    int64_t k = 0;
    for (; k < p->depth / 2; k++, columns += n * VW)
        UNROLL for (int v = 0; v < n; v++)
            store_pairs(columns + v * VW,
                        pair(load(at[v].x + offset[2 * k]), load(at[v].x + offset[2 * k + 1])));
    if (p->depth % 2)
        UNROLL for (int v = 0; v < n; v++)
            store_pairs(columns + v * VW, pair(load(at[v].x + offset[2 * k]), (vf){0}));
}

static void bf16_gather_items(const bf16_phase *p, const bf16_item *at, uint32_t *columns, int64_t n) {
    switch (n) {
    case 1: bf16_gather(p, at, columns, 1); return;
    case 2: bf16_gather(p, at, columns, 2); return;
    case 3: bf16_gather(p, at, columns, 3); return;
    default: bf16_gather(p, at, columns, TILE_COLUMNS);
    }
}

INLINE vf bf16_activate(const conv_job *j, vf v, const float *y) {
    if (j->activation == ACT_LINEAR) return v;
    if (j->activation != ACT_RELU) return conv_activate(j, v, y);
    return y ? activate_backward(ACT_RELU, v, load(y), 0) : activate(ACT_RELU, v, 0);
}

static void bf16_finish(const bf16_phase *p, const bf16_item *at, int64_t n, int64_t out,
                        int64_t outs) {
    const conv_job *j = p->job;
    for (int64_t o = out; o < out + outs; o++)
        for (int64_t v = 0; v < n; v++) {
            float *to = at[v].out + o * j->out->stride[1];
            const float *y = at[v].y ? at[v].y + o * j->y->stride[1] : 0;
            store(to, bf16_activate(j, load(to) + (j->bias ? j->bias[o] : 0.0f), y));
        }
}

/* Parts [c0, c1) of the outputs, of one tile of items. */
static void bf16_run_items(const bf16_phase *p, const bf16_item *at, int64_t n, int64_t c0,
                           int64_t c1, uint32_t *columns) {
    pair_tile_args t = {.column_step = n * VW, .segments = 1};
    t.scalar_row = p->w_out;
    t.scalar_step = p->w_pair;
    bf16_gather_items(p, at, columns, n);
    t.steps = p->pairs;
    t.out_row = p->job->out->stride[1];
    for (int64_t c = c0; c < c1; c++) {
        int64_t out = part_begin(p->outs, c), size = part_size(p->outs, c);
        t.scalar = p->w + out * p->w_out;
        for (int64_t v = 0; v < n; v++) {
            t.column[v] = columns + v * VW;
            t.out[v] = at[v].out + out * t.out_row;
        }
        run_pair_tile(size, n, &t);
        bf16_finish(p, at, n, out, size);
    }
}

/* Threads share (tile of items, part of the outputs). */
static void bf16_run_phase(const bf16_phase *p, const fc_context *ctx) {
    int64_t items = bf16_items(p, ctx), begin, end;
    split(ceil_div(items, TILE_COLUMNS) * p->outs.parts, ctx, &begin, &end);
    while (begin < end) {
        int64_t first = begin / p->outs.parts * TILE_COLUMNS, c0 = begin % p->outs.parts;
        int64_t c1 = min_i64(p->outs.parts, c0 + end - begin), n = min_i64(TILE_COLUMNS, items - first);
        bf16_item at[TILE_COLUMNS];
        for (int64_t v = 0; v < n; v++) at[v] = bf16_item_at(p, first + v);
        bf16_run_items(p, at, n, c0, c1, (uint32_t *)ctx->scratch);
        begin += c1 - c0;
    }
}

static void bf16_run(const conv_job *j, const fc_args *a, const fc_context *ctx) {
    bf16_phase p = bf16_no_phase(a);
    for (int64_t py = 0; py < j->write_step[0]; py++)
        for (int64_t px = 0; px < j->write_step[1]; px++) {
            bf16_next_phase(j, py, px, &p);
            bf16_run_phase(&p, ctx);
        }
}

static size_t bf16_scratch(const conv_job *j) {
    int64_t pairs = ceil_div(j->kernel[0] * j->kernel[1] * j->in, 2);
    return pairs * TILE_COLUMNS * VW * sizeof(uint32_t);
}

#define BF16_KERNEL(name, make_job) \
    static size_t name##_workspace(const fc_args *a) { \
        conv_job j = make_job; \
        return bf16_workspace(a, j.write_step[0] * j.write_step[1]); \
    } \
    static size_t name##_scratch(const fc_args *a) { \
        conv_job j = make_job; \
        return bf16_scratch(&j); \
    } \
    static void name##_prepare(const fc_args *a, const fc_context *ctx) { \
        conv_job j = make_job; \
        bf16_prepare(&j, a, ctx); \
    } \
    static void name(const fc_args *a, const fc_context *ctx) { \
        conv_job j = make_job; \
        bf16_run(&j, a, ctx); \
    }
BF16_KERNEL(conv2d_bf16_forward, conv_forward_job(a, CONV_OT))
BF16_KERNEL(conv2d_bf16_backward_input, conv_backward_input_job(a))
