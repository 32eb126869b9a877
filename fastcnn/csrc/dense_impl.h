/* Dense layers: y = act(w x + b), w (outputs, inputs), and their gradients.
 *
 * Where the lanes fill vectors (L a multiple of VW), a column is VW images of one block, and the
 * weights are the scalars. With fewer lanes the vectors lie along the inputs. The weight gradient
 * always has its vectors along the inputs: x is transposed, a few vectors of inputs at a time, and
 * no lanes need be summed. */
#include "activation_math.h"
#include "tile.h"
#include "transpose.h"

#define DENSE_INPUTS 1024   /* inputs in one go: TILE_COLUMNS vectors of each (256 KiB) stay in L2 */
#define DENSE_OUTPUTS 512   /* outputs in one go of the input gradient: their panel stays in L2 */
#define DENSE_PANEL 48      /* inputs in a panel; a multiple of all tile_rows */
#define DENSE_IMAGES 256    /* images in one go of the weight gradient */
#define DENSE_FAR (128 * 1024)   /* floats that do not stay in L2 from one run to the next */
#define DENSE_WIDTH (TILE_COLUMNS * VW)

INLINE const float *cdata(const fc_tensor *t) { return t->data; }

/* Element (block, row, 0) of a (B, rows, L) tensor */
INLINE float *dense_row(const fc_tensor *t, int64_t block, int64_t row) {
    return (float *)t->data + block * t->stride[0] + row * t->stride[1];
}

/* First element of row 0 of a column of VW images */
INLINE float *dense_column(const fc_tensor *t, int64_t column) {
    int64_t each = t->shape[2] / VW;
    return dense_row(t, column / each, 0) + column % each * VW;
}

INLINE int lanes_fill_vectors(const fc_tensor *x) { return x->shape[2] % VW == 0; }

/* The hardware does not foresee short rows far apart; they come to L2 while a tile is computed. */
INLINE void prefetch_rows(const float *p, int64_t stride, int64_t rows, int64_t n) {
    int64_t line = FC_ALIGN / sizeof(float);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < n; k += line) __builtin_prefetch(p + r * stride + k, 0, 2);
}

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
    run_tile(rows, count, t);
    if (input + t->steps < w->shape[1]) return;
    for (int64_t v = 0; v < count; v++) activate_rows(a, t->out[v], y->stride[1], rows, VW);
}

static void dense_forward_lanes(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1], *y = &a->t[3];
    partition columns = parts_of(active_blocks(x, ctx) * (x->shape[2] / VW), TILE_COLUMNS);
    if (!columns.parts) return;
    partition outputs = parts_of(w->shape[0], tile_rows[part_most(columns)]);
    partition inputs = parts_of(w->shape[1], DENSE_INPUTS);
    int64_t begin, end;
    split(columns.parts * outputs.parts, ctx, &begin, &end);
    tile_args t = {.column_step = x->stride[1], .scalar_row = w->stride[0], .scalar_step = 1,
                   .segments = 1, .out_row = y->stride[1]};
    for (int64_t c = 0; c < inputs.parts; c++) {
        t.steps = part_size(inputs, c);
        t.add = c > 0;
        for (int64_t k = begin; k < end; k++)
            forward_tile(a, columns, k / outputs.parts, outputs, k % outputs.parts,
                         part_begin(inputs, c), &t);
    }
}

/* ---- forward, few lanes: dot products with vectors along the inputs ---- */

#define DOT_OUTPUTS 4
#define DOT_IMAGES 4
#define DOT_GROUP 16   /* images whose inputs are put side by side in one go */

INLINE int64_t dot_width(const fc_tensor *w) { return ceil_div(w->shape[1], VW) * VW; }
INLINE int64_t dot_blocks(const fc_tensor *x) { return max_i64(1, DOT_GROUP / x->shape[2]); }

