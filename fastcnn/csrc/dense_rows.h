/* Rows of features in (B, rows, L) tensors, for the dense kernels. */
#ifndef FC_DENSE_ROWS_H
#define FC_DENSE_ROWS_H

#include "tile.h"

#define DENSE_FAR (128 * 1024)   /* floats that do not stay in L2 from one run to the next */
#define DENSE_MEMORY (8 * 1024 * 1024)   /* floats that do not stay in L3 */
#define DENSE_WIDTH (TILE_COLUMNS * VW)

INLINE const float *cdata(const fc_tensor *t) { return t->data; }

/* Element (block, row, 0) of a (B, rows, L) tensor */
INLINE float *dense_row(const fc_tensor *t, int64_t block, int64_t row) {
    return (float *)t->data + block * t->stride[0] + row * t->stride[1];
}

/* First element of row 0 of a column of VW images */
INLINE float *dense_column(const fc_tensor *t, int64_t column) {
    int64_t each = t->shape[2] / VW;
    return dense_row(t, column / each, 0) + column % each * VW;
}

INLINE int lanes_fill_vectors(const fc_tensor *x) { return x->shape[2] % VW == 0; }

/* The hardware does not foresee short rows far apart; they come to L2 while a tile is computed. */
INLINE void prefetch_rows(const float *p, int64_t stride, int64_t rows, int64_t n) {
    int64_t line = FC_ALIGN / sizeof(float);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < n; k += line) __builtin_prefetch(p + r * stride + k, 0, 2);
}

#endif
