/* Windows of a row that lie side by side in vectors: none is clipped at the left or right.
 *
 * Width and step of common windows, and the number of lanes, are constants. */
#ifndef FC_POOL2D_RUN_IMPL_H
#define FC_POOL2D_RUN_IMPL_H

#include "pool2d_pairs.h"
#include "pool2d_shape.h"

#define POOL_CELLS 9                                 /* of a window, at most */

typedef struct {
    const float *x;                                  /* first cell in the image of the first window */
    int64_t row;                                     /* floats to the next row of cells */
    int32_t first;                                   /* number of that cell in the window */
    int64_t n;                                       /* floats of the pooled windows */
    int streamed;                                    /* y, past the caches */
} pool_run;

/* ---- cells ---- */

/* The cell in column kx of the windows behind floats [i, i + VW) of the pooled row; of the first n of
 * them where that is the whole row. No float beyond the windows is read. */
INLINE vf pool_cell(const float *x, int64_t i, int64_t n, const int kx, const int stride,
                    const int whole, const int lanes) {
    vf even, odd;
    if (stride == 1) return whole ? load(x + i + kx * lanes) : load_part(x + kx * lanes, n);
    if (lanes >= VW)
        return load(x + ((int64_t)((uint64_t)i / lanes) * stride + kx) * lanes + (uint64_t)i % lanes);
    x += (kx == 2) * lanes;
    if (whole)
        load_pair(x, i, &even, &odd, lanes);
    else
        load_pair_part(x, n, &even, &odd, lanes);
    return kx ? odd : even;
}

/* All of them. */
INLINE void pool_cells(const pool_run *r, int64_t i, vf *x, const int height, const int width,
                       const int stride, const int whole, const int lanes) {
    UNROLL for (int k = 0; k < height * width; k++)
        x[k] = pool_cell(r->x + k / width * r->row, i, r->n, k % width, stride, whole, lanes);
}

/* ---- vectors ---- */

/* The first of equal maxima counts. */
INLINE void max_vector(const pool_run *r, int64_t i, float *y, uint8_t *index, const int height,
                       const int width, const int stride, const int whole, const int lanes) {
    const int last = height * width - 1;
    vf x[POOL_CELLS], best;
    pool_cells(r, i, x, height, width, stride, whole, lanes);
    best = x[0];
    UNROLL for (int k = 1; k <= last; k++) best = vmax(x[k], best);
    vi where = {0};
    UNROLL for (int k = last; k >= 0; k--) where = select_i(x[k] == best, splat_i(k), where);
    where += splat_i(r->first);
    if (whole) {
        pool_put(r->streamed, y + i, best);
        store_bytes(index + i, where, VW);
    } else {
        store_part(y, best, r->n);
        store_bytes_part(index, where, r->n);
    }
}

INLINE void average_vector(const pool_run *r, float scale, int64_t i, float *y, const int height,
                           const int width, const int stride, const int whole, const int lanes) {
    vf x[POOL_CELLS], sum = {0};
    pool_cells(r, i, x, height, width, stride, whole, lanes);
    UNROLL for (int k = 0; k < height * width; k++) sum += x[k];
    if (whole)
        pool_put(r->streamed, y + i, sum * scale);
    else
        store_part(y, sum * scale, r->n);
}

/* ---- runs ---- */

/* `statement` for the vectors from float i on; the last one overlaps the one before it: both compute
 * the same. Or, if there is not one whole vector, for all floats. */
#define POOL_VECTORS(n, statement) \
    int64_t i = 0, n_ = (n); \
    if (n_ < VW) { \
        enum { whole = 0 }; \
        statement; \
        return; \
    } \
    enum { whole = 1 }; \
    for (; i + VW <= n_; i += VW) statement; \
    if (i < n_) { \
        i = n_ - VW; \
        statement; \
    }

typedef void max_run_function(const pool_run *, float *, uint8_t *);
typedef void average_run_function(const pool_run *, float, float *);

#define POOL_RUN(H, W, S, L) \
    NOINLINE void max_run_##H##_##W##_##S##_##L(const pool_run *r, float *y, uint8_t *index) { \
        const pool_run own = *r;   /* which no store can change: it stays in registers */ \
        POOL_VECTORS(own.n, max_vector(&own, i, y, index, H, W, S, whole, L)) \
    } \
    NOINLINE void average_run_##H##_##W##_##S##_##L(const pool_run *r, float scale, float *y) { \
        const pool_run own = *r; \
        POOL_VECTORS(own.n, average_vector(&own, scale, i, y, H, W, S, whole, L)) \
    }
#define POOL_LANES(H, W, S) \
    POOL_RUN(H, W, S, 1) POOL_RUN(H, W, S, 4) POOL_RUN(H, W, S, 8) POOL_RUN(H, W, S, 16)
#define POOL_STRIDES(H, W) POOL_LANES(H, W, 1) POOL_LANES(H, W, 2)
POOL_STRIDES(1, 2) POOL_STRIDES(2, 2)
POOL_STRIDES(1, 3) POOL_STRIDES(2, 3) POOL_STRIDES(3, 3)

#define POOL_NAMES(run, H, W, S) \
    {run##_##H##_##W##_##S##_1, run##_##H##_##W##_##S##_4, run##_##H##_##W##_##S##_8, \
     run##_##H##_##W##_##S##_16}
#define POOL_ROW(run, H, W) {POOL_NAMES(run, H, W, 1), POOL_NAMES(run, H, W, 2)}
#define POOL_TABLE(run) \
    {{POOL_ROW(run, 1, 2), POOL_ROW(run, 2, 2)}, \
     {POOL_ROW(run, 1, 3), POOL_ROW(run, 2, 3), POOL_ROW(run, 3, 3)}}

/* [width - 2][height - 1][stride - 1][lanes / 4, at most 3] */
static max_run_function *const max_run_table[2][3][2][4] = POOL_TABLE(max_run);
static average_run_function *const average_run_table[2][3][2][4] = POOL_TABLE(average_run);

#define POOL_RUN_OF(table, s, v) \
    table[(s)->window_w - 2][(v).end - (v).begin - 1][(s)->stride_w - 1][min_i64(3, (s)->lanes / 4)]

/* Windows [begin, end) of each row lie between the image's left and right border. */
typedef struct {
    int64_t begin, end;
    int streamed;                                    /* y, past the caches */
} pool_inner;

static pool_inner pool_inner_of(const pool_shape *s, int streamed) {
    int64_t begin = min_i64(s->ow, ceil_div(s->pad_left, s->stride_w)), last = s->w + s->pad_left;
    int64_t end = last < s->window_w ? 0 : min_i64(s->ow, (last - s->window_w) / s->stride_w + 1);
    return (pool_inner){begin, max_i64(begin, end), streamed};
}

/* Whether there are functions for such windows, `v` of their rows in the image. */
INLINE int pool_runs(const pool_shape *s, span v) {
    return s->window_w >= 2 && s->window_w <= 3 && s->stride_w <= 2 && s->window_h <= s->window_w &&
           v.begin < v.end && (s->lanes == 1 || s->lanes == 4 || s->lanes == 8 || s->lanes == 16);
}

INLINE pool_run pool_run_of(const pool_shape *s, const float *plane, int64_t row, span v,
                            const pool_inner *inner) {
    int64_t column = inner->begin * s->stride_w - s->pad_left;
    return (pool_run){plane + (v.start + v.begin) * row + column * s->lanes, row,
                      (int32_t)(v.begin * s->window_w), (inner->end - inner->begin) * s->lanes,
                      inner->streamed};
}

#endif
