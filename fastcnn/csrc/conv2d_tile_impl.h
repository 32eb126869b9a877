/* The tile driver of conv2d_forward and conv2d_backward_input.
 *
 * Both are the same work: out[o][pixel] += x[c][pixel + tap] * w[o][c][tap], a "valid" convolution
 * over a view that holds its zero border. For the input gradient at stride s the output falls into
 * s * s phases, each with a subset of the taps; a phase reads dy pixel by pixel and writes every
 * s-th pixel.
 *
 * A tile is OT output channels x PT vectors, held in registers. A tap is one offset into x, so
 * kernel size, dilation and phase cost nothing. Weights are packed as [channel chunk][c][tap][OT]
 * by prepare.
 *
 * Along a row there are three ways to place vectors:
 *   contiguous  pixels follow each other in x and out: the row is one run of floats, whatever L
 *               is, and its last vector overlaps the one before it rather than ending in a masked
 *               store
 *   stepped     a step between pixels, L a multiple of VW: vectors are parts of pixels; sliding
 *               tiles, for an output channel that stands alone, place them so as well
 *   scattered   all the rest (a row shorter than a vector, or a step with L < VW): lane by lane,
 *               slow */
#ifndef FC_CONV2D_TILE_IMPL_H
#define FC_CONV2D_TILE_IMPL_H

#include "activation_math.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define CONV_ACCUMULATORS 24
#define CONV_SLIDE_PT 16
#else                                                /* 16 registers */
#define CONV_ACCUMULATORS 12
#define CONV_SLIDE_PT 8
#endif
#define CONV_OT 6
#define CONV_PT 8
#define CONV_SLIDE_KW 5

/* Taps along one axis. Tap j of output pixel m reads source + m * read_step + j * spacing. */
typedef struct {
    int64_t count;
    int64_t first, step;                             /* its place in the kernel: first + j * step */
    int64_t source, spacing;
} conv_axis;

/* Some output channels of one group, as many as a tile is wide. */
typedef struct {
    int64_t out, size;
    int64_t x, to, y;                                /* offsets of its channels in the tensors */
} conv_chunk;

typedef struct {
    const fc_tensor *x, *out;
    const float *w, *bias;
    const fc_tensor *y;    /* out is multiplied by act'(y), if there is one */
    int transposed, activation;
    float alpha;
    int64_t groups, in, outs;    /* channels of a group that are read and written */
    int64_t w_group, w_in, w_out;                    /* strides of w */
    int64_t kernel[2], dilation[2], stride[2], shift[2], halo[2];    /* y, x */
    int64_t read_step[2], write_step[2];    /* between neighbouring output pixels of a phase */
    int64_t zero_top, zero_bottom;                   /* rows of x known to be zero */
    int64_t max_ot;
    int64_t *offsets;                                /* workspace: taps of all phases, */
    conv_chunk *chunks;                              /* chunks of output channels, */
    float *packed;                                   /* weights of all phases */
} conv_job;

typedef struct {
    conv_axis axis[2];
    int64_t first[2], size[2];    /* its first pixel in out, and how many it has */
    int64_t taps;
    int64_t *offset;
    float *packed;
} conv_phase;

typedef struct {
    const float *x, *w, *bias, *y;
    float *out;
    const int64_t *offset, *offset_end;
    int64_t skipped;                                 /* weights between the taps of two channels */
    int64_t last_x, last_out;                        /* offset of the last vector of the tile */
} conv_tile;

typedef void conv_tile_function(const conv_job *, const conv_tile *);

INLINE int64_t tensor_h(const fc_tensor *t) { return t->shape[2]; }
INLINE int64_t tensor_w(const fc_tensor *t) { return t->shape[3]; }
INLINE int64_t tensor_l(const fc_tensor *t) { return t->shape[4]; }

#define NOINLINE static __attribute__((noinline))

