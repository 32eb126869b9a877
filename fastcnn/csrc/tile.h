/* The inner loop of the dense kernels, whatever their direction: a tile of up to TALL_ROWS rows of
 * scalars by up to TILE_COLUMNS columns of vectors,
 *
 *     out[m][v] = sum over segments s and steps k of  column[v][s, k] * scalar[m, s, k]
 *
 * to which a bias may be added, or which may be multiplied by the slope of an activation.
 * One function for each size, so that the accumulators are constants of the compiler: registers. */
#ifndef FC_TILE_H
#define FC_TILE_H

#include "activation_math.h"
#include "tile_sizes.h"

/* f' from y = f(x), with two formulas for most: y > 0 ? 1 : kink, and a + b y + c y^2; the others are called. */
typedef struct {
    int kinked, called;      /* called: an activation, or 0 */
    float kink, a, b, c;     /* called: kink is its alpha */
} slope;

typedef struct {
    const float *column[TILE_COLUMNS];
    int64_t column_step, column_segment;
    const float *scalar;
    int64_t scalar_row, scalar_step, scalar_segment;
    int64_t steps, segments;
    float *out[TILE_COLUMNS];
    int64_t out_row;
    const float *bias;   /* of the first row, or NULL; not used when adding */
    int add;             /* to what out holds already */
    int relu;            /* of what is stored */
    int near;            /* out is in L1 or L2: not fetched, where y isn't either */
    int streamed;        /* out goes past the caches; not fetched, so no sums may be added to */
    const float *y[TILE_COLUMNS];   /* NULL, or laid out like out: multiply by f' from y */
    int64_t y_row;
    slope slope;
    const float *fetch;   /* NULL, or what to bring to L2 meanwhile: every TILE_PACE steps */
    int64_t fetch_lines, fetch_step;   /* so many lines, so far apart, */
    int64_t fetch_pace;   /* each time so much further on */
} tile_args;

static slope slope_of(int activation, float alpha) {
    switch (activation) {
    case ACT_RELU: return (slope){.kinked = 1};
    case ACT_LEAKY_RELU: return (slope){.kinked = 1, .kink = alpha};
    case ACT_SIGMOID: return (slope){.b = 1.0f, .c = -1.0f};
    case ACT_TANH: return (slope){.a = 1.0f, .c = -1.0f};
    case ACT_LINEAR: return (slope){.a = 1.0f};
    default: return (slope){.called = activation, .kink = alpha};
    }
}

INLINE vf times_slope(vf v, vf y, const slope *s) {
    if (s->kinked) return select(y > 0.0f, v, v * s->kink);
    if (s->called) return called_slope(s->called, v, y, s->kink);
    return v * (s->a + y * (s->b + y * s->c));
}

INLINE void tile_slope(int rows, int columns, const tile_args *t, vf *acc) {
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < columns; v++) {
            vf *to = &acc[m * columns + v];
            *to = times_slope(*to, load(t->y[v] + m * t->y_row), &t->slope);
        }
}

INLINE void tile_store(int rows, int columns, const tile_args *t, vf *acc) {
    UNROLL for (int m = 0; m < rows; m++) {
        vf bias = splat(t->bias && !t->add ? t->bias[m] : 0.0f);
        UNROLL for (int v = 0; v < columns; v++)
            acc[m * columns + v] += t->add ? load(t->out[v] + m * t->out_row) : bias;
    }
    if (t->y[0]) tile_slope(rows, columns, t, acc);
    if (t->relu)
        UNROLL for (int k = 0; k < rows * columns; k++) acc[k] = activate(ACT_RELU, acc[k], 0.0f);
    if (t->streamed)
        UNROLL for (int m = 0; m < rows; m++)
            UNROLL for (int v = 0; v < columns; v++)
                stream(t->out[v] + m * t->out_row, acc[m * columns + v]);
    else
        UNROLL for (int m = 0; m < rows; m++)
            UNROLL for (int v = 0; v < columns; v++)
                store(t->out[v] + m * t->out_row, acc[m * columns + v]);
}

/* What the tile will store to, and read once, is on its way while the sums are made. Where that is
 * twice as much, row after row, because a burst of misses stalls the loads of the sums. */
INLINE void tile_prefetch(int m, int columns, const tile_args *t) {
    UNROLL for (int v = 0; v < columns; v++) {
        __builtin_prefetch(t->out[v] + m * t->out_row, 1);
        if (t->y[0]) __builtin_prefetch(t->y[v] + m * t->y_row);
    }
}

#define TILE_PACE 16   /* steps from one prefetched row to the next */

