/* The adjoint of Winograd's convolution in its weights:
 *     sums[k][c][o] = sum over tiles and images of V[k][c] * dM[k][o],  V = B' x B, dM = A dy A'
 * and once a step dw = G' sums G, by a kernel of its own, because it needs all positions k.
 *
 * Lanes of dM are filters: it is transposed on its way, so that the sums are those of a dense
 * layer's tiles, without any adding up of lanes. In bf16 a step of the sums is a pair of images. A
 * thread owns rows of positions for groups of
 * filters, transforms what these need of x and dy, and goes over all tiles in order. */
#ifndef FC_WINOGRAD_BACKWARD_WEIGHT_IMPL_H
#define FC_WINOGRAD_BACKWARD_WEIGHT_IMPL_H

#include "tile.h"
#include "winograd_input_impl.h"

#define WINO_DM_BYTES 32768                          /* of one position: lies in L1 */
#define WINO_ROW_BYTES 524288                        /* of one row of positions, V and dM: in L2 */
#define WINO_WEIGHT_TILES 8                          /* of a chunk, at most: short sums round less */

typedef struct {
    wino_job tiles;                                  /* x, and the grid of tiles over dy */
    const fc_tensor *dy;
    float *sums, *bias_sums;                         /* bias_sums: workspace, [filter][VW] */
    int64_t padded;                                  /* length of a row of sums: filters */
    partition groups;                                /* of vectors of filters */
    int64_t chunk, steps, v_position, dm_position;   /* of a chunk: tiles, (tile, image or two) */
} wino_dw_job;

static wino_dw_job wino_dw_make_job(const fc_args *a, int paired) {
    wino_dw_job d = {.dy = &a->t[1], .sums = a->t[2].data, .bias_sums = (float *)a->workspace};
    wino_job *j = &d.tiles;
    j->x = &a->t[0];
    j->paired = paired;
    j->in = j->x->shape[1];
    j->outs = d.dy->shape[1];
    j->m = 7 - a->i[0];
    for (int k = 0; k < 2; k++) {
        j->first[k] = -a->i[1 + k];
        j->size[k] = d.dy->shape[2 + k];
        j->grid[k] = ceil_div(j->size[k], j->m);
    }
    j->tiles = j->grid[0] * j->grid[1];
    j->parts = tensor_l(j->x) / VW;
    d.padded = a->t[2].shape[2];
    d.groups = parts_of(ceil_div(j->outs, VW), TILE_COLUMNS);
    int64_t widest = part_most(d.groups) * VW, tile_steps = tensor_l(j->x) / (paired ? 2 : 1);
    int64_t tile_bytes = tile_steps * sizeof(float), row_bytes = WINO_SIDE * (j->in + widest) * tile_bytes;
    d.chunk = min_i64(WINO_DM_BYTES / (widest * tile_bytes), WINO_ROW_BYTES / row_bytes);
    d.chunk = max_i64(1, min_i64(WINO_WEIGHT_TILES, d.chunk));
    d.steps = d.chunk * tile_steps;
    d.v_position = wino_odd_lines(j->in * d.steps);
    d.dm_position = wino_odd_lines(d.steps * widest);
    return d;
}

static size_t winograd_backward_weight_workspace(const fc_args *a) {
    return a->t[1].shape[1] * VW * sizeof(float);
}

static size_t wino_dw_scratch(const fc_args *a, int paired) {
    wino_dw_job d = wino_dw_make_job(a, paired);
    int64_t columns = ((d.chunk - 1) * d.tiles.m + WINO_SIDE) * VW;
    return (WINO_SIDE * (d.v_position + d.dm_position) + columns) * sizeof(float);
}

/* ---- one row of V ---- */

/* Row I of B' x, of the columns of pixels inside the image. */
INLINE void wino_input_row(const wino_source *s, float *out, const int I) {
    for (int64_t k = s->before; k < s->there; k++) {
        vf in[WINO_SIDE], v[WINO_SIDE];
        UNROLL for (int i = 0; i < WINO_SIDE; i++) in[i] = load(s->row[i] + k * s->step[i]);
        wino_input(in, v);
        store(out + k * VW, v[I]);
    }
}
#define WINO_INPUT_ROW(I) \
    NOINLINE void wino_input_row_##I(const wino_source *s, float *out) { wino_input_row(s, out, I); }
