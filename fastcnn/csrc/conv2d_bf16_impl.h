/* Direct convolution with bf16 operands: forward, input gradient, weight gradient. One group, any
 * step and dilation; a dense layer is one of 1x1 kernels over one pixel.
 *
 * The sums of an output pixel go over its channels and taps, in pairs: `depth` numbers d, of which
 * offset[d] says where they lie from the pixel under the first tap on. An item is one
 * vector of the output: lanes of a pixel; items are numbered across rows and blocks.
 *     forward           columns are items, gathered and rounded, and outputs are rows of scalars
 *     weight gradient   columns are filters, because dy is transposed; rows are d; a step of the
 *                       sums is a pair of images, so lanes need no adding up */
#ifndef FC_CONV2D_BF16_IMPL_H
#define FC_CONV2D_BF16_IMPL_H

#include "bf16_tile.h"
#include "conv2d_tile_impl.h"
#include "transpose.h"

#define BF16_ROWS 6                                  /* outputs of a tile of TILE_COLUMNS items */
#define BF16_ITEMS 16                                /* of a chunk of the weight gradient */

/* One phase of a convolution; see conv2d_tile_impl.h. */
typedef struct {
    const conv_job *job;
    conv_phase phase;
    int64_t depth, pairs, parts;
    int64_t *offset;                                 /* workspace */
    uint32_t *w;                                     /* workspace: pairs of weights */
    int64_t w_out, w_pair;                           /* its strides */
    partition outs;
} bf16_phase;

static size_t bf16_workspace(const fc_args *a, int64_t phases) {
    const fc_tensor *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3], most = max_i64(w->shape[0], w->shape[1]);
    return taps * most * sizeof(int64_t) +
           (taps * w->shape[0] * w->shape[1] + phases * most) * sizeof(uint32_t);
}

/* Call as conv_next_phase; before the first one, the phase is made of the workspace alone. */
INLINE bf16_phase bf16_no_phase(const fc_args *a) {
    return (bf16_phase){.offset = (int64_t *)a->workspace};
}

static void bf16_next_phase(const conv_job *j, int64_t py, int64_t px, bf16_phase *p) {
    int64_t taps = j->kernel[0] * j->kernel[1];
    p->w = py || px ? p->w + p->pairs * j->outs : (uint32_t *)(p->offset + taps * j->in);
    if (py || px) p->offset += p->depth;
    p->job = j;
    conv_next_phase(j, py, px, &p->phase);
    p->depth = p->phase.taps * j->in;
    p->pairs = ceil_div(p->depth, 2);
    p->parts = tensor_l(j->x) / VW;
    p->outs = parts_of(j->outs, BF16_ROWS);
    p->w_out = j->transposed ? 1 : p->pairs;
    p->w_pair = j->transposed ? j->outs : 1;
}

INLINE int64_t bf16_items(const bf16_phase *p, const fc_context *ctx) {
    return active_blocks(p->job->out, ctx) * p->phase.size[0] * p->phase.size[1] * p->parts;
}

/* ---- packing ---- */

/* Channel and tap of number d of a sum: forward in the order of w, so that its rows are rounded as
 * they are; backward taps come first, so that neighbours are filters, which lie rows apart. */
INLINE void bf16_place(const bf16_phase *p, int64_t d, int64_t *c, int64_t *tap) {
    const conv_job *j = p->job;
    *c = j->transposed ? d % j->in : d / p->phase.taps;
    *tap = j->transposed ? d / j->in : d % p->phase.taps;
}

static void bf16_list_offsets(const bf16_phase *p) {
    const conv_job *j = p->job;
    const conv_axis *y = &p->phase.axis[0], *x = &p->phase.axis[1];
    for (int64_t d = 0; d < p->depth; d++) {
        int64_t c, t;
        bf16_place(p, d, &c, &t);
        p->offset[d] = c * j->x->stride[1] +
                       (y->source + t / x->count * y->spacing) * j->x->stride[2] +
                       (x->source + t % x->count * x->spacing) * tensor_l(j->x);
    }
}

