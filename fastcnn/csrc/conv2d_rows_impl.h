/* Along a row there are three ways to place vectors:
 *   contiguous  pixels follow each other in x and out: the row is one run of floats, whatever L
 *               is, and its last vector overlaps the one before it rather than ending in a masked
 *               store
 *   stepped     a step between pixels, L a multiple of VW: vectors are parts of pixels; sliding
 *               tiles, for an output channel that stands alone, place them so as well
 *   scattered   all the rest (a row shorter than a vector, or a step with L < VW): lane by lane,
 *               slow */
#ifndef FC_CONV2D_ROWS_IMPL_H
#define FC_CONV2D_ROWS_IMPL_H

#include "conv2d_tile_impl.h"

/* The vectors of a row: `parts` runs, beginning VW lanes apart. */
typedef struct {
    conv_tile_function *const *table;                /* for each OT a row of CONV_PT functions */
    int64_t max_pt, parts;
    int64_t vectors, x_step, out_step, x_last, out_last;      /* of the last vector in the run */
} conv_run;

/* The tile of one chunk of output channels at the place of `row`. */
INLINE conv_tile conv_chunk_tile(const conv_job *j, const conv_phase *p, const conv_chunk *c,
                                 const conv_tile *row) {
    conv_tile t = *row;
    t.x += c->x;
    t.w = p->packed + c->out * j->in * p->taps + (row->tap - p->tap) * c->size;
    t.skipped = (p->taps - (row->tap_end - row->tap)) * c->size;
    t.out += c->to;
    if (t.y) t.y += c->y;
    if (j->bias) t.bias = j->bias + c->out;
    return t;
}

/* Widest tile, in vectors, for ot output channels. */
INLINE int64_t conv_max_pt(int64_t ot) { return min_i64(CONV_PT, CONV_ACCUMULATORS / ot); }

static void conv_run_tiles(const conv_job *j, const conv_phase *p, const conv_tile *row,
                           const conv_run *r, int64_t c0, int64_t c1) {
    int64_t tiles = ceil_div(r->vectors, r->max_pt);
    for (int64_t k = 0; k < tiles; k++) {
        int64_t v, pt;
        balanced(r->vectors, tiles, k, &v, &pt);
        conv_tile at = *row;
        at.x += v * r->x_step;
        at.out += v * r->out_step;
        if (at.y) at.y += v * r->out_step;
        at.last_x = (k == tiles - 1 ? r->x_last : (v + pt - 1) * r->x_step) - v * r->x_step;
        at.last_out = (k == tiles - 1 ? r->out_last : (v + pt - 1) * r->out_step) - v * r->out_step;
        for (int64_t c = c0; c < c1; c++) {
            conv_tile t = conv_chunk_tile(j, p, &j->chunks[c], &at);
            r->table[(j->chunks[c].size - 1) * CONV_PT + pt - 1](j, &t);
        }
    }
}

static void conv_scattered_row(const conv_job *j, const conv_phase *p, const conv_tile *row,
                               int64_t c0, int64_t c1) {
    int64_t n = p->size[1] * tensor_l(j->x);
    for (int64_t c = c0; c < c1; c++) {
        conv_tile t = conv_chunk_tile(j, p, &j->chunks[c], row);
        for (int64_t from = 0; from < n; from += VW)
            conv_scattered(j, &t, j->chunks[c].size, from, min_i64(VW, n - from));
    }
}

/* How the vectors of a row are placed; table is NULL if they are scattered. */
static conv_run conv_row_run(const conv_job *j, const conv_phase *p) {
    int64_t lanes = tensor_l(j->x), n = p->size[1], floats = n * lanes, last = floats - VW;
    int64_t x_step = j->read_step[1] * lanes, out_step = j->write_step[1] * lanes;
    conv_tile_function *const *slide = conv_sliding(j, p);
    int64_t max_pt = conv_max_pt(min_i64(j->outs, j->max_ot));
    if (slide) max_pt = CONV_SLIDE_PT;
    if (!slide && j->read_step[1] == 1 && j->write_step[1] == 1 && last >= 0)
        return (conv_run){conv_contiguous[0], max_pt, 1, ceil_div(floats, VW), VW, VW, last, last};
    if (lanes % VW) return (conv_run){0};
    return (conv_run){slide ? slide : conv_stepped[0], max_pt, lanes / VW, n, x_step, out_step,
                      (n - 1) * x_step, (n - 1) * out_step};
}

