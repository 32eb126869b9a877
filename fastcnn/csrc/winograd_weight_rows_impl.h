/* Winograd's weight gradient where the sums of all positions are more than a core's cache holds: a
 * thread owns rows of positions for groups of filters, transforms what these need of x and dy, and
 * goes over all tiles in order. */
#ifndef FC_WINOGRAD_WEIGHT_ROWS_IMPL_H
#define FC_WINOGRAD_WEIGHT_ROWS_IMPL_H

#include "winograd_weight_job_impl.h"

#define WINO_DM_BYTES 32768                          /* of one position: lies in L1 */
#define WINO_ROW_BYTES 524288                        /* of one row of positions, V and dM: in L2 */

static wino_dw_job wino_rows_job(const fc_args *a, int paired) {
    wino_dw_job d = wino_dw_make_job(a, paired);
    int64_t dm = wino_dw_widest(&d) * d.tiles.parts * d.line * sizeof(float);
    int64_t row = d.tiles.side * wino_dw_tile_floats(&d) * sizeof(float);
    wino_dw_choose_chunk(&d, min_i64(WINO_DM_BYTES / dm, WINO_ROW_BYTES / row));
    return d;
}

static size_t wino_rows_scratch(const fc_args *a, int paired) {
    wino_dw_job d = wino_rows_job(a, paired);
    int64_t columns = ((d.chunk - 1) * d.tiles.m + d.tiles.side) * VW, bias = d.tiles.outs * VW;
    return (d.tiles.side * (d.v_position + d.dm_position) + columns + bias) * sizeof(float);
}

/* ---- one row of V ---- */

/* Whether row I of B' has a factor for row i. */
INLINE int wino_takes_row(const int I, const int i, const int S) {
    return I == 0 || I == S - 1 ? i % 2 == I % 2 : i > 0 && i < S - 1;
}

/* Row I of B' x, of the columns of pixels inside the image. */
INLINE void wino_input_row(const wino_source *s, float *out, const int I, const int S) {
    const float *row[WINO_SIDE];
    int64_t step[WINO_SIDE], next[WINO_SIDE], there = s->there;
    UNROLL for (int i = 0; i < S; i++) {
        step[i] = s->step[i];
        next[i] = s->channel[i];
        row[i] = s->row[i] + s->before * step[i];
    }
    for (int64_t k = s->before; k < there; k++) {
        vf in[WINO_SIDE], v[WINO_SIDE];
        UNROLL for (int i = 0; i < S; i++) {
            in[i] = load(row[i]);
            if (wino_takes_row(I, i, S)) __builtin_prefetch(row[i] + next[i]);
            row[i] += step[i];
        }
        wino_input(in, v, S);
        store(out + k * VW, v[I]);
    }
}
#define WINO_INPUT_ROW(I, S) \
    NOINLINE void wino_input_row_##I##_##S(const wino_source *s, float *out) { \
        wino_input_row(s, out, I, S); \
    }
WINO_INPUT_ROW(0, 6) WINO_INPUT_ROW(1, 6) WINO_INPUT_ROW(2, 6)
WINO_INPUT_ROW(3, 6) WINO_INPUT_ROW(4, 6) WINO_INPUT_ROW(5, 6)
WINO_INPUT_ROW(0, 4) WINO_INPUT_ROW(1, 4) WINO_INPUT_ROW(2, 4) WINO_INPUT_ROW(3, 4)

/* [side][row] */
static void (*const wino_input_rows[WINO_SIDES][WINO_SIDE])(const wino_source *, float *) = {
    {wino_input_row_0_6, wino_input_row_1_6, wino_input_row_2_6,
     wino_input_row_3_6, wino_input_row_4_6, wino_input_row_5_6},
    {wino_input_row_0_4, wino_input_row_1_4, wino_input_row_2_4, wino_input_row_3_4}};

INLINE void wino_rows_store(const wino_job *j, float *to, vf v) {
    if (j->paired)
        store_bf16((uint16_t *)to, v);
    else
        store(to, v);
}

/* A row of V of a run of tiles, the first of which is the chunk's tile `tile`. */
INLINE void wino_rows_x(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile, int i,
                        float *v, float *columns, const int S) {
    const wino_job *j = &d->tiles;
    int64_t width = (r->count - 1) * j->m + S;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        memset(columns, 0, s.before * VW * sizeof(float));
        memset(columns + s.there * VW, 0, (width - s.there) * VW * sizeof(float));
        for (int64_t channel = 0; channel < j->in; channel++, wino_next_channel(&s, S)) {
            wino_dw_row row = wino_dw_row_of(d, channel, v);
            wino_input_rows[wino_side_index(S)][i](&s, columns);
            for (int64_t t = 0; t < r->count; t++) {
                float *to = row.to + ((tile + t) * j->parts + part) * row.step;
                vf in[WINO_SIDE], out[WINO_SIDE];
                UNROLL for (int k = 0; k < S; k++)
                    in[k] = load(columns + (t * j->m + k) * VW);
                wino_input(in, out, S);
                UNROLL for (int k = 0; k < S; k++, to += d->v_position)
                    wino_rows_store(j, to, out[k]);
            }
        }
    }
}

