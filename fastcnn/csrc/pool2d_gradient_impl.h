/* Gradients of pooling windows that may overlap: each pixel gathers what the windows over it give it,
 * in the order of the windows. */
#ifndef FC_POOL2D_GRADIENT_IMPL_H
#define FC_POOL2D_GRADIENT_IMPL_H

#include "pool2d_shape.h"

typedef void gradient_row(const pool_gradient *, float *, int);

#define GRADIENT_STEP 2                              /* between windows, at most, in `gradient_unit` */

/* ---- rows of windows ---- */

static int64_t gradient_most(const fc_args *a) {
    return min_i64(a->t[0].shape[2], ceil_div(a->i[0], a->i[2]));
}

static size_t gradient_scratch(const fc_args *a) {
    const fc_tensor *dy = &a->t[0];
    return gradient_most(a) * (sizeof(window_row) + dy->shape[3] * dy->shape[4] * sizeof(float));
}

static void apply_slope(float *dx, const float *y, int64_t n, int activation, float alpha) {
    int64_t i = 0;
    if (activation == ACT_LINEAR) return;
    for (; i + VW <= n; i += VW)
        store(dx + i, activate_backward(activation, load(dx + i), load(y + i), alpha));
    if (i < n) {
        vf d = activate_backward(activation, load_part(dx + i, n - i), load_part(y + i, n - i), alpha);
        store_part(dx + i, d, n - i);
    }
}

/* What windows of row oy hand on: the gradient behind the activation, or of each cell of a mean. */
static void gradient_fill(const pool_gradient *g, int64_t oy) {
    const pool_shape *s = g->s;
    int64_t r = g->plane * s->oh + oy, n = s->ow * s->lanes;
    const float *dy = row_at(g->dy, r);
    float *d = g->ring + oy % g->most * n;
    memcpy(d, dy, n * sizeof(float));
    if (g->index) {
        if (g->y) apply_slope(d, row_at(g->y, r), n, g->activation, g->alpha);
        return;
    }
    span v = clip_y(s, oy);
    for (int64_t ox = 0; ox < s->ow; ox++) {
        float scale = average_scale(s, v, clip_x(s, ox), g->count_padding);
        LANE_CHUNKS(l, s->lanes, {
            float *p = d + ox * s->lanes + l;
            store_lanes(p, load_lanes(p, N) * scale, N);
        });
    }
}

/* The windows over row h of the image; those up to `*filled` are in the ring. */
static void gradient_collect(pool_gradient *g, int64_t h, int64_t *filled) {
    const pool_shape *s = g->s;
    int64_t at = h + s->pad_top, n = s->ow * s->lanes, end = min_i64(s->oh, at / s->stride_h + 1);
    int64_t begin = max_i64(0, ceil_div(at - s->window_h + 1, s->stride_h));
    for (; *filled < end; ++*filled) gradient_fill(g, *filled);
    g->count = 0;
    for (int64_t oy = begin; oy < end; oy++) {
        const uint8_t *index = NULL;
        if (g->index) index = (uint8_t *)g->index->data + row_offset(g->index, g->plane * s->oh + oy);
        g->rows[g->count++] = (window_row){g->ring + oy % g->most * n, index,
                                           (int32_t)((at - oy * s->stride_h) * s->window_w)};
    }
}

/* ---- pixels ---- */

/* What the window at float i of its row gives to its cell in column kx. */
INLINE vf gradient_part(const window_row *r, int64_t i, int64_t kx, const int is_max, const int n) {
    vf d = load_lanes(r->d + i, n);
    if (!is_max) return d;
    return keep_where(load_bytes(r->index + i, n) - splat_i(r->cell) == splat_i((int32_t)kx), d);
}

/* Lanes l, ..., l + n of pixel w. */
INLINE vf gradient_pixel(const pool_gradient *g, int64_t w, int64_t l, const int is_max, const int n) {
    const pool_shape *s = g->s;
    int64_t at = w + s->pad_left, end = min_i64(s->ow, at / s->stride_w + 1);
    int64_t begin = max_i64(0, ceil_div(at - s->window_w + 1, s->stride_w));
    vf sum = {0};
    for (int64_t k = 0; k < g->count; k++)
        for (int64_t ox = begin; ox < end; ox++)
            sum += gradient_part(&g->rows[k], ox * s->lanes + l, at - ox * s->stride_w, is_max, n);
    return sum;
}