WINO_INPUT_ROW(0) WINO_INPUT_ROW(1) WINO_INPUT_ROW(2)
WINO_INPUT_ROW(3) WINO_INPUT_ROW(4) WINO_INPUT_ROW(5)

static void (*const wino_input_rows[WINO_SIDE])(const wino_source *, float *) = {
    wino_input_row_0, wino_input_row_1, wino_input_row_2,
    wino_input_row_3, wino_input_row_4, wino_input_row_5};

INLINE void wino_dw_store_v(const wino_job *j, float *row, int64_t at, vf v) {
    if (j->paired)
        store_bf16((uint16_t *)row + at, v);
    else
        store(row + at, v);
}

/* v[position in the row][channel][tile, image] of a run of tiles */
static void wino_dw_transform_x(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile,
                                int i, float *v, float *columns) {
    const wino_job *j = &d->tiles;
    int64_t width = (r->count - 1) * j->m + WINO_SIDE;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        float *to = v;
        memset(columns, 0, s.before * VW * sizeof(float));
        memset(columns + s.there * VW, 0, (width - s.there) * VW * sizeof(float));
        for (int64_t channel = 0; channel < j->in; channel++, to += d->steps) {
            wino_input_rows[i](&s, columns);
            wino_next_channel(&s);
            for (int64_t t = 0; t < r->count; t++) {
                int64_t at = ((tile + t) * j->parts + part) * VW;
                vf in[WINO_SIDE], out[WINO_SIDE];
                UNROLL for (int k = 0; k < WINO_SIDE; k++)
                    in[k] = load(columns + (t * j->m + k) * VW);
                wino_input(in, out);
                UNROLL for (int k = 0; k < WINO_SIDE; k++)
                    wino_dw_store_v(j, to + k * d->v_position, at, out[k]);
            }
        }
    }
}

/* ---- one row of dM ---- */

/* A tile of dy for VW filters; rows and columns beyond the image count as zeros. */
typedef struct {
    const float *dy;
    int64_t filters, filter_step, row_step, column_step, rows, cols;
} wino_dy_tile;

/* half[column][filter]: row I of A dy, transposed to lanes of filters: half[column][image]. */
INLINE void wino_dy_row(const wino_dy_tile *t, vf *half, const int I, const int M) {
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
            wino_output_adjoint(y, m, M);
            half[f] = m[I];
        }
        for (int64_t f = t->filters; f < VW; f++) half[f] = (vf){0};
        transpose(half);
    }
}
#define WINO_DY_ROW(I, M) \
    NOINLINE void wino_dy_row_##I##_##M(const wino_dy_tile *t, vf *half) { \
        wino_dy_row(t, half, I, M); \
    }
#define WINO_DY_ROWS(M) \
    WINO_DY_ROW(0, M) WINO_DY_ROW(1, M) WINO_DY_ROW(2, M) \
    WINO_DY_ROW(3, M) WINO_DY_ROW(4, M) WINO_DY_ROW(5, M)
WINO_DY_ROWS(2) WINO_DY_ROWS(4)

static void (*const wino_dy_rows[2][WINO_SIDE])(const wino_dy_tile *, vf *) = {
    {wino_dy_row_0_2, wino_dy_row_1_2, wino_dy_row_2_2,
     wino_dy_row_3_2, wino_dy_row_4_2, wino_dy_row_5_2},
    {wino_dy_row_0_4, wino_dy_row_1_4, wino_dy_row_2_4,
     wino_dy_row_3_4, wino_dy_row_4_4, wino_dy_row_5_4}};

INLINE void wino_dm_image(const vf *half, int l, vf m[WINO_SIDE], const int M) {
    vf y[4];
    UNROLL for (int k = 0; k < M; k++) y[k] = half[k * VW + l];
    wino_output_adjoint(y, m, M);
}

