/* Where the windows of a pooling lie, and what all kinds of them need. x is the image without
 * padding: windows are clipped at its borders. */
#ifndef FC_POOL2D_SHAPE_H
#define FC_POOL2D_SHAPE_H

#include "activation_math.h"
#include "lanes.h"

typedef struct {
    int64_t h, w, oh, ow, lanes;
    int64_t window_h, window_w, stride_h, stride_w, pad_top, pad_left;
} pool_shape;

static pool_shape pool_shape_of(const fc_tensor *image, const fc_tensor *pooled, const int64_t *i) {
    return (pool_shape){
        image->shape[2], image->shape[3], pooled->shape[2], pooled->shape[3], image->shape[4],
        i[0], i[1], i[2], i[3], i[4], i[5],
    };
}

/* Where a window starts (it may start in the padding) and which of its cells [begin, end) are in the image */
typedef struct {
    int64_t start, begin, end;
} span;

INLINE span clip(int64_t o, int64_t stride, int64_t pad, int64_t window, int64_t size) {
    int64_t start = o * stride - pad;
    return (span){start, max_i64(0, -start), min_i64(window, size - start)};
}
INLINE span clip_y(const pool_shape *s, int64_t oy) {
    return clip(oy, s->stride_h, s->pad_top, s->window_h, s->h);
}
INLINE span clip_x(const pool_shape *s, int64_t ox) {
    return clip(ox, s->stride_w, s->pad_left, s->window_w, s->w);
}
INLINE int64_t cells(span v, span h) { return max_i64(0, v.end - v.begin) * max_i64(0, h.end - h.begin); }

/* Of a window's cells */
INLINE float average_scale(const pool_shape *s, span v, span h, int count_padding) {
    int64_t count = count_padding ? s->window_h * s->window_w : cells(v, h);
    return count ? 1.0f / (float)count : 0.0f;
}

INLINE float *plane_at(const fc_tensor *t, int64_t plane) { return row_at(t, plane * t->shape[2]); }

static void zero_rows(float *plane, int64_t row, int64_t begin, int64_t end, int64_t n) {
    for (int64_t h = begin; h < end; h++) memset(plane + h * row, 0, n * sizeof(float));
}

/* streamed: past the caches */
INLINE void pool_put(int streamed, float *p, vf v) {
    if (streamed)
        stream(p, v);
    else
        store(p, v);
}

INLINE vf gradient_of(int activation, vf d, const float *y, float alpha, const int n) {
    return activation == ACT_LINEAR ? d : activate_backward(activation, d, load_lanes(y, n), alpha);
}

/* ---- gradients ---- */

/* A row of windows over a row of pixels. */
typedef struct {
    const float *d;                                  /* for each window */
    const uint8_t *index;                            /* of its maximum, NULL for an average */
    int32_t cell;                                    /* the windows' first one in the pixels' row */
} window_row;

/* Of a plane. */
typedef struct {
    const pool_shape *s;
    const fc_tensor *dy, *index, *y;                 /* y of the same shape as dy, or NULL */
    int activation, count_padding;
    float alpha;
    int64_t plane;
    const uint8_t *index_plane;
    int64_t most;                                    /* rows of windows over a row of pixels */
    window_row *rows;
    int64_t count;
    float *ring;                                     /* the last `most` rows of d */
} pool_gradient;

#endif
