/* Winograd's weight gradient where the sums of all positions fit a core's cache: threads share
 * tiles, each of which is transformed once. The tiles are dealt into as many shares as the sums
 * have, whoever computes them, so that bits do not depend on the number of threads. */
#ifndef FC_WINOGRAD_WEIGHT_TILES_IMPL_H
#define FC_WINOGRAD_WEIGHT_TILES_IMPL_H

#include "winograd_weight_job_impl.h"

#define WINO_SHARE_BYTES 655360                      /* of V, dM and sums of a chunk: in L2 */

static wino_dw_job wino_tiles_job(const fc_args *a, int paired) {
    wino_dw_job d = wino_dw_make_job(a, paired);
    int64_t sums = WINO_AREA * d.tiles.in * d.padded * sizeof(float);
    int64_t tile = WINO_AREA * wino_dw_tile_floats(&d) * sizeof(float);
    wino_dw_choose_chunk(&d, (WINO_SHARE_BYTES - sums) / tile);
    return d;
}

static size_t wino_tiles_scratch(const fc_args *a, int paired) {
    wino_dw_job d = wino_tiles_job(a, paired);
    int64_t half = WINO_SIDE * WINO_WIDTH, bias = d.tiles.outs * VW;
    return (WINO_AREA * (d.v_position + d.dm_position) + half + bias) * sizeof(float);
}

/* As wino_input_tile, rounded to bf16. */
INLINE void wino_input_rounded(const float *half, float *to, int64_t position) {
    for (int i = 0; i < WINO_SIDE; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int k = 0; k < WINO_SIDE; k++) in[k] = load(half + k * VW);
        wino_input(in, out);
        UNROLL for (int k = 0; k < WINO_SIDE; k++, to += position) store_bf16((uint16_t *)to, out[k]);
    }
}

/* V of a run of tiles, the first of which is the chunk's tile `tile`. */
static void wino_tiles_x(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile, float *v,
                         float *half) {
    const wino_job *j = &d->tiles;
    int64_t width = (r->count - 1) * j->m + WINO_SIDE;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t channel = 0; channel < j->in; channel++, wino_next_channel(&s)) {
            wino_dw_row row = wino_dw_row_of(d, channel, v);
            wino_input_columns(&s, width, half);
            for (int64_t t = 0; t < r->count; t++) {
                float *to = row.to + ((tile + t) * j->parts + part) * row.step;
                if (j->paired)
                    wino_input_rounded(half + t * j->m * VW, to, d->v_position);
                else
                    wino_input_tile(half + t * j->m * VW, to, d->v_position);
            }
        }
    }
}

/* ---- dM ---- */

/* One pixel of VW images and filters, in lanes of filters. */
INLINE void wino_turn_pixel(const wino_dy_tile *t, const float *from, vf *pixel) {
    vf v[VW];
    if (t->filters == VW) {
        UNROLL for (int f = 0; f < VW; f++) v[f] = load(from + f * t->filter_step);
    } else {
        for (int f = 0; f < VW; f++)
            v[f] = f < t->filters ? load(from + f * t->filter_step) : (vf){0};
    }
    transpose(v);
    UNROLL for (int l = 0; l < VW; l++) pixel[l] = v[l];
}

/* pixels[row][column][image] of a tile */
INLINE void wino_turn_tile(const wino_dy_tile *t, vf *pixels, const int M) {
    for (int i = 0; i < M; i++)
        for (int k = 0; k < M; k++, pixels += VW) {
            if (i < t->rows && k < t->cols)
                wino_turn_pixel(t, t->dy + i * t->row_step + k * t->column_step, pixels);
            else
                memset(pixels, 0, VW * sizeof(vf));
        }
}

/* A dy of image l: half[column][6] */
INLINE void wino_dm_half(const vf *pixels, int l, vf half[4][WINO_SIDE], const int M) {
    UNROLL for (int k = 0; k < M; k++) {
        vf y[4];
        UNROLL for (int i = 0; i < M; i++) y[i] = pixels[(i * M + k) * VW + l];
        wino_output_adjoint(y, half[k], M);
    }
}

/* Row i of A dy A' */
INLINE void wino_dm_row(vf half[4][WINO_SIDE], const int i, vf m[WINO_SIDE], const int M) {
    vf y[4];
    UNROLL for (int k = 0; k < M; k++) y[k] = half[k][i];
    wino_output_adjoint(y, m, M);
}

/* dM of a tile; width: floats from one image to the next. */
INLINE void wino_tile_images(const wino_dy_tile *t, float *to, int64_t width, int64_t position,
                             const int M) {
    vf pixels[16 * VW], half[4][WINO_SIDE], m[WINO_SIDE];
    wino_turn_tile(t, pixels, M);
    for (int l = 0; l < VW; l++, to += width) {
        float *at = to;
        wino_dm_half(pixels, l, half, M);
        UNROLL for (int i = 0; i < WINO_SIDE; i++) {
            wino_dm_row(half, i, m, M);
            UNROLL for (int k = 0; k < WINO_SIDE; k++, at += position) store(at, m[k]);
        }
    }
}

