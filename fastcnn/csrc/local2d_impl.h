/* Convolution with weights of its own for each output pixel.
 *
 * Forward and input gradient are the same work, pixel by pixel of what is written:
 *
 *     out[m] = sum over the terms t and steps r of  scalar[t][m, r] * column[t][r]
 *
 * A term is a tap: forward, m are filters and r channels; towards the input, m are channels and r
 * filters. Weights are read once for several blocks of images. A thread owns pixels of what is
 * written, or, for the weight gradient, the weights of pixels. */
#include "activation_math.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define LOCAL_BLOCKS 4
#else                                                /* 16 registers */
#define LOCAL_BLOCKS 2
#endif
#define LOCAL_OUTS 6
#define LOCAL_SIDE 4                                 /* of a tile of weight gradients */

typedef struct {
    const float *scalar, *column;
} local_term;

typedef struct {
    const local_term *terms;
    int64_t count, steps;
    int64_t scalar_row, scalar_step;                 /* to the next m, r of a scalar */
    int64_t column_step, column_block;               /* to the next r, block of a column */
    int64_t column_first;                            /* to the first block */
    float *out;
    int64_t out_row, out_block;
    const float *bias;                               /* NULL, or that of the first m */
    int64_t bias_row;
    const float *y;                                  /* NULL, or out is multiplied by act'(y) */
    int64_t y_row, y_block;
    int activation;
    float alpha;
} local_job;

/* n lanes, VW or fewer, from lane l on; M outputs, BLOCKS blocks */
INLINE void local_tile(const local_job *j, int64_t l, int64_t n, const int M, const int BLOCKS) {
    vf acc[LOCAL_OUTS * LOCAL_BLOCKS];
    UNROLL for (int m = 0; m < M; m++)
        UNROLL for (int b = 0; b < BLOCKS; b++)
            acc[m * BLOCKS + b] = splat(j->bias ? j->bias[m * j->bias_row] : 0.0f);
    for (const local_term *t = j->terms; t < j->terms + j->count; t++) {
        const float *scalar = t->scalar, *column = t->column + j->column_first + l;
        for (int64_t r = 0; r < j->steps; r++) {
            vf x[LOCAL_BLOCKS];
            UNROLL for (int b = 0; b < BLOCKS; b++) x[b] = load_n(column + b * j->column_block, n);
            UNROLL for (int m = 0; m < M; m++) {
                vf w = splat(scalar[m * j->scalar_row]);
                UNROLL for (int b = 0; b < BLOCKS; b++) acc[m * BLOCKS + b] += x[b] * w;
            }
            scalar += j->scalar_step;
            column += j->column_step;
        }
    }
    UNROLL for (int m = 0; m < M; m++)
        UNROLL for (int b = 0; b < BLOCKS; b++) {
            vf v = acc[m * BLOCKS + b];
            if (j->y) {
                vf y = load_n(j->y + m * j->y_row + b * j->y_block + l, n);
                v = activate_backward(j->activation, v, y, j->alpha);
            } else {
                v = activate(j->activation, v, j->alpha);
            }
            store_n(j->out + m * j->out_row + b * j->out_block + l, v, n);
        }
}

#define LOCAL_TILE(M, B) \
    static void local_##M##_##B(const local_job *j, int64_t lanes) { \
        if (B > LOCAL_BLOCKS) return; \
        for (int64_t l = 0; l + VW <= lanes; l += VW) local_tile(j, l, VW, M, B); \
        if (lanes % VW) local_tile(j, lanes / VW * VW, lanes % VW, M, B); \
    }
#define LOCAL_TILES(M) LOCAL_TILE(M, 1) LOCAL_TILE(M, 2) LOCAL_TILE(M, 3) LOCAL_TILE(M, 4)
LOCAL_TILES(1) LOCAL_TILES(2) LOCAL_TILES(3) LOCAL_TILES(4) LOCAL_TILES(5) LOCAL_TILES(6)

#define LOCAL_ROW(M) {local_##M##_1, local_##M##_2, local_##M##_3, local_##M##_4}
static void (*const local_tiles[LOCAL_OUTS][4])(const local_job *, int64_t) = {
    LOCAL_ROW(1), LOCAL_ROW(2), LOCAL_ROW(3), LOCAL_ROW(4), LOCAL_ROW(5), LOCAL_ROW(6)};

/* All blocks of `outs` outputs, at most LOCAL_OUTS */
static void local_run(local_job j, int64_t outs, int64_t blocks, int64_t lanes) {
    for (int64_t b = 0; b < blocks; b += LOCAL_BLOCKS) {
        local_tiles[outs - 1][min_i64(LOCAL_BLOCKS, blocks - b) - 1](&j, lanes);
        j.column_first += LOCAL_BLOCKS * j.column_block;
        j.out += LOCAL_BLOCKS * j.out_block;
        if (j.y) j.y += LOCAL_BLOCKS * j.y_block;
    }
}