/* Row m of a phase in one block, chunks [c0, c1) of its output channels. */
static void conv_row(const conv_job *j, const conv_phase *p, int64_t block, int64_t m, int64_t c0,
                     int64_t c1) {
    int64_t lanes = tensor_l(j->x), out_y = p->first[0] + m * j->write_step[0], begin, end;
    conv_live_taps(j, p, m, 1, &begin, &end);
    conv_tile row = {.tap = p->tap + begin, .tap_end = p->tap + end};
    row.x = tensor_row(j->x, block, 0, m * j->read_step[0]);
    row.out = tensor_row(j->out, block, 0, out_y) + p->first[1] * lanes;
    if (j->y) row.y = tensor_row(j->y, block, 0, out_y) + p->first[1] * lanes;
    conv_run run = conv_row_run(j, p);
    if (!run.table) {
        conv_scattered_row(j, p, &row, c0, c1);
        return;
    }
    for (int64_t part = 0; part < run.parts; part++) {
        conv_run_tiles(j, p, &row, &run, c0, c1);
        row.x += VW;
        row.out += VW;
        if (row.y) row.y += VW;
    }
}

static void conv_clear_row(const conv_job *j, int64_t block, int64_t y, int64_t c0, int64_t c1) {
    float *row = tensor_row(j->out, block, 0, y);
    for (int64_t c = c0; c < c1; c++)
        for (int64_t o = 0; o < j->chunks[c].size; o++)
            memset(row + j->chunks[c].to + o * j->out->stride[1], 0,
                   tensor_w(j->out) * tensor_l(j->out) * sizeof(float));
}

/* Whether output pixels without taps are zeros: those of gradients. */
INLINE int conv_leaves_zeros(const conv_job *j) {
    return !j->bias && (j->y || j->activation == ACT_LINEAR);
}

/* Row m of every phase: together they write neighbouring rows of out, and read the same of x. Where
 * phases have no taps (the kernel is smaller than the step), whole rows are cleared first: every
 * other pixel by itself would take longer. */
static void conv_phase_rows(const conv_job *j, int64_t block, int64_t m, int64_t c0, int64_t c1) {
    const conv_phase *end = j->phases + j->write_step[0] * j->write_step[1];
    int64_t cleared = -1;
    int clears = conv_leaves_zeros(j);
    for (const conv_phase *p = j->phases; p < end && clears; p++) {
        int64_t y = p->first[0] + m * j->write_step[0];
        if (p->taps || m >= p->size[0] || y == cleared) continue;
        conv_clear_row(j, block, y, c0, c1);
        cleared = y;
    }
    for (const conv_phase *p = j->phases; p < end; p++)
        if ((p->taps || !clears) && m < p->size[0] && p->size[1]) conv_row(j, p, block, m, c0, c1);
}

/* Threads share out (block, row, chunk), so that they stay even when there are few rows. */
static void conv_run_rows(const conv_job *j, const fc_context *ctx) {
    int64_t chunks = j->groups * conv_chunks(j), rows = j->phases->size[0], begin, end;
    split(active_blocks(j->out, ctx) * rows * chunks, ctx, &begin, &end);
    while (begin < end) {
        int64_t row = begin / chunks, c0 = begin % chunks, c1 = min_i64(chunks, c0 + end - begin);
        conv_phase_rows(j, row / rows, row % rows, c0, c1);
        begin += c1 - c0;
    }
}

#endif
