/* A job of Winograd's weight gradient: geometry, the layout of a chunk of tiles, its products and
 * the gradient of the bias. What V, dM and the sums are is said in winograd_backward_weight_impl.h. */
#ifndef FC_WINOGRAD_WEIGHT_JOB_IMPL_H
#define FC_WINOGRAD_WEIGHT_JOB_IMPL_H

#include "tile.h"
#include "winograd_input_impl.h"

#define WINO_WEIGHT_TILES 8                          /* of a chunk, at most: short sums round less */

/* v[position][panel of channels][tile, vector][channel][image]
 * dm[position][tile, image][filter] */
typedef struct {
    wino_job tiles;                                  /* x, and the grid of tiles over dy */
    const fc_tensor *dy;
    float *sums, *bias_sums;                         /* bias_sums: NULL, or [share][filter] */
    int64_t shares, padded;                          /* padded: length of a row of sums: filters */
    partition groups, panels;                        /* of vectors of filters, of channels */
    int64_t chunk, line;                             /* line: floats of a vector of V */
    int64_t steps, v_position, dm_position;          /* of a chunk: (tile, image or two) */
} wino_dw_job;

static int64_t wino_dw_widest(const wino_dw_job *d) { return part_most(d->groups) * VW; }

/* Floats of V and dM of a tile, at one position. */
static int64_t wino_dw_tile_floats(const wino_dw_job *d) {
    return (d->tiles.in + wino_dw_widest(d)) * d->tiles.parts * d->line;
}

static void wino_dw_choose_chunk(wino_dw_job *d, int64_t most) {
    d->chunk = max_i64(1, min_i64(WINO_WEIGHT_TILES, most));
    d->steps = d->chunk * d->tiles.parts * d->line;
    d->v_position = wino_odd_lines(d->tiles.in * d->steps);
    d->dm_position = wino_odd_lines(d->steps * wino_dw_widest(d));
}

/* x dy >sums ?>bias_sums; the chunk remains to be chosen. */
static wino_dw_job wino_dw_make_job(const fc_args *a, int paired) {
    wino_dw_job d = {.dy = &a->t[1], .sums = a->t[2].data, .bias_sums = a->t[3].data};
    wino_job *j = &d.tiles;
    j->x = &a->t[0];
    j->paired = paired;
    j->in = j->x->shape[1];
    j->outs = d.dy->shape[1];
    wino_set_side(j, wino_side_of(a->t[2].shape[1]), a->i[0]);
    for (int k = 0; k < 2; k++) {
        j->first[k] = -a->i[1 + k];
        j->size[k] = d.dy->shape[2 + k];
        j->grid[k] = ceil_div(j->size[k], j->m);
    }
    j->tiles = j->grid[0] * j->grid[1];
    j->parts = tensor_l(j->x) / VW;
    d.shares = a->t[2].shape[0];
    d.padded = a->t[2].shape[3];
    d.line = paired ? VW / 2 : VW;
    d.groups = parts_of(ceil_div(j->outs, VW), TILE_COLUMNS);
    d.panels = parts_of(j->in, tall_rows[part_most(d.groups)]);
    return d;
}

/* ---- where V of a channel goes ---- */

typedef struct {
    float *to;                                       /* of the chunk's first vector, position 0 */
    int64_t step;                                    /* to the next vector */
} wino_dw_row;

static wino_dw_row wino_dw_row_of(const wino_dw_job *d, int64_t channel, float *v) {
    int64_t panel = ((channel + 1) * d->panels.parts - 1) / d->panels.n;
    int64_t begin = part_begin(d->panels, panel);
    return (wino_dw_row){v + begin * d->steps + (channel - begin) * d->line,
                         part_size(d->panels, panel) * d->line};
}

/* ---- products ---- */

/* out[channel][filter] += sum over images of V[channel] dM[filter], of a panel and a group */
typedef struct {
    const float *v, *dm;
    float *out;
    int64_t vectors, out_row;                        /* vectors: of tiles, in each `line` steps */
} wino_product;

/* Strides are constants, so that one register points to a panel whatever its rows. */
INLINE void wino_accumulate(const wino_product *p, const int rows, const int columns) {
    tile_args t = {.column_step = columns * VW, .column_segment = VW * columns * VW, .scalar = p->v,
                   .scalar_row = VW, .scalar_step = 1, .scalar_segment = rows * VW, .steps = VW,
                   .segments = p->vectors, .out_row = p->out_row, .add = 1};
    UNROLL for (int q = 0; q < columns; q++) {
        t.column[q] = p->dm + q * VW;
        t.out[q] = p->out + q * VW;
    }
    tile(rows, columns, rows, &t);
}