/* Along x, for each image; width: floats from one image to the next. */
INLINE void wino_dm_images(const vf *half, float *to, int64_t width, int64_t position, const int M) {
    for (int l = 0; l < VW; l++, to += width) {
        vf m[WINO_SIDE];
        wino_dm_image(half, l, m, M);
        UNROLL for (int k = 0; k < WINO_SIDE; k++) store(to + k * position, m[k]);
    }
}

/* The same in bf16; width: from one pair of images to the next. */
INLINE void wino_dm_pairs(const vf *half, float *to, int64_t width, int64_t position, const int M) {
    for (int l = 0; l < VW; l += 2, to += width) {
        vf even[WINO_SIDE], odd[WINO_SIDE];
        wino_dm_image(half, l, even, M);
        wino_dm_image(half, l + 1, odd, M);
        UNROLL for (int k = 0; k < WINO_SIDE; k++)
            store_pairs((uint32_t *)(to + k * position), pair(even[k], odd[k]));
    }
}

#define WINO_DM(name, M) \
    NOINLINE void name##_##M(const vf *half, float *to, int64_t width, int64_t position) { \
        name(half, to, width, position, M); \
    }
WINO_DM(wino_dm_images, 2) WINO_DM(wino_dm_images, 4)
WINO_DM(wino_dm_pairs, 2) WINO_DM(wino_dm_pairs, 4)

static void (*const wino_dm[2][2])(const vf *, float *, int64_t, int64_t) = {
    {wino_dm_images_2, wino_dm_images_4}, {wino_dm_pairs_2, wino_dm_pairs_4}};

/* dm[position in the row][tile, image][filter] of a run of tiles, `vectors` of filters from `first` on */
static void wino_dw_transform_dy(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile,
                                 int i, int64_t first, int64_t vectors, float *dm) {
    const wino_job *j = &d->tiles;
    int64_t lanes = tensor_l(d->dy), width = vectors * VW, y = r->y * j->m;
    int64_t part_steps = j->paired ? VW / 2 : VW;
    vf half[4 * VW];
    for (int64_t v = 0; v < vectors; v++)
        for (int64_t t = 0; t < r->count; t++)
            for (int64_t part = 0; part < j->parts; part++) {
                int64_t filter = (first + v) * VW, x = (r->x + t) * j->m;
                wino_dy_tile from = {
                    tensor_row(d->dy, r->block, filter, y) + x * lanes + part * VW,
                    min_i64(VW, j->outs - filter), d->dy->stride[1], d->dy->stride[2], lanes,
                    min_i64(j->m, j->size[0] - y), min_i64(j->m, j->size[1] - x)};
                wino_dy_rows[j->m / 4][i](&from, half);
                float *to = dm + ((tile + t) * j->parts + part) * part_steps * width + v * VW;
                wino_dm[j->paired][j->m / 4](half, to, width, d->dm_position);
            }
}

/* ---- sums ---- */

/* Some channels, some vectors of filters at one position; v: of the first channel. */
static void wino_dw_tile(const wino_dw_job *d, int64_t rows, int64_t vectors, int64_t steps,
                         const float *v, const float *dm, float *out) {
    tile_args t = {.column_step = vectors * VW, .scalar = v, .add = 1};
    t.scalar_row = d->steps;
    t.scalar_step = 1;
    t.steps = steps;
    t.segments = 1;
    t.out_row = d->padded;
    for (int64_t q = 0; q < vectors; q++) {
        t.column[q] = dm + q * VW;
        t.out[q] = out + q * VW;
    }
    run_tile(rows, vectors, &t);
}

static void wino_dw_pair_tile(const wino_dw_job *d, int64_t rows, int64_t vectors, int64_t steps,
                              const float *v, const float *dm, float *out) {
    pair_tile_args t = {.column_step = vectors * VW, .offset = no_offset, .add = 1};
    t.scalar = (const uint32_t *)v;
    t.scalar_row = d->steps;
    t.scalar_step = 1;
    t.steps = steps;
    t.segments = 1;
    t.out_row = d->padded;
    for (int64_t q = 0; q < vectors; q++) {
        t.column[q] = (const uint32_t *)dm + q * VW;
        t.out[q] = out + q * VW;
    }
    run_pair_tile(rows, vectors, &t);
}

