/* The forward convolution of images that lie alone (one lane): vectors hold output channels.
 *
 * A tile is up to SINGLE_VECTORS vectors of output channels x a few pixels, held in registers; the
 * inputs are the scalars, so rows may be as short as they like. Weights are packed as
 * [group of vectors][channel][tap][lanes of the group], and stay in L2 while all pixels pass by.
 * A finished tile is transposed on its way out. */
#ifndef FC_CONV2D_SINGLE_IMPL_H
#define FC_CONV2D_SINGLE_IMPL_H

#include "conv2d_tile_impl.h"
#include "transpose.h"

#define SINGLE_VECTORS 2
#if VW == 16
#define SINGLE_PIXELS 12
#elif VW == 8
#define SINGLE_PIXELS 6
#else
#define SINGLE_PIXELS 4                              /* no more than VW: see single_store */
#endif
#define SINGLE_ROWS 3
#define SINGLE_LEAST_OUTS 4                          /* below, most lanes would be empty */

/* A place in the output, and what it reads. */
typedef struct {
    const float *x, *w;
    int64_t channel, row, pixel;                     /* steps in x: to the next of each */
} single_tile;

typedef void single_function(const conv_job *, const single_tile *, vf *);

INLINE int64_t single_vectors(int64_t outs) { return ceil_div(outs, VW); }

/* Whether few output channels would leave a fifth more lanes empty than vectors along rows do. */
static int single_rows_fill_better(const fc_args *a) {
    int64_t outs = a->t[1].shape[0], width = a->t[3].shape[3];
    int64_t filled = width * single_vectors(outs), filled_by_outs = outs * ceil_div(width, VW);
    return a->i[1] == 1 && width >= VW && 4 * filled >= 5 * filled_by_outs;
}

static int single_fits(const fc_args *a) {
    int enough = a->t[1].shape[0] >= SINGLE_LEAST_OUTS && !single_rows_fill_better(a);
    return a->t[0].shape[4] == 1 && a->i[4] == 1 && enough;
}

static size_t single_workspace(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3];
    int64_t lanes = single_vectors(w->shape[0]) * VW;
    return lanes * w->shape[1] * taps * sizeof(float) + taps * sizeof(conv_tap);
}

static void single_place_workspace(conv_job *j, const fc_args *a) {
    j->packed = (float *)a->workspace;
    j->taps = (conv_tap *)(j->packed + single_vectors(j->outs) * VW * j->w_out);
}

/* ---- packing ---- */

/* The weights of one vector of output channels; n: floats of a channel. */
static void single_pack_vector(const conv_job *j, int64_t vector) {
    int64_t n = j->w_out, first = vector * VW, group = vector / SINGLE_VECTORS;
    int64_t width = min_i64(SINGLE_VECTORS, single_vectors(j->outs) - group * SINGLE_VECTORS) * VW;
    float *to = j->packed + group * SINGLE_VECTORS * VW * n + vector % SINGLE_VECTORS * VW;
    for (int64_t k = 0; k < n; k += VW) {
        vf rows[VW] = {{0}};
        int64_t part = min_i64(VW, n - k);
        for (int64_t o = 0; o < min_i64(VW, j->outs - first); o++)
            rows[o] = load_n(j->w + (first + o) * n + k, part);
        transpose(rows);
        for (int64_t t = 0; t < part; t++) store(to + (k + t) * width, rows[t]);
    }
}

static void single_prepare(const conv_job *j, const fc_context *ctx) {
    int64_t begin, end;
    split(single_vectors(j->outs), ctx, &begin, &end);
    for (int64_t v = begin; v < end; v++) single_pack_vector(j, v);
    if (ctx->thread) return;
    for (int64_t t = 0; t < j->kernel[0] * j->kernel[1]; t++)
        j->taps[t].at = t / j->kernel[1] * j->dilation[0] * j->x->stride[2] +
                        t % j->kernel[1] * j->dilation[1];
}

/* ---- tiles ---- */

