/* Tiles of a convolution's output: see conv2d_job_impl.h. */
#ifndef FC_CONV2D_TILE_IMPL_H
#define FC_CONV2D_TILE_IMPL_H

#include "conv2d_job_impl.h"

/* acc[o][q] += p[at[q]] * w[o]. The smaller side of the tile waits in registers, the other one
 * streams. */
INLINE void conv_multiply(const float *p, const float *w, const int64_t *at, const int OT,
                          const int PT, vf *acc) {
    vf kept[CONV_PT];
    if (OT < PT) {
        UNROLL for (int o = 0; o < OT; o++) kept[o] = splat(w[o]);
        UNROLL for (int q = 0; q < PT; q++) {
            vf v = load(p + at[q]);
            UNROLL for (int o = 0; o < OT; o++) acc[o * PT + q] += v * kept[o];
        }
    } else {
        UNROLL for (int q = 0; q < PT; q++) kept[q] = load(p + at[q]);
        UNROLL for (int o = 0; o < OT; o++) {
            vf v = splat(w[o]);
            UNROLL for (int q = 0; q < PT; q++) acc[o * PT + q] += v * kept[q];
        }
    }
}

/* A kernel of one pixel: nothing but channels to go through. */
INLINE void conv_accumulate_channels(const conv_job *j, const conv_tile *t, const int64_t *at,
                                     const int OT, const int PT, vf *acc) {
    const float *p = t->x + t->tap->at, *w = t->w;
    const int64_t channel = j->x->stride[1], step = t->skipped + OT;
    for (int64_t c = j->in; c > 0; c--, p += channel, w += step) {
        UNROLL for (int q = 0; q < PT; q++) __builtin_prefetch(p + channel + at[q]);
        conv_multiply(p, w, at, OT, PT, acc);
    }
}

/* The sum over channels and taps. */
INLINE void conv_accumulate(const conv_job *j, const conv_tile *t, const int64_t *at, const int OT,
                            const int PT, const int stepped, vf *acc) {
    const float *x = t->x, *w = t->w;
    const conv_tap *end = t->tap_end;
    const int64_t channel = j->x->stride[1], skipped = t->skipped;
    const int64_t channels = t->tap < end ? j->in : 0;
    if (end - t->tap == 1) {
        conv_accumulate_channels(j, t, at, OT, PT, acc);
        return;
    }
    for (int64_t c = channels; c > 0; c--, x += channel, w += skipped) {
        /* The next channel lies far away, where no prefetcher of the machine looks. */
        const float *next = c > 1 || j->groups > 1 ? x + channel : x;
        for (const conv_tap *tap = t->tap; tap < end; tap++, w += OT) {
            const float *p = x + tap->at;
            if (OT >= 4 || stepped)
                UNROLL for (int q = 0; q < PT; q++) __builtin_prefetch(next + tap->at + at[q]);
            else
                UNROLL for (int q = 0; q < CONV_FETCHED; q++)
                    __builtin_prefetch(next + tap->ahead + q * VW);
            conv_multiply(p, w, at, OT, PT, acc);
        }
    }
}

INLINE void conv_start(const conv_tile *t, const int OT, const int PT, vf *acc) {
    UNROLL for (int o = 0; o < OT; o++) {
        vf b = t->bias ? splat(t->bias[o]) : (vf){0};
        UNROLL for (int q = 0; q < PT; q++) acc[o * PT + q] = b;
    }
}

NOINLINE vf conv_activate(const conv_job *j, vf v, const float *y) {
    if (!y) return activate(j->activation, v, j->alpha);
    return activate_backward(j->activation, v, load(y), j->alpha);
}

INLINE void conv_put(const int streamed, float *p, vf v) {
    if (streamed)
        stream(p, v);
    else
        store(p, v);
}

typedef enum { CONV_LINEAR, CONV_RELU, CONV_RELU_SLOPE } conv_ending;

INLINE void conv_store(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                       const int64_t step, const int64_t last, const vf *acc,
                       const conv_ending ending, const int streamed) {
    float *out = t->out;
    const float *y = t->y;
    int64_t out_channel = j->out->stride[1], y_channel = y ? j->y->stride[1] : 0;
    UNROLL for (int o = 0; o < OT; o++, out += out_channel, y += y_channel)
        UNROLL for (int q = 0; q < PT; q++) {
            int64_t at = q == PT - 1 ? last : q * step;
            vf v = acc[o * PT + q];
            if (ending == CONV_RELU) v = activate(ACT_RELU, v, 0);
            if (ending == CONV_RELU_SLOPE) v = activate_backward(ACT_RELU, v, load(y + at), 0);
            conv_put(streamed, out + at, v);
        }
}

