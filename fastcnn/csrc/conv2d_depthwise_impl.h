/* Depthwise convolution: one channel and one filter a group, 3x3 taps, whole vectors of images.
 * Bound by memory, so each plane is gone through once, from its beginning to its end.
 *
 * Forward (and the input gradient at step 1, which is the same with the taps turned round): some
 * rows of y at once, column after column; a column of x is loaded once and adds to the columns of y
 * that it touches, which wait in registers. Input gradient at step 2: dx[2u + odd] takes from
 * dy[u], if even from dy[u - 1] too, along each axis. */
#ifndef FC_CONV2D_DEPTHWISE_IMPL_H
#define FC_CONV2D_DEPTHWISE_IMPL_H

#include "conv2d_tile_impl.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define DEPTH_ROWS 4
#else                                                /* 16 registers */
#define DEPTH_ROWS 1
#endif
#define DEPTH_TAPS 9
#define DEPTH_AHEAD 4096    /* floats from what is read to what is fetched */

/* Some rows of one plane. */
typedef struct {
    const float *x, *y, *w;
    float *out, bias;
    int64_t x_row, y_row, out_row, lanes, cols;
    int64_t pad;                                     /* input gradient at step 2: on the left */
    conv_ending ending;
    int streamed;                                    /* out is stored past the caches */
} depth_band;

typedef void depth_function(const depth_band *);

INLINE int depth_fits(const conv_job *j) {
    int64_t step = max_i64(j->read_step[0], j->write_step[0]);
    return j->in == 1 && j->outs == 1 && j->kernel[0] == 3 && j->kernel[1] == 3 &&
           j->dilation[0] == 1 && j->dilation[1] == 1 && tensor_l(j->x) % VW == 0 &&
           step <= 2 && step == max_i64(j->read_step[1], j->write_step[1]);
}

INLINE void depth_store(const depth_band *b, int64_t at, vf v, int64_t y_at,
                        const conv_ending ending) {
    if (ending == CONV_RELU) v = activate(ACT_RELU, v, 0);
    if (ending == CONV_RELU_SLOPE) v = activate_backward(ACT_RELU, v, load(b->y + y_at), 0);
    conv_put(b->streamed, b->out + at, v);
}

/* ---- forward ---- */

INLINE const float *depth_column(const float *p, const depth_band *b, const int n, vf *x) {
    UNROLL for (int r = 0; r < n; r++) {
        x[r] = load(p + r * b->x_row);
        __builtin_prefetch(p + r * b->x_row + DEPTH_AHEAD);
    }
    return p + b->lanes;
}

/* Column kx of the taps times a column of x. */
INLINE void depth_add(const vf *x, const vf *w, const int kx, const int rows, const int step,
                      vf *sum) {
    UNROLL for (int ky = 0; ky < 3; ky++)
        UNROLL for (int r = 0; r < rows; r++) sum[r] += x[r * step + ky] * w[3 * ky + kx];
}

INLINE void depth_start(const depth_band *b, const int rows, vf *sum) {
    UNROLL for (int r = 0; r < rows; r++) sum[r] = splat(b->bias);
}

INLINE void depth_end(const depth_band *b, int64_t column, const int rows, const conv_ending ending,
                      const vf *sum) {
    int64_t at = column * b->lanes;
    UNROLL for (int r = 0; r < rows; r++)
        depth_store(b, r * b->out_row + at, sum[r], r * b->y_row + at, ending);
}

INLINE void depth_rows_1(const depth_band *b, const vf *w, const int rows,
                         const conv_ending ending) {
    vf x[DEPTH_ROWS + 2], sum[3][DEPTH_ROWS];
    const float *p = b->x;
    depth_start(b, rows, sum[0]);
    depth_start(b, rows, sum[1]);
    for (int64_t column = -2; column < b->cols; column++) {
        p = depth_column(p, b, rows + 2, x);
        depth_start(b, rows, sum[2]);
        UNROLL for (int kx = 0; kx < 3; kx++) depth_add(x, w, 2 - kx, rows, 1, sum[kx]);
        if (column >= 0) depth_end(b, column, rows, ending, sum[0]);
        UNROLL for (int r = 0; r < rows; r++) sum[0][r] = sum[1][r], sum[1][r] = sum[2][r];
    }
}

