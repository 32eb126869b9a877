/* dx = (w^T dy) times the slope of the activation before. */
#include "dense_rows.h"

#define DENSE_OUTPUTS 512   /* outputs in one go of the input gradient: their panel stays in L2 */
#define DENSE_PANEL 48      /* inputs in a panel; a multiple of all tile_rows */

/* panel[o][k] = w[o][input + k], k < n, in rows of `width` floats; what lies beyond n is not
 * defined. Read in place, rows of 2^k inputs would fight for the same few cache lines. */
static void pack_panel(const fc_tensor *w, int64_t o, int64_t outputs, int64_t input, int64_t n,
                       int64_t width, float *panel) {
    for (int64_t r = 0; r < outputs; r++) {
        const float *from = cdata(w) + (o + r) * w->stride[0] + input;
        float *to = panel + r * width;
        if (n < VW) {
            store(to, load_part(from, n));
            continue;
        }
        for (int64_t k = 0; k + VW < n; k += VW) store(to + k, load(from + k));
        store(to + n - VW, load(from + n - VW));
    }
}

/* Piece number `piece` of the panel that begins with this input */
static void prefetch_next_panel(const fc_tensor *w, int64_t o, int64_t outputs, int64_t input,
                                int64_t piece, int64_t pieces) {
    partition rows = {outputs, pieces};
    if (w->shape[0] * w->shape[1] < DENSE_FAR || input >= w->shape[1]) return;
    int64_t first = part_begin(rows, piece), width = min_i64(DENSE_PANEL, w->shape[1] - input);
    const float *p = cdata(w) + (o + first) * w->stride[0] + input;
    prefetch_rows(p, w->stride[0], part_begin(rows, piece + 1) - first, width);
}

/* dx of the inputs of a packed panel, columns of one group; sums over outputs [o, o + t->steps) */
static void backward_panel(const fc_args *a, partition panels, int64_t panel, partition columns,
                           int64_t group, int64_t o, const float *weights, tile_args *t) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    int64_t input = part_begin(panels, panel), width = part_size(panels, panel);
    int64_t column = part_begin(columns, group), count = part_size(columns, group);
    int sloped = y->data && o + t->steps == w->shape[0];
    partition tiles = parts_of(width, tile_rows[part_most(columns)]);
    const float *from[TILE_COLUMNS];
    float *out[TILE_COLUMNS];
    for (int64_t v = 0; v < count; v++) {
        t->column[v] = dense_column(dy, column + v) + o * dy->stride[1];
        out[v] = dense_column(dx, column + v) + input * dx->stride[1];
        if (sloped) from[v] = dense_column(y, column + v) + input * y->stride[1];
    }
    for (int64_t k = 0; k < tiles.parts; k++) {
        int64_t i = part_begin(tiles, k);
        for (int64_t v = 0; v < count; v++) {
            t->out[v] = out[v] + i * dx->stride[1];
            t->y[v] = sloped ? from[v] + i * y->stride[1] : NULL;
        }
        t->scalar = weights + i;
        prefetch_next_panel(w, o, t->steps, input + width, group * tiles.parts + k,
                            columns.parts * tiles.parts);
        run_tile(part_size(tiles, k), count, t);
    }
}

static void dense_backward_input_lanes(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    float *weights = (float *)ctx->scratch;
    partition columns = parts_of(active_blocks(dy, ctx) * (dy->shape[2] / VW), TILE_COLUMNS);
    if (!columns.parts) return;
    partition panels = parts_of(w->shape[1], DENSE_PANEL);
    partition outputs = parts_of(w->shape[0], DENSE_OUTPUTS);
    int64_t begin, end;
    split(panels.parts * columns.parts, ctx, &begin, &end);
    tile_args t = {.column_step = dy->stride[1], .scalar_row = 1, .scalar_step = DENSE_PANEL,
                   .segments = 1, .out_row = dx->stride[1], .y_row = y->stride[1],
                   .slope = slope_of((int)a->i[0], (float)a->f[0])};
    for (int64_t c = 0; c < outputs.parts; c++) {
        int64_t o = part_begin(outputs, c), packed = -1;
        t.steps = part_size(outputs, c);
        t.add = c > 0;
        for (int64_t k = begin; k < end; k++) {
            int64_t p = k / columns.parts;
            if (p != packed)
                pack_panel(w, o, t.steps, part_begin(panels, p), part_size(panels, p), DENSE_PANEL,
                           weights);
            packed = p;
            backward_panel(a, panels, p, columns, k % columns.parts, o, weights, &t);
        }
    }
}

