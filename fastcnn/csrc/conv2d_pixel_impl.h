/* Kernels of one pixel with few channels: the pixels of a strip of a row wait in a panel, which
 * lies in L1, for all filters.
 *
 * Read in place, channels that are a multiple of 4 KiB apart would take turns in the same few sets
 * of L1, and each chunk of filters would wait for L2. The strip's first chunk fills the panel as it
 * goes; and at each step of the sums of any chunk a line of the next strip is fetched. More at once
 * would fill the queue of misses, and the sums would wait for it.
 *
 * An input gradient with a step between pixels clears what lies between its pixels as it goes. */
#ifndef FC_CONV2D_PIXEL_IMPL_H
#define FC_CONV2D_PIXEL_IMPL_H

#include "conv2d_rows_impl.h"
#include "tile.h"

#define PIXEL_PANEL_BYTES 32768

/* What is still to be fetched of a strip. */
typedef struct {
    const float *x;                                  /* of the next channel */
    int64_t channels, vectors;                       /* of each channel */
} pixel_fetch;

typedef struct {
    conv_tile tile;
    float *panel;                                    /* [channel][vector of the tile] */
    int fills;                                       /* the panel, or reads it */
    int64_t x_step, out_step;                        /* between vectors */
    int64_t rows, cols;                              /* of out, to the next tiles, in vectors */
    pixel_fetch *next;
} pixel_tile;

typedef void pixel_function(const conv_job *, const pixel_tile *);

/* ---- tiles ---- */

INLINE void pixel_accumulate(const conv_job *j, const pixel_tile *t, const int fills, const int OT,
                             const int PT, vf *acc) {
    const float *p = t->tile.x + t->tile.tap->at, *w = t->tile.w;
    const int64_t channel = j->x->stride[1];
    float *panel = t->panel;
    int64_t at[CONV_PT], kept[CONV_PT];
    UNROLL for (int q = 0; q < PT; q++) {
        at[q] = q * t->x_step;
        kept[q] = q * VW;
    }
    for (int64_t left = j->in, n; left > 0; left -= n) {
        const float *next = t->next->channels ? t->next->x : t->panel;
        int64_t step = t->next->channels ? t->x_step : 0;
        n = min_i64(left, t->next->vectors);
        for (int64_t c = n; c > 0; c--, next += step, panel += PT * VW, w += OT) {
            __builtin_prefetch(next, 0, 2);
            if (!fills) {
                conv_multiply(panel, w, kept, OT, PT, acc);
                continue;
            }
            UNROLL for (int q = 0; q < PT; q++) {
                store(panel + q * VW, load(p + at[q]));
                __builtin_prefetch(p + channel + at[q]);
            }
            conv_multiply(p, w, at, OT, PT, acc);
            p += channel;
        }
        if (!step) continue;
        t->next->x += channel;
        t->next->channels--;
    }
}

/* Zeros from each pixel of the tile to the next one, to the right and below. */
NOINLINE void pixel_clear(const conv_job *j, const pixel_tile *t, int64_t outs) {
    int64_t unit = t->out_step / j->write_step[1];
    float *out = t->tile.out;
    for (int64_t o = 0; o < outs; o++, out += j->out->stride[1])
        for (int64_t y = 0; y < t->rows; y++)
            for (int64_t x = 0; x < t->cols; x++) {
                float *to = out + y * j->out->stride[2] + x * unit;
                if (y == 0 && x % j->write_step[1] == 0) continue;
                conv_put(j->streamed, to, (vf){0});
            }
}