/* x of `blocks` blocks as rows[image][input], inputs beyond the last are zero */
static void images_to_rows(const fc_tensor *x, int64_t block, int64_t blocks, int64_t width,
                           float *rows) {
    int64_t n = x->shape[1], lanes = x->shape[2];
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t l = 0; l < lanes; l++) {
            float *row = rows + (b * lanes + l) * width;
            const float *from = dense_row(x, block + b, 0) + l;
            if (x->stride[1] == 1)
                memcpy(row, from, n * sizeof *row);
            else
                for (int64_t k = 0; k < n; k++) row[k] = from[k * x->stride[1]];
            for (int64_t k = n; k < width; k++) row[k] = 0.0f;
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
    UNROLL for (int g = 0; g < DOT_OUTPUTS * DOT_IMAGES; g += VW) {
        vf total = (vf){0};
        transpose(acc + g);
        UNROLL for (int r = 0; r < VW; r++) total += acc[g + r];
        store(sums + g, total);
    }
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
    (lanes_fill_vectors(&a->t[0]) ? dense_forward_lanes : dense_forward_dots)(a, ctx);
}

static size_t dense_forward_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[0];
    if (lanes_fill_vectors(x)) return 0;
    return dot_blocks(x) * x->shape[2] * dot_width(&a->t[1]) * sizeof(float);
}

/* ---- gradient with respect to the input ---- */

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

/* ---- gradient with respect to weights and bias ---- */

/* rows[lane][k] = x[first + k, lane], k < VW, of one block; zero beyond the last input */
INLINE void transpose_vector(const fc_tensor *x, int64_t block, int64_t first, float *rows) {
    int64_t lanes = x->shape[2], step = x->stride[1], count = min_i64(VW, x->shape[1] - first);
    const float *from = dense_row(x, block, first);
    if (!lanes_fill_vectors(x)) {
        for (int64_t l = 0; l < lanes; l++)
            for (int64_t k = 0; k < VW; k++)
                rows[l * DENSE_WIDTH + k] = k < count ? from[k * step + l] : 0.0f;
        return;
    }
    for (int64_t lane = 0; lane < lanes; lane += VW) {
        vf v[VW];
        UNROLL for (int k = 0; k < VW; k++)
            v[k] = k < count ? load(from + k * step + lane) : (vf){0};
        transpose(v);
        UNROLL for (int l = 0; l < VW; l++) store(rows + (lane + l) * DENSE_WIDTH, v[l]);
    }
}

/* rows[image][k] = x[input + k] of that image, in rows of DENSE_WIDTH */
static void transpose_inputs(const fc_tensor *x, int64_t block, int64_t blocks, int64_t input,
                             int64_t vectors, float *rows) {
    for (int64_t b = 0; b < blocks; b++, rows += x->shape[2] * DENSE_WIDTH)
        for (int64_t v = 0; v < vectors; v++)
            transpose_vector(x, block + b, input + v * VW, rows + v * VW);
}

/* Piece number `piece` of what transpose_inputs will read from this input on */
static void prefetch_next_inputs(const fc_tensor *x, int64_t block, int64_t blocks, int64_t input,
                                 int64_t piece, int64_t pieces) {
    int64_t vectors = min_i64(TILE_COLUMNS, ceil_div(x->shape[1] - input, VW));
    if (x->shape[0] * x->shape[1] * x->shape[2] < DENSE_FAR || vectors <= 0) return;
    partition runs = {blocks * vectors, pieces};
    for (int64_t r = part_begin(runs, piece); r < part_begin(runs, piece + 1); r++) {
        int64_t first = input + r % vectors * VW;
        const float *p = dense_row(x, block + r / vectors, first);
        prefetch_rows(p, x->stride[1], min_i64(VW, x->shape[1] - first), x->shape[2]);
    }
}

