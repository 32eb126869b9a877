/* Input gradient of a 3x3 kernel at step 2 for an image of few channels: the first layer of a net.
 *
 * With pad the zeros before the image, x's pixel 2v - pad, an even one, takes from dy[v] by tap 0
 * and from dy[v - 1] by tap 2, its odd neighbour from dy[v] by tap 1, along each axis. A tile is
 * some such pairs of pixels in a pair of rows, of all channels: a pixel of dy is loaded once for
 * all phases, and the next tiles' are fetched, one filter's lying far from the next one's. */
#ifndef FC_CONV2D_PHASES_IMPL_H
#define FC_CONV2D_PHASES_IMPL_H

#include "conv2d_rows_impl.h"

#define PHASES_OUTS 3                                /* channels of the image, at most */
#define PHASES_AHEAD 2                               /* tiles */

/* Pairs of pixels of one row of a block */
typedef struct {
    const float *dy;                                 /* row v, pair 0 */
    float *out;                                      /* its even row, even pixel of pair 0 */
    int64_t above, out_row;                          /* from row v to v - 1; to the odd row */
    int64_t lanes, pairs;
    int64_t before, cols;    /* pixels of pair 0 that lie before the image; pixels of a row */
    int64_t rows_begin, rows_end;                    /* which rows of the pair are in the image */
} phases_row;

typedef void phases_function(const conv_job *, const phases_row *);

/* sum[row parity][pixel parity][pair] of one channel; dy[row][column], those of v - 1 first */
INLINE void phases_add(const float *w, vf (*dy)[7], const int PT, vf *sum) {
    UNROLL for (int k = 0; k < 9; k++) {
        const int y = k / 3, x = k % 3;
        vf *to = sum + (2 * (y & 1) + (x & 1)) * PT, tap = splat(w[k]);
        UNROLL for (int q = 0; q < PT; q++) to[q] += dy[y < 2][q + (x < 2)] * tap;
    }
}

INLINE void phases_accumulate(const conv_job *j, const phases_row *r, const float *p, int64_t left,
                              const int OT, const int PT, vf *acc) {
    const float *w = j->w;
    const int64_t ahead = PHASES_AHEAD * PT * r->lanes;
    for (int64_t c = j->in; c > 0; c--, p += j->x->stride[1], w += OT * 9) {
        vf dy[2][7];
        UNROLL for (int row = 0; row < 2; row++) {
            const float *from = p + (row ? 0 : r->above);
            dy[row][0] = load(from + left);
            UNROLL for (int q = 0; q < PT; q++) {
                dy[row][q + 1] = load(from + q * r->lanes);
                __builtin_prefetch(from + q * r->lanes + ahead);
            }
        }
        UNROLL for (int o = 0; o < OT; o++) phases_add(w + 9 * o, dy, PT, acc + 4 * o * PT);
    }
}

/* Pixels that lie in the image, of pairs from `pair` on */
INLINE void phases_store(const conv_job *j, const phases_row *r, int64_t pair, const int OT,
                         const int PT, const vf *acc) {
    int64_t first = 2 * pair - r->before;
    float *out = r->out + first * r->lanes;
    UNROLL for (int o = 0; o < OT; o++, out += j->out->stride[1])
        UNROLL for (int row = 0; row < 2; row++) {
            if (row < r->rows_begin || row >= r->rows_end) continue;
            UNROLL for (int q = 0; q < 2 * PT; q++)
                if (first + q >= 0 && first + q < r->cols)
                    conv_put(j->streamed, out + row * r->out_row + q * r->lanes,
                             acc[(4 * o + 2 * row + q % 2) * PT + q / 2]);
        }
}

/* The last tile overlaps the one before. */
INLINE void phases_tiles(const conv_job *j, const phases_row *r, const int OT, const int PT) {
    for (int64_t k = 0; k < r->pairs; k += PT) {
        int64_t pair = min_i64(k, r->pairs - PT);
        vf acc[CONV_ACCUMULATORS];
        UNROLL for (int i = 0; i < 4 * OT * PT; i++) acc[i] = (vf){0};
        /* Left of a first pair without its even pixel there need not be any memory. */
        int64_t left = pair || !r->before ? -r->lanes : 0;
        phases_accumulate(j, r, r->dy + pair * r->lanes, left, OT, PT, acc);
        phases_store(j, r, pair, OT, PT, acc);
    }
}

#define PHASES_PT(OT) (CONV_ACCUMULATORS / (4 * (OT)))
NOINLINE void phases_1(const conv_job *j, const phases_row *r) { phases_tiles(j, r, 1, 6); }
NOINLINE void phases_2(const conv_job *j, const phases_row *r) { phases_tiles(j, r, 2, 3); }
NOINLINE void phases_3(const conv_job *j, const phases_row *r) { phases_tiles(j, r, 3, 2); }
static phases_function *const phases_table[PHASES_OUTS] = {phases_1, phases_2, phases_3};

/* Pairs along an axis */
INLINE int64_t phases_pairs(const conv_job *j, int axis) {
    return (j->out->shape[2 + axis] - 1 + j->shift[axis]) / 2 - j->shift[axis] / 2 + 1;
}

INLINE int phases_fits(const conv_job *j) {
    return CONV_ACCUMULATORS == 24 && j->groups == 1 && j->outs <= PHASES_OUTS && !j->y &&
           j->kernel[0] == 3 && j->kernel[1] == 3 && j->dilation[0] == 1 && j->dilation[1] == 1 &&
           j->write_step[0] == 2 && j->write_step[1] == 2 && tensor_l(j->x) % VW == 0 &&
           phases_pairs(j, 1) >= PHASES_PT(j->outs);
}

/* Pair v of rows of a block */
static phases_row phases_row_at(const conv_job *j, int64_t block, int64_t v) {
    int64_t lanes = tensor_l(j->x), y = 2 * v - j->shift[0] % 2;
    phases_row r = {.lanes = lanes, .pairs = phases_pairs(j, 1), .cols = tensor_w(j->out)};
    r.before = j->shift[1] % 2;
    r.rows_begin = y < 0;
    r.rows_end = y + 1 < tensor_h(j->out) ? 2 : 1;
    r.above = r.rows_begin ? 0 : -j->x->stride[2];
    r.out_row = j->out->stride[2];
    r.out = tensor_row(j->out, block, 0, y);
    r.dy = tensor_row(j->x, block, 0, j->halo[0] + j->shift[0] / 2 + v) +
           (j->halo[1] + j->shift[1] / 2) * lanes;
    return r;
}

/* Threads share out (block, pair of rows). */
static void phases_run(const conv_job *j, const fc_context *ctx) {
    int64_t rows = phases_pairs(j, 0), begin, end;
    split(active_blocks(j->out, ctx) * rows, ctx, &begin, &end);
    for (; begin < end; begin++) {
        phases_row r = phases_row_at(j, begin / rows, begin % rows);
        for (int64_t part = 0; part < r.lanes; part += VW, r.dy += VW, r.out += VW)
            phases_table[j->outs - 1](j, &r);
    }
}

#endif