static void wino_dw_multiply(const wino_dw_job *d, int i, int64_t first, int64_t vectors,
                             int64_t steps, const float *v, const float *dm) {
    int64_t in = d->tiles.in;
    partition rows = parts_of(in, tile_rows[vectors]);
    for (int k = 0; k < WINO_SIDE; k++, v += d->v_position, dm += d->dm_position)
        for (int64_t part = 0; part < rows.parts; part++) {
            int64_t c = part_begin(rows, part);
            float *out = d->sums + ((i * WINO_SIDE + k) * in + c) * d->padded + first * VW;
            (d->tiles.paired ? wino_dw_pair_tile : wino_dw_tile)(d, part_size(rows, part), vectors, steps,
                                                                 v + c * d->steps, dm, out);
        }
}

static void wino_dw_add_bias(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t filter,
                             int64_t filters) {
    const wino_job *j = &d->tiles;
    int64_t m = j->m, rows = min_i64(m, j->size[0] - r->y * m);
    int64_t floats = (min_i64(j->size[1], (r->x + r->count) * m) - r->x * m) * tensor_l(d->dy);
    for (int64_t f = filter; f < filter + filters; f++) {
        vf sum = load(d->bias_sums + f * VW);
        for (int64_t y = 0; y < rows; y++) {
            const float *dy = tensor_row(d->dy, r->block, f, r->y * m + y) + r->x * m * tensor_l(d->dy);
            for (int64_t k = 0; k < floats; k += VW) sum += load(dy + k);
        }
        store(d->bias_sums + f * VW, sum);
    }
}

/* A unit of work: row i of positions for one group of filters. */
typedef struct {
    int i;
    int64_t group, first, vectors, filters;
} wino_dw_unit;

static wino_dw_unit wino_dw_unit_at(const wino_dw_job *d, int64_t index) {
    wino_dw_unit u = {.i = index / d->groups.parts, .group = index % d->groups.parts};
    u.first = part_begin(d->groups, u.group);
    u.vectors = part_size(d->groups, u.group);
    u.filters = min_i64(d->tiles.outs - u.first * VW, u.vectors * VW);
    return u;
}

/* The last group clears the padding of the rows as well. */
static void wino_dw_clear(const wino_dw_job *d, const wino_dw_unit *u) {
    int64_t rows = WINO_SIDE * d->tiles.in, floats = u->vectors * VW;
    if (u->group == d->groups.parts - 1) floats = d->padded - u->first * VW;
    for (int64_t row = 0; row < rows; row++)
        memset(d->sums + (u->i * rows + row) * d->padded + u->first * VW, 0, floats * sizeof(float));
    if (u->i == 0) memset(d->bias_sums + u->first * VW * VW, 0, u->filters * VW * sizeof(float));
}

static void wino_dw_write_bias(const wino_dw_job *d, const wino_dw_unit *u, float *db) {
    for (int64_t f = u->first * VW; f < u->first * VW + u->filters; f++) {
        float sum = 0.0f;
        for (int l = 0; l < VW; l++) sum += d->bias_sums[f * VW + l];
        db[f] = sum;
    }
}

/* Tiles [begin, end) for units [u, units). */
static void wino_dw_chunk(const wino_dw_job *d, int64_t begin, int64_t end, int64_t u,
                          int64_t units, int with_bias, char *scratch) {
    const wino_job *j = &d->tiles;
    float *v = (float *)scratch, *dm = v + WINO_SIDE * d->v_position;
    float *columns = dm + WINO_SIDE * d->dm_position;
    for (int row = -1; u < units; u++) {
        wino_dw_unit unit = wino_dw_unit_at(d, u);
        for (int64_t tile = begin, n; tile < end; tile += n) {
            wino_run_of_tiles r = wino_run_at(j, tile, end);
            n = r.count;
            if (unit.i != row) wino_dw_transform_x(d, &r, tile - begin, unit.i, v, columns);
            wino_dw_transform_dy(d, &r, tile - begin, unit.i, unit.first, unit.vectors, dm);
            if (unit.i == 0 && with_bias)
                wino_dw_add_bias(d, &r, unit.first * VW, unit.filters);
        }
        row = unit.i;
        int64_t steps = (end - begin) * tensor_l(j->x) / (j->paired ? 2 : 1);
        wino_dw_multiply(d, unit.i, unit.first, unit.vectors, steps, v, dm);
    }
}