/* Where row y of a channel of a block begins. */
INLINE float *tensor_row(const fc_tensor *t, int64_t block, int64_t channel, int64_t y) {
    return (float *)t->data + block * t->stride[0] + channel * t->stride[1] + y * t->stride[2];
}

/* ---- geometry ---- */

/* Taps of the input gradient in one phase: those with (phase + shift - dilation * k) divisible
 * by stride, from the last to the first, so that they read dy forwards. */
static conv_axis conv_phase_axis(const conv_job *j, int d, int64_t phase) {
    int64_t stride = j->stride[d], dilation = j->dilation[d], step = 1;
    while (step * dilation % stride) step++;
    int64_t k = j->kernel[d] - 1;
    int64_t lowest = max_i64(0, k - step + 1);
    while (k >= lowest && (phase + j->shift[d] - dilation * k) % stride) k--;
    if (k < lowest) return (conv_axis){0};
    int64_t source = j->halo[d] + (phase + j->shift[d] - dilation * k) / stride;
    return (conv_axis){k / step + 1, k, -step, source, dilation * step / stride};
}

/* Phases lie one after the other in the workspace; call for (0, 0), (0, 1), ... with the same
 * phase. */
static void conv_next_phase(const conv_job *j, int64_t py, int64_t px, conv_phase *p) {
    int64_t at[2] = {py, px};
    p->offset = py || px ? p->offset + p->taps : j->offsets;
    p->packed = py || px ? p->packed + p->taps * j->groups * j->outs * j->in : j->packed;
    for (int d = 0; d < 2; d++) {
        p->axis[d] = j->transposed ? conv_phase_axis(j, d, at[d])
                                   : (conv_axis){j->kernel[d], 0, 1, 0, j->dilation[d]};
        int64_t size = j->out->shape[2 + d];
        p->first[d] = at[d];
        p->size[d] = size > at[d] ? ceil_div(size - at[d], j->write_step[d]) : 0;
    }
    p->taps = p->axis[0].count * p->axis[1].count;
}

INLINE int64_t conv_chunks(const conv_job *j) { return ceil_div(j->outs, j->max_ot); }

/* Chunk c of n items in `chunks` chunks which differ by at most one. */
INLINE void balanced(int64_t n, int64_t chunks, int64_t c, int64_t *begin, int64_t *size) {
    *begin = c * (n / chunks) + min_i64(c, n % chunks);
    *size = n / chunks + (c < n % chunks);
}

/* Rows of taps of which the source row holds anything but known zeros, for row m of a phase. */
static void conv_live_taps(const conv_job *j, const conv_phase *p, int64_t m, int64_t rows,
                           int64_t *begin, int64_t *end) {
    const conv_axis *a = &p->axis[0];
    int64_t source = a->source + m * j->read_step[0], last = source + (rows - 1) * j->read_step[0];
    *begin = 0;
    *end = a->count;
    while (*begin < *end && last + *begin * a->spacing < j->zero_top) ++*begin;
    int64_t zeros = tensor_h(j->x) - j->zero_bottom;
    while (*end > *begin && source + (*end - 1) * a->spacing >= zeros) --*end;
    *begin *= p->axis[1].count;
    *end *= p->axis[1].count;
}

/* ---- packing ---- */

static size_t conv_workspace(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3], channels = w->shape[0] + w->shape[1] * a->i[4];
    return taps * sizeof(int64_t) + channels * sizeof(conv_chunk) +
           taps * w->shape[0] * w->shape[1] * sizeof(float);
}

static void conv_place_workspace(conv_job *j, const fc_args *a) {
    j->offsets = (int64_t *)a->workspace;
    j->chunks = (conv_chunk *)(j->offsets + j->kernel[0] * j->kernel[1]);
    j->packed = (float *)(j->chunks + j->groups * conv_chunks(j));
}

