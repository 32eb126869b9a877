/* Winograd's weight gradient where the sums of all positions fit a core's cache: threads share
 * tiles, each of which is transformed once. The tiles are dealt into as many shares as the sums
 * have, whoever computes them, so that bits do not depend on the number of threads. */
#ifndef FC_WINOGRAD_WEIGHT_TILES_IMPL_H
#define FC_WINOGRAD_WEIGHT_TILES_IMPL_H

#include "winograd_weight_job_impl.h"

#define WINO_SHARE_BYTES 655360                      /* of V, dM and sums of a chunk: in L2 */

static wino_dw_job wino_tiles_job(const fc_args *a, int paired) {
    wino_dw_job d = wino_dw_make_job(a, paired);
    int64_t sums = d.tiles.area * d.tiles.in * d.padded * sizeof(float);
    int64_t tile = d.tiles.area * wino_dw_tile_floats(&d) * sizeof(float);
    wino_dw_choose_chunk(&d, (WINO_SHARE_BYTES - sums) / tile);
    return d;
}

static size_t wino_tiles_scratch(const fc_args *a, int paired) {
    wino_dw_job d = wino_tiles_job(a, paired);
    int64_t half = d.tiles.side * WINO_WIDTH, bias = d.tiles.outs * VW;
    return (d.tiles.area * (d.v_position + d.dm_position) + half + bias) * sizeof(float);
}

/* V of one tile and channel, from columns transformed along y. next: where that of the next one goes;
 * its 36 lines are fetched for writing, because stores wait for lines that lie in L2. */
INLINE void wino_tile_v(const float *half, float *to, const float *next, int64_t position,
                        const int S, const int paired) {
    for (int i = 0; i < S; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int k = 0; k < S; k++) in[k] = load(half + k * VW);
        wino_input(in, out, S);
        UNROLL for (int k = 0; k < S; k++, to += position, next += position) {
            if (paired)
                store_bf16((uint16_t *)to, out[k]);
            else
                store(to, out[k]);
            __builtin_prefetch(next, 1);
        }
    }
}

#define WINO_TILE_V(S) \
    NOINLINE void wino_tile_v_##S(const float *half, float *to, const float *next, int64_t position) { \
        wino_tile_v(half, to, next, position, S, 0); \
    } \
    NOINLINE void wino_tile_v_bf16_##S(const float *half, float *to, const float *next, \
                                       int64_t position) { \
        wino_tile_v(half, to, next, position, S, 1); \
    }
WINO_TILE_V(6) WINO_TILE_V(4)

/* Not inline, for the sake of registers. */
#define WINO_TILES_COLUMNS(S) \
    NOINLINE void wino_tiles_columns_##S(const wino_source *s, int64_t width, float *half) { \
        wino_input_columns(s, width, half, S); \
    }
WINO_TILES_COLUMNS(6) WINO_TILES_COLUMNS(4)

/* [side], and [paired][side] */
static void (*const wino_tiles_columns[WINO_SIDES])(const wino_source *, int64_t, float *) =
    WINO_SIDE_NAMES(wino_tiles_columns);
static void (*const wino_tile_vs[2][WINO_SIDES])(const float *, float *, const float *, int64_t) = {
    WINO_SIDE_NAMES(wino_tile_v), WINO_SIDE_NAMES(wino_tile_v_bf16)};