/* For activations that would make the tiles large: once a vector. */
INLINE void conv_store_called(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                              const int64_t step, const int64_t last, const vf *acc) {
    vf kept[CONV_ACCUMULATORS];
    UNROLL for (int k = 0; k < OT * PT; k++) kept[k] = acc[k];
    for (int o = 0; o < OT; o++)
        for (int q = 0; q < PT; q++) {
            int64_t at = q == PT - 1 ? last : q * step;
            const float *y = t->y ? t->y + o * j->y->stride[1] + at : 0;
            vf v = conv_activate(j, kept[o * PT + q], y);
            conv_put(j->streamed, t->out + o * j->out->stride[1] + at, v);
        }
}

INLINE void conv_end(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                     const int64_t step, const int64_t last, const vf *acc, const int streamed) {
    if (j->activation == ACT_LINEAR)
        conv_store(j, t, OT, PT, step, last, acc, CONV_LINEAR, streamed);
    else if (j->activation != ACT_RELU)
        conv_store_called(j, t, OT, PT, step, last, acc);
    else if (t->y)
        conv_store(j, t, OT, PT, step, last, acc, CONV_RELU_SLOPE, streamed);
    else
        conv_store(j, t, OT, PT, step, last, acc, CONV_RELU, streamed);
}

/* Asks which activation it is, and where to store, once a tile, not for each vector. */
INLINE void conv_finish(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                        const int64_t step, const int64_t last, const vf *acc) {
    if (j->streamed)
        conv_end(j, t, OT, PT, step, last, acc, 1);
    else
        conv_end(j, t, OT, PT, step, last, acc, 0);
}

/* The outputs of the layer before are read once, after the sums: fetched meanwhile, the tile is up
 * to 1.4 times as fast. */
INLINE void conv_fetch_outputs(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                               const int64_t step) {
    const float *y = t->y;
    for (int o = 0; o < OT; o++, y += j->y->stride[1])
        UNROLL for (int q = 0; q < PT; q++)
            __builtin_prefetch(y + (q == PT - 1 ? t->last_out : q * step));
}

INLINE void conv_row_tile(const conv_job *j, const conv_tile *t, const int OT, const int PT,
                          const int stepped, const int64_t read_step, const int64_t write_step) {
    vf acc[CONV_ACCUMULATORS];
    int64_t at[CONV_PT];
    if (t->y) conv_fetch_outputs(j, t, OT, PT, write_step);
    UNROLL for (int q = 0; q < PT; q++) at[q] = q == PT - 1 ? t->last_x : q * read_step;
    conv_start(t, OT, PT, acc);
    conv_accumulate(j, t, at, OT, PT, stepped, acc);
    conv_finish(j, t, OT, PT, write_step, t->last_out, acc);
}

#define CONV_TILE(OT, PT) \
    NOINLINE void conv_contiguous_##OT##_##PT(const conv_job *j, const conv_tile *t) { \
        if (OT * PT <= CONV_ACCUMULATORS) conv_row_tile(j, t, OT, PT, 0, VW, VW); \
    } \
    NOINLINE void conv_stepped_##OT##_##PT(const conv_job *j, const conv_tile *t) { \
        int64_t lanes = tensor_l(j->x); \
        if (OT * PT <= CONV_ACCUMULATORS) \
            conv_row_tile(j, t, OT, PT, 1, j->read_step[1] * lanes, j->write_step[1] * lanes); \
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
    const conv_tap *end = t->tap_end;
    const int64_t channel = j->x->stride[1], skipped = t->skipped, lanes = tensor_l(j->x);
    UNROLL for (int q = 0; q < PT; q++) acc[q] = t->bias ? splat(*t->bias) : (vf){0};
    for (int64_t c = j->in; c > 0; c--, x += channel, w += skipped)
        for (const conv_tap *at = t->tap; at < end; at += KW, w += KW) {
            const float *p = x + at->at;
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
    conv_finish(j, t, 1, PT, pixel, (PT - 1) * pixel, acc);
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
        for (const conv_tap *tap = t->tap; tap < t->tap_end; tap++, w += ot) {
            for (int64_t k = 0; k < n; k++) v[k] = x[tap->at + x_at[k]];
            for (int64_t o = 0; o < ot; o++) acc[o] += load(v) * w[o];
        }
    for (int64_t o = 0; o < ot; o++) {
        for (int64_t k = 0; t->y && k < n; k++) slope[k] = t->y[o * j->y->stride[1] + out_at[k]];
        store(v, conv_activate(j, acc[o], t->y ? slope : 0));
        for (int64_t k = 0; k < n; k++) t->out[o * j->out->stride[1] + out_at[k]] = v[k];
    }
}

#endif