static void conv_list_chunks(const conv_job *j) {
    int64_t chunks = conv_chunks(j);
    for (int64_t k = 0; k < j->groups * chunks; k++) {
        conv_chunk *c = &j->chunks[k];
        balanced(j->outs, chunks, k % chunks, &c->out, &c->size);
        c->out += k / chunks * j->outs;
        c->x = k / chunks * j->in * j->x->stride[1];
        c->to = c->out * j->out->stride[1];
        c->y = j->y ? c->out * j->y->stride[1] : 0;
    }
}

static void conv_pack_channel(const conv_job *j, const conv_phase *p, int64_t group, int64_t out) {
    int64_t begin = 0, size = 0;
    for (int64_t c = 0; begin + size <= out; c++)
        balanced(j->outs, conv_chunks(j), c, &begin, &size);
    float *to = p->packed + (group * j->outs + begin) * j->in * p->taps + (out - begin);
    const float *w = j->w + group * j->w_group + out * j->w_out;
    const conv_axis *y = &p->axis[0], *x = &p->axis[1];
    for (int64_t c = 0; c < j->in; c++, w += j->w_in)
        for (int64_t ky = 0; ky < y->count; ky++)
            for (int64_t kx = 0; kx < x->count; kx++, to += size)
                *to = w[(y->first + ky * y->step) * j->kernel[1] + x->first + kx * x->step];
}

static void conv_prepare(const conv_job *j, const fc_context *ctx) {
    conv_phase p;
    int64_t begin, end;
    split(j->groups * j->outs, ctx, &begin, &end);
    if (ctx->thread == 0) conv_list_chunks(j);
    for (int64_t py = 0; py < j->write_step[0]; py++)
        for (int64_t px = 0; px < j->write_step[1]; px++) {
            conv_next_phase(j, py, px, &p);
            for (int64_t k = begin; k < end; k++)
                conv_pack_channel(j, &p, k / j->outs, k % j->outs);
            if (ctx->thread) continue;
            const conv_axis *y = &p.axis[0], *x = &p.axis[1];
            for (int64_t t = 0; t < p.taps; t++)
                p.offset[t] = (y->source + t / x->count * y->spacing) * j->x->stride[2] +
                              (x->source + t % x->count * x->spacing) * tensor_l(j->x);
        }
}

/* ---- tiles ---- */

/* acc[o][q] += sum over channels and taps of x[at[q] + tap] * w[o]. The smaller side of the tile
 * waits in registers, the other one streams. */
INLINE void conv_accumulate(const conv_job *j, const conv_tile *t, const int64_t *at, const int OT,
                            const int PT, vf acc[CONV_OT][CONV_PT]) {
    const float *x = t->x, *w = t->w;
    const int64_t *end = t->offset_end;
    const int64_t channel = j->x->stride[1], skipped = t->skipped;
    for (int64_t c = j->in; c > 0; c--, x += channel, w += skipped)
        for (const int64_t *offset = t->offset; offset < end; offset++, w += OT) {
            const float *p = x + *offset;
            /* The next channel lies far away, where no prefetcher of the machine looks. */
            if (OT >= 4)
                UNROLL for (int q = 0; q < PT; q++) __builtin_prefetch(p + channel + at[q]);
            vf kept[CONV_PT];
            if (OT < PT) {
                UNROLL for (int o = 0; o < OT; o++) kept[o] = splat(w[o]);
                UNROLL for (int q = 0; q < PT; q++) {
                    vf v = load(p + at[q]);
                    UNROLL for (int o = 0; o < OT; o++) acc[o][q] += v * kept[o];
                }
            } else {
                UNROLL for (int q = 0; q < PT; q++) kept[q] = load(p + at[q]);
                UNROLL for (int o = 0; o < OT; o++) {
                    vf v = splat(w[o]);
                    UNROLL for (int q = 0; q < PT; q++) acc[o][q] += v * kept[q];
                }
            }
        }
}

INLINE void conv_start(const conv_tile *t, const int OT, const int PT, vf acc[CONV_OT][CONV_PT]) {
    UNROLL for (int o = 0; o < OT; o++) {
        vf b = t->bias ? splat(t->bias[o]) : (vf){0};
        UNROLL for (int q = 0; q < PT; q++) acc[o][q] = b;
    }
}