/* `count` rows of a block of dx times f' from y; contiguous rows are one long row. */
static void slope_rows(const fc_args *a, int64_t block, int64_t row, int64_t count) {
    const fc_tensor *y = &a->t[2], *dx = &a->t[3];
    const float *from = dense_row(y, block, row);
    float *to = dense_row(dx, block, row);
    slope s = slope_of((int)a->i[0], (float)a->f[0]);
    int64_t n = dx->shape[2];
    if (dx->stride[1] == n && y->stride[1] == n) n *= count, count = 1;
    for (int64_t m = 0; m < count; m++, to += dx->stride[1], from += y->stride[1])
        for (int64_t k = 0; k < n; k += VW) {
            int64_t part = min_i64(VW, n - k);
            store_n(to + k, times_slope(load_n(to + k, part), load_n(from + k, part), &s), part);
        }
}

/* Few lanes: vectors along the inputs, the lanes of dy are the scalars. */
/* dx[input + k, lane + l] = rows[l][k] */
static void scatter_inputs(const fc_tensor *dx, int64_t block, int64_t input, int64_t width,
                           int64_t lane, int64_t images, const float *rows) {
    for (int64_t k = 0; k < width; k++) {
        float *to = dense_row(dx, block, input + k) + lane;
        for (int64_t l = 0; l < images; l++) to[l] = rows[l * DENSE_WIDTH + k];
    }
}

static void dense_backward_input_rows(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    float *panel = (float *)ctx->scratch, rows[TILE_ROWS * DENSE_WIDTH];
    int64_t n = w->shape[1], lanes = dy->shape[2], most = tile_rows[TILE_COLUMNS], begin, end;
    partition vectors = parts_of(ceil_div(n, VW), TILE_COLUMNS);
    split(vectors.parts, ctx, &begin, &end);
    for (int64_t part = begin; part < end; part++) {
        int64_t input = part_begin(vectors, part) * VW, count = part_size(vectors, part);
        int64_t width = min_i64(count * VW, n - input), whole = width == count * VW;
        if (!whole) pack_panel(w, 0, w->shape[0], input, width, DENSE_WIDTH, panel);
        tile_args t = {.column_step = whole ? w->stride[0] : DENSE_WIDTH, .scalar_row = 1,
                       .scalar_step = dy->stride[1], .steps = w->shape[0], .segments = 1,
                       .out_row = DENSE_WIDTH};
        for (int64_t v = 0; v < count; v++) {
            t.column[v] = (whole ? cdata(w) + input : panel) + v * VW;
            t.out[v] = rows + v * VW;
        }
        for (int64_t b = 0; b < active_blocks(dy, ctx); b++) {
            for (int64_t lane = 0; lane < lanes; lane += most) {
                int64_t images = min_i64(most, lanes - lane);
                t.scalar = dense_row(dy, b, 0) + lane;
                run_tile(images, count, &t);
                scatter_inputs(dx, b, input, width, lane, images, rows);
            }
            if (y->data) slope_rows(a, b, input, width);
        }
    }
}

static void dense_backward_input(const fc_args *a, const fc_context *ctx) {
    (lanes_fill_vectors(&a->t[0]) ? dense_backward_input_lanes : dense_backward_input_rows)(a, ctx);
}

static size_t dense_backward_input_scratch(const fc_args *a) {
    int64_t outputs = a->t[1].shape[0];
    if (!lanes_fill_vectors(&a->t[0])) return outputs * DENSE_WIDTH * sizeof(float);
    return min_i64(outputs, DENSE_OUTPUTS) * DENSE_PANEL * sizeof(float);
}
