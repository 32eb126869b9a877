/* Weight gradient of the convolution with bf16 operands: conv2d_bf16_job_impl.h. */
#include "conv2d_bf16_job_impl.h"

#define BF16_ITEMS 16                                /* of a chunk of the weight gradient */

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
    pair_tile_args t = {.column_step = d->vectors * VW, .segments = 1};
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