INLINE void gradient_pixels(const pool_gradient *g, int64_t begin, int64_t end, float *dx,
                            const int is_max) {
    int64_t lanes = g->s->lanes;
    for (int64_t w = begin; w < end; w++)
        LANE_CHUNKS(l, lanes,
                    store_lanes(dx + w * lanes + l, gradient_pixel(g, w, l, is_max, N), N));
}

/* The `stride` pixels from the first cell of window m on: windows m and the `width` - 1 / `stride`
 * before it lie over them. */
INLINE void gradient_unit(const pool_gradient *g, int64_t m, int64_t l, float *dx, int streamed,
                          const int is_max, const int width, const int stride, const int n) {
    const int64_t lanes = g->s->lanes;
    vf sum[GRADIENT_STEP] = {{0}};
    for (int64_t k = 0; k < g->count; k++)
        UNROLL for (int t = (width - 1) / stride; t >= 0; t--)
            UNROLL for (int p = 0; p < stride; p++)
                if (p + stride * t < width)
                    sum[p] += gradient_part(&g->rows[k], (m - t) * lanes + l, p + stride * t, is_max,
                                            n);
    UNROLL for (int p = 0; p < stride; p++) {
        if (n == VW)
            pool_put(streamed, dx + p * lanes, sum[p]);
        else
            store_lanes(dx + p * lanes, sum[p], n);
    }
}

/* All of a row: its ends, which not all of these windows reach, pixel by pixel. */
INLINE void gradient_units(const pool_gradient *g, float *dx, int streamed, const int is_max,
                           const int width, const int stride) {
    const pool_shape *s = g->s;
    int64_t m = max_i64((width - 1) / stride, ceil_div(s->pad_left, stride));
    int64_t end = max_i64(m, min_i64(s->ow, (s->w + s->pad_left) / stride));
    int64_t first = min_i64(s->w, m * stride - s->pad_left);
    int64_t last = m < end ? end * stride - s->pad_left : first;
    gradient_pixels(g, 0, first, dx, is_max);
    for (; m < end; m++) {
        float *to = dx + (m * stride - s->pad_left) * s->lanes;
        LANE_CHUNKS(l, s->lanes,
                    gradient_unit(g, m, l, to + l, streamed, is_max, width, stride, N));
    }
    gradient_pixels(g, last, s->w, dx, is_max);
}

#define GRADIENT_ROW(NAME, WIDTH, STRIDE) \
    NOINLINE void NAME##_##WIDTH##_##STRIDE(const pool_gradient *g, float *dx, int streamed) { \
        gradient_units(g, dx, streamed, IS_##NAME, WIDTH, STRIDE); \
    }
#define GRADIENT_ROWS(NAME) \
    GRADIENT_ROW(NAME, 2, 1) GRADIENT_ROW(NAME, 2, 2) GRADIENT_ROW(NAME, 3, 1) \
    GRADIENT_ROW(NAME, 3, 2) \
    NOINLINE void NAME##_any(const pool_gradient *g, float *dx, int streamed) { \
        gradient_pixels(g, 0, g->s->w, dx, IS_##NAME); \
    } \
    static gradient_row *const NAME##_table[2][2] = {{NAME##_2_1, NAME##_2_2}, {NAME##_3_1, NAME##_3_2}};
#define IS_max_gradient 1
#define IS_average_gradient 0
GRADIENT_ROWS(max_gradient)
GRADIENT_ROWS(average_gradient)

static gradient_row *gradient_row_of(const pool_gradient *g) {
    int64_t width = g->s->window_w, stride = g->s->stride_w;
    if (stride > GRADIENT_STEP || width < 2 || width > 3)
        return g->index ? max_gradient_any : average_gradient_any;
    return (g->index ? max_gradient_table : average_gradient_table)[width - 2][stride - 1];
}

/* dx of a plane. y: of an average's activation, or NULL. */
static void gradient_plane(pool_gradient *g, const fc_tensor *dx, const fc_tensor *y, int streamed) {
    gradient_row *run = gradient_row_of(g);
    int64_t filled = 0, rows = g->s->h;
    for (int64_t h = 0; h < rows; h++) {
        float *row = row_at(dx, g->plane * rows + h);
        gradient_collect(g, h, &filled);
        run(g, row, streamed);
        if (y)
            apply_slope(row, row_at(y, g->plane * rows + h), g->s->w * g->s->lanes, g->activation,
                        g->alpha);
    }
}

#endif
