/* dw of a convolution with many filters and taps: dy is transposed, so that the lanes are filters
 * and x gives the scalars. It is then a product of matrices, and no lanes need be added up.
 *
 * All taps pass by a strip of transposed dy, a tile of taps by up to TILE_COLUMNS vectors of filters
 * at a time, which is added to its sums. A tile is summed by one thread in the order of
 * the strips. */
#ifndef FC_CONV2D_TURNED_WEIGHT_IMPL_H
#define FC_CONV2D_TURNED_WEIGHT_IMPL_H

#include "conv2d_job_impl.h"
#include "tile.h"
#include "transpose.h"

#define TW_STRIP_BYTES 65536                         /* of transposed dy */
#define TW_RUNS 64                                   /* of a strip, at most */
#define TW_TAPS 96                                   /* fewer do not pay for transposing, */
#define TW_PIXEL_TAPS 24                             /* unless each tap is another channel */
#define TW_LARGE_TAPS 16                             /* or dy comes from memory */
#define TW_LARGE_BYTES (20 << 20)
#define TW_LANES 64                                  /* at most, where a run is one pixel */

/* Neighbouring floats of a row of dy that are as near to each other in x. */
typedef struct {
    int64_t x, dy;                                   /* where it begins */
    int64_t floats;
    float *turned;
} tw_run;

typedef struct {
    const fc_tensor *x, *dy;
    int64_t groups, outs, taps;                      /* of a group: filters, (channel, ky, kx) */
    int64_t kernel[2], stride[2], dilation[2];
    partition vectors, tiles;                        /* of filters and of taps, as tiles cut them */
    partition row;                                   /* vectors of a row, as runs cut them */
    int64_t strip;                                   /* runs of a strip */
    int64_t *offsets;                                /* workspace: of x for each tap, */
    float *sums, *bias;                              /* [group][chunk of filters][tap][filter] */
} tw_job;

/* What is fetched for the next strip while a tile of this one is summed: the tile's taps, and some
 * filters. */
typedef struct {
    const tw_run *run;                               /* as many as of this strip */
    const float *dy;                                 /* of the first filter */
    int64_t filters, channel;
} tw_ahead;

typedef void tw_function(const tw_run *, const tw_run *, const tw_ahead *, const float *,
                         const int64_t *, float *);

/* ---- tiles ---- */

/* A line of each row of x and of each filter. More at once would fill the queue of misses, and the
 * sums would wait for it. */
INLINE void tw_fetch(const tw_ahead *a, const tw_run *run, const float *x, const int64_t *offset,
                     int64_t k, const int rows) {
    UNROLL for (int m = 0; m < rows; m++) __builtin_prefetch(x + run->x + offset[m] + k, 0, 2);
    const float *dy = a->dy + run->dy + k;
    for (int64_t o = a->filters; o > 0; o--, dy += a->channel) __builtin_prefetch(dy, 0, 2);
}

INLINE void tw_tile(const tw_run *run, const tw_run *end, const tw_ahead *ahead, const float *x,
                    const int64_t *offset, float *sums, const int rows, const int columns) {
    const tw_run *next = ahead->run;
    vf acc[TILE_ROWS * TILE_COLUMNS];
    UNROLL for (int i = 0; i < rows * columns; i++) acc[i] = (vf){0};
    do {
        const float *from[TILE_ROWS], *turned = run->turned;
        UNROLL for (int m = 0; m < rows; m++) from[m] = x + run->x + offset[m];
        for (int64_t k = 0; k < run->floats;) {
            tw_fetch(ahead, next, x, offset, k, rows);
            for (int64_t stop = min_i64(k + VW, run->floats); k < stop; k++, turned += columns * VW) {
                vf filters[TILE_COLUMNS];
                UNROLL for (int v = 0; v < columns; v++) filters[v] = load(turned + v * VW);
                UNROLL for (int m = 0; m < rows; m++) {
                    vf a = splat(from[m][k]);
                    UNROLL for (int v = 0; v < columns; v++) acc[m * columns + v] += filters[v] * a;
                }
            }
        }
        next++;
    } while (++run < end);
    UNROLL for (int i = 0; i < rows * columns; i++)
        store(sums + i * VW, load(sums + i * VW) + acc[i]);
}