/* Bytes beyond an odd number stay the zeros that the workspace is made of. */
static void bf16_pack_row(const bf16_phase *p, int64_t out) {
    const float *from = p->job->w + out * p->job->w_out;
    uint16_t *to = (uint16_t *)(p->w + out * p->pairs);
    int64_t d = 0;
    for (; d + VW <= p->depth; d += VW) store_bf16(to + d, load(from + d));
    for (; d < p->depth; d++) to[d] = round_bf16(splat(from[d]))[0] >> 16;
}

/* Number d of the sums of output 0; NULL beyond the last. */
static const float *bf16_weights_of(const bf16_phase *p, int64_t d) {
    const conv_axis *y = &p->phase.axis[0], *x = &p->phase.axis[1];
    int64_t c, t;
    if (d >= p->depth) return 0;
    bf16_place(p, d, &c, &t);
    int64_t ky = y->first + t / x->count * y->step, kx = x->first + t % x->count * x->step;
    return p->job->w + c * p->job->w_in + ky * p->job->kernel[1] + kx;
}

static void bf16_pack_pair(const bf16_phase *p, int64_t k) {
    const float *even = bf16_weights_of(p, 2 * k), *odd = bf16_weights_of(p, 2 * k + 1);
    int64_t outs = p->job->outs, step = p->job->w_out, o = 0;
    uint32_t *to = p->w + k * outs;
    for (; step == 1 && o + VW <= outs; o += VW)
        store_pairs(to + o, pair(load(even + o), odd ? load(odd + o) : (vf){0}));
    for (; o < outs; o++)
        to[o] = pair(splat(even[o * step]), splat(odd ? odd[o * step] : 0.0f))[0];
}

static void bf16_prepare(const conv_job *j, const fc_args *a, const fc_context *ctx) {
    bf16_phase p = bf16_no_phase(a);
    int64_t begin, end;
    for (int64_t py = 0; py < j->write_step[0]; py++)
        for (int64_t px = 0; px < j->write_step[1]; px++) {
            bf16_next_phase(j, py, px, &p);
            if (ctx->thread == 0) bf16_list_offsets(&p);
            split(j->transposed ? p.pairs : j->outs, ctx, &begin, &end);
            for (int64_t k = begin; k < end; k++) (j->transposed ? bf16_pack_pair : bf16_pack_row)(&p, k);
        }
}

/* ---- items ---- */

typedef struct {
    const float *x, *y;
    float *out;
} bf16_item;

static bf16_item bf16_item_at(const bf16_phase *p, int64_t item) {
    const conv_job *j = p->job;
    int64_t part = item % p->parts, pixel = item / p->parts, lanes = tensor_l(j->x);
    int64_t column = pixel % p->phase.size[1], row = pixel / p->phase.size[1];
    int64_t block = row / p->phase.size[0], m = row % p->phase.size[0];
    int64_t to_y = p->phase.first[0] + m * j->write_step[0];
    int64_t to_x = p->phase.first[1] + column * j->write_step[1];
    bf16_item at = {.x = tensor_row(j->x, block, 0, m * j->read_step[0]), .y = 0};
    at.x += column * j->read_step[1] * lanes + part * VW;
    at.out = tensor_row(j->out, block, 0, to_y) + to_x * lanes + part * VW;
    if (j->y) at.y = tensor_row(j->y, block, 0, to_y) + to_x * lanes + part * VW;
    return at;
}

/* ---- forward and input gradient ---- */

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
    pair_tile_args t = {.column_step = n * VW, .offset = no_offset, .segments = 1};
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

/* ---- weight gradient ---- */

typedef struct {
    bf16_phase p;                                    /* x, and dy as its output */
    int64_t vectors, begin, end;                     /* of filters; which d are this thread's */
    float *sums;                                     /* workspace: [d][filter] */
    uint16_t *x;                                     /* scratch: [d][item, image] of a chunk */
    uint32_t *dy;                                    /* scratch: [item, pair of images][filter] */
} bf16_dw_job;