/* Row y, pixel x of the first channel of the first block */
INLINE float *local_pixel(const fc_tensor *t, int64_t y, int64_t x) {
    return (float *)t->data + y * t->stride[2] + x * t->shape[4];
}

static size_t local2d_terms(const fc_args *a) {
    return a->t[1].shape[4] * a->t[1].shape[5] * sizeof(local_term);
}

/* ---- forward ---- */

static void local2d_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *w = &a->t[1], *y = &a->t[3];
    const float *bias = a->t[2].data;
    local_term *terms = (local_term *)ctx->scratch;
    int64_t kh = w->shape[4], kw = w->shape[5], outs = w->shape[2], pixels = w->shape[0] * w->shape[1];
    int64_t chunks = ceil_div(outs, LOCAL_OUTS), begin, end;
    local_job j = {.terms = terms, .count = kh * kw, .steps = w->shape[3], .scalar_row = w->shape[3] * kh * kw,
                   .scalar_step = kh * kw, .column_step = x->stride[1], .column_block = x->stride[0],
                   .out_row = y->stride[1], .out_block = y->stride[0], .bias_row = pixels,
                   .activation = (int)a->i[2], .alpha = (float)a->f[0]};
    split(pixels * chunks, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        int64_t at = k / chunks, oy = at / w->shape[1], ox = at % w->shape[1];
        int64_t m = k % chunks * LOCAL_OUTS;
        const float *weights = (const float *)w->data + (at * outs + m) * j.scalar_row;
        for (int64_t t = 0; t < j.count; t++)
            terms[t] = (local_term){
                weights + t, local_pixel(x, oy * a->i[0] + t / kw, ox * a->i[1] + t % kw)};
        j.out = local_pixel(y, oy, ox) + m * j.out_row;
        j.bias = bias ? bias + m * pixels + at : 0;
        local_run(j, min_i64(LOCAL_OUTS, outs - m), active_blocks(y, ctx), y->shape[4]);
    }
}

/* ---- input gradient ---- */

/* The taps that read pixel (y, x) of the image with its border, and the outputs they belong to */
static int64_t local_readers(const fc_args *a, int64_t y, int64_t x, local_term *terms) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1];
    int64_t kw = w->shape[5], pixel = w->shape[2] * w->shape[3] * w->shape[4] * kw, count = 0;
    for (int64_t ky = 0; ky < w->shape[4]; ky++)
        for (int64_t kx = 0; kx < kw; kx++) {
            int64_t oy = y - ky, ox = x - kx;
            if (oy < 0 || ox < 0 || oy % a->i[0] || ox % a->i[1]) continue;
            oy /= a->i[0];
            ox /= a->i[1];
            if (oy >= w->shape[0] || ox >= w->shape[1]) continue;
            const float *weights = (const float *)w->data + (oy * w->shape[1] + ox) * pixel;
            terms[count++] = (local_term){weights + ky * kw + kx, local_pixel(dy, oy, ox)};
        }
    return count;
}

static void local2d_backward_input(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    local_term *terms = (local_term *)ctx->scratch;
    int64_t area = w->shape[4] * w->shape[5], outs = w->shape[3], columns = dx->shape[3];
    int64_t chunks = ceil_div(outs, LOCAL_OUTS), begin, end;
    local_job j = {.terms = terms, .steps = w->shape[2], .scalar_row = area,
                   .scalar_step = outs * area, .column_step = dy->stride[1],
                   .column_block = dy->stride[0], .out_row = dx->stride[1],
                   .out_block = dx->stride[0], .alpha = (float)a->f[0]};
    if (y->data) {
        j.activation = (int)a->i[4];
        j.y_row = y->stride[1];
        j.y_block = y->stride[0];
    }
    split(dx->shape[2] * columns * chunks, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        int64_t iy = k / chunks / columns, ix = k / chunks % columns, m = k % chunks * LOCAL_OUTS;
        j.count = local_readers(a, iy + a->i[2], ix + a->i[3], terms);
        for (int64_t t = 0; t < j.count; t++) terms[t].scalar += m * area;
        j.out = local_pixel(dx, iy, ix) + m * j.out_row;
        j.y = y->data ? local_pixel(y, iy, ix) + m * j.y_row : 0;
        local_run(j, min_i64(LOCAL_OUTS, outs - m), active_blocks(dx, ctx), dx->shape[4]);
    }
}

/* ---- weight gradient ---- */