NOINLINE vf conv_activate(const conv_job *j, vf v, const float *y) {
    if (!y) return activate(j->activation, v, j->alpha);
    return activate_backward(j->activation, v, load(y), j->alpha);
}

/* Linear and ReLU stay in registers; the others are called, once a vector, to keep the tiles
 * small. */
INLINE vf conv_finish(const conv_job *j, vf v, const float *y) {
    if (j->activation == ACT_LINEAR) return v;
    if (j->activation != ACT_RELU) return conv_activate(j, v, y);
    return y ? activate_backward(ACT_RELU, v, load(y), 0) : activate(ACT_RELU, v, 0);
}

/* The outputs of the layer before are read once, after the sums: fetched meanwhile, the tile is up to 1.4 times
 * as fast. */
INLINE void conv_fetch_outputs(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                               const int64_t step) {
    const float *y = t->y;
    for (int o = 0; o < OT; o++, y += j->y->stride[1])
        UNROLL for (int q = 0; q < PT; q++)
            __builtin_prefetch(y + (q == PT - 1 ? t->last_out : q * step));
}

INLINE void conv_row_tile(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                          const int64_t read_step, const int64_t write_step) {
    vf acc[CONV_OT][CONV_PT];
    int64_t at[CONV_PT];
    if (t->y) conv_fetch_outputs(j, t, OT, PT, write_step);
    UNROLL for (int q = 0; q < PT; q++) at[q] = q == PT - 1 ? t->last_x : q * read_step;
    conv_start(t, OT, PT, acc);
    conv_accumulate(j, t, at, OT, PT, acc);
    UNROLL for (int q = 0; q < PT; q++) at[q] = q == PT - 1 ? t->last_out : q * write_step;
    float *out = t->out;
    const float *y = t->y;
    int64_t out_channel = j->out->stride[1], y_channel = y ? j->y->stride[1] : 0;
    UNROLL for (int o = 0; o < OT; o++, out += out_channel, y += y_channel)
        UNROLL for (int q = 0; q < PT; q++)
            store(out + at[q], conv_finish(j, acc[o][q], y ? y + at[q] : 0));
}

#define CONV_TILE(OT, PT) \
    NOINLINE void conv_contiguous_##OT##_##PT(const conv_job *j, const conv_tile *t) { \
        if (OT * PT <= CONV_ACCUMULATORS) conv_row_tile(j, t, OT, PT, VW, VW); \
    } \
    NOINLINE void conv_stepped_##OT##_##PT(const conv_job *j, const conv_tile *t) { \
        int64_t lanes = tensor_l(j->x); \
        if (OT * PT <= CONV_ACCUMULATORS) \
            conv_row_tile(j, t, OT, PT, j->read_step[1] * lanes, j->write_step[1] * lanes); \
    }
#define CONV_TILES(OT) \
    CONV_TILE(OT, 1) CONV_TILE(OT, 2) CONV_TILE(OT, 3) CONV_TILE(OT, 4) \
    CONV_TILE(OT, 5) CONV_TILE(OT, 6) CONV_TILE(OT, 7) CONV_TILE(OT, 8)
CONV_TILES(1) CONV_TILES(2) CONV_TILES(3) CONV_TILES(4) CONV_TILES(5) CONV_TILES(6)

