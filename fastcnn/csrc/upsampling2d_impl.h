/* Larger images by whole factors, nearest or bilinear; output pixel i has its centre at
 * (i + 1/2) / f - 1/2 of the input. */
#include "activation_math.h"
#include "lanes.h"

typedef struct {
    int64_t h, w, lanes, fh, fw;                     /* of the smaller image, and the factors */
} up_shape;

static up_shape up_shape_of(const fc_tensor *small, const fc_tensor *large) {
    return (up_shape){small->shape[2], small->shape[3], small->shape[4],
                      large->shape[2] / small->shape[2], large->shape[3] / small->shape[3]};
}

/* ---- nearest ---- */

INLINE void up_repeat_lanes(const float *x, float *y, int64_t times, int64_t step, const int n) {
    vf v = load_lanes(x, n);
    for (int64_t k = 0; k < times; k++) store_lanes(y + k * step, v, n);
}

static void upsample2d_nearest_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    up_shape s = up_shape_of(x, y);
    int64_t begin, end, bytes = s.w * s.fw * s.lanes * (int64_t)sizeof(float);
    split(active_blocks(x, ctx) * x->shape[1] * s.h, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *from = row_at(x, row);
        float *to = row_at(y, row * s.fh);
        for (int64_t w = 0; w < s.w; w++)
            LANE_CHUNKS(l, s.lanes, up_repeat_lanes(from + w * s.lanes + l,
                                                    to + w * s.fw * s.lanes + l, s.fw, s.lanes, N));
        for (int64_t k = 1; k < s.fh; k++) memcpy(to + k * y->stride[2], to, bytes);
    }
}

INLINE void up_sum_lanes(const up_shape *s, const float *dy, int64_t row, float *dx, const int n) {
    vf sum = {0};
    for (int64_t ky = 0; ky < s->fh; ky++)
        for (int64_t kx = 0; kx < s->fw; kx++) sum += load_lanes(dy + ky * row + kx * s->lanes, n);
    store_lanes(dx, sum, n);
}

static void upsample2d_nearest_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *dx = &a->t[1];
    up_shape s = up_shape_of(dx, dy);
    int64_t begin, end;
    split(active_blocks(dx, ctx) * dx->shape[1] * s.h, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *from = row_at(dy, row * s.fh);
        float *to = row_at(dx, row);
        for (int64_t w = 0; w < s.w; w++)
            LANE_CHUNKS(l, s.lanes, up_sum_lanes(&s, from + w * s.fw * s.lanes + l, dy->stride[2],
                                                 to + w * s.lanes + l, N));
    }
}

/* ---- bilinear ---- */

/* The two inputs behind output i, and the part of the second; at the border both are the same. */
typedef struct {
    int64_t first, second;
    float part;
} up_mix;

INLINE up_mix up_mix_of(int64_t i, int64_t factor, int64_t size) {
    int64_t at = i / factor, twice = 2 * (i % factor) + 1 - factor;    /* 2 f (centre - at) */
    int64_t first = twice < 0 ? at - 1 : at;
    float part = (float)(twice < 0 ? twice + 2 * factor : twice) / (float)(2 * factor);
    return (up_mix){max_i64(first, 0), min_i64(first + 1, size - 1), part};
}

INLINE void up_mix_lanes(
    const float *top, const float *low, float down, up_mix m, int64_t lanes, float *y, const int n
) {
    int64_t l = m.first * lanes, r = m.second * lanes;
    vf left = load_lanes(top + l, n) * (1.0f - down) + load_lanes(low + l, n) * down;
    vf right = load_lanes(top + r, n) * (1.0f - down) + load_lanes(low + r, n) * down;
    store_lanes(y, left * (1.0f - m.part) + right * m.part, n);
}

static void upsample2d_bilinear_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    up_shape s = up_shape_of(x, y);
    int64_t begin, end, rows = s.h * s.fh;
    split(active_blocks(x, ctx) * x->shape[1] * rows, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        up_mix v = up_mix_of(row % rows, s.fh, s.h);
        const float *top = row_at(x, row / rows * s.h + v.first);
        const float *low = row_at(x, row / rows * s.h + v.second);
        float *to = row_at(y, row);
        for (int64_t w = 0; w < s.w * s.fw; w++) {
            up_mix h = up_mix_of(w, s.fw, s.w);
            LANE_CHUNKS(l, s.lanes, up_mix_lanes(top + l, low + l, v.part, h, s.lanes,
                                                 to + w * s.lanes + l, N));
        }
    }
}

INLINE void up_add_lanes(float *sum, const float *x, float part, const int n) {
    store_lanes(sum, load_lanes(sum, n) + load_lanes(x, n) * part, n);
}

/* sum[n] += part * x[n] */
static void up_add_row(float *sum, const float *x, float part, int64_t n) {
    LANE_CHUNKS(i, n, up_add_lanes(sum + i, x + i, part, N));
}

/* A thread owns whole planes: the columns of an output row are gathered in `mixed`, a row of the
 * small image, which then goes to two rows. */
static void up_backward_plane(const up_shape *s, const fc_tensor *dy, const fc_tensor *dx,
                              int64_t plane, float *mixed) {
    int64_t n = s->w * s->lanes, rows = s->h * s->fh;
    for (int64_t h = 0; h < s->h; h++) memset(row_at(dx, plane * s->h + h), 0, n * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
        const float *from = row_at(dy, plane * rows + row);
        memset(mixed, 0, n * sizeof(float));
        for (int64_t w = 0; w < s->w * s->fw; w++, from += s->lanes) {
            up_mix h = up_mix_of(w, s->fw, s->w);
            up_add_row(mixed + h.first * s->lanes, from, 1.0f - h.part, s->lanes);
            up_add_row(mixed + h.second * s->lanes, from, h.part, s->lanes);
        }
        up_mix v = up_mix_of(row, s->fh, s->h);
        up_add_row(row_at(dx, plane * s->h + v.first), mixed, 1.0f - v.part, n);
        up_add_row(row_at(dx, plane * s->h + v.second), mixed, v.part, n);
    }
}

static size_t upsample2d_bilinear_backward_scratch(const fc_args *a) {
    return a->t[1].shape[3] * a->t[1].shape[4] * sizeof(float);
}

static void upsample2d_bilinear_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *dx = &a->t[1];
    up_shape s = up_shape_of(dx, dy);
    int64_t begin, end;
    split(active_blocks(dx, ctx) * dx->shape[1], ctx, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        up_backward_plane(&s, dy, dx, plane, (float *)ctx->scratch);
}

#define UPSAMPLING2D_KERNELS \
    {"upsample2d_nearest_forward", "x >y |", upsample2d_nearest_forward, 0, 0, 0}, \
    {"upsample2d_nearest_backward", "dy >dx |", upsample2d_nearest_backward, 0, 0, 0}, \
    {"upsample2d_bilinear_forward", "x >y |", upsample2d_bilinear_forward, 0, 0, 0}, \
    {"upsample2d_bilinear_backward", "dy >dx |", upsample2d_bilinear_backward, 0, 0, \
     upsample2d_bilinear_backward_scratch}
