/* Maximum and average pooling. */
#include "pool2d_window_impl.h"
#include "pool2d_2x2_impl.h"
#include "pool2d_global_impl.h"
#include "pool2d_gradient_impl.h"

typedef void pool_rows(const fc_args *, const pool_shape *, const pool_inner *, int64_t, int64_t,
                       int64_t);

/* Rows [oy, end) of the pooled plane `plane`. */
static void max_rows(const fc_args *a, const pool_shape *s, const pool_inner *inner, int64_t plane,
                      int64_t oy, int64_t end) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1], *index = &a->t[2];
    const float *px = plane_at(x, plane);
    float *py = row_at(y, plane * s->oh + oy);
    uint8_t *at = (uint8_t *)index->data + row_offset(index, plane * s->oh + oy);
    for (; oy < end; oy++, py += y->stride[2], at += index->stride[2])
        max_row(s, px, x->stride[2], oy, inner, py, at);
}

static void average_rows(const fc_args *a, const pool_shape *s, const pool_inner *inner, int64_t plane,
                         int64_t oy, int64_t end) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    const float *px = plane_at(x, plane);
    float *py = row_at(y, plane * s->oh + oy);
    int count_padding = (int)a->i[6];
    if (is_global(s)) {
        average_plane(s, px, x->stride[2], count_padding, py);
        return;
    }
    for (; oy < end; oy++, py += y->stride[2])
        average_row(s, px, x->stride[2], oy, inner, count_padding, py);
}

/* rows(a, s, inner, plane, oy, end) for this thread's share of all pooled rows. */
INLINE void pool_forward(const fc_args *a, const fc_context *ctx, pool_rows *rows) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    pool_shape s = pool_shape_of(x, y, a->i);
    pool_inner inner = pool_inner_of(&s, streams(y, ctx));
    int64_t begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * s.oh, ctx, &begin, &end);
    while (begin < end) {
        int64_t oy = begin % s.oh, stop = min_i64(s.oh, oy + end - begin);
        rows(a, &s, &inner, begin / s.oh, oy, stop);
        begin += stop - oy;
    }
    if (inner.streamed) stream_end();
}

static void max_pool2d_forward(const fc_args *a, const fc_context *ctx) {
    pool_forward(a, ctx, max_rows);
}

static void avg_pool2d_forward(const fc_args *a, const fc_context *ctx) {
    pool_forward(a, ctx, average_rows);
}

static pool_gradient gradient_of_args(const fc_args *a, const pool_shape *s, const fc_context *ctx) {
    pool_gradient g = {.s = s, .dy = &a->t[0], .alpha = (float)a->f[0], .most = gradient_most(a)};
    g.rows = (window_row *)ctx->scratch;
    g.ring = (float *)(g.rows + g.most);
    return g;
}

static void max_pool2d_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dx = &a->t[3];
    pool_shape s = pool_shape_of(dx, &a->t[0], a->i);
    pool_gradient g = gradient_of_args(a, &s, ctx);
    int paired = is_wide_2x2(&s), streamed = streams(dx, ctx);
    int64_t end;
    g.index = &a->t[1];
    g.y = a->t[2].data ? &a->t[2] : NULL;
    g.activation = (int)a->i[6];
    split(active_blocks(dx, ctx) * dx->shape[1], ctx, &g.plane, &end);
    for (; g.plane < end; g.plane++) {
        if (paired)
            max_2x2_backward_plane(&g, dx);
        else
            gradient_plane(&g, dx, streamed);
    }
    if (streamed) stream_end();
}

/* y: of the image's activation, or NULL. */
static void average_backward_plane(pool_gradient *g, const fc_tensor *y, const fc_tensor *dx,
                                   int streamed) {
    const pool_shape *s = g->s;
    gradient_plane(g, dx, streamed);
    for (int64_t h = g->plane * s->h; y && h < (g->plane + 1) * s->h; h++)
        apply_slope(row_at(dx, h), row_at(y, h), s->w * s->lanes, g->activation, g->alpha);
}

static void avg_pool2d_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dx = &a->t[2], *y = a->t[1].data ? &a->t[1] : NULL;
    pool_shape s = pool_shape_of(dx, &a->t[0], a->i);
    pool_gradient g = gradient_of_args(a, &s, ctx);
    int paired = is_wide_2x2(&s), whole = is_global(&s), streamed = !y && streams(dx, ctx);
    int64_t end;
    g.count_padding = (int)a->i[6];
    g.activation = y ? (int)a->i[7] : ACT_LINEAR;
    split(active_blocks(dx, ctx) * dx->shape[1], ctx, &g.plane, &end);
    for (; g.plane < end; g.plane++) {
        if (whole)
            average_plane_backward(&g, y, dx);
        else if (paired)
            average_2x2_backward_plane(&g, y, dx);
        else
            average_backward_plane(&g, y, dx, streamed);
    }
    if (streamed) stream_end();
}

#define POOL_INTS "window_h window_w stride_h stride_w pad_top pad_left"
#define POOL2D_KERNELS \
    {"max_pool2d_forward", "x >y >index | " POOL_INTS, max_pool2d_forward, 0, 0, 0}, \
    {"max_pool2d_backward", "dy index ?y >dx | " POOL_INTS " activation | alpha", \
     max_pool2d_backward, 0, 0, gradient_scratch}, \
    {"avg_pool2d_forward", "x >y | " POOL_INTS " count_padding", avg_pool2d_forward, 0, 0, 0}, \
    {"avg_pool2d_backward", "dy ?y >dx | " POOL_INTS " count_padding activation | alpha", \
     avg_pool2d_backward, 0, 0, gradient_scratch}