/* The same in bf16; width: from one pair of images to the next. */
INLINE void wino_tile_pairs(const wino_dy_tile *t, float *to, int64_t width, int64_t position,
                            const int M) {
    vf pixels[16 * VW], half[2][4][WINO_SIDE], m[2][WINO_SIDE];
    wino_turn_tile(t, pixels, M);
    for (int l = 0; l < VW; l += 2, to += width) {
        uint32_t *at = (uint32_t *)to;
        UNROLL for (int q = 0; q < 2; q++) wino_dm_half(pixels, l + q, half[q], M);
        UNROLL for (int i = 0; i < WINO_SIDE; i++) {
            UNROLL for (int q = 0; q < 2; q++) wino_dm_row(half[q], i, m[q], M);
            UNROLL for (int k = 0; k < WINO_SIDE; k++, at += position)
                store_pairs(at, pair(m[0][k], m[1][k]));
        }
    }
}

#define WINO_TILE_DM(name, M) \
    NOINLINE void name##_##M(const wino_dy_tile *t, float *to, int64_t width, int64_t position) { \
        name(t, to, width, position, M); \
    }
WINO_TILE_DM(wino_tile_images, 2) WINO_TILE_DM(wino_tile_images, 4)
WINO_TILE_DM(wino_tile_pairs, 2) WINO_TILE_DM(wino_tile_pairs, 4)

static void (*const wino_tile_dm[2][2])(const wino_dy_tile *, float *, int64_t, int64_t) = {
    {wino_tile_images_2, wino_tile_images_4}, {wino_tile_pairs_2, wino_tile_pairs_4}};

/* dM of a run of tiles, `vectors` of filters from `first` on */
static void wino_tiles_dy(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile,
                          int64_t first, int64_t vectors, float *dm) {
    const wino_job *j = &d->tiles;
    int64_t width = vectors * VW;
    for (int64_t v = 0; v < vectors; v++)
        for (int64_t t = 0; t < r->count; t++)
            for (int64_t part = 0; part < j->parts; part++) {
                wino_dy_tile from = wino_dy_tile_at(d, r, t, part, (first + v) * VW);
                float *to = dm + ((tile + t) * j->parts + part) * d->line * width + v * VW;
                wino_tile_dm[j->paired][j->m / 4](&from, to, width, d->dm_position);
            }
}

/* ---- shares ---- */

typedef struct {
    float *v, *dm, *half, *bias;
} wino_tiles_memory;

/* Tiles [begin, end); sums: of the share. */
static void wino_tiles_chunk(const wino_dw_job *d, int64_t begin, int64_t end,
                             const wino_tiles_memory *s, float *sums) {
    wino_run_of_tiles r;
    for (int64_t t = begin; t < end; t += r.count) {
        r = wino_run_at(&d->tiles, t, end);
        wino_tiles_x(d, &r, t - begin, s->v, s->half);
        if (d->bias_sums) wino_dw_add_bias(d, &r, 0, d->tiles.outs, s->bias);
    }
    for (int64_t group = 0; group < d->groups.parts; group++) {
        int64_t first = part_begin(d->groups, group), vectors = part_size(d->groups, group);
        for (int64_t t = begin; t < end; t += r.count) {
            r = wino_run_at(&d->tiles, t, end);
            wino_tiles_dy(d, &r, t - begin, first, vectors, s->dm);
        }
        wino_dw_multiply(d, WINO_AREA, vectors, end - begin, s->v, s->dm, sums + first * VW);
    }
}

static void wino_tiles_run(const fc_args *a, const fc_context *ctx, int paired) {
    wino_dw_job d = wino_tiles_job(a, paired);
    wino_tiles_memory s = {.v = (float *)ctx->scratch};
    int64_t size = WINO_AREA * d.tiles.in * d.padded, outs = d.tiles.outs, begin, end;
    partition tiles = {active_blocks(d.dy, ctx) * d.tiles.tiles, d.shares};
    s.dm = s.v + WINO_AREA * d.v_position;
    s.half = s.dm + WINO_AREA * d.dm_position;
    s.bias = s.half + WINO_SIDE * WINO_WIDTH;
    split(d.shares, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        int64_t last = part_begin(tiles, k + 1);
        float *sums = d.sums + k * size;
        memset(sums, 0, size * sizeof(float));
        memset(s.bias, 0, outs * VW * sizeof(float));
        for (int64_t t = part_begin(tiles, k); t < last; t += d.chunk)
            wino_tiles_chunk(&d, t, min_i64(last, t + d.chunk), &s, sums);
        if (d.bias_sums) wino_dw_write_bias(s.bias, 0, outs, d.bias_sums + k * outs);
    }
}

#endif
