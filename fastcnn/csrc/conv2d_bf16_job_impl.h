/* Direct convolution with bf16 operands: forward, input gradient, weight gradient. One group, any
 * step and dilation; a dense layer is one of 1x1 kernels over one pixel.
 *
 * The sums of an output pixel go over its channels and taps, in pairs: `depth` numbers d, of which
 * offset[d] says where they lie from the pixel under the first tap on. An item is one
 * vector of the output: lanes of a pixel; items are numbered across rows and blocks.
 *     forward           columns are items, gathered and rounded, and outputs are rows of scalars
 *     weight gradient   columns are filters, because dy is transposed; rows are d; a step of the
 *                       sums is a pair of images, so lanes need no adding up */
#ifndef FC_CONV2D_BF16_JOB_IMPL_H
#define FC_CONV2D_BF16_JOB_IMPL_H

#include "bf16_tile.h"
#include "conv2d_tile_impl.h"
#include "transpose.h"

#define BF16_ROWS 6                                  /* outputs of a tile of TILE_COLUMNS items */

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

#endif