#define CONV_ROW(kind, OT) \
    {conv_##kind##_##OT##_1, conv_##kind##_##OT##_2, \
     conv_##kind##_##OT##_3, conv_##kind##_##OT##_4, \
     conv_##kind##_##OT##_5, conv_##kind##_##OT##_6, conv_##kind##_##OT##_7, conv_##kind##_##OT##_8}
#define CONV_TABLE(kind) \
    {CONV_ROW(kind, 1), CONV_ROW(kind, 2), CONV_ROW(kind, 3), \
     CONV_ROW(kind, 4), CONV_ROW(kind, 5), CONV_ROW(kind, 6)}

static conv_tile_function *const conv_contiguous[CONV_OT][CONV_PT] = CONV_TABLE(contiguous);
static conv_tile_function *const conv_stepped[CONV_OT][CONV_PT] = CONV_TABLE(stepped);

/* One output channel alone would need a load for each multiply-add. Here each vector of the source
 * is loaded once for all KW taps of a kernel row, which are neighbouring pixels. The next channel
 * is prefetched, see conv_accumulate: 1.25 times as fast. */
INLINE void conv_slide_tile(const conv_job *j, const conv_tile *t, const int PT, const int KW) {
    vf acc[CONV_SLIDE_PT];
    const float *x = t->x, *w = t->w;
    const int64_t *end = t->offset_end;
    const int64_t channel = j->x->stride[1], skipped = t->skipped, lanes = tensor_l(j->x);
    UNROLL for (int q = 0; q < PT; q++) acc[q] = t->bias ? splat(*t->bias) : (vf){0};
    for (int64_t c = j->in; c > 0; c--, x += channel, w += skipped)
        for (const int64_t *offset = t->offset; offset < end; offset += KW, w += KW) {
            const float *p = x + *offset;
            vf tap[CONV_SLIDE_KW];
            UNROLL for (int k = 0; k < KW; k++) tap[k] = splat(w[k]);
            UNROLL for (int s = 0; s < PT + KW - 1; s++, p += lanes) {
                vf v = load(p);
                __builtin_prefetch(p + channel);
                UNROLL for (int k = 0; k < KW; k++)
                    if (s - k >= 0 && s - k < PT) acc[s - k] += v * tap[k];
            }
        }
    int64_t pixel = j->write_step[1] * lanes;
    UNROLL for (int q = 0; q < PT; q++)
        store(t->out + q * pixel, conv_finish(j, acc[q], t->y ? t->y + q * pixel : 0));
}

#define CONV_SLIDE(KW, PT) \
    NOINLINE void conv_slide_##KW##_##PT(const conv_job *j, const conv_tile *t) { \
        if (PT <= CONV_SLIDE_PT) conv_slide_tile(j, t, PT, KW); \
    }
#define CONV_SLIDES(KW) \
    CONV_SLIDE(KW, 1) CONV_SLIDE(KW, 2) CONV_SLIDE(KW, 3) CONV_SLIDE(KW, 4) \
    CONV_SLIDE(KW, 5) CONV_SLIDE(KW, 6) CONV_SLIDE(KW, 7) CONV_SLIDE(KW, 8) \
    CONV_SLIDE(KW, 9) CONV_SLIDE(KW, 10) CONV_SLIDE(KW, 11) CONV_SLIDE(KW, 12) \
    CONV_SLIDE(KW, 13) CONV_SLIDE(KW, 14) CONV_SLIDE(KW, 15) CONV_SLIDE(KW, 16)
