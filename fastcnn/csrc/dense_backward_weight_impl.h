/* dw = dy x^T and db = dy summed over images. x is transposed, a few vectors of inputs at a time,
 * so that vectors lie along the inputs and no lanes need be summed. */
#include "dense_few_weight_impl.h"
#include "dense_row_weight_impl.h"

#define DENSE_IMAGES 256    /* images in one go of the weight gradient */

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
    if (vectors <= 0) return;
    partition runs = {blocks * vectors, pieces};
    for (int64_t r = part_begin(runs, piece); r < part_begin(runs, piece + 1); r++) {
        int64_t first = input + r % vectors * VW;
        const float *p = dense_row(x, block + r / vectors, first);
        prefetch_rows(p, x->stride[1], min_i64(VW, x->shape[1] - first), x->shape[2]);
    }
}

/* dy of outputs o to o + 3, as far as there are, summed over images; as sum_fours wants it */
INLINE vf sum_images(const fc_tensor *dy, int64_t o, const fc_context *ctx) {
    int64_t lanes = dy->shape[2], blocks = active_blocks(dy, ctx);
    const float *row[4];
    vf sums[4] = {{0}};
    UNROLL for (int k = 0; k < 4; k++)
        row[k] = dense_row(dy, 0, min_i64(o + k, dy->shape[1] - 1));
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t l = 0; l < lanes; l += VW) {
            int64_t at = b * dy->stride[0] + l, count = min_i64(VW, lanes - l);
            UNROLL for (int k = 0; k < 4; k++) sums[k] += load_n(row[k] + at, count);
        }
    return sum_in_fours(sums);
}

static void dense_bias_gradient(const fc_tensor *dy, float *db, const fc_context *ctx) {
    int64_t begin, end;
    split(dy->shape[1], ctx, &begin, &end);
    for (int64_t o = begin; o < end; o += VW) {
        vf fours[VW / 4] = {{0}};
        int64_t count = min_i64(VW, end - o);
        for (int64_t k = 0; k < count; k += 4) fours[k / 4] = sum_images(dy, o + k, ctx);
        store_n(db + o, sum_fours(fours), count);
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

/* dw of the inputs of part `k` of `vectors`, whose images are transposed, tiles [tile, stop) of
 * outputs */
static void weight_tiles(const fc_args *a, int64_t block, partition vectors, int64_t k,
                         partition outputs, int64_t tile, int64_t stop, tile_args *t) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2];
    int64_t input = part_begin(vectors, k) * VW, count = part_size(vectors, k);
    int64_t inputs = x->shape[1], far = x->shape[0] * inputs * x->shape[2] >= DENSE_FAR;
    for (part o = part_at(outputs, tile); tile < stop; tile++, part_next(&o)) {
        float *out = (float *)dw->data + o.begin * dw->stride[0] + input;
        for (int64_t v = 0; v < count; v++) t->out[v] = out + v * VW;
        t->scalar = dense_row(dy, block, o.begin);
        if (far)
            prefetch_next_inputs(x, block, t->segments, input + count * VW, tile, outputs.parts);
        if (input + count * VW <= inputs)
            run_tile(o.size, count, t);
        else
            run_ragged_tile(o.size, count, inputs - input, *t);
    }
}

static void dense_backward_weight_many(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2];
    float *images = (float *)ctx->scratch;
    int64_t inputs = x->shape[1], lanes = x->shape[2], active = active_blocks(x, ctx), begin, end;
    partition vectors = parts_of(ceil_div(inputs, VW), TILE_COLUMNS);
    partition outputs = parts_of(dy->shape[1], tile_rows[part_most(vectors)]);
    split(vectors.parts * outputs.parts, ctx, &begin, &end);
    tile_args t = {.column_step = DENSE_WIDTH, .column_segment = lanes * DENSE_WIDTH,
                   .scalar_row = dy->stride[1], .scalar_step = 1, .scalar_segment = dy->stride[0],
                   .steps = lanes, .out_row = dw->stride[0],
                   .near = inputs * dy->shape[1] < DENSE_FAR};
    int whole = active <= dense_group(x) && inputs % VW == 0 && dw->stride[0] % VW == 0;
    t.streamed = whole && streams_bytes(dw->data, inputs * dy->shape[1] * sizeof(float));
    for (int v = 0; v < TILE_COLUMNS; v++) t.column[v] = images + v * VW;
    for (int64_t block = 0; block < active; block += dense_group(x)) {
        t.segments = min_i64(dense_group(x), active - block);
        t.add = block > 0;
        for (int64_t item = begin, stop; item < end; item = stop) {
            int64_t k = item / outputs.parts, first = k * outputs.parts;
            stop = min_i64(end, first + outputs.parts);
            transpose_inputs(x, block, t.segments, part_begin(vectors, k) * VW,
                             part_size(vectors, k), images);
            weight_tiles(a, block, vectors, k, outputs, item - first, stop - first, &t);
        }
    }
    if (t.streamed) stream_end();
}

static void dense_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *db = &a->t[3];
    if (has_weight_rows(x))
        dense_backward_weight_rows(a, ctx);
    else
        (has_few_weights(x, dy) ? dense_backward_weight_few : dense_backward_weight_many)(a, ctx);
    if (db->data) dense_bias_gradient(dy, db->data, ctx);
}

static size_t dense_backward_weight_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[0];
    if (has_weight_rows(x)) return dense_backward_weight_rows_scratch(a);
    return min_i64(dense_group(x), x->shape[0]) * x->shape[2] * DENSE_WIDTH * sizeof(float);
}