#define TW_TILE(M, V) \
    NOINLINE void tw_tile_##M##_##V(const tw_run *run, const tw_run *end, const tw_ahead *ahead, \
                                    const float *x, const int64_t *offset, float *sums) { \
        tw_tile(run, end, ahead, x, offset, sums, M, V); \
    }
EACH_TILE(TW_TILE)

static tw_function *const tw_table[][TILE_ROWS] = TILE_NAMES(tw_tile);

/* ---- plan: from the shapes alone ---- */

INLINE int tw_fits(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    int64_t lanes = a->t[1].shape[4], outs = dw->shape[0] / a->i[4];
    int64_t taps = dw->shape[1] * dw->shape[2] * dw->shape[3];
    /* Large kernels at stride 1 read neighbouring pixels, which the other way finds in L1. */
    int spread = a->i[1] > 1 || dw->shape[2] * dw->shape[3] < 25;
    int alone = dw->shape[2] * dw->shape[3] == 1;
    int runs = a->i[1] == 1 ? a->t[1].shape[3] * lanes >= VW : lanes % VW == 0 && lanes <= TW_LANES;
    int64_t bytes = a->t[1].shape[0] * a->t[1].stride[0] * (int64_t)sizeof(float);
    int64_t least = bytes >= TW_LARGE_BYTES ? TW_LARGE_TAPS : alone ? TW_PIXEL_TAPS : TW_TAPS;
    return runs && spread && taps >= least && outs >= TILE_COLUMNS * VW / 2;
}

static tw_job tw_make_job(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    tw_job j = {.x = &a->t[0], .dy = &a->t[1], .groups = a->i[4]};
    int64_t cols = j.dy->shape[3], lanes = j.dy->shape[4];
    j.outs = dw->shape[0] / j.groups;
    j.taps = dw->shape[1] * dw->shape[2] * dw->shape[3];
    for (int d = 0; d < 2; d++) {
        j.kernel[d] = dw->shape[2 + d];
        j.stride[d] = a->i[d];
        j.dilation[d] = a->i[2 + d];
    }
    j.vectors = parts_of(ceil_div(j.outs, VW), TILE_COLUMNS);
    j.tiles = parts_of(j.taps, tile_rows[part_most(j.vectors)]);
    int64_t most = TW_STRIP_BYTES / (part_most(j.vectors) * VW * sizeof(vf));
    j.row = parts_of(ceil_div(cols * lanes, VW), most);
    if (j.stride[1] > 1) j.row.parts = cols;
    j.strip = max_i64(1, min_i64(TW_RUNS, most / part_most(j.row)));
    int64_t filters = j.groups * j.vectors.n * VW;
    j.offsets = (int64_t *)a->workspace;
    j.sums = (float *)(j.offsets + j.taps);
    j.bias = j.sums + filters * j.taps;
    return j;
}

static size_t tw_workspace(const fc_args *a) {
    tw_job j = tw_make_job(a);
    return j.taps * sizeof(int64_t) + j.groups * j.vectors.n * VW * (j.taps + 1) * sizeof(float);
}

static void tw_prepare(const fc_args *a, const fc_context *ctx) {
    tw_job j = tw_make_job(a);
    int64_t area = j.kernel[0] * j.kernel[1];
    for (int64_t k = 0; k < j.taps && ctx->thread == 0; k++)
        j.offsets[k] = k / area * j.x->stride[1] +
                       k % area / j.kernel[1] * j.dilation[0] * j.x->stride[2] +
                       k % j.kernel[1] * j.dilation[1] * j.dy->shape[4];
}

/* ---- strips ---- */