INLINE void tile_fetch(const float *p, int64_t lines, int64_t step) {
    for (; lines > 0; lines--, p += step) __builtin_prefetch(p, 0, 2);
}

/* Rows of scalars that one pointer serves: were it all, whose distance no constant tells, there
 * would be more offsets than registers, and loading them would take the turns of the scalars. */
#define TILE_NEAR 3

/* n steps of a segment */
INLINE void tile_steps(int rows, int columns, int near, int64_t row, const tile_args *t, int64_t n,
                       const float *scalar, const float **column, vf *acc) {
    int64_t scalar_step = t->scalar_step, column_step = t->column_step;
    const float *first[TALL_ROWS];
    UNROLL for (int g = 0; g * near < rows; g++) first[g] = scalar + g * near * row;
    for (int64_t k = 0; k < n; k++) {
        vf x[TILE_COLUMNS];
        UNROLL for (int v = 0; v < columns; v++) {
            x[v] = load(column[v]);
            column[v] += column_step;
        }
        UNROLL for (int m = 0; m < rows; m++) {
            vf a = splat(first[m / near][m % near * row]);
            UNROLL for (int v = 0; v < columns; v++) acc[m * columns + v] += x[v] * a;
        }
        UNROLL for (int g = 0; g * near < rows; g++) first[g] += scalar_step;
    }
}

/* near: rows where the distance of scalars is a constant, else TILE_NEAR */
INLINE void tile(int rows, int columns, int near, const tile_args *t) {
    vf acc[TALL_ROWS * TILE_COLUMNS];
    int paced = t->y[0] && t->steps >= TILE_PACE * rows, ahead = paced ? 0 : rows;
    int64_t pace = paced || t->fetch ? TILE_PACE : t->steps;
    const float *fetch = t->fetch;
    UNROLL for (int k = 0; k < rows * columns; k++) acc[k] = (vf){0};
    if (!paced && !t->near && !t->streamed)
        UNROLL for (int m = 0; m < rows; m++) tile_prefetch(m, columns, t);
    int64_t row = t->scalar_row;
    for (int64_t s = 0; s < t->segments; s++) {
        const float *scalar = t->scalar + s * t->scalar_segment;
        const float *column[TILE_COLUMNS];
        UNROLL for (int v = 0; v < columns; v++) column[v] = t->column[v] + s * t->column_segment;
        for (int64_t left = t->steps, n; left > 0; left -= n) {
            n = min_i64(pace, left);
            if (ahead < rows) tile_prefetch(ahead++, columns, t);
            if (fetch) {
                tile_fetch(fetch, t->fetch_lines, t->fetch_step);
                fetch += t->fetch_pace;
            }
            if (row == 1)
                tile_steps(rows, columns, rows, 1, t, n, scalar, column, acc);
            else
                tile_steps(rows, columns, near, row, t, n, scalar, column, acc);
            scalar += n * t->scalar_step;
        }
    }
    tile_store(rows, columns, t, acc);
}

typedef void (*tile_function)(const tile_args *);

#define TILE(M, V) \
    static void tile_##M##_##V(const tile_args *t) { tile(M, V, TILE_NEAR, t); }
EACH_TALL_TILE(TILE)

static const tile_function tile_table[][TALL_ROWS] = TALL_TILE_NAMES(tile);

INLINE void run_tile(int64_t rows, int64_t columns, const tile_args *t) {
    tile_table[columns - 1][rows - 1](t);
}

/* n things in the fewest parts of at most `most`, of equal size but for one */
typedef struct {
    int64_t n, parts;
} partition;

INLINE partition parts_of(int64_t n, int64_t most) { return (partition){n, ceil_div(n, most)}; }
INLINE int64_t part_begin(partition p, int64_t k) { return p.n * k / p.parts; }
INLINE int64_t part_size(partition p, int64_t k) { return part_begin(p, k + 1) - part_begin(p, k); }
/* One part, from which to go to the next without the divisions of part_begin: a short tile waits for
 * them. */
typedef struct {
    int64_t begin, size, each, more, rest, parts;
} part;

INLINE void part_measure(part *p) {
    p->rest += p->more;
    int64_t full = p->rest >= p->parts;
    p->rest -= full * p->parts;
    p->size = p->each + full;
}
INLINE part part_at(partition p, int64_t k) {
    part r = {part_begin(p, k), 0, p.n / p.parts, p.n % p.parts, p.n * k % p.parts, p.parts};
    part_measure(&r);
    return r;
}
INLINE void part_next(part *p) {
    p->begin += p->size;
    part_measure(p);
}
INLINE int64_t part_most(partition p) { return p.parts ? ceil_div(p.n, p.parts) : 0; }

#endif
