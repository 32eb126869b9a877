/* y = act(w x + b). */
#ifndef FC_DENSE_FORWARD_IMPL_H
#define FC_DENSE_FORWARD_IMPL_H

#include "dense_single_impl.h"

#define DENSE_INPUTS 1024   /* inputs in one go: vectors of TILE_COLUMNS * VW images stay in L2 */
#define DENSE_KEPT 8        /* so do those of so many times VW images */
#define DENSE_FAR_ROWS 8    /* of weights in memory: of rows 2^k bytes apart L1 keeps 12 lines */

/* `count` rows of n floats at their stride; contiguous rows are one long row. */
static void activate_rows(const fc_args *a, float *y, int64_t stride, int64_t count, int64_t n) {
    int activation = (int)a->i[0];
    if (activation == ACT_LINEAR) return;
    if (stride == n) n *= count, count = 1;
    for (int64_t m = 0; m < count; m++, y += stride)
        for (int64_t k = 0; k < n; k += VW) {
            int64_t part = min_i64(VW, n - k);
            store_n(y + k, activate(activation, load_n(y + k, part), (float)a->f[0]), part);
        }
}

/* ---- forward, lanes are images ---- */

/* Outputs of part `part`, columns of group `group`, from the inputs [input, input + t->steps) */
static void forward_tile(const fc_args *a, partition columns, int64_t group, partition outputs,
                         int64_t part, int64_t input, tile_args *t) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1], *b = &a->t[2], *y = &a->t[3];
    int64_t o = part_begin(outputs, part), rows = part_size(outputs, part);
    int64_t column = part_begin(columns, group), count = part_size(columns, group);
    for (int64_t v = 0; v < count; v++) {
        t->column[v] = dense_column(x, column + v) + input * x->stride[1];
        t->out[v] = dense_column(y, column + v) + o * y->stride[1];
    }
    t->scalar = cdata(w) + o * w->stride[0] + input;
    t->bias = b->data ? cdata(b) + o : NULL;
    int fetches = t->fetch_lines && !group && part + 1 < outputs.parts;
    t->fetch = fetches ? t->scalar + rows * w->stride[0] : NULL;
    int last = input + t->steps == w->shape[1];
    t->relu = last && a->i[0] == ACT_RELU;
    run_tile(rows, count, t);
    if (!last || t->relu) return;
    for (int64_t v = 0; v < count; v++) activate_rows(a, t->out[v], y->stride[1], rows, VW);
}

/* Where x of all images stays in L2, a tile's weights meet all of them before the next are read. */
static void dense_forward_lanes(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1], *y = &a->t[3];
    partition columns = parts_of(active_blocks(x, ctx) * (x->shape[2] / VW), TILE_COLUMNS);
    if (!columns.parts) return;
    int64_t kept = columns.n <= DENSE_KEPT, begin, end;
    int64_t rows = tall_rows[part_most(columns)], far = w->shape[0] * w->shape[1] >= DENSE_MEMORY;
    partition outputs = parts_of(w->shape[0], far ? min_i64(rows, DENSE_FAR_ROWS) : rows);
    partition inputs = parts_of(w->shape[1], DENSE_INPUTS);
    split(columns.parts * outputs.parts, ctx, &begin, &end);
    tile_args t = {.column_step = x->stride[1], .scalar_row = w->stride[0], .scalar_step = 1,
                   .segments = 1, .out_row = y->stride[1],
                   .near = y->shape[0] * y->shape[1] * y->shape[2] < DENSE_FAR,
                   .fetch_step = w->stride[0], .fetch_pace = TILE_PACE};
    if (far) t.fetch_lines = part_most(outputs);
    for (int64_t c = 0; c < inputs.parts; c++) {
        t.steps = part_size(inputs, c);
        t.add = c > 0;
        for (int64_t k = begin; k < end; k++) {
            int64_t group = kept ? k % columns.parts : k / outputs.parts;
            int64_t part = kept ? k / columns.parts : k % outputs.parts;
            forward_tile(a, columns, group, outputs, part, part_begin(inputs, c), &t);
        }
    }
}

/* ---- forward, few lanes: dot products with vectors along the inputs ---- */

#define DOT_OUTPUTS 4
#define DOT_IMAGES 4
#define DOT_GROUP 16   /* images whose inputs are put side by side in one go */

INLINE int64_t dot_width(const fc_tensor *w) { return ceil_div(w->shape[1], VW) * VW; }
INLINE int64_t dot_blocks(const fc_tensor *x) { return max_i64(1, DOT_GROUP / x->shape[2]); }

/* rows[l][k] = from[4 k + l], k < n: with these constants GCC makes shuffles of it. */
static void split_fours(const float *restrict from, int64_t n, int64_t width, float *restrict rows) {
    for (int64_t k = 0; k < n; k++)
        for (int l = 0; l < 4; l++) rows[l * width + k] = from[4 * k + l];
}