/* Runs [begin, end) of the batch. */
static void tw_list_runs(const tw_job *j, int64_t begin, int64_t end, tw_run *run) {
    int64_t rows = j->dy->shape[2], lanes = j->dy->shape[4], n = j->dy->shape[3] * lanes;
    for (int64_t k = begin; k < end; k++, run++) {
        int64_t part = k % j->row.parts, y = k / j->row.parts % rows;
        int64_t block = k / j->row.parts / rows, from = part_begin(j->row, part) * VW;
        run->floats = min_i64(n, part_begin(j->row, part + 1) * VW) - from;
        run->dy = block * j->dy->stride[0] + y * j->dy->stride[2] + from;
        run->x = block * j->x->stride[0] + y * j->stride[0] * j->x->stride[2] +
                 from / lanes * j->stride[1] * lanes + from % lanes;
    }
}

/* turned[float][filter] = dy[filter][float] for VW filters, zero for missing ones; their sums. */
INLINE vf tw_turn_vector(const float *dy, int64_t channel, int64_t filters, int64_t floats,
                         float *turned, int64_t step) {
    vf v[VW], sum = {0};
    UNROLL for (int o = 0; o < VW; o++)
        v[o] = o < filters ? load_n(dy + o * channel, floats) : (vf){0};
    transpose(v);
    UNROLL for (int l = 0; l < VW; l++) {
        store(turned + l * step, v[l]);
        sum += v[l];
    }
    return sum;
}

/* The strip's dy for chunk `chunk` of the filters of a group. */
static void tw_turn(const tw_job *j, int64_t group, int64_t chunk, tw_run *run, tw_run *end,
                    float *turned, int with_bias) {
    int64_t first = part_begin(j->vectors, chunk), columns = part_size(j->vectors, chunk);
    float *bias = j->bias + (group * j->vectors.n + first) * VW;
    for (; run < end; run++) {
        run->turned = turned;
        turned += ceil_div(run->floats, VW) * VW * columns * VW;
        for (int64_t v = 0; v < columns; v++) {
            int64_t o = (first + v) * VW, filters = min_i64(VW, j->outs - o);
            const float *dy = (const float *)j->dy->data + run->dy +
                              (group * j->outs + o) * j->dy->stride[1];
            vf sum = {0};
            for (int64_t k = 0; k < run->floats; k += VW)
                sum += tw_turn_vector(dy + k, j->dy->stride[1], filters,
                                      min_i64(VW, run->floats - k),
                                      run->turned + (k * columns + v) * VW, columns * VW);
            if (with_bias) store(bias + v * VW, load(bias + v * VW) + sum);
        }
    }
}

INLINE float *tw_sums(const tw_job *j, int64_t group, int64_t chunk) {
    return j->sums + (group * j->vectors.n + part_begin(j->vectors, chunk)) * VW * j->taps;
}

/* ---- kernel ---- */

/* What a thread does of a chunk of filters: tiles [begin, end) of its taps. */
typedef struct {
    int64_t first;                                   /* tile, over all chunks */
    int64_t group, chunk, begin, end;
} tw_share;

/* The part of [begin, end), numbers of tiles over all chunks, that lies in the chunk of `begin`. */
static tw_share tw_share_at(const tw_job *j, int64_t begin, int64_t end) {
    int64_t tiles = j->tiles.parts, chunk = begin / tiles;
    return (tw_share){begin, chunk / j->vectors.parts, chunk % j->vectors.parts, begin % tiles,
                      min_i64(tiles, end - chunk * tiles)};
}

/* In the share's k-th tile of taps, its part of the filters of the strip of runs from `run`. */
static tw_ahead tw_ahead_of(const tw_job *j, const tw_share *s, int64_t k, const tw_run *run) {
    int64_t first = part_begin(j->vectors, s->chunk), vectors = part_size(j->vectors, s->chunk);
    partition filters = {min_i64(vectors * VW, j->outs - first * VW), s->end - s->begin};
    int64_t o = s->group * j->outs + first * VW + part_begin(filters, k - s->begin);
    return (tw_ahead){run, (const float *)j->dy->data + o * j->dy->stride[1],
                      part_size(filters, k - s->begin), j->dy->stride[1]};
}