/* out[v * R * P + r * P + p]: R rows of P pixels of V vectors; pixel: between inputs of neighbours. */
INLINE void single_sums(const conv_job *j, const single_tile *t, const int V, const int R,
                        const int P, const int64_t pixel, vf *out) {
    vf acc[SINGLE_VECTORS][SINGLE_PIXELS];
    UNROLL for (int v = 0; v < V; v++)
        UNROLL for (int q = 0; q < R * P; q++) acc[v][q] = (vf){0};
    const float *x = t->x, *w = t->w;
    const conv_tap *end = j->taps + j->kernel[0] * j->kernel[1];
    const int64_t row = t->row;
    for (int64_t c = j->in; c > 0; c--, x += t->channel)
        for (const conv_tap *tap = j->taps; tap < end; tap++, w += V * VW) {
            const float *p = x + tap->at;
            vf weight[SINGLE_VECTORS];
            UNROLL for (int v = 0; v < V; v++) weight[v] = load(w + v * VW);
            UNROLL for (int q = 0; q < R * P; q++) {
                vf value = splat(p[q / P * row + q % P * pixel]);
                UNROLL for (int v = 0; v < V; v++) acc[v][q] += value * weight[v];
            }
        }
    UNROLL for (int v = 0; v < V; v++)
        UNROLL for (int q = 0; q < R * P; q++) out[v * R * P + q] = acc[v][q];
}

/* Steps of one and of two pixels are constants; other ones take a tile of one row, too. */
#define SINGLE_TILE(V, R, P) \
    NOINLINE void single_##V##_##R##_##P(const conv_job *j, const single_tile *t, vf *out) { \
        if (R * P <= SINGLE_PIXELS) single_sums(j, t, V, R, P, 1, out); \
    }
#define SINGLE_STEPPED(V, P) \
    NOINLINE void single_stepped_##V##_##P(const conv_job *j, const single_tile *t, vf *out) { \
        if (P > SINGLE_PIXELS) return; \
        if (t->pixel == 2) \
            single_sums(j, t, V, 1, P, 2, out); \
        else \
            single_sums(j, t, V, 1, P, t->pixel, out); \
    }
#define SINGLE_TO_4(V, R) SINGLE_TILE(V, R, 1) SINGLE_TILE(V, R, 2) SINGLE_TILE(V, R, 3) SINGLE_TILE(V, R, 4)
#define SINGLE_TO_6(V, R) SINGLE_TO_4(V, R) SINGLE_TILE(V, R, 5) SINGLE_TILE(V, R, 6)
#define SINGLE_TO_12(V, R) \
    SINGLE_TO_6(V, R) SINGLE_TILE(V, R, 7) SINGLE_TILE(V, R, 8) SINGLE_TILE(V, R, 9) \
    SINGLE_TILE(V, R, 10) SINGLE_TILE(V, R, 11) SINGLE_TILE(V, R, 12)
#define SINGLE_STEPS(V) \
    SINGLE_STEPPED(V, 1) SINGLE_STEPPED(V, 2) SINGLE_STEPPED(V, 3) SINGLE_STEPPED(V, 4) \
    SINGLE_STEPPED(V, 5) SINGLE_STEPPED(V, 6) SINGLE_STEPPED(V, 7) SINGLE_STEPPED(V, 8) \
    SINGLE_STEPPED(V, 9) SINGLE_STEPPED(V, 10) SINGLE_STEPPED(V, 11) SINGLE_STEPPED(V, 12)
SINGLE_TO_12(1, 1) SINGLE_TO_6(1, 2) SINGLE_TO_4(1, 3) SINGLE_STEPS(1)
SINGLE_TO_12(2, 1) SINGLE_TO_6(2, 2) SINGLE_TO_4(2, 3) SINGLE_STEPS(2)