#define CONV_SLIDE_ROW(KW) \
    {conv_slide_##KW##_1, conv_slide_##KW##_2, conv_slide_##KW##_3, conv_slide_##KW##_4, \
     conv_slide_##KW##_5, conv_slide_##KW##_6, conv_slide_##KW##_7, conv_slide_##KW##_8, \
     conv_slide_##KW##_9, conv_slide_##KW##_10, conv_slide_##KW##_11, conv_slide_##KW##_12, \
     conv_slide_##KW##_13, conv_slide_##KW##_14, conv_slide_##KW##_15, conv_slide_##KW##_16}
CONV_SLIDES(3) CONV_SLIDES(5)

static conv_tile_function *const conv_slide_3[] = CONV_SLIDE_ROW(3);
static conv_tile_function *const conv_slide_5[] = CONV_SLIDE_ROW(5);

/* The functions for a phase of which the taps of a kernel row are whole vectors apart, or NULL. */
static conv_tile_function *const *conv_sliding(const conv_job *j, const conv_phase *p) {
    const conv_axis *taps = &p->axis[1];
    if (j->outs > 1 || tensor_l(j->x) % VW || j->read_step[1] > 1 || taps->spacing > 1) return 0;
    return taps->count == 5 ? conv_slide_5 : taps->count == 3 ? conv_slide_3 : 0;
}

/* One vector of an output row, lane by lane: floats [from, from + n) of the row. */
static void conv_scattered(const conv_job *j, const conv_tile *t, int64_t ot, int64_t from,
                           int64_t n) {
    int64_t lanes = tensor_l(j->x), x_at[VW], out_at[VW];
    float v[VW] = {0}, slope[VW] = {0};
    for (int64_t k = 0; k < n; k++) {
        x_at[k] = (from + k) / lanes * j->read_step[1] * lanes + (from + k) % lanes;
        out_at[k] = (from + k) / lanes * j->write_step[1] * lanes + (from + k) % lanes;
    }
    vf acc[CONV_OT];
    for (int64_t o = 0; o < ot; o++) acc[o] = t->bias ? splat(t->bias[o]) : (vf){0};
    const float *x = t->x, *w = t->w;
    for (int64_t c = 0; c < j->in; c++, x += j->x->stride[1], w += t->skipped)
        for (const int64_t *offset = t->offset; offset < t->offset_end; offset++, w += ot) {
            for (int64_t k = 0; k < n; k++) v[k] = x[*offset + x_at[k]];
            for (int64_t o = 0; o < ot; o++) acc[o] += load(v) * w[o];
        }
    for (int64_t o = 0; o < ot; o++) {
        for (int64_t k = 0; t->y && k < n; k++) slope[k] = t->y[o * j->y->stride[1] + out_at[k]];
        store(v, conv_finish(j, acc[o], t->y ? slope : 0));
        for (int64_t k = 0; k < n; k++) t->out[o * j->out->stride[1] + out_at[k]] = v[k];
    }
}

/* ---- rows ---- */

/* The vectors of a row: `parts` runs, beginning VW lanes apart. */
typedef struct {
    conv_tile_function *const *table;                /* for each OT a row of CONV_PT functions */
    int64_t max_pt, parts;
    int64_t vectors, x_step, out_step, x_last, out_last;      /* of the last vector in the run */
} conv_run;

/* The tile of one chunk of output channels at the place of `row`. */
INLINE conv_tile conv_chunk_tile(const conv_job *j, const conv_phase *p, const conv_chunk *c,
                                 const conv_tile *row) {
    conv_tile t = *row;
    t.x += c->x;
    t.w = p->packed + c->out * j->in * p->taps + (row->offset - p->offset) * c->size;
    t.skipped = (p->taps - (row->offset_end - row->offset)) * c->size;
    t.out += c->to;
    if (t.y) t.y += c->y;
    if (j->bias) t.bias = j->bias + c->out;
    return t;
}

/* Widest tile, in vectors, for ot output channels. */
INLINE int64_t conv_max_pt(int64_t ot) { return min_i64(CONV_PT, CONV_ACCUMULATORS / ot); }

static void conv_run_tiles(const conv_job *j, const conv_phase *p, const conv_tile *row,
                           const conv_run *r, int64_t c0, int64_t c1) {
    int64_t tiles = ceil_div(r->vectors, r->max_pt);
    for (int64_t k = 0; k < tiles; k++) {
        int64_t v, pt;
        balanced(r->vectors, tiles, k, &v, &pt);
        conv_tile at = *row;
        at.x += v * r->x_step;
        at.out += v * r->out_step;
        if (at.y) at.y += v * r->out_step;
        at.last_x = (k == tiles - 1 ? r->x_last : (v + pt - 1) * r->x_step) - v * r->x_step;
        at.last_out = (k == tiles - 1 ? r->out_last : (v + pt - 1) * r->out_step) - v * r->out_step;
        for (int64_t c = c0; c < c1; c++) {
            conv_tile t = conv_chunk_tile(j, p, &j->chunks[c], &at);
            r->table[(j->chunks[c].size - 1) * CONV_PT + pt - 1](j, &t);
        }
    }
}

static void conv_scattered_row(const conv_job *j, const conv_phase *p, const conv_tile *row,
                               int64_t c0, int64_t c1) {
    int64_t n = p->size[1] * tensor_l(j->x);
    for (int64_t c = c0; c < c1; c++) {
        conv_tile t = conv_chunk_tile(j, p, &j->chunks[c], row);
        for (int64_t from = 0; from < n; from += VW)
            conv_scattered(j, &t, j->chunks[c].size, from, min_i64(VW, n - from));
    }
}

/* How the vectors of a row are placed; table is NULL if they are scattered. */
static conv_run conv_row_run(const conv_job *j, const conv_phase *p) {
    int64_t lanes = tensor_l(j->x), n = p->size[1], floats = n * lanes, last = floats - VW;
    int64_t x_step = j->read_step[1] * lanes, out_step = j->write_step[1] * lanes;
    conv_tile_function *const *slide = conv_sliding(j, p);
    int64_t max_pt = conv_max_pt(min_i64(j->outs, j->max_ot));
    if (slide) max_pt = CONV_SLIDE_PT;
    if (!slide && j->read_step[1] == 1 && j->write_step[1] == 1 && last >= 0)
        return (conv_run){conv_contiguous[0], max_pt, 1, ceil_div(floats, VW), VW, VW, last, last};
    if (lanes % VW) return (conv_run){0};
    return (conv_run){slide ? slide : conv_stepped[0], max_pt, lanes / VW, n, x_step, out_step,
                      (n - 1) * x_step, (n - 1) * out_step};
}

/* Row m of a phase in one block, chunks [c0, c1) of its output channels. */
static void conv_row(const conv_job *j, const conv_phase *p, int64_t block, int64_t m, int64_t c0,
                     int64_t c1) {
    int64_t lanes = tensor_l(j->x), out_y = p->first[0] + m * j->write_step[0], begin, end;
    conv_live_taps(j, p, m, 1, &begin, &end);
    conv_tile row = {.offset = p->offset + begin, .offset_end = p->offset + end};
    row.x = tensor_row(j->x, block, 0, m * j->read_step[0]);
    row.out = tensor_row(j->out, block, 0, out_y) + p->first[1] * lanes;
    if (j->y) row.y = tensor_row(j->y, block, 0, out_y) + p->first[1] * lanes;
    conv_run run = conv_row_run(j, p);
    if (!run.table) {
        conv_scattered_row(j, p, &row, c0, c1);
        return;
    }
    for (int64_t part = 0; part < run.parts; part++) {
        conv_run_tiles(j, p, &row, &run, c0, c1);
        row.x += VW;
        row.out += VW;
        if (row.y) row.y += VW;
    }
}

/* Threads share out (block, row, chunk), so that they stay even when there are few rows. */
static void conv_run_phase(const conv_job *j, const conv_phase *p, const fc_context *ctx) {
    int64_t chunks = j->groups * conv_chunks(j), begin, end;
    if (!p->size[0] || !p->size[1]) return;
    split(active_blocks(j->out, ctx) * p->size[0] * chunks, ctx, &begin, &end);
    while (begin < end) {
        int64_t row = begin / chunks, c0 = begin % chunks, c1 = min_i64(chunks, c0 + end - begin);
        conv_row(j, p, row / p->size[0], row % p->size[0], c0, c1);
        begin += c1 - c0;
    }
}

static void conv_run_phases(const conv_job *j, const fc_context *ctx) {
    conv_phase p;
    for (int64_t py = 0; py < j->write_step[0]; py++)
        for (int64_t px = 0; px < j->write_step[1]; px++) {
            conv_next_phase(j, py, px, &p);
            conv_run_phase(j, &p, ctx);
        }
}

#endif