/* Runs [run, end), then those from `next`. */
static void tw_strip(const tw_job *j, const tw_share *s, tw_run *run, tw_run *end,
                     const tw_run *next, float *turned) {
    int64_t columns = part_size(j->vectors, s->chunk);
    const float *x = (const float *)j->x->data +
                     s->group * (j->x->shape[1] / j->groups) * j->x->stride[1];
    float *sums = tw_sums(j, s->group, s->chunk);
    tw_turn(j, s->group, s->chunk, run, end, turned, s->begin == 0);
    for (int64_t k = s->begin; k < s->end; k++) {
        int64_t tap = part_begin(j->tiles, k), rows = part_size(j->tiles, k);
        tw_ahead ahead = tw_ahead_of(j, s, k, next);
        tw_table[columns - 1][rows - 1](run, end, &ahead, x, j->offsets + tap,
                                        sums + tap * columns * VW);
    }
}

static void tw_clear(const tw_job *j, const tw_share *s) {
    int64_t first = part_begin(j->vectors, s->chunk), columns = part_size(j->vectors, s->chunk);
    int64_t begin = part_begin(j->tiles, s->begin), end = part_begin(j->tiles, s->end);
    memset(tw_sums(j, s->group, s->chunk) + begin * columns * VW, 0,
           (end - begin) * columns * sizeof(vf));
    if (s->begin == 0)
        memset(j->bias + (s->group * j->vectors.n + first) * VW, 0, columns * sizeof(vf));
}

static void tw_write(const tw_job *j, const tw_share *s, float *dw, float *db) {
    int64_t first = part_begin(j->vectors, s->chunk), columns = part_size(j->vectors, s->chunk);
    int64_t begin = part_begin(j->tiles, s->begin), end = part_begin(j->tiles, s->end);
    for (int64_t v = 0; v < columns; v++) {
        int64_t o = (first + v) * VW, filters = min_i64(VW, j->outs - o);
        const float *sums = tw_sums(j, s->group, s->chunk) + v * VW;
        float *to = dw + (s->group * j->outs + o) * j->taps;
        for (int64_t tap = begin; tap < end; tap += VW) {
            int64_t taps = min_i64(VW, end - tap);
            vf t[VW];
            UNROLL for (int k = 0; k < VW; k++)
                t[k] = k < taps ? load(sums + (tap + k) * columns * VW) : (vf){0};
            transpose(t);
            UNROLL for (int l = 0; l < VW; l++)
                if (l < filters) store_n(to + l * j->taps + tap, t[l], taps);
        }
        if (s->begin == 0 && db)
            memcpy(db + s->group * j->outs + o, j->bias + (s->group * j->vectors.n) * VW + o,
                   filters * sizeof(float));
    }
}

/* The thread's share of tiles [begin, end), chunk by chunk. */
#define TW_SHARES(j, s, begin, end) \
    for (tw_share s = tw_share_at(j, begin, end); s.first < (end); \
         s = tw_share_at(j, s.first + s.end - s.begin, end))

static void tw_run_kernel(const fc_args *a, const fc_context *ctx) {
    tw_job j = tw_make_job(a);
    tw_run run[2 * TW_RUNS];
    int64_t runs = active_blocks(j.dy, ctx) * j.dy->shape[2] * j.row.parts, begin, end;
    split(j.groups * j.vectors.parts * j.tiles.parts, ctx, &begin, &end);
    TW_SHARES(&j, s, begin, end) tw_clear(&j, &s);
    for (int64_t r = 0, count; r < runs; r += count) {
        count = min_i64(j.strip, runs - r);
        int64_t next = runs - r >= 2 * count ? count : 0;    /* the last strip fetches itself */
        tw_list_runs(&j, r, r + count + next, run);
        TW_SHARES(&j, s, begin, end)
            tw_strip(&j, &s, run, run + count, run + next, (float *)ctx->scratch);
    }
    TW_SHARES(&j, s, begin, end) tw_write(&j, &s, a->t[2].data, a->t[3].data);
}

#endif
