/* The inner loop of all kernels with bf16 operands: as in tile.h, but of pairs, so that a step is
 * two multiply-adds,
 *
 *     out[m][v] = sum over segments s and steps k of
 *                 column[v][offset[s] + k column_step] . scalar[m, s, k] */
#ifndef FC_BF16_TILE_H
#define FC_BF16_TILE_H

#include "bf16.h"
#include "tile.h"

typedef struct {
    const uint32_t *column[TILE_COLUMNS];
    int64_t column_step, column_segment;
    const int64_t *offset;                           /* of the segments in a column; NULL: column_segment apart */
    const uint32_t *scalar;
    int64_t scalar_row, scalar_step, scalar_segment;
    int64_t steps, segments;
    float *out[TILE_COLUMNS];
    int64_t out_row;
    int add;                                         /* to what out holds already */
} pair_tile_args;

INLINE void pair_tile(const int rows, const int columns, const pair_tile_args *t) {
    vf acc[TILE_ROWS * TILE_COLUMNS];
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < columns; v++) {
            __builtin_prefetch(t->out[v] + m * t->out_row, 1);
            acc[m * columns + v] = (vf){0};
        }
    const int64_t row = t->scalar_row, scalar_step = t->scalar_step, column_step = t->column_step;
    for (int64_t s = 0; s < t->segments; s++) {
        const uint32_t *scalar = t->scalar + s * t->scalar_segment, *column[TILE_COLUMNS];
        int64_t from = t->offset ? t->offset[s] : s * t->column_segment;
        UNROLL for (int v = 0; v < columns; v++) column[v] = t->column[v] + from;
        for (int64_t k = 0; k < t->steps; k++, scalar += scalar_step) {
            vp x[TILE_COLUMNS];
            UNROLL for (int v = 0; v < columns; v++) {
                x[v] = load_pairs(column[v]);
                column[v] += column_step;
            }
            UNROLL for (int m = 0; m < rows; m++) {
                vp a = splat_pair(scalar[m * row]);
                UNROLL for (int v = 0; v < columns; v++)
                    acc[m * columns + v] = add_products(acc[m * columns + v], x[v], a);
            }
        }
    }
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < columns; v++) {
            float *out = t->out[v] + m * t->out_row;
            store(out, t->add ? acc[m * columns + v] + load(out) : acc[m * columns + v]);
        }
}

typedef void (*pair_tile_function)(const pair_tile_args *);

#define PAIR_TILE(M, V) \
    static void pair_tile_##M##_##V(const pair_tile_args *t) { pair_tile(M, V, t); }
EACH_TILE(PAIR_TILE)

static const pair_tile_function pair_tile_table[][TILE_ROWS] = TILE_NAMES(pair_tile);

INLINE void run_pair_tile(int64_t rows, int64_t columns, const pair_tile_args *t) {
    pair_tile_table[columns - 1][rows - 1](t);
}

#endif
