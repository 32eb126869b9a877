/* Gradients of pooling windows that may overlap. Where windows are common, each pixel gathers what
 * those over it give it, in their order, and is written once; else windows add to their pixels. */
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

/* Row oy of windows, which is in the ring, over the pixels' row at its row ky of cells. */
static window_row gradient_window_row(const pool_gradient *g, int64_t oy, int64_t ky) {
    const pool_shape *s = g->s;
    return (window_row){g->ring + oy % g->most * s->ow * s->lanes,
                        g->index ? g->index_plane + oy * g->index->stride[2] : NULL,
                        (int32_t)(ky * s->window_w)};
}

/* The windows over row h of the image; those up to `*filled` are in the ring. */
static void gradient_collect(pool_gradient *g, int64_t h, int64_t *filled) {
    const pool_shape *s = g->s;
    int64_t at = h + s->pad_top, end = min_i64(s->oh, at / s->stride_h + 1);
    int64_t begin = max_i64(0, ceil_div(at - s->window_h + 1, s->stride_h));
    for (; *filled < end; ++*filled) gradient_fill(g, *filled);
    g->count = 0;
    for (int64_t oy = begin; oy < end; oy++)
        g->rows[g->count++] = gradient_window_row(g, oy, at - oy * s->stride_h);
}

/* What the window at float i of its row gives to its cell in column kx. */
INLINE vf gradient_part(const window_row *r, int64_t i, int64_t kx, const int is_max, const int n) {
    vf d = load_lanes(r->d + i, n);
    if (!is_max) return d;
    return keep_where(load_bytes(r->index + i, n) - splat_i(r->cell) == splat_i((int32_t)kx), d);
}

/* ---- common windows: pixels gather ---- */

/* The `stride` pixels from the first cell of window m on: windows m and the `width` - 1 / `stride`
 * before it lie over them. At the image's `edge` not all of the windows and pixels are there. */
INLINE void gradient_unit(const pool_gradient *g, int64_t m, int64_t l, float *dx, int streamed,
                          const int edge, const int is_max, const int width, const int stride,
                          const int n) {
    const pool_shape *s = g->s;
    vf sum[GRADIENT_STEP] = {{0}};
    for (int64_t k = 0; k < g->count; k++)
        UNROLL for (int t = (width - 1) / stride; t >= 0; t--)
            UNROLL for (int p = 0; p < stride; p++)
                if (p + stride * t < width && (!edge || (m >= t && m - t < s->ow)))
                    sum[p] += gradient_part(&g->rows[k], (m - t) * s->lanes + l, p + stride * t,
                                            is_max, n);
    UNROLL for (int p = 0; p < stride; p++) {
        int64_t w = m * stride + p - s->pad_left;
        if (edge && (w < 0 || w >= s->w)) continue;
        if (n == VW)
            pool_put(streamed, dx + w * s->lanes + l, sum[p]);
        else
            store_lanes(dx + w * s->lanes + l, sum[p], n);
    }
}

INLINE void gradient_units(const pool_gradient *g, int64_t begin, int64_t end, float *dx,
                           int streamed, const int edge, const int is_max, const int width,
                           const int stride) {
    for (int64_t m = begin; m < end; m++)
        LANE_CHUNKS(l, g->s->lanes,
                    gradient_unit(g, m, l, dx, streamed, edge, is_max, width, stride, N));
}

/* A row of pixels. */
INLINE void gradient_gather(const pool_gradient *g, float *dx, int streamed, const int is_max,
                            const int width, const int stride) {
    const pool_shape *s = g->s;
    int64_t first = s->pad_left / stride, last = ceil_div(s->w + s->pad_left, stride);
    int64_t begin = max_i64((width - 1) / stride, ceil_div(s->pad_left, stride));
    int64_t end = max_i64(begin, min_i64(s->ow, (s->w + s->pad_left) / stride));
    gradient_units(g, first, min_i64(begin, last), dx, streamed, 1, is_max, width, stride);
    gradient_units(g, begin, end, dx, streamed, 0, is_max, width, stride);
    gradient_units(g, end, last, dx, streamed, 1, is_max, width, stride);
}

#define GRADIENT_ROW(NAME, WIDTH, STRIDE) \
    NOINLINE void NAME##_##WIDTH##_##STRIDE(const pool_gradient *g, float *dx, int streamed) { \
        gradient_gather(g, dx, streamed, IS_##NAME, WIDTH, STRIDE); \
    }
#define GRADIENT_ROWS(NAME) \
    GRADIENT_ROW(NAME, 2, 1) GRADIENT_ROW(NAME, 2, 2) GRADIENT_ROW(NAME, 3, 1) \
    GRADIENT_ROW(NAME, 3, 2) \
    static gradient_row *const NAME##_table[2][2] = {{NAME##_2_1, NAME##_2_2}, {NAME##_3_1, NAME##_3_2}};
#define IS_max_gradient 1
#define IS_average_gradient 0
GRADIENT_ROWS(max_gradient)
GRADIENT_ROWS(average_gradient)

/* NULL: not a common window */
static gradient_row *gradient_row_of(const pool_gradient *g) {
    int64_t width = g->s->window_w, stride = g->s->stride_w;
    if (stride > GRADIENT_STEP || width < 2 || width > 3) return NULL;
    return g->index ? max_gradient_table[width - 2][stride - 1]
                    : average_gradient_table[width - 2][stride - 1];
}

/* ---- others: windows spread ---- */

/* Adds what the window at float i of its row, of which [v, h) lies in the image, gives to its cells. */
INLINE void gradient_window(const window_row *r, int64_t i, float *corner, int64_t dx_row,
                            int64_t lanes, int64_t window_w, span v, span h, const int is_max,
                            const int n) {
    for (int64_t ky = v.begin; ky < v.end; ky++)
        for (int64_t kx = h.begin; kx < h.end; kx++) {
            float *p = corner + ky * dx_row + kx * lanes;
            store_lanes(p, load_lanes(p, n) + gradient_part(r, i, ky * window_w + kx, is_max, n), n);
        }
}

INLINE void gradient_spread(pool_gradient *g, const fc_tensor *dx, const int is_max) {
    const pool_shape *s = g->s;
    int64_t lanes = s->lanes, row = dx->stride[2];
    float *plane = plane_at(dx, g->plane);
    zero_rows(plane, row, 0, s->h, s->w * lanes);
    for (int64_t oy = 0; oy < s->oh; oy++) {
        gradient_fill(g, oy);
        window_row r = gradient_window_row(g, oy, 0);
        span v = clip_y(s, oy);
        for (int64_t ox = 0; ox < s->ow; ox++) {
            span h = clip_x(s, ox);
            float *corner = plane + v.start * row + h.start * lanes;
            LANE_CHUNKS(l, lanes, gradient_window(&r, ox * lanes + l, corner + l, row, lanes,
                                                  s->window_w, v, h, is_max, N));
        }
    }
}

/* ---- planes ---- */

static void gradient_plane(pool_gradient *g, const fc_tensor *dx, int streamed) {
    gradient_row *run = gradient_row_of(g);
    int64_t filled = 0;
    float *row = plane_at(dx, g->plane);
    if (g->index)
        g->index_plane = (uint8_t *)g->index->data + row_offset(g->index, g->plane * g->s->oh);
    if (!run) {
        if (g->index)
            gradient_spread(g, dx, 1);
        else
            gradient_spread(g, dx, 0);
        return;
    }
    for (int64_t h = 0; h < g->s->h; h++, row += dx->stride[2]) {
        gradient_collect(g, h, &filled);
        run(g, row, streamed);
    }
}

#endif
