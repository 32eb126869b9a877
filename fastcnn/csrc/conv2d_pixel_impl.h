/* Kernels of one pixel with few channels: the pixels of a strip of a row wait in a panel, which
 * lies in L1, for all filters.
 *
 * Read in place, channels that are a multiple of 4 KiB apart would take turns in the same few sets
 * of L1, and each chunk of filters would wait for L2. The strip's first chunk fills the panel as it
 * goes, and fetches the next strip, which has come when that one's turn is. */
#ifndef FC_CONV2D_PIXEL_IMPL_H
#define FC_CONV2D_PIXEL_IMPL_H

#include "conv2d_rows_impl.h"
#include "tile.h"

#define PIXEL_PANEL_BYTES 32768

typedef struct {
    conv_tile tile;
    float *panel;                                    /* [channel][vector of the tile] */
    int fills;                                       /* the panel, or reads it */
    int64_t x_step, out_step;                        /* between vectors */
    int64_t ahead;                                   /* in x, from this strip to the next */
} pixel_tile;

typedef void pixel_function(const conv_job *, const pixel_tile *);

INLINE void pixel_fill(const conv_job *j, const pixel_tile *t, const int OT, const int PT,
                       vf *acc) {
    const float *p = t->tile.x + t->tile.tap->at, *w = t->tile.w;
    const int64_t channel = j->x->stride[1], ahead = t->ahead;
    int64_t at[CONV_PT];
    float *panel = t->panel;
    UNROLL for (int q = 0; q < PT; q++) at[q] = q * t->x_step;
    for (int64_t c = j->in; c > 0; c--, p += channel, panel += PT * VW, w += OT) {
        UNROLL for (int q = 0; q < PT; q++) {
            store(panel + q * VW, load(p + at[q]));
            __builtin_prefetch(p + channel + at[q]);
            __builtin_prefetch(p + ahead + at[q], 0, 2);
        }
        conv_multiply(p, w, at, OT, PT, acc);
    }
}

INLINE void pixel_read(const conv_job *j, const pixel_tile *t, const int OT, const int PT,
                       vf *acc) {
    const float *panel = t->panel, *w = t->tile.w;
    int64_t at[CONV_PT];
    UNROLL for (int q = 0; q < PT; q++) at[q] = q * VW;
    for (int64_t c = j->in; c > 0; c--, panel += PT * VW, w += OT)
        conv_multiply(panel, w, at, OT, PT, acc);
}

INLINE void pixel_run_tile(const conv_job *j, const pixel_tile *t, const int OT, const int PT) {
    vf acc[CONV_ACCUMULATORS];
    if (t->tile.y) conv_fetch_outputs(j, &t->tile, OT, PT, t->out_step);
    conv_start(&t->tile, OT, PT, acc);
    if (t->fills)
        pixel_fill(j, t, OT, PT, acc);
    else
        pixel_read(j, t, OT, PT, acc);
    conv_finish(j, &t->tile, OT, PT, t->out_step, t->tile.last_out, acc);
}

#define PIXEL_TILE(OT, PT) \
    NOINLINE void pixel_##OT##_##PT(const conv_job *j, const pixel_tile *t) { \
        if (OT * PT <= CONV_ACCUMULATORS) pixel_run_tile(j, t, OT, PT); \
    }
#define PIXEL_TILES(OT) \
    PIXEL_TILE(OT, 1) PIXEL_TILE(OT, 2) PIXEL_TILE(OT, 3) PIXEL_TILE(OT, 4) \
    PIXEL_TILE(OT, 5) PIXEL_TILE(OT, 6) PIXEL_TILE(OT, 7) PIXEL_TILE(OT, 8)
PIXEL_TILES(1) PIXEL_TILES(2) PIXEL_TILES(3) PIXEL_TILES(4) PIXEL_TILES(5) PIXEL_TILES(6)