#define WINO_ROWS_X(S) \
    NOINLINE void wino_rows_x_##S(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile, int i, \
                                  float *v, float *columns) { \
        wino_rows_x(d, r, tile, i, v, columns, S); \
    }
WINO_ROWS_X(6) WINO_ROWS_X(4)

static void (*const wino_rows_xs[WINO_SIDES])(const wino_dw_job *, const wino_run_of_tiles *, int64_t,
                                              int, float *, float *) = WINO_SIDE_NAMES(wino_rows_x);

/* ---- one row of dM ---- */

/* half[column][filter]: row I of A dy, transposed to lanes of filters: half[column][image]. */
INLINE void wino_dy_row(const wino_dy_tile *t, vf *half, const int I, const int S, const int M) {
    for (int64_t k = 0; k < M; k++, half += VW) {
        if (k >= t->cols) {
            for (int f = 0; f < VW; f++) half[f] = (vf){0};
            continue;
        }
        const float *from = t->dy + k * t->column_step;
        for (int64_t f = 0; f < t->filters; f++, from += t->filter_step) {
            vf y[4], m[WINO_SIDE];
            UNROLL for (int i = 0; i < M; i++)
                y[i] = i < t->rows ? load(from + i * t->row_step) : (vf){0};
            wino_output_adjoint(y, m, S, M);
            half[f] = m[I];
        }
        for (int64_t f = t->filters; f < VW; f++) half[f] = (vf){0};
        transpose(half);
    }
}

INLINE void wino_dm_image(const vf *half, int l, vf m[WINO_SIDE], const int S, const int M) {
    vf y[4];
    UNROLL for (int k = 0; k < M; k++) y[k] = half[k * VW + l];
    wino_output_adjoint(y, m, S, M);
}

/* Along x, for each image. */
INLINE void wino_dm_images(const vf *half, float *to, int64_t width, int64_t position, const int S, const int M) {
    for (int l = 0; l < VW; l++, to += width) {
        vf m[WINO_SIDE];
        wino_dm_image(half, l, m, S, M);
        UNROLL for (int k = 0; k < S; k++) store(to + k * position, m[k]);
    }
}

/* The same in bf16. */
INLINE void wino_dm_pairs(const vf *half, float *to, int64_t width, int64_t position, const int S, const int M) {
    for (int l = 0; l < VW; l += 2, to += width) {
        vf even[WINO_SIDE], odd[WINO_SIDE];
        wino_dm_image(half, l, even, S, M);
        wino_dm_image(half, l + 1, odd, S, M);
        UNROLL for (int k = 0; k < S; k++)
            store_pairs((uint32_t *)(to + k * position), pair(even[k], odd[k]));
    }
}

#define WINO_DM(S, M, name) \
    NOINLINE void name##_##S##_##M(const vf *half, float *to, int64_t width, int64_t position) { \
        name(half, to, width, position, S, M); \
    }
WINO_FOR_EACH(WINO_DM, wino_dm_images)
WINO_FOR_EACH(WINO_DM, wino_dm_pairs)

/* Row I of a tile; the two halves are not inlined, for the sake of registers. */
#define WINO_ROW_DM(I, S, M, name) \
    static void wino_row_##name##_##I##_##S##_##M(const wino_dy_tile *t, float *to, int64_t width, \
                                                  int64_t position) { \
        vf half[4 * VW]; \
        wino_dy_row_##I##_##S##_##M(t, half); \
        wino_dm_##name##_##S##_##M(half, to, width, position); \
    }
#define WINO_ROW(I, S, M) \
    NOINLINE void wino_dy_row_##I##_##S##_##M(const wino_dy_tile *t, vf *half) { \
        wino_dy_row(t, half, I, S, M); \
    } \
    WINO_ROW_DM(I, S, M, images) WINO_ROW_DM(I, S, M, pairs)