INLINE void depth_rows_2(const depth_band *b, const vf *w, const int rows,
                         const conv_ending ending) {
    vf x[2 * DEPTH_ROWS + 1], sum[DEPTH_ROWS];
    const float *p = depth_column(b->x, b, 2 * rows + 1, x);
    for (int64_t column = 0; column < b->cols; column++) {
        depth_start(b, rows, sum);
        depth_add(x, w, 0, rows, 2, sum);
        p = depth_column(p, b, 2 * rows + 1, x);
        depth_add(x, w, 1, rows, 2, sum);
        p = depth_column(p, b, 2 * rows + 1, x);
        depth_add(x, w, 2, rows, 2, sum);
        depth_end(b, column, rows, ending, sum);
    }
}

INLINE void depth_rows(const depth_band *b, const int rows, const int step,
                       const conv_ending ending) {
    vf w[DEPTH_TAPS];
    UNROLL for (int k = 0; k < DEPTH_TAPS; k++) w[k] = splat(b->w[k]);
    if (step == 1)
        depth_rows_1(b, w, rows, ending);
    else
        depth_rows_2(b, w, rows, ending);
}

/* ---- input gradient at step 2 ---- */

/* sum over the given rows of dy and taps of one kernel column */
INLINE vf depth_take(const vf *dy, const vf *w, const int rows, const int kx) {
    vf sum = dy[0] * w[kx];
    if (rows == 2) sum += dy[1] * w[3 + kx];
    return sum;
}

/* One row of dx: an even one takes from dy's rows u (b->x) and u - 1, taps 0 and 2; an odd one from
 * row u, taps 1. b->x points at column 0 of dy. */
INLINE void depth_back_row(const depth_band *b, const int rows, const conv_ending ending) {
    vf w[6], dy[2], before[2];
    int64_t at = 0, end = b->cols * b->lanes;
    const float *p = b->x + b->pad / 2 * b->lanes;
    UNROLL for (int k = 0; k < 3; k++) {
        w[k] = splat(b->w[rows == 2 ? k : 3 + k]);
        w[3 + k] = splat(b->w[6 + k]);
    }
    int odd = b->pad % 2;
    UNROLL for (int r = 0; r < rows; r++)
        before[r] = odd ? (vf){0} : load(p - b->lanes - r * b->x_row);
    for (; at < end; p += b->lanes) {
        __builtin_prefetch(p + DEPTH_AHEAD);
        UNROLL for (int r = 0; r < rows; r++) dy[r] = load(p - r * b->x_row);
        if (!odd) {
            vf sum = depth_take(dy, w, rows, 0) + depth_take(before, w, rows, 2);
            depth_store(b, at, sum, at, ending);
            at += b->lanes;
        }
        odd = 0;
        if (at < end) {
            depth_store(b, at, depth_take(dy, w, rows, 1), at, ending);
            at += b->lanes;
        }
        UNROLL for (int r = 0; r < rows; r++) before[r] = dy[r];
    }
}

/* ---- tables ---- */

#define DEPTH_FUNCTION(name, call) \
    NOINLINE void name(const depth_band *b) { \
        if (b->ending == CONV_RELU) { enum { ending = CONV_RELU }; call; } \
        else if (b->ending == CONV_RELU_SLOPE) { enum { ending = CONV_RELU_SLOPE }; call; } \
        else { enum { ending = CONV_LINEAR }; call; } \
    }
DEPTH_FUNCTION(depth_rows_1_1, depth_rows(b, 1, 1, ending))
DEPTH_FUNCTION(depth_rows_1_2, depth_rows(b, 1, 2, ending))
#if DEPTH_ROWS == 4
DEPTH_FUNCTION(depth_rows_2_1, depth_rows(b, 2, 1, ending))
DEPTH_FUNCTION(depth_rows_2_2, depth_rows(b, 2, 2, ending))
DEPTH_FUNCTION(depth_rows_4_1, depth_rows(b, 4, 1, ending))
DEPTH_FUNCTION(depth_rows_4_2, depth_rows(b, 4, 2, ending))
#endif
DEPTH_FUNCTION(depth_back_1, depth_back_row(b, 1, ending))
DEPTH_FUNCTION(depth_back_2, depth_back_row(b, 2, ending))