/* V of a run of tiles, the first of which is the chunk's tile `tile`. */
static void wino_tiles_x(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile, float *v,
                         float *half) {
    const wino_job *j = &d->tiles;
    int64_t width = (r->count - 1) * j->m + j->side;
    int side = wino_side_index(j->side);
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t channel = 0; channel < j->in; channel++, wino_next_channel(&s, (int)j->side)) {
            wino_dw_row row = wino_dw_row_of(d, channel, v);
            float *first = row.to + (tile * j->parts + part) * row.step, *to = first, *next;
            wino_tiles_columns[side](&s, width, half);
            for (int64_t t = 0; t < r->count; t++, to = next) {
                next = t + 1 < r->count ? to + j->parts * row.step : first + d->line;
                wino_tile_vs[j->paired][side](half + t * j->m * VW, to, next, d->v_position);
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
INLINE void wino_dm_half(const vf *pixels, int l, vf half[4][WINO_SIDE], const int S, const int M) {
    UNROLL for (int k = 0; k < M; k++) {
        vf y[4];
        UNROLL for (int i = 0; i < M; i++) y[i] = pixels[(i * M + k) * VW + l];
        wino_output_adjoint(y, half[k], S, M);
    }
}

/* Row i of A dy A' */
INLINE void wino_dm_row(vf half[4][WINO_SIDE], const int i, vf m[WINO_SIDE], const int S, const int M) {
    vf y[4];
    UNROLL for (int k = 0; k < M; k++) y[k] = half[k][i];
    wino_output_adjoint(y, m, S, M);
}

/* dM of a tile */
INLINE void wino_tile_images(const wino_dy_tile *t, float *to, int64_t width, int64_t position,
                             const int S, const int M) {
    vf pixels[16 * VW], half[4][WINO_SIDE], m[WINO_SIDE];
    wino_turn_tile(t, pixels, M);
    for (int l = 0; l < VW; l++, to += width) {
        float *at = to;
        wino_dm_half(pixels, l, half, S, M);
        UNROLL for (int i = 0; i < S; i++) {
            wino_dm_row(half, i, m, S, M);
            UNROLL for (int k = 0; k < S; k++, at += position) store(at, m[k]);
        }
    }
}

/* The same in bf16 */
INLINE void wino_tile_pairs(const wino_dy_tile *t, float *to, int64_t width, int64_t position,
                            const int S, const int M) {
    vf pixels[16 * VW], half[2][4][WINO_SIDE], m[2][WINO_SIDE];
    wino_turn_tile(t, pixels, M);
    for (int l = 0; l < VW; l += 2, to += width) {
        uint32_t *at = (uint32_t *)to;
        UNROLL for (int q = 0; q < 2; q++) wino_dm_half(pixels, l + q, half[q], S, M);
        UNROLL for (int i = 0; i < S; i++) {
            UNROLL for (int q = 0; q < 2; q++) wino_dm_row(half[q], i, m[q], S, M);
            UNROLL for (int k = 0; k < S; k++, at += position)
                store_pairs(at, pair(m[0][k], m[1][k]));
        }
    }
}

#define WINO_TILE_DM(S, M, name) \
    NOINLINE void name##_##S##_##M(const wino_dy_tile *t, float *to, int64_t width, int64_t position) { \
        name(t, to, width, position, S, M); \
    }
WINO_FOR_EACH(WINO_TILE_DM, wino_tile_images)
WINO_FOR_EACH(WINO_TILE_DM, wino_tile_pairs)

static wino_dy_function *const wino_tile_dm[2][WINO_FORMS] = {
    {WINO_FOR_EACH(WINO_NAME, wino_tile_images)}, {WINO_FOR_EACH(WINO_NAME, wino_tile_pairs)}};

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
            wino_dw_dy(d, &r, t - begin, group, wino_tile_dm[d->tiles.paired][d->tiles.form], s->dm);
        }
        wino_dw_multiply(d, (int)d->tiles.area, vectors, end - begin, s->v, s->dm, sums + first * VW);
    }
}

static void wino_tiles_run(const fc_args *a, const fc_context *ctx, int paired) {
    wino_dw_job d = wino_tiles_job(a, paired);
    wino_tiles_memory s = {.v = (float *)ctx->scratch};
    int64_t size = d.tiles.area * d.tiles.in * d.padded, outs = d.tiles.outs, begin, end;
    partition tiles = {active_blocks(d.dy, ctx) * d.tiles.tiles, d.shares};
    s.dm = s.v + d.tiles.area * d.v_position;
    s.half = s.dm + d.tiles.area * d.dm_position;
    s.bias = s.half + d.tiles.side * WINO_WIDTH;
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