#define WINO_ROW_IMAGES_NAME(I, S, M) wino_row_images_##I##_##S##_##M,
#define WINO_ROW_PAIRS_NAME(I, S, M) wino_row_pairs_##I##_##S##_##M,
#define WINO_ROWS_TO_4(F, S, M) F(0, S, M) F(1, S, M) F(2, S, M) F(3, S, M)
#define WINO_ROWS_TO_6(F, S, M) WINO_ROWS_TO_4(F, S, M) F(4, S, M) F(5, S, M)
WINO_ROWS_TO_6(WINO_ROW, 6, 4) WINO_ROWS_TO_6(WINO_ROW, 6, 2) WINO_ROWS_TO_4(WINO_ROW, 4, 2)

#define WINO_ROW_NAMES(F) \
    {{WINO_ROWS_TO_6(F, 6, 4)}, {WINO_ROWS_TO_6(F, 6, 2)}, {WINO_ROWS_TO_4(F, 4, 2)}}
static wino_dy_function *const wino_row_dm[2][WINO_FORMS][WINO_SIDE] = {
    WINO_ROW_NAMES(WINO_ROW_IMAGES_NAME), WINO_ROW_NAMES(WINO_ROW_PAIRS_NAME)};

/* ---- units of work ---- */

/* Row i of positions for one group of filters. */
typedef struct {
    int i;
    int64_t group, first, vectors, filters;
} wino_rows_unit;

typedef struct {
    float *v, *dm, *columns, *bias;
} wino_rows_memory;

static wino_rows_unit wino_rows_unit_at(const wino_dw_job *d, int64_t index) {
    wino_rows_unit u = {.i = index / d->groups.parts, .group = index % d->groups.parts};
    u.first = part_begin(d->groups, u.group);
    u.vectors = part_size(d->groups, u.group);
    u.filters = min_i64(d->tiles.outs - u.first * VW, u.vectors * VW);
    return u;
}

/* The last group clears the padding of the rows as well. */
static void wino_rows_clear(const wino_dw_job *d, const wino_rows_unit *u, float *bias) {
    int64_t rows = d->tiles.side * d->tiles.in, floats = u->vectors * VW;
    if (u->group == d->groups.parts - 1) floats = d->padded - u->first * VW;
    for (int64_t row = 0; row < rows; row++)
        memset(d->sums + (u->i * rows + row) * d->padded + u->first * VW, 0, floats * sizeof(float));
    memset(bias + u->first * VW * VW, 0, u->filters * VW * sizeof(float));
}

/* Tiles [begin, end) for units [u, units). */
static void wino_rows_chunk(const wino_dw_job *d, int64_t begin, int64_t end, int64_t u,
                            int64_t units, const wino_rows_memory *s) {
    const wino_job *j = &d->tiles;
    int side = wino_side_index(j->side);
    for (int row = -1; u < units; u++) {
        wino_rows_unit unit = wino_rows_unit_at(d, u);
        for (int64_t tile = begin, n; tile < end; tile += n) {
            wino_run_of_tiles r = wino_run_at(j, tile, end);
            n = r.count;
            if (unit.i != row)
                wino_rows_xs[side](d, &r, tile - begin, unit.i, s->v, s->columns);
            wino_dw_dy(d, &r, tile - begin, unit.group, wino_row_dm[j->paired][j->form][unit.i], s->dm);
            if (unit.i == 0 && d->bias_sums)
                wino_dw_add_bias(d, &r, unit.first * VW, unit.filters, s->bias);
        }
        row = unit.i;
        wino_dw_multiply(d, j->side, unit.vectors, end - begin, s->v, s->dm,
                         d->sums + row * j->side * j->in * d->padded + unit.first * VW);
    }
}

static void wino_rows_run(const fc_args *a, const fc_context *ctx, int paired) {
    wino_dw_job d = wino_rows_job(a, paired);
    wino_rows_memory s = {.v = (float *)ctx->scratch};
    int64_t tiles = active_blocks(d.dy, ctx) * d.tiles.tiles, begin, end;
    s.dm = s.v + d.tiles.side * d.v_position;
    s.bias = s.dm + d.tiles.side * d.dm_position;
    s.columns = s.bias + d.tiles.outs * VW;
    split(d.tiles.side * d.groups.parts, ctx, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        wino_rows_unit unit = wino_rows_unit_at(&d, u);
        wino_rows_clear(&d, &unit, s.bias);
    }
    for (int64_t t = 0; t < tiles; t += d.chunk)
        wino_rows_chunk(&d, t, min_i64(tiles, t + d.chunk), begin, end, &s);
    for (int64_t u = begin; u < min_i64(end, d.groups.parts) && d.bias_sums; u++) {
        wino_rows_unit unit = wino_rows_unit_at(&d, u);
        wino_dw_write_bias(s.bias, unit.first * VW, unit.filters, d.bias_sums);
    }
}

#endif