/* x dy >dw >?db; offsets and sums lie in the workspace. */
static conv_job bf16_dw_conv(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    conv_job j = {.x = &a->t[0], .out = &a->t[1], .in = dw->shape[1], .outs = dw->shape[0]};
    j.groups = 1;
    j.max_ot = CONV_OT;
    for (int d = 0; d < 2; d++) {
        j.kernel[d] = dw->shape[2 + d];
        j.read_step[d] = a->i[d];
        j.write_step[d] = 1;
        j.dilation[d] = a->i[2 + d];
    }
    return j;
}

INLINE int64_t bf16_dw_depth(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    return dw->shape[1] * dw->shape[2] * dw->shape[3];
}

static size_t conv2d_bf16_backward_weight_workspace(const fc_args *a) {
    int64_t vectors = ceil_div(a->t[2].shape[0], VW), depth = bf16_dw_depth(a);
    return ceil_div(depth * sizeof(int64_t), FC_ALIGN) * FC_ALIGN +
           depth * vectors * VW * sizeof(float);
}

static size_t conv2d_bf16_backward_weight_scratch(const fc_args *a) {
    int64_t vectors = ceil_div(a->t[2].shape[0], VW), images = BF16_ITEMS * VW;
    return images / 2 * (vectors * VW + bf16_dw_depth(a)) * sizeof(uint32_t);
}

static void conv2d_bf16_backward_weight_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = bf16_dw_conv(a);
    bf16_phase p = bf16_no_phase(a);
    bf16_next_phase(&j, 0, 0, &p);
    if (ctx->thread == 0) bf16_list_offsets(&p);
}

static bf16_dw_job bf16_dw_make_job(const conv_job *j, const fc_args *a, const fc_context *ctx) {
    bf16_dw_job d = {.p = bf16_no_phase(a), .vectors = ceil_div(j->outs, VW)};
    bf16_next_phase(j, 0, 0, &d.p);
    split(d.p.depth, ctx, &d.begin, &d.end);
    d.sums = (float *)(a->workspace + ceil_div(d.p.depth * sizeof(int64_t), FC_ALIGN) * FC_ALIGN);
    d.dy = (uint32_t *)ctx->scratch;
    d.x = (uint16_t *)(d.dy + BF16_ITEMS * VW / 2 * d.vectors * VW);
    return d;
}

static void bf16_dw_load_x(const bf16_dw_job *d, const bf16_item *at, int64_t items) {
    const int64_t *offset = d->p.offset;
    uint16_t *to = d->x;
    for (int64_t k = d->begin; k < d->end; k++, to += BF16_ITEMS * VW)
        for (int64_t v = 0; v < items; v++) store_bf16(to + v * VW, load(at[v].x + offset[k]));
}

/* VW filters of VW images, transposed. */
static void bf16_dw_load_dy(const bf16_dw_job *d, const bf16_item *at, int64_t items) {
    const conv_job *j = d->p.job;
    int64_t width = d->vectors * VW;
    for (int64_t q = 0; q < d->vectors; q++) {
        int64_t filters = min_i64(VW, j->outs - q * VW);
        for (int64_t v = 0; v < items; v++) {
            const float *from = at[v].out + q * VW * j->out->stride[1];
            uint32_t *to = d->dy + v * VW / 2 * width + q * VW;
            vf rows[VW];
            UNROLL for (int f = 0; f < VW; f++)
                rows[f] = f < filters ? load(from + f * j->out->stride[1]) : (vf){0};
            transpose(rows);
            UNROLL for (int l = 0; l < VW; l += 2)
                store_pairs(to + l / 2 * width, pair(rows[l], rows[l + 1]));
        }
    }
}