static void wino_dw_run(const fc_args *a, const fc_context *ctx, int paired) {
    wino_dw_job d = wino_dw_make_job(a, paired);
    float *db = a->t[3].data;
    int64_t tiles = active_blocks(d.dy, ctx) * d.tiles.tiles, begin, end;
    split(WINO_SIDE * d.groups.parts, ctx, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        wino_dw_unit unit = wino_dw_unit_at(&d, u);
        wino_dw_clear(&d, &unit);
    }
    for (int64_t t = 0; t < tiles; t += d.chunk)
        wino_dw_chunk(&d, t, min_i64(tiles, t + d.chunk), begin, end, db != 0, ctx->scratch);
    for (int64_t u = begin; u < min_i64(end, d.groups.parts) && db; u++) {
        wino_dw_unit unit = wino_dw_unit_at(&d, u);
        wino_dw_write_bias(&d, &unit, db);
    }
}

/* ---- dw = G' sums G ---- */

/* Up to VW channels of VW filters. */
static void wino_write_weights(const fc_tensor *sums, const fc_tensor *dw, int64_t filter,
                               int64_t channel) {
    int64_t in = dw->shape[1], kernel = dw->shape[2], area = kernel * kernel;
    int64_t channels = min_i64(VW, in - channel), filters = min_i64(VW, dw->shape[0] - filter);
    vf u[WINO_AREA], taps[VW * WINO_TAPS + VW];
    for (int64_t c = 0; c < channels; c++) {
        const float *from = (const float *)sums->data + (channel + c) * sums->stride[1] + filter;
        for (int k = 0; k < WINO_AREA; k++) u[k] = load(from + k * sums->stride[0]);
        if (kernel == 3)
            wino_kernel_adjoint(u, taps + c * area, 3);
        else
            wino_kernel_adjoint(u, taps + c * area, 5);
    }
    for (int64_t at = 0, n; at < channels * area; at += VW) {
        n = min_i64(VW, channels * area - at);
        transpose(taps + at);
        for (int64_t f = 0; f < filters; f++)
            store_n((float *)dw->data + ((filter + f) * in + channel) * area + at, taps[at + f], n);
    }
}

static void winograd_weight_gradient(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *sums = &a->t[0], *dw = &a->t[1];
    int64_t across = ceil_div(dw->shape[1], VW), begin, end;
    split(ceil_div(dw->shape[0], VW) * across, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++)
        wino_write_weights(sums, dw, k / across * VW, k % across * VW);
}

#define WINO_DW_KERNEL(name, paired) \
    static size_t name##_scratch(const fc_args *a) { return wino_dw_scratch(a, paired); } \
    static void name(const fc_args *a, const fc_context *ctx) { wino_dw_run(a, ctx, paired); }
WINO_DW_KERNEL(winograd_backward_weight, 0)
WINO_DW_KERNEL(winograd_bf16_backward_weight, 1)

#define WINO_DW_ENTRY(name) \
    {#name, "x dy >sums ?>db | kernel pad_top pad_left |", name, 0, winograd_backward_weight_workspace, name##_scratch}
#define WINOGRAD_BACKWARD_WEIGHT_KERNELS \
    WINO_DW_ENTRY(winograd_backward_weight), \
    WINO_DW_ENTRY(winograd_bf16_backward_weight), \
    {"winograd_weight_gradient", "sums >dw | |", winograd_weight_gradient, 0, 0, 0}

#endif
