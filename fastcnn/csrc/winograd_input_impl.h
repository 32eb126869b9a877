/* V = B' x B: the inputs of a chunk of tiles, transformed. See winograd_forward_impl.h. */
#ifndef FC_WINOGRAD_INPUT_IMPL_H
#define FC_WINOGRAD_INPUT_IMPL_H

#include "winograd_job_impl.h"

typedef struct {
    int64_t block, y, x, count;                      /* tiles beside each other in a row of tiles */
} wino_run_of_tiles;

static const float wino_zero[VW];

/* The rows of pixels under a run of tiles; those beyond the image are one zero, again and again. */
typedef struct {
    const float *row[WINO_SIDE];
    int64_t step[WINO_SIDE], channel[WINO_SIDE];     /* to the next pixel, the next channel */
    int64_t before, there;                           /* columns inside the image: [before, there) */
} wino_source;

INLINE wino_source wino_source_of(const wino_job *j, const wino_run_of_tiles *r, int64_t part,
                                  int64_t width) {
    const fc_tensor *x = j->x;
    int64_t lanes = tensor_l(x), y = j->first[0] + r->y * j->m, left = j->first[1] + r->x * j->m;
    wino_source s = {.before = min_i64(width, max_i64(0, -left))};
    s.there = max_i64(s.before, min_i64(width, tensor_w(x) - left));
    for (int i = 0; i < j->side; i++) {
        int inside = y + i >= 0 && y + i < tensor_h(x);
        s.row[i] = wino_zero;
        if (inside) s.row[i] = tensor_row(x, r->block, 0, y + i) + left * lanes + part * VW;
        s.step[i] = inside ? lanes : 0;
        s.channel[i] = inside ? x->stride[1] : 0;
    }
    return s;
}

INLINE void wino_next_channel(wino_source *s, const int S) {
    for (int i = 0; i < S; i++) s->row[i] += s->channel[i];
}

/* Columns of pixels, transformed along y: half[i][column]. */
INLINE void wino_input_columns(const wino_source *s, int64_t width, float *half, const int S) {
    for (int64_t k = 0; k < s->before; k++, half += VW)
        UNROLL for (int i = 0; i < S; i++) store(half + i * WINO_WIDTH, (vf){0});
    for (int64_t k = s->before; k < s->there; k++, half += VW) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int i = 0; i < S; i++) {
            in[i] = load(s->row[i] + k * s->step[i]);
            __builtin_prefetch(s->row[i] + k * s->step[i] + s->channel[i]);
        }
        wino_input(in, out, S);
        UNROLL for (int i = 0; i < S; i++) store(half + i * WINO_WIDTH, out[i]);
    }
    for (int64_t k = s->there; k < width; k++, half += VW)
        UNROLL for (int i = 0; i < S; i++) store(half + i * WINO_WIDTH, (vf){0});
}

/* level: a channel, or a pair of them */
INLINE float *wino_v_at(const wino_job *j, float *v, int64_t level, int64_t column) {
    int64_t strip = column / WINO_COLUMNS;
    return v + ((strip * j->depth + level) * WINO_COLUMNS + column % WINO_COLUMNS) * VW;
}

/* One tile of one channel, along x. */
INLINE void wino_input_tile(const float *half, float *to, int64_t position, const int S) {
    for (int i = 0; i < S; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], out[WINO_SIDE];
        UNROLL for (int k = 0; k < S; k++) in[k] = load(half + k * VW);
        wino_input(in, out, S);
        UNROLL for (int k = 0; k < S; k++, to += position) store(to, out[k]);
    }
}

/* One tile of two channels, in bf16; the second one may be missing. */
INLINE void wino_input_pairs(const float *half, const float *other, float *to, int64_t position, const int S) {
    for (int i = 0; i < S; i++, half += WINO_WIDTH) {
        vf in[WINO_SIDE], even[WINO_SIDE], odd[WINO_SIDE] = {0};
        UNROLL for (int k = 0; k < S; k++) in[k] = load(half + k * VW);
        wino_input(in, even, S);
        if (other) {
            UNROLL for (int k = 0; k < S; k++) in[k] = load(other + i * WINO_WIDTH + k * VW);
            wino_input(in, odd, S);
        }
        UNROLL for (int k = 0; k < S; k++, to += position)
            store_pairs((uint32_t *)to, pair(even[k], odd[k]));
    }
}

INLINE void wino_transform_pairs(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                                 float *v, float *half, const int S) {
    int64_t width = (r->count - 1) * j->m + S;
    float *other = half + S * WINO_WIDTH;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t level = 0; level < j->depth; level++) {
            int whole = 2 * level + 1 < j->in;
            wino_input_columns(&s, width, half, S);
            wino_next_channel(&s, S);
            if (whole) {
                wino_input_columns(&s, width, other, S);
                wino_next_channel(&s, S);
            }
            for (int64_t t = 0; t < r->count; t++)
                wino_input_pairs(half + t * j->m * VW, whole ? other + t * j->m * VW : 0,
                                 wino_v_at(j, v, level, (tile + t) * j->parts + part),
                                 j->v_position, S);
        }
    }
}

INLINE void wino_transform_run(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                               float *v, float *half, const int S) {
    int64_t width = (r->count - 1) * j->m + S;
    for (int64_t part = 0; part < j->parts; part++) {
        wino_source s = wino_source_of(j, r, part, width);
        for (int64_t channel = 0; channel < j->in; channel++, wino_next_channel(&s, S)) {
            wino_input_columns(&s, width, half, S);
            for (int64_t t = 0; t < r->count; t++)
                wino_input_tile(half + t * j->m * VW,
                                wino_v_at(j, v, channel, (tile + t) * j->parts + part),
                                j->v_position, S);
        }
    }
}

typedef void wino_transform_function(const wino_job *j, const wino_run_of_tiles *r, int64_t tile,
                                     float *v, float *half);
#define WINO_TRANSFORM(name, S) \
    NOINLINE void name##_##S(const wino_job *j, const wino_run_of_tiles *r, int64_t tile, float *v, \
                             float *half) { \
        name(j, r, tile, v, half, S); \
    }
WINO_TRANSFORM(wino_transform_run, 6) WINO_TRANSFORM(wino_transform_run, 4)
WINO_TRANSFORM(wino_transform_pairs, 6) WINO_TRANSFORM(wino_transform_pairs, 4)

/* [paired][side] */
static wino_transform_function *const wino_transforms[2][WINO_SIDES] = {
    WINO_SIDE_NAMES(wino_transform_run), WINO_SIDE_NAMES(wino_transform_pairs)};

/* The run of tiles that begins with `tile`, of all blocks. */
static wino_run_of_tiles wino_run_at(const wino_job *j, int64_t tile, int64_t end) {
    int64_t in_block = tile % j->tiles, x = in_block % j->grid[1];
    return (wino_run_of_tiles){tile / j->tiles, in_block / j->grid[1], x,
                               min_i64(end - tile, j->grid[1] - x)};
}

#endif