/* Computes at most `left` rows and says how many. */
static int64_t depth_some_rows(const depth_band *b, int64_t left, int64_t step) {
#if DEPTH_ROWS == 4
    if (left >= 4) return (step == 1 ? depth_rows_4_1 : depth_rows_4_2)(b), 4;
    if (left >= 2) return (step == 1 ? depth_rows_2_1 : depth_rows_2_2)(b), 2;
#endif
    (void)left;
    return (step == 1 ? depth_rows_1_1 : depth_rows_1_2)(b), 1;
}

/* ---- kernel ---- */

/* Row 0 of a plane */
/* Once the rows are there; the others as they are stored. */
INLINE int depth_activates(const conv_job *j) {
    return j->activation != ACT_LINEAR && j->activation != ACT_RELU;
}

static depth_band depth_plane(const conv_job *j, int64_t plane) {
    int64_t block = plane / j->groups, group = plane % j->groups;
    const conv_axis *rows = &j->phases->axis[0], *cols = &j->phases->axis[1];
    depth_band b = {.lanes = tensor_l(j->x), .cols = tensor_w(j->out), .x_row = j->x->stride[2]};
    b.out = tensor_row(j->out, block, group, 0);
    b.out_row = j->out->stride[2];
    if (j->y) b.y = tensor_row(j->y, block, group, 0), b.y_row = j->y->stride[2];
    if (j->bias) b.bias = j->bias[group];
    b.streamed = j->streamed && !depth_activates(j);
    if (j->activation == ACT_RELU) b.ending = j->y ? CONV_RELU_SLOPE : CONV_RELU;
    b.x = tensor_row(j->x, block, group, 0);
    if (j->write_step[0] == 1) {
        b.x += rows->source * b.x_row + cols->source * b.lanes;
        b.w = j->phases->packed + group * DEPTH_TAPS;
        return b;
    }
    b.x += j->halo[0] * b.x_row + j->halo[1] * b.lanes;
    b.w = j->w + group * j->w_group;
    b.pad = j->shift[1];
    return b;
}

/* At most `left` rows from row m of a plane on; says how many. */
static int64_t depth_run_rows(const conv_job *j, const depth_band *plane, int64_t m, int64_t left) {
    depth_band b = *plane;
    b.out += m * b.out_row;
    if (b.y) b.y += m * b.y_row;
    if (j->write_step[0] == 1) {
        b.x += m * j->read_step[0] * b.x_row;
        return depth_some_rows(&b, left, j->read_step[0]);
    }
    b.x += (m + j->shift[0]) / 2 * b.x_row;
    ((m + j->shift[0]) % 2 ? depth_back_1 : depth_back_2)(&b);
    return 1;
}

/* Activations that would make the tiles large, once the rows are there. */
static void depth_activate(const conv_job *j, const depth_band *b, int64_t begin, int64_t end) {
    if (!depth_activates(j)) return;
    for (int64_t m = begin; m < end; m++)
        for (int64_t k = 0; k < b->cols * b->lanes; k += VW) {
            float *to = b->out + m * b->out_row + k;
            store(to, conv_activate(j, load(to), b->y ? b->y + m * b->y_row + k : 0));
        }
}

/* Threads share out (block, group, row). */
static void depth_run(const conv_job *j, const fc_context *ctx) {
    int64_t height = tensor_h(j->out), lanes = tensor_l(j->x), begin, end, stop;
    split(active_blocks(j->out, ctx) * j->groups * height, ctx, &begin, &end);
    for (; begin < end; begin = stop) {
        int64_t plane = begin / height, first = plane * height;
        depth_band whole = depth_plane(j, plane), b = whole;
        stop = min_i64(end, first + height);
        for (int64_t part = 0; part < lanes; part += VW, b.x += VW, b.out += VW) {
            for (int64_t m = begin - first; m < stop - first;)
                m += depth_run_rows(j, &b, m, stop - first - m);
            if (b.y) b.y += VW;
        }
        depth_activate(j, &whole, begin - first, stop - first);
    }
}

#endif