/* x of `blocks` blocks as rows[image][input], inputs beyond the last are zero */
static void images_to_rows(const fc_tensor *x, int64_t block, int64_t blocks, int64_t width,
                           float *rows) {
    int64_t n = x->shape[1], lanes = x->shape[2], step = x->stride[1];
    for (int64_t b = 0; b < blocks; b++, rows += lanes * width) {
        const float *from = dense_row(x, block + b, 0);
        if (step == 4 && lanes == 4) split_fours(from, n, width, rows);
        for (int64_t l = 0; l < lanes; l++) {
            float *row = rows + l * width;
            if (step == 1)
                memcpy(row, from, n * sizeof *row);
            else if (step != 4 || lanes != 4)
                for (int64_t k = 0; k < n; k++) row[k] = from[k * step + l];
            for (int64_t k = n; k < width; k++) row[k] = 0.0f;
        }
    }
}

/* sums[m * images + j] = w[row m] . x[image j]; rows past the last of w repeat it */
INLINE void dot_tile(int images, const float *const *w, const float *x, int64_t width, int64_t n,
                     float *sums) {
    vf acc[DOT_OUTPUTS * DOT_IMAGES];
    UNROLL for (int k = 0; k < DOT_OUTPUTS * DOT_IMAGES; k++) acc[k] = (vf){0};
    int64_t k = 0;
    for (; k + VW <= n; k += VW)
        UNROLL for (int j = 0; j < images; j++) {
            vf v = load(x + j * width + k);
            UNROLL for (int m = 0; m < DOT_OUTPUTS; m++) acc[m * images + j] += load(w[m] + k) * v;
        }
    if (k < n)
        UNROLL for (int m = 0; m < DOT_OUTPUTS; m++) {
            vf v = load_part(w[m] + k, n - k);
            UNROLL for (int j = 0; j < images; j++)
                acc[m * images + j] += v * load(x + j * width + k);
        }
    UNROLL for (int g = 0; g < DOT_OUTPUTS * DOT_IMAGES; g += VW)
        store(sums + g, sum_each(acc + g));
}

static void dot_tile_1(const float *const *w, const float *x, int64_t width, int64_t n,
                       float *sums) {
    dot_tile(1, w, x, width, n, sums);
}
static void dot_tile_4(const float *const *w, const float *x, int64_t width, int64_t n,
                       float *sums) {
    dot_tile(4, w, x, width, n, sums);
}

static void dense_forward_dots(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1], *y = &a->t[3];
    const float *bias = cdata(&a->t[2]);
    float *rows = (float *)ctx->scratch, sums[DOT_OUTPUTS * DOT_IMAGES];
    int64_t n = w->shape[1], outputs = w->shape[0], lanes = x->shape[2], width = dot_width(w);
    int64_t active = active_blocks(x, ctx), begin, end;
    split(outputs, ctx, &begin, &end);
    for (int64_t block = 0; block < active; block += dot_blocks(x)) {
        int64_t blocks = min_i64(dot_blocks(x), active - block), images = blocks * lanes;
        if (begin < end) images_to_rows(x, block, blocks, width, rows);
        for (int64_t o = begin; o < end; o += DOT_OUTPUTS) {
            const float *weights[DOT_OUTPUTS];
            for (int64_t m = 0; m < DOT_OUTPUTS; m++)
                weights[m] = cdata(w) + min_i64(o + m, end - 1) * w->stride[0];
            for (int64_t image = 0, count; image < images; image += count) {
                count = images - image >= DOT_IMAGES ? DOT_IMAGES : 1;
                const float *from = rows + image * width;
                (count == 1 ? dot_tile_1 : dot_tile_4)(weights, from, width, n, sums);
                for (int64_t k = 0; k < count * min_i64(DOT_OUTPUTS, end - o); k++) {
                    int64_t to = o + k / count, which = image + k % count;
                    float *out = dense_row(y, block + which / lanes, to) + which % lanes;
                    *out = sums[k] + (bias ? bias[to] : 0.0f);
                }
            }
        }
    }
    for (int64_t b = 0; b < active; b++)
        activate_rows(a, dense_row(y, b, begin), y->stride[1], end - begin, lanes);
}

static void dense_forward(const fc_args *a, const fc_context *ctx) {
    if (dense_packs(a))
        dense_forward_single(a, ctx);
    else
        (lanes_fill_vectors(&a->t[0]) ? dense_forward_lanes : dense_forward_dots)(a, ctx);
}

static size_t dense_forward_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[0];
    if (lanes_fill_vectors(x)) return 0;
    return dot_blocks(x) * x->shape[2] * dot_width(&a->t[1]) * sizeof(float);
}

#endif
