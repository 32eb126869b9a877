/* dx = (w^T dy) times the slope of the activation before. */
#include "dense_few_input_impl.h"

/* A block of weights stays in L2, together with what of the next one is fetched meanwhile: 1,024
 * rows of one panel, cut up and put side by side. The longer the sums, the better; but of rows that
 * are far apart L2 keeps but a few lines, and memory likes long pieces of a row. */
#define DENSE_PANEL 48      /* inputs in a panel, a multiple of most tall_rows; 64 of one column */
#define DENSE_BLOCK 1024    /* rows of a panel in a block */
#define DENSE_OUTPUTS 512   /* of a block */
#define DENSE_LARGE (1024 * 1024)   /* weights from which on they are: */
#define DENSE_LARGE_OUTPUTS 256

/* How the work is cut: items are (panel, group of columns), blocks some panels by some outputs. */
typedef struct {
    partition panels, columns, outputs;
    int64_t wide;                                    /* panels of a block, at most */
} dense_cut;

static dense_cut dense_cut_of(const fc_tensor *w, int64_t columns) {
    int large = w->shape[0] * w->shape[1] >= DENSE_LARGE;
    int64_t outputs = large ? DENSE_LARGE_OUTPUTS : DENSE_OUTPUTS;
    int64_t panel = columns == 1 ? 4 * TALL_ROWS : DENSE_PANEL;
    return (dense_cut){parts_of(w->shape[1], panel), parts_of(columns, TILE_COLUMNS),
                       parts_of(w->shape[0], outputs), DENSE_BLOCK / outputs};
}

/* Rows of weights that will be read soon */
typedef struct {
    const float *from;
    int64_t floats;
} dense_ahead;

/* Panels [panel, stop) of outputs part `part`; of the panels behind them after the last part. */
static dense_ahead next_block(const fc_tensor *w, const dense_cut *cut, int64_t part, int64_t panel,
                              int64_t stop) {
    if (w->shape[0] * w->shape[1] < DENSE_FAR) return (dense_ahead){0};
    if (part == cut->outputs.parts) {
        part = 0;
        panel = stop;
        stop = min_i64(cut->panels.parts, panel + cut->wide);
    }
    int64_t input = part_begin(cut->panels, panel), o = part_begin(cut->outputs, part);
    return (dense_ahead){cdata(w) + o * w->stride[0] + input, part_begin(cut->panels, stop) - input};
}

/* dx of the inputs of a panel, columns of one group; sums over outputs [o, o + t->steps). *done
 * tiles of the block have fetched rows in `ahead`, and each fetches some more. Row after row: the
 * hardware then runs ahead; a line of each keeps no more coming than one core may ask for. */
static void backward_panel(const fc_args *a, const dense_cut *cut, int64_t item, int64_t o,
                           dense_ahead ahead, int64_t *done, tile_args *t) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    int64_t panel = item / cut->columns.parts, group = item % cut->columns.parts;
    int64_t input = part_begin(cut->panels, panel), width = part_size(cut->panels, panel);
    int64_t column = part_begin(cut->columns, group), count = part_size(cut->columns, group);
    int sloped = y->data && o + t->steps == w->shape[0];
    partition tiles = parts_of(width, tall_rows[part_most(cut->columns)]);
    const float *from[TILE_COLUMNS];
    float *out[TILE_COLUMNS];
    for (int64_t v = 0; v < count; v++) {
        t->column[v] = dense_column(dy, column + v) + o * dy->stride[1];
        out[v] = dense_column(dx, column + v) + input * dx->stride[1];
        if (sloped) from[v] = dense_column(y, column + v) + input * y->stride[1];
    }
    t->fetch_lines = ceil_div(ahead.floats, FC_ALIGN / sizeof(float));
    for (int64_t k = 0; k < tiles.parts; k++, ++*done) {
        int64_t i = part_begin(tiles, k), row = *done * t->steps / TILE_PACE;
        for (int64_t v = 0; v < count; v++) {
            t->out[v] = out[v] + i * dx->stride[1];
            t->y[v] = sloped ? from[v] + i * y->stride[1] : NULL;
        }
        t->scalar = cdata(w) + o * w->stride[0] + input + i;
        t->fetch = ahead.floats && row < t->steps ? ahead.from + row * w->stride[0] : NULL;
        run_tile(part_size(tiles, k), count, t);
    }
}

/* Items [begin, end), of at most cut->wide panels: all outputs, block after block. */
static void backward_blocks(const fc_args *a, const dense_cut *cut, int64_t begin, int64_t end,
                            tile_args *t) {
    int64_t columns = cut->columns.parts, first = begin / columns, stop = ceil_div(end, columns);
    for (int64_t c = 0; c < cut->outputs.parts; c++) {
        dense_ahead next = next_block(&a->t[1], cut, c + 1, first, stop);
        int64_t done = 0;
        t->steps = part_size(cut->outputs, c);
        t->add = c > 0;
        for (int64_t item = begin; item < end; item++)
            backward_panel(a, cut, item, part_begin(cut->outputs, c), next, &done, t);
    }
}

static void dense_backward_input_lanes(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    int64_t active = active_blocks(dy, ctx), begin, end, stop;
    if (!active) return;
    dense_cut cut = dense_cut_of(w, active * (dy->shape[2] / VW));
    split(cut.panels.parts * cut.columns.parts, ctx, &begin, &end);
    tile_args t = {.column_step = dy->stride[1], .scalar_row = 1, .scalar_step = w->stride[0],
                   .segments = 1, .out_row = dx->stride[1], .y_row = y->stride[1],
                   .fetch_step = FC_ALIGN / sizeof(float), .fetch_pace = w->stride[0],
                   .slope = slope_of((int)a->i[0], (float)a->f[0])};
    for (; begin < end; begin = stop) {
        stop = min_i64(end, (begin / cut.columns.parts + cut.wide) * cut.columns.parts);
        backward_blocks(a, &cut, begin, stop, &t);
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

/* panel[o][k] = w[o][input + k], k < n, in rows of DENSE_WIDTH floats; what lies beyond n is not
 * defined. */
static void pack_panel(const fc_tensor *w, int64_t input, int64_t n, float *panel) {
    for (int64_t o = 0; o < w->shape[0]; o++, panel += DENSE_WIDTH) {
        const float *from = cdata(w) + o * w->stride[0] + input;
        int64_t k = 0;
        for (; k + VW <= n; k += VW) store(panel + k, load(from + k));
        if (k < n) store(panel + k, load_part(from + k, n - k));
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
        if (!whole) pack_panel(w, input, width, panel);
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
    if (!lanes_fill_vectors(&a->t[0]))
        dense_backward_input_rows(a, ctx);
    else
        (a->t[1].shape[0] <= FEW_OUTPUTS ? dense_backward_input_few
                                         : dense_backward_input_lanes)(a, ctx);
}

static size_t dense_backward_input_scratch(const fc_args *a) {
    int64_t outputs = a->t[1].shape[0];
    return lanes_fill_vectors(&a->t[0]) ? 0 : outputs * DENSE_WIDTH * sizeof(float);
}