INLINE void wino_accumulate_pairs(const wino_product *p, const int rows, const int columns) {
    pair_tile_args t = {.column_step = columns * VW, .column_segment = VW / 2 * columns * VW,
                        .scalar_row = VW / 2, .scalar_step = 1, .scalar_segment = rows * VW / 2,
                        .steps = VW / 2, .segments = p->vectors, .out_row = p->out_row, .add = 1};
    t.scalar = (const uint32_t *)p->v;
    UNROLL for (int q = 0; q < columns; q++) {
        t.column[q] = (const uint32_t *)p->dm + q * VW;
        t.out[q] = p->out + q * VW;
    }
    pair_tile(rows, columns, &t);
}

typedef void (*wino_product_function)(const wino_product *);

#define WINO_PRODUCT(M, V) \
    static void wino_accumulate_##M##_##V(const wino_product *p) { wino_accumulate(p, M, V); } \
    static void wino_accumulate_pairs_##M##_##V(const wino_product *p) { wino_accumulate_pairs(p, M, V); }

EACH_TALL_TILE(WINO_PRODUCT)

static const wino_product_function wino_products[2][TILE_COLUMNS][TALL_ROWS] = {
    TALL_TILE_NAMES(wino_accumulate), TALL_TILE_NAMES(wino_accumulate_pairs)};

/* `positions` of them, `tiles` of a chunk; sums: of the first position, filters from the group's on. */
static void wino_dw_multiply(const wino_dw_job *d, int positions, int64_t vectors, int64_t tiles,
                             const float *v, const float *dm, float *sums) {
    wino_product p = {.vectors = tiles * d->tiles.parts, .out_row = d->padded};
    for (int k = 0; k < positions; k++)
        for (int64_t panel = 0; panel < d->panels.parts; panel++) {
            int64_t c = part_begin(d->panels, panel);
            p.v = v + k * d->v_position + c * d->steps;
            p.dm = dm + k * d->dm_position;
            p.out = sums + (k * d->tiles.in + c) * d->padded;
            wino_products[d->tiles.paired][vectors - 1][part_size(d->panels, panel) - 1](&p);
        }
}

/* ---- dy ---- */

/* A tile of dy for VW filters; rows and columns beyond the image count as zeros. */
typedef struct {
    const float *dy;
    int64_t filters, filter_step, row_step, column_step, rows, cols;
} wino_dy_tile;

static wino_dy_tile wino_dy_tile_at(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile,
                                    int64_t part, int64_t filter) {
    const wino_job *j = &d->tiles;
    int64_t lanes = tensor_l(d->dy), y = r->y * j->m, x = (r->x + tile) * j->m;
    return (wino_dy_tile){
        tensor_row(d->dy, r->block, filter, y) + x * lanes + part * VW,
        min_i64(VW, j->outs - filter), d->dy->stride[1], d->dy->stride[2], lanes,
        min_i64(j->m, j->size[0] - y), min_i64(j->m, j->size[1] - x)};
}

/* dM of a tile, or a row of it. width: floats from one image, or pair of them, to the next; position:
 * from one position to the next. */
typedef void wino_dy_function(const wino_dy_tile *t, float *to, int64_t width, int64_t position);

/* That of a run of tiles, the first of which is the chunk's tile `tile`, for a group of filters. */
static void wino_dw_dy(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t tile, int64_t group,
                       wino_dy_function *transform, float *dm) {
    int64_t first = part_begin(d->groups, group), vectors = part_size(d->groups, group);
    int64_t width = vectors * VW;
    for (int64_t v = 0; v < vectors; v++)
        for (int64_t t = 0; t < r->count; t++)
            for (int64_t part = 0; part < d->tiles.parts; part++) {
                wino_dy_tile from = wino_dy_tile_at(d, r, t, part, (first + v) * VW);
                float *to = dm + ((tile + t) * d->tiles.parts + part) * d->line * width + v * VW;
                transform(&from, to, width, d->dm_position);
            }
}

/* sums: [filter][VW] */
static void wino_dw_add_bias(const wino_dw_job *d, const wino_run_of_tiles *r, int64_t filter,
                             int64_t filters, float *sums) {
    const wino_job *j = &d->tiles;
    int64_t m = j->m, rows = min_i64(m, j->size[0] - r->y * m);
    int64_t floats = (min_i64(j->size[1], (r->x + r->count) * m) - r->x * m) * tensor_l(d->dy);
    for (int64_t f = filter; f < filter + filters; f++) {
        vf sum = load(sums + f * VW);
        for (int64_t y = 0; y < rows; y++) {
            const float *dy = tensor_row(d->dy, r->block, f, r->y * m + y) + r->x * m * tensor_l(d->dy);
            for (int64_t k = 0; k < floats; k += VW) sum += load(dy + k);
        }
        store(sums + f * VW, sum);
    }
}

static void wino_dw_write_bias(const float *sums, int64_t filter, int64_t filters, float *out) {
    for (int64_t f = filter; f < filter + filters; f++) {
        float sum = 0.0f;
        for (int l = 0; l < VW; l++) sum += sums[f * VW + l];
        out[f] = sum;
    }
}

#endif