#define PIXEL_ROW(OT) \
    {pixel_##OT##_1, pixel_##OT##_2, pixel_##OT##_3, pixel_##OT##_4, \
     pixel_##OT##_5, pixel_##OT##_6, pixel_##OT##_7, pixel_##OT##_8}

static pixel_function *const pixel_table[CONV_OT][CONV_PT] = {
    PIXEL_ROW(1), PIXEL_ROW(2), PIXEL_ROW(3), PIXEL_ROW(4), PIXEL_ROW(5), PIXEL_ROW(6)};

/* Bytes of the panel of one tile */
INLINE int64_t pixel_tile_bytes(const conv_job *j) {
    return j->in * conv_max_pt(min_i64(j->outs, j->max_ot)) * sizeof(vf);
}

INLINE int pixel_fits(const conv_job *j) {
    return j->kernel[0] * j->kernel[1] == 1 && j->groups == 1 && tensor_l(j->x) % VW == 0 &&
           j->write_step[0] == 1 && j->write_step[1] == 1 && !j->zero_top && !j->zero_bottom &&
           conv_chunks(j) > 1 && pixel_tile_bytes(j) <= PIXEL_PANEL_BYTES;
}

static size_t pixel_scratch(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    return w->shape[2] * w->shape[3] == 1 ? PIXEL_PANEL_BYTES : 0;
}

/* Vectors [first, first + n) of a row, chunks [c0, c1) of filters. */
static void pixel_strip(const conv_job *j, const conv_tile *row, const conv_run *r, int64_t first,
                        int64_t n, int64_t c0, int64_t c1, float *panel) {
    partition tiles = parts_of(n, r->max_pt);
    for (int64_t c = c0; c < c1; c++)
        for (int64_t k = 0; k < tiles.parts; k++) {
            int64_t v = part_begin(tiles, k), pt = part_size(tiles, k), to = first + v;
            conv_tile at = *row;
            at.x += to * r->x_step;
            at.out += to * r->out_step;
            if (at.y) at.y += to * r->out_step;
            at.last_out = (pt - 1) * r->out_step;
            pixel_tile t = {conv_chunk_tile(j, j->phases, &j->chunks[c], &at),
                            panel + v * j->in * VW, c == c0, r->x_step, r->out_step,
                            n * r->x_step};
            pixel_table[j->chunks[c].size - 1][pt - 1](j, &t);
        }
}

/* Row m of a block. */
static void pixel_row(const conv_job *j, int64_t block, int64_t m, int64_t c0, int64_t c1,
                      float *panel) {
    conv_tile row = {.tap = j->phases->tap, .tap_end = j->phases->tap + 1};
    row.x = tensor_row(j->x, block, 0, m * j->read_step[0]);
    row.out = tensor_row(j->out, block, 0, m);
    if (j->y) row.y = tensor_row(j->y, block, 0, m);
    conv_run run = conv_row_run(j, j->phases);
    partition strips = parts_of(run.vectors, PIXEL_PANEL_BYTES / pixel_tile_bytes(j) * run.max_pt);
    for (int64_t part = 0; part < run.parts; part++) {
        for (int64_t k = 0; k < strips.parts; k++)
            pixel_strip(j, &row, &run, part_begin(strips, k), part_size(strips, k), c0, c1, panel);
        row.x += VW;
        row.out += VW;
        if (row.y) row.y += VW;
    }
}

/* Threads share out (block, row, chunk). */
static void pixel_run(const conv_job *j, const fc_context *ctx) {
    int64_t chunks = conv_chunks(j), rows = j->phases->size[0], begin, end;
    split(active_blocks(j->out, ctx) * rows * chunks, ctx, &begin, &end);
    while (begin < end) {
        int64_t row = begin / chunks, c0 = begin % chunks, c1 = min_i64(chunks, c0 + end - begin);
        pixel_row(j, row / rows, row % rows, c0, c1, (float *)ctx->scratch);
        begin += c1 - c0;
    }
}

#endif