#define SINGLE_NAMES(name) \
    {name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, \
     name##_7, name##_8, name##_9, name##_10, name##_11, name##_12}
#define SINGLE_NAMES_6(name) {name##_1, name##_2, name##_3, name##_4, name##_5, name##_6}
#define SINGLE_NAMES_4(name) {name##_1, name##_2, name##_3, name##_4}

/* [vectors][rows, or 0: stepped][pixels of a row] */
static single_function *const single_functions[SINGLE_VECTORS][SINGLE_ROWS + 1][12] = {
    {SINGLE_NAMES(single_stepped_1), SINGLE_NAMES(single_1_1), SINGLE_NAMES_6(single_1_2),
     SINGLE_NAMES_4(single_1_3)},
    {SINGLE_NAMES(single_stepped_2), SINGLE_NAMES(single_2_1), SINGLE_NAMES_6(single_2_2),
     SINGLE_NAMES_4(single_2_3)},
};

/* n pixels of VW output channels, from lanes into planes */
static void single_store(const conv_job *j, const vf *sums, int64_t channel, int64_t n, float *out) {
    int64_t outs = min_i64(VW, j->outs - channel);
    vf bias = j->bias ? load_n(j->bias + channel, outs) : (vf){0}, v[VW] = {{0}};
    for (int64_t p = 0; p < n; p++) v[p] = activate(j->activation, sums[p] + bias, j->alpha);
    transpose(v);
    for (int64_t o = 0; o < outs; o++, out += j->out->stride[1]) store_n(out, v[o], n);
}

/* ---- the whole ---- */

/* Rows [y, y + rows) of a group of output channels in one block */
static void single_rows(const conv_job *j, int64_t group, int64_t block, int64_t y, int64_t rows) {
    int64_t width = j->out->shape[3], step = j->read_step[1], first = group * SINGLE_VECTORS;
    int64_t vectors = min_i64(SINGLE_VECTORS, single_vectors(j->outs) - first);
    int64_t tiles = ceil_div(width, SINGLE_PIXELS / rows), x, n;
    vf sums[SINGLE_VECTORS * SINGLE_PIXELS];
    single_tile t = {.w = j->packed + first * VW * j->w_out, .channel = j->x->stride[1],
                     .row = j->read_step[0] * j->x->stride[2], .pixel = step};
    for (int64_t k = 0; k < tiles; k++) {
        balanced(width, tiles, k, &x, &n);
        t.x = tensor_row(j->x, block, 0, y * j->read_step[0]) + x * step;
        single_functions[vectors - 1][step == 1 ? rows : 0][n - 1](j, &t, sums);
        for (int64_t v = 0; v < vectors; v++)
            for (int64_t r = 0; r < rows; r++) {
                int64_t channel = (first + v) * VW;
                single_store(j, sums + (v * rows + r) * n, channel, n,
                             tensor_row(j->out, block, channel, y + r) + x);
            }
    }
}

/* n windows of 2x2 pixels of each vector, out of a tile of two rows. A NaN in the first of four
 * stays, as in the kernel that writes an index. */
INLINE void single_pool(const vf *sums, int64_t vectors, int64_t n, vf pooled[][VW], int64_t at) {
    for (int64_t v = 0; v < vectors; v++, sums += 4 * n)
        for (int64_t p = 0; p < n; p++) {
            vf upper = vmax(sums[2 * p + 1], sums[2 * p]), left = vmax(sums[2 * (n + p)], upper);
            pooled[v][at + p] = vmax(sums[2 * (n + p) + 1], left);
        }
}

/* Row y after 2x2 max pooling, of a group of output channels in one block */
static void single_pooled_row(const conv_job *j, int64_t group, int64_t block, int64_t y) {
    int64_t width = j->out->shape[3], first = group * SINGLE_VECTORS, held = 0, x, n;
    int64_t vectors = min_i64(SINGLE_VECTORS, single_vectors(j->outs) - first);
    int64_t tiles = ceil_div(width, SINGLE_PIXELS / 4);
    vf sums[SINGLE_VECTORS * SINGLE_PIXELS], pooled[SINGLE_VECTORS][VW];
    single_tile t = {.w = j->packed + first * VW * j->w_out, .channel = j->x->stride[1],
                     .row = j->x->stride[2], .pixel = 1};
    for (int64_t k = 0; k < tiles; k++) {
        balanced(width, tiles, k, &x, &n);
        t.x = tensor_row(j->x, block, 0, 2 * y) + 2 * x;
        single_functions[vectors - 1][2][2 * n - 1](j, &t, sums);
        single_pool(sums, vectors, n, pooled, held);
        held += n;
        if (k < tiles - 1 && held + n < VW) continue;
        for (int64_t v = 0; v < vectors; v++) {
            int64_t channel = (first + v) * VW;
            float *to = tensor_row(j->out, block, channel, y) + x + n - held;
            single_store(j, pooled[v], channel, held, to);
        }
        held = 0;
    }
}

/* Groups of channels come before rows: a thread reads as few weights as possible. */
static void single_run_pooled(const conv_job *j, const fc_context *ctx) {
    int64_t height = j->out->shape[2], blocks = active_blocks(j->out, ctx), begin, end;
    split(ceil_div(single_vectors(j->outs), SINGLE_VECTORS) * blocks * height, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t image = item / height;
        single_pooled_row(j, image / blocks, image % blocks, item % height);
    }
}

static void single_run(const conv_job *j, const fc_context *ctx) {
    int64_t height = j->out->shape[2], width = j->out->shape[3], begin, end;
    int64_t rows = j->read_step[1] == 1 ? min_i64(SINGLE_ROWS, SINGLE_PIXELS / width) : 1;
    rows = max_i64(1, min_i64(rows, height));
    int64_t bands = ceil_div(height, rows), blocks = active_blocks(j->out, ctx);
    split(ceil_div(single_vectors(j->outs), SINGLE_VECTORS) * blocks * bands, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t y = item % bands * rows, image = item / bands;
        single_rows(j, image / blocks, image % blocks, y, min_i64(rows, height - y));
    }
}

#endif
