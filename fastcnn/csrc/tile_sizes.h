/* The sizes of tiles, for functions made for each of them: f_ROWS_COLUMNS. */
#ifndef FC_TILE_SIZES_H
#define FC_TILE_SIZES_H

#include "vec.h"

/* 32 vector registers: 24 accumulators. 16 registers: 12. */
#if VW == 16 || defined(__aarch64__)
#define TILE_COLUMNS 4
#else
#define TILE_COLUMNS 2
#endif
#define TILE_ROWS 12

/* F(rows, columns) for 1 to n rows */
#define ROWS_TO_6(F, V) F(1, V) F(2, V) F(3, V) F(4, V) F(5, V) F(6, V)
#define ROWS_TO_8(F, V) ROWS_TO_6(F, V) F(7, V) F(8, V)
#define ROWS_TO_12(F, V) ROWS_TO_8(F, V) F(9, V) F(10, V) F(11, V) F(12, V)
#define ROWS_TO_16(F, V) ROWS_TO_12(F, V) F(13, V) F(14, V) F(15, V) F(16, V)
#define NAMES_TO_6(f, V) f##_1_##V, f##_2_##V, f##_3_##V, f##_4_##V, f##_5_##V, f##_6_##V
#define NAMES_TO_8(f, V) NAMES_TO_6(f, V), f##_7_##V, f##_8_##V
#define NAMES_TO_12(f, V) NAMES_TO_8(f, V), f##_9_##V, f##_10_##V, f##_11_##V, f##_12_##V
#define NAMES_TO_16(f, V) NAMES_TO_12(f, V), f##_13_##V, f##_14_##V, f##_15_##V, f##_16_##V

/* All sizes that accumulators allow; TILE_NAMES(f)[columns - 1][rows - 1]. One column has as many loads
 * as multiply-adds but for its own, hence tall tiles of 16 rather than 12 rows, also a whole line. */
#if TILE_COLUMNS == 4
#define EACH_TILE(F) ROWS_TO_12(F, 1) ROWS_TO_12(F, 2) ROWS_TO_8(F, 3) ROWS_TO_6(F, 4)
#define TILE_NAMES(f) {{NAMES_TO_12(f, 1)}, {NAMES_TO_12(f, 2)}, {NAMES_TO_8(f, 3)}, {NAMES_TO_6(f, 4)}}
static const int tile_rows[] = {0, 12, 12, 8, 6};
#define TALL_ROWS 16
#define EACH_TALL_TILE(F) ROWS_TO_16(F, 1) ROWS_TO_12(F, 2) ROWS_TO_8(F, 3) ROWS_TO_6(F, 4)
#define TALL_TILE_NAMES(f) \
    {{NAMES_TO_16(f, 1)}, {NAMES_TO_12(f, 2)}, {NAMES_TO_8(f, 3)}, {NAMES_TO_6(f, 4)}}
static const int tall_rows[] = {0, 16, 12, 8, 6};
#else
#define EACH_TILE(F) ROWS_TO_12(F, 1) ROWS_TO_6(F, 2)
#define TILE_NAMES(f) {{NAMES_TO_12(f, 1)}, {NAMES_TO_6(f, 2)}}
static const int tile_rows[] = {0, 12, 6};
#define TALL_ROWS 12
#define EACH_TALL_TILE(F) EACH_TILE(F)
#define TALL_TILE_NAMES(f) TILE_NAMES(f)
static const int tall_rows[] = {0, 12, 6};
#endif

#endif