static void dense_bias_gradient(const fc_tensor *dy, float *db, const fc_context *ctx) {
    int64_t lanes = dy->shape[2], begin, end;
    split(dy->shape[1], ctx, &begin, &end);
    for (int64_t o = begin; o < end; o++) {
        vf sum = (vf){0};
        for (int64_t b = 0; b < active_blocks(dy, ctx); b++) {
            const float *p = dense_row(dy, b, o);
            int64_t l = 0;
            for (; l + VW <= lanes; l += VW) sum += load(p + l);
            if (l < lanes) sum += load_part(p + l, lanes - l);
        }
        float total = 0.0f;
        for (int l = 0; l < VW; l++) total += sum[l];
        db[o] = total;
    }
}

/* A tile whose last vector would run over the end of dw's rows goes through a buffer. */
static void run_ragged_tile(int64_t rows, int64_t count, int64_t width, tile_args t) {
    float buffer[TILE_ROWS * DENSE_WIDTH], *out = t.out[0];
    int64_t out_row = t.out_row;
    for (int64_t m = 0; t.add && m < rows; m++)
        memcpy(buffer + m * DENSE_WIDTH, out + m * out_row, width * sizeof(float));
    for (int64_t v = 0; v < count; v++) t.out[v] = buffer + v * VW;
    t.out_row = DENSE_WIDTH;
    run_tile(rows, count, &t);
    for (int64_t m = 0; m < rows; m++)
        memcpy(out + m * out_row, buffer + m * DENSE_WIDTH, width * sizeof(float));
}

INLINE int64_t dense_group(const fc_tensor *x) { return max_i64(1, DENSE_IMAGES / x->shape[2]); }

static void dense_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2], *db = &a->t[3];
    float *images = (float *)ctx->scratch;
    int64_t inputs = x->shape[1], lanes = x->shape[2], active = active_blocks(x, ctx), begin, end;
    partition vectors = parts_of(ceil_div(inputs, VW), TILE_COLUMNS);
    partition outputs = parts_of(dy->shape[1], tile_rows[part_most(vectors)]);
    split(vectors.parts * outputs.parts, ctx, &begin, &end);
    tile_args t = {.column_step = DENSE_WIDTH, .column_segment = lanes * DENSE_WIDTH,
                   .scalar_row = dy->stride[1], .scalar_step = 1, .scalar_segment = dy->stride[0],
                   .steps = lanes, .out_row = dw->stride[0]};
    for (int64_t block = 0; block < active; block += dense_group(x)) {
        int64_t transposed = -1;
        t.segments = min_i64(dense_group(x), active - block);
        t.add = block > 0;
        for (int64_t item = begin; item < end; item++) {
            int64_t part = item / outputs.parts, tile = item % outputs.parts;
            int64_t input = part_begin(vectors, part) * VW, count = part_size(vectors, part);
            int64_t o = part_begin(outputs, tile), rows = part_size(outputs, tile);
            if (part != transposed) transpose_inputs(x, block, t.segments, input, count, images);
            transposed = part;
            for (int64_t v = 0; v < count; v++) {
                t.column[v] = images + v * VW;
                t.out[v] = (float *)dw->data + o * dw->stride[0] + input + v * VW;
            }
            t.scalar = dense_row(dy, block, o);
            prefetch_next_inputs(x, block, t.segments, input + count * VW, tile, outputs.parts);
            if (input + count * VW <= inputs)
                run_tile(rows, count, &t);
            else
                run_ragged_tile(rows, count, inputs - input, t);
        }
    }
    if (db->data) dense_bias_gradient(dy, db->data, ctx);
}

static size_t dense_backward_weight_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[0];
    return min_i64(dense_group(x), x->shape[0]) * x->shape[2] * DENSE_WIDTH * sizeof(float);
}

#define DENSE_KERNELS \
    {"dense_forward", "x w ?b >y | activation | alpha", dense_forward, 0, 0, \
     dense_forward_scratch}, \
    {"dense_backward_input", "dy w ?y >dx | activation | alpha", dense_backward_input, 0, 0, \
     dense_backward_input_scratch}, \
    {"dense_backward_weight", "x dy >dw >?db", dense_backward_weight, 0, 0, \
     dense_backward_weight_scratch}
