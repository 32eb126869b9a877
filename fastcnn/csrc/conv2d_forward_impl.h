/* y = act(x * w + b), and the same followed by 2x2 max pooling, of which the convolution's own
 * output is never stored. */
#include "conv2d_run_impl.h"
#include "conv2d_single_impl.h"
#include "lanes.h"

#define CONV_POOL_OT (CONV_ACCUMULATORS / 4)

static conv_job conv_forward_job(const fc_args *a, int64_t max_ot) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3], groups = a->i[4];
    conv_job j = {.x = x, .out = &a->t[3], .w = w->data, .bias = a->t[2].data, .max_ot = max_ot};
    j.activation = (int)a->i[5];
    j.alpha = (float)a->f[0];
    j.groups = groups;
    j.in = w->shape[1];
    j.outs = w->shape[0] / groups;
    j.w_in = taps;
    j.w_out = j.in * taps;
    j.w_group = j.outs * j.w_out;
    for (int d = 0; d < 2; d++) {
        j.kernel[d] = w->shape[2 + d];
        j.read_step[d] = a->i[d];
        j.write_step[d] = 1;
        j.dilation[d] = a->i[2 + d];
    }
    j.zero_top = a->i[6];
    j.zero_bottom = a->i[7];
    conv_place_workspace(&j, a);
    return j;
}

static size_t conv2d_forward_workspace(const fc_args *a) {
    return single_fits(a) ? single_workspace(a) : conv_workspace(a);
}

static void conv2d_forward_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_forward_job(a, CONV_OT);
    if (!single_fits(a)) {
        conv_prepare(&j, ctx);
        return;
    }
    single_place_workspace(&j, a);
    single_prepare(&j, ctx);
}

static void conv2d_forward(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_forward_job(a, CONV_OT);
    if (!single_fits(a)) {
        conv_run_job(&j, ctx);
        return;
    }
    single_place_workspace(&j, a);
    single_run(&j, ctx);
}

/* ---- with max pooling ---- */

/* The 2x2 pixels of a window are the PT of the tile. The first of equal values wins. */
INLINE void conv_pool_tile(const conv_job *j, const conv_tile *t, uint8_t *choice,
                           int64_t choice_channel, const int OT) {
    int64_t right = j->read_step[1] * tensor_l(j->x), below = j->read_step[0] * j->x->stride[2];
    int64_t at[4] = {0, right, below, below + right};
    vf acc[CONV_ACCUMULATORS], value[CONV_POOL_OT];
    conv_start(t, OT, 4, acc);
    conv_accumulate(j, t, at, OT, 4, 0, acc);
    UNROLL for (int o = 0; o < OT; o++, choice += choice_channel) {
        vf best = acc[4 * o];
        vi which = {0};
        UNROLL for (int q = 1; q < 4; q++) {
            vi better = acc[4 * o + q] > best;
            best = select(better, acc[4 * o + q], best);
            which = (better & q) | (~better & which);
        }
        value[o] = best;
        store_bytes(choice, which, VW);
    }
    conv_finish(j, t, OT, 1, 0, 0, value);
}

#define CONV_POOL_TILE(OT) \
    NOINLINE void conv_pool_##OT(const conv_job *j, const conv_tile *t, uint8_t *choice, \
                                 int64_t choice_channel) { \
        if (OT <= CONV_POOL_OT) conv_pool_tile(j, t, choice, choice_channel, OT); \
    }
CONV_POOL_TILE(1) CONV_POOL_TILE(2) CONV_POOL_TILE(3)
CONV_POOL_TILE(4) CONV_POOL_TILE(5) CONV_POOL_TILE(6)

static void (*const conv_pool[CONV_OT])(const conv_job *, const conv_tile *, uint8_t *, int64_t) = {
    conv_pool_1, conv_pool_2, conv_pool_3, conv_pool_4, conv_pool_5, conv_pool_6};

static void conv_pool_row(const conv_job *j, const conv_phase *p, const fc_tensor *index,
                          int64_t block, int64_t m, int64_t c0, int64_t c1) {
    int64_t lanes = tensor_l(j->x), pixel = 2 * j->read_step[1] * lanes, begin, end;
    conv_live_taps(j, p, 2 * m, 2, &begin, &end);
    conv_tile row = {.tap = p->tap + begin, .tap_end = p->tap + end};
    const float *x = tensor_row(j->x, block, 0, 2 * m * j->read_step[0]);
    float *out = tensor_row(j->out, block, 0, m);
    uint8_t *choice = (uint8_t *)index->data + block * index->stride[0] + m * index->stride[2];
    for (int64_t k = 0; k < p->size[1]; k++)
        for (int64_t part = 0; part < lanes; part += VW) {
            row.x = x + k * pixel + part;
            row.out = out + k * lanes + part;
            for (int64_t c = c0; c < c1; c++) {
                const conv_chunk *chunk = &j->chunks[c];
                conv_tile t = conv_chunk_tile(j, p, chunk, &row);
                uint8_t *to = choice + chunk->out * index->stride[1] + k * lanes + part;
                conv_pool[chunk->size - 1](j, &t, to, index->stride[1]);
            }
        }
}

static void conv2d_max_pool_forward_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_forward_job(a, CONV_POOL_OT);
    conv_prepare(&j, ctx);
}

static void conv2d_max_pool_forward(const fc_args *a, const fc_context *ctx) {
    conv_job j = conv_forward_job(a, CONV_POOL_OT);
    const conv_phase *p = j.phases;
    int64_t chunks = j.groups * conv_chunks(&j), begin, end;
    split(active_blocks(j.out, ctx) * p->size[0] * chunks, ctx, &begin, &end);
    while (begin < end) {
        int64_t row = begin / chunks, c0 = begin % chunks, c1 = min_i64(chunks, c0 + end - begin);
        conv_pool_row(&j, p, &a->t[4], row / p->size[0], row % p->size[0], c0, c1);
        begin += c1 - c0;
    }
}

static conv_job single_pooled_job(const fc_args *a) {
    conv_job j = conv_forward_job(a, CONV_OT);
    single_place_workspace(&j, a);
    return j;
}

static void conv2d_single_max_pool_forward_prepare(const fc_args *a, const fc_context *ctx) {
    conv_job j = single_pooled_job(a);
    single_prepare(&j, ctx);
}

static void conv2d_single_max_pool_forward(const fc_args *a, const fc_context *ctx) {
    conv_job j = single_pooled_job(a);
    single_run_pooled(&j, ctx);
}

#define CONV2D_FORWARD_PARAMS \
    " | stride_h stride_w dilation_h dilation_w groups activation zero_top zero_bottom | alpha"
#define CONV2D_FORWARD_KERNELS \
    {"conv2d_forward", "x w ?b >y" CONV2D_FORWARD_PARAMS, \
     conv2d_forward, conv2d_forward_prepare, conv2d_forward_workspace, pixel_scratch}, \
    {"conv2d_max_pool_forward", "x w ?b >y >index" CONV2D_FORWARD_PARAMS, \
     conv2d_max_pool_forward, conv2d_max_pool_forward_prepare, conv_workspace, 0}, \
    {"conv2d_single_max_pool_forward", "x w ?b >y" CONV2D_FORWARD_PARAMS, \
     conv2d_single_max_pool_forward, conv2d_single_max_pool_forward_prepare, single_workspace, 0}