INLINE void pixel_run_tile(const conv_job *j, const pixel_tile *t, const int OT, const int PT) {
    vf acc[CONV_ACCUMULATORS];
    if (t->tile.y) conv_fetch_outputs(j, &t->tile, OT, PT, t->out_step);
    conv_start(&t->tile, OT, PT, acc);
    if (t->fills)
        pixel_accumulate(j, t, 1, OT, PT, acc);
    else
        pixel_accumulate(j, t, 0, OT, PT, acc);
    conv_finish(j, &t->tile, OT, PT, t->out_step, t->tile.last_out, acc);
    if (t->rows * t->cols > 1) pixel_clear(j, t, OT);
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

/* ---- strips ---- */

/* Bytes of the panel of one tile */
INLINE int64_t pixel_tile_bytes(const conv_job *j) {
    return j->in * conv_max_pt(min_i64(j->outs, j->max_ot)) * sizeof(vf);
}

/* Between pixels of the output there must be zeros, and the first pixel at the corner. */
INLINE int pixel_fits(const conv_job *j) {
    int stepped = j->write_step[0] * j->write_step[1] > 1;
    if (stepped && (!conv_leaves_zeros(j) || j->shift[0] || j->shift[1])) return 0;
    return j->kernel[0] * j->kernel[1] == 1 && j->groups == 1 && tensor_l(j->x) % VW == 0 &&
           !j->zero_top && !j->zero_bottom && conv_chunks(j) > 1 &&
           pixel_tile_bytes(j) <= PIXEL_PANEL_BYTES;
}

static size_t pixel_scratch(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    return w->shape[2] * w->shape[3] == 1 ? PIXEL_PANEL_BYTES : 0;
}

/* How rows are cut into strips. */
typedef struct {
    conv_run run;
    partition strips;                                /* of the vectors of a row */
    int64_t rows, count;                             /* strips of all rows */
} pixel_plan;

static pixel_plan pixel_make_plan(const conv_job *j, int64_t blocks) {
    pixel_plan p = {.run = conv_row_run(j, j->phases), .rows = j->phases->size[0]};
    int64_t most = PIXEL_PANEL_BYTES / pixel_tile_bytes(j) * p.run.max_pt;
    p.strips = parts_of(p.run.vectors, most);
    p.count = blocks * p.rows * p.run.parts * p.strips.parts;
    return p;
}

/* The strip's first vector */
static conv_tile pixel_place(const conv_job *j, const pixel_plan *p, int64_t strip) {
    int64_t first = part_begin(p->strips, strip % p->strips.parts);
    int64_t at = strip / p->strips.parts, part = at % p->run.parts * VW;
    int64_t m = at / p->run.parts % p->rows, block = at / p->run.parts / p->rows;
    int64_t out_y = m * j->write_step[0], to = part + first * p->run.out_step;
    conv_tile t = {.tap = j->phases->tap, .tap_end = j->phases->tap + 1};
    t.x = tensor_row(j->x, block, 0, m * j->read_step[0]) + part + first * p->run.x_step;
    t.out = tensor_row(j->out, block, 0, out_y) + to;
    if (j->y) t.y = tensor_row(j->y, block, 0, out_y) + to;
    return t;
}

/* What of the output lies between vectors [begin, begin + pt) of a row and the next tiles. */
static void pixel_extend(const conv_job *j, const pixel_plan *p, int64_t strip, int64_t begin,
                         int64_t pt, pixel_tile *t) {
    int64_t y = strip / p->strips.parts / p->run.parts % p->rows * j->write_step[0];
    int64_t cols = tensor_w(j->out) * tensor_l(j->out) / p->run.parts / VW;
    t->rows = min_i64(j->write_step[0], tensor_h(j->out) - y);
    t->cols = min_i64(pt * j->write_step[1], cols - begin * j->write_step[1]);
}

static pixel_fetch pixel_next(const conv_job *j, const pixel_plan *p, int64_t strip) {
    if (strip == p->count) return (pixel_fetch){.vectors = j->in};
    return (pixel_fetch){pixel_place(j, p, strip).x + j->phases->tap->at, j->in,
                         part_size(p->strips, strip % p->strips.parts)};
}

/* Chunks [c0, c1) of filters of a strip. */
static void pixel_strip(const conv_job *j, const pixel_plan *p, int64_t strip, int64_t c0,
                        int64_t c1, float *panel) {
    int64_t k = strip % p->strips.parts, first = part_begin(p->strips, k);
    const conv_run *r = &p->run;
    conv_tile place = pixel_place(j, p, strip);
    partition tiles = parts_of(part_size(p->strips, k), r->max_pt);
    pixel_fetch next = pixel_next(j, p, strip + 1);
    for (int64_t c = c0; c < c1; c++)
        for (int64_t i = 0; i < tiles.parts; i++) {
            int64_t v = part_begin(tiles, i), pt = part_size(tiles, i);
            conv_tile at = place;
            at.x += v * r->x_step;
            at.out += v * r->out_step;
            if (at.y) at.y += v * r->out_step;
            at.last_out = (pt - 1) * r->out_step;
            pixel_tile t = {conv_chunk_tile(j, j->phases, &j->chunks[c], &at),
                            panel + v * j->in * VW, c == c0, r->x_step, r->out_step, 1, 1, &next};
            if (j->write_step[0] * j->write_step[1] > 1) pixel_extend(j, p, strip, first + v, pt, &t);
            pixel_table[j->chunks[c].size - 1][pt - 1](j, &t);
        }
}

/* Threads share out (strip, chunk). */
static void pixel_run(const conv_job *j, const fc_context *ctx) {
    pixel_plan p = pixel_make_plan(j, active_blocks(j->out, ctx));
    int64_t chunks = conv_chunks(j), begin, end;
    split(p.count * chunks, ctx, &begin, &end);
    while (begin < end) {
        int64_t c0 = begin % chunks, c1 = min_i64(chunks, c0 + end - begin);
        pixel_strip(j, &p, begin / chunks, c0, c1, (float *)ctx->scratch);
        begin += c1 - c0;
    }
}

#endif