static void bf16_dw_multiply(const bf16_dw_job *d, int64_t items, int add) {
    partition groups = parts_of(d->vectors, TILE_COLUMNS);
    pair_tile_args t = {.column_step = d->vectors * VW, .offset = no_offset, .segments = 1};
    t.scalar_row = BF16_ITEMS * VW / 2;
    t.scalar_step = 1;
    t.steps = items * VW / 2;
    t.out_row = d->vectors * VW;
    t.add = add;
    for (int64_t g = 0; g < groups.parts; g++) {
        int64_t first = part_begin(groups, g), count = part_size(groups, g);
        partition rows = parts_of(d->end - d->begin, tile_rows[count]);
        for (int64_t part = 0; part < rows.parts; part++) {
            int64_t k = part_begin(rows, part);
            t.scalar = (const uint32_t *)d->x + k * t.scalar_row;
            for (int64_t v = 0; v < count; v++) {
                t.column[v] = d->dy + (first + v) * VW;
                t.out[v] = d->sums + (d->begin + k) * t.out_row + (first + v) * VW;
            }
            run_pair_tile(part_size(rows, part), count, &t);
        }
    }
}

static void bf16_dw_write(const bf16_dw_job *d, float *dw) {
    for (int64_t o = 0; o < d->p.job->outs; o++)
        for (int64_t k = d->begin; k < d->end; k++)
            dw[o * d->p.depth + k] = d->sums[k * d->vectors * VW + o];
}

static void bf16_bias_gradient(const fc_tensor *dy, float *db, const fc_context *ctx) {
    int64_t row = tensor_w(dy) * tensor_l(dy), begin, end;
    split(dy->shape[1], ctx, &begin, &end);
    for (int64_t o = begin; o < end; o++) {
        vf sum = {0};
        float total = 0.0f;
        for (int64_t b = 0; b < active_blocks(dy, ctx); b++)
            for (int64_t y = 0; y < tensor_h(dy); y++)
                for (int64_t k = 0; k < row; k += VW) sum += load(tensor_row(dy, b, o, y) + k);
        for (int l = 0; l < VW; l++) total += sum[l];
        db[o] = total;
    }
}

static void conv2d_bf16_backward_weight(const fc_args *a, const fc_context *ctx) {
    conv_job j = bf16_dw_conv(a);
    bf16_dw_job d = bf16_dw_make_job(&j, a, ctx);
    int64_t items = bf16_items(&d.p, ctx);
    if (!items) memset(d.sums + d.begin * d.vectors * VW, 0,
                       (d.end - d.begin) * d.vectors * VW * sizeof(float));
    for (int64_t first = 0; first < items && d.begin < d.end; first += BF16_ITEMS) {
        bf16_item at[BF16_ITEMS];
        int64_t n = min_i64(BF16_ITEMS, items - first);
        for (int64_t v = 0; v < n; v++) at[v] = bf16_item_at(&d.p, first + v);
        bf16_dw_load_x(&d, at, n);
        bf16_dw_load_dy(&d, at, n);
        bf16_dw_multiply(&d, n, first > 0);
    }
    bf16_dw_write(&d, a->t[2].data);
    if (a->t[3].data) bf16_bias_gradient(j.out, a->t[3].data, ctx);
}

#define CONV2D_BF16_ENTRY(name, signature) \
    {#name, signature, name, name##_prepare, name##_workspace, name##_scratch}
#define CONV2D_BF16_KERNELS \
    CONV2D_BF16_ENTRY(conv2d_bf16_forward, \
                      "x w ?b >y | stride_h stride_w dilation_h dilation_w groups activation " \
                      "zero_top zero_bottom | alpha"), \
    CONV2D_BF16_ENTRY(conv2d_bf16_backward_input, \
                      "dy w ?y >dx | stride_h stride_w dilation_h dilation_w groups pad_top " \
                      "pad_left halo_top halo_left halo_bottom activation | alpha"), \
    CONV2D_BF16_ENTRY(conv2d_bf16_backward_weight, \
                      "x dy >dw >?db | stride_h stride_w dilation_h dilation_w groups zero_top " \
                      "zero_bottom |")

#endif