typedef struct {
    const float *dy, *x;                             /* of one output pixel */
    int64_t dy_channel, dy_block, x_block;
    const int64_t *offset;                           /* of x, for each (channel, ky, kx) */
    int64_t outs, taps, blocks, lanes;
} local_pair;

/* LOCAL_SIDE x LOCAL_SIDE weights; what lies beyond the last filter or tap is computed twice and
 * not stored. */
static void local_weights(const local_pair *p, int64_t out, int64_t tap, float *dw) {
    enum { S = LOCAL_SIDE };
    vf acc[S * S] = {{0}};
    const float *dy[S], *x[S];
    float sums[S * S + VW] = {0};
    for (int k = 0; k < S; k++) {
        dy[k] = p->dy + min_i64(out + k, p->outs - 1) * p->dy_channel;
        x[k] = p->x + p->offset[min_i64(tap + k, p->taps - 1)];
    }
    for (int64_t b = 0; b < p->blocks; b++)
        for (int64_t l = 0, n; l < p->lanes; l += n) {
            vf d[S], v[S];
            n = min_i64(VW, p->lanes - l);
            UNROLL for (int k = 0; k < S; k++) d[k] = load_n(dy[k] + b * p->dy_block + l, n);
            UNROLL for (int k = 0; k < S; k++) v[k] = load_n(x[k] + b * p->x_block + l, n);
            UNROLL for (int o = 0; o < S; o++)
                UNROLL for (int k = 0; k < S; k++) acc[o * S + k] += d[o] * v[k];
        }
    dw_add_lanes(acc, S * S, sums);
    int64_t taps = min_i64(S, p->taps - tap);
    for (int64_t o = 0; o < min_i64(S, p->outs - out); o++)
        memcpy(dw + (out + o) * p->taps + tap, sums + o * S, taps * sizeof(float));
}

/* Sum of dy over the images, for one pixel of one filter */
static float local_bias(const local_pair *p, int64_t out) {
    vf sum = {0};
    float total = 0.0f;
    for (int64_t b = 0; b < p->blocks; b++)
        for (int64_t l = 0, n; l < p->lanes; l += n) {
            n = min_i64(VW, p->lanes - l);
            sum += load_n(p->dy + out * p->dy_channel + b * p->dy_block + l, n);
        }
    for (int l = 0; l < VW; l++) total += sum[l];
    return total;
}

static size_t local2d_offsets(const fc_args *a) {
    const fc_tensor *dw = &a->t[2];
    return dw->shape[3] * dw->shape[4] * dw->shape[5] * sizeof(int64_t);
}

static void local2d_backward_weight(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *dy = &a->t[1], *dw = &a->t[2];
    float *db = a->t[3].data;
    int64_t *offset = (int64_t *)ctx->scratch;
    int64_t kw = dw->shape[5], area = dw->shape[4] * kw, pixels = dw->shape[0] * dw->shape[1];
    int64_t begin, end;
    local_pair p = {.dy_channel = dy->stride[1], .dy_block = dy->stride[0], .x_block = x->stride[0],
                    .offset = offset, .outs = dw->shape[2], .taps = dw->shape[3] * area,
                    .blocks = active_blocks(dy, ctx), .lanes = dy->shape[4]};
    for (int64_t k = 0; k < p.taps; k++)
        offset[k] = k / area * x->stride[1] + k % area / kw * x->stride[2] + k % kw * p.lanes;
    split(pixels, ctx, &begin, &end);
    for (int64_t at = begin; at < end; at++) {
        int64_t oy = at / dw->shape[1], ox = at % dw->shape[1];
        float *to = (float *)dw->data + at * p.outs * p.taps;
        p.dy = local_pixel(dy, oy, ox);
        p.x = local_pixel(x, oy * a->i[0], ox * a->i[1]);
        for (int64_t tap = 0; tap < p.taps; tap += LOCAL_SIDE)
            for (int64_t out = 0; out < p.outs; out += LOCAL_SIDE) local_weights(&p, out, tap, to);
        for (int64_t out = 0; db && out < p.outs; out++) db[out * pixels + at] = local_bias(&p, out);
    }
}

#define LOCAL2D_KERNELS \
    {"local2d_forward", "x w ?b >y | stride_h stride_w activation | alpha", local2d_forward, 0, 0, \
     local2d_terms}, \
    {"local2d_backward_input", \
     "dy w ?y >dx | stride_h stride_w pad_top pad_left activation | alpha", local2d_backward_input, \
     0, 0, local2d_terms}, \
    {"local2d_backward_weight", "x dy >dw ?>db | stride_h stride_w |", local2d_backward_weight, 0, 0, \
     local2d_offsets}
