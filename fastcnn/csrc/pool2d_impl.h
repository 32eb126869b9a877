/* Maximum and average pooling. */
#include "pool2d_window_impl.h"
#include "pool2d_2x2_impl.h"
#include "pool2d_global_impl.h"

static void max_pool2d_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1], *index = &a->t[2];
    pool_shape s = pool_shape_of(x, y, a->i);
    int fast = is_2x2(&s), wide = is_wide_2x2(&s);
    int64_t row = x->stride[2], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * s.oh, ctx, &begin, &end);
    for (int64_t r = begin; r < end; r++) {
        const float *plane = plane_at(x, r / s.oh);
        uint8_t *at = (uint8_t *)index->data + row_offset(index, r);
        const float *top = plane + r % s.oh * 2 * row;
        if (wide) WITH_LANES(s.lanes, max_2x2_row, top, row, row_at(y, r), at, s.ow * s.lanes)
        else if (fast) WITH_LANES(s.lanes, max_2x2_short_row, top, row, row_at(y, r), at, s.ow * s.lanes)
        else max_row(&s, plane, row, r % s.oh, row_at(y, r), at);
    }
}

static void avg_pool2d_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    pool_shape s = pool_shape_of(x, y, a->i);
    int fast = is_2x2(&s), wide = is_wide_2x2(&s), whole = is_global(&s);
    int count_padding = (int)a->i[6];
    int64_t row = x->stride[2], begin, end;
    float scale = average_scale(&s, clip_y(&s, 0), clip_x(&s, 0), count_padding);
    split(active_blocks(x, ctx) * x->shape[1] * s.oh, ctx, &begin, &end);
    for (int64_t r = begin; r < end; r++) {
        const float *plane = plane_at(x, r / s.oh);
        const float *top = plane + r % s.oh * 2 * row;
        if (wide) WITH_LANES(s.lanes, average_2x2_row, top, row, row_at(y, r), s.ow * s.lanes)
        else if (fast) WITH_LANES(s.lanes, average_2x2_short_row, top, row, row_at(y, r), s.ow * s.lanes)
        else if (whole) average_plane(&s, plane, row, scale, row_at(y, r));
        else average_row(&s, plane, row, r % s.oh, count_padding, row_at(y, r));
    }
}

/* Windows may overlap: a thread owns whole planes and adds window after window. */
static void max_backward_plane(
    const pool_shape *s, const fc_tensor *dy, const fc_tensor *index, const fc_tensor *y, float *dx,
    int64_t dx_row, int64_t plane, int activation, float alpha
) {
    zero_rows(dx, dx_row, 0, s->h, s->w * s->lanes);
    for (int64_t oy = 0; oy < s->oh; oy++) {
        int64_t r = plane * s->oh + oy;
        const float *pdy = row_at(dy, r), *py = y->data ? row_at(y, r) : pdy;
        const uint8_t *at = (const uint8_t *)index->data + row_offset(index, r);
        span v = clip_y(s, oy);
        for (int64_t ox = 0; ox < s->ow; ox++) {
            span h = clip_x(s, ox);
            int64_t i = ox * s->lanes;
            LANE_CHUNKS(l, s->lanes, {
                vf d = gradient_of(activation, load_lanes(pdy + i + l, N), py + i + l, alpha, N);
                vi where = load_bytes(at + i + l, N);
                max_backward_lanes(dx + l, dx_row, s->lanes, v, h, s->window_w, d, where, N);
            });
        }
    }
}

static void max_pool2d_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *index = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    pool_shape s = pool_shape_of(dx, dy, a->i);
    int fast = is_wide_2x2(&s), activation = y->data ? (int)a->i[6] : ACT_LINEAR;
    float alpha = (float)a->f[0];
    int64_t row = dx->stride[2], begin, end;
    split(active_blocks(dx, ctx) * dx->shape[1], ctx, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        float *pdx = plane_at(dx, plane);
        if (!fast) {
            max_backward_plane(&s, dy, index, y, pdx, row, plane, activation, alpha);
            continue;
        }
        for (int64_t oy = 0; oy < s.oh; oy++) {
            int64_t r = plane * s.oh + oy;
            const float *pdy = row_at(dy, r), *py = y->data ? row_at(y, r) : pdy;
            const uint8_t *at = (const uint8_t *)index->data + row_offset(index, r);
            WITH_LANES(s.lanes, max_2x2_backward_row, pdy, at, py, pdx + 2 * oy * row, row, s.ow * s.lanes,
                       activation, alpha)
            zero_rest_2x2(&s, pdx, row, oy);
        }
    }
}

static void average_backward_plane(
    const pool_shape *s, const fc_tensor *dy, int64_t plane, float *dx, int64_t dx_row, int count_padding
) {
    zero_rows(dx, dx_row, 0, s->h, s->w * s->lanes);
    for (int64_t oy = 0; oy < s->oh; oy++) {
        const float *pdy = row_at(dy, plane * s->oh + oy);
        span v = clip_y(s, oy);
        for (int64_t ox = 0; ox < s->ow; ox++) {
            span h = clip_x(s, ox);
            float scale = average_scale(s, v, h, count_padding);
            LANE_CHUNKS(l, s->lanes, {
                vf d = load_lanes(pdy + ox * s->lanes + l, N) * scale;
                average_backward_lanes(dx + l, dx_row, s->lanes, v, h, d, N);
            });
        }
    }
}

static void apply_slope(float *dx, const float *y, int64_t n, int activation, float alpha) {
    int64_t i = 0;
    for (; i + VW <= n; i += VW)
        store(dx + i, activate_backward(activation, load(dx + i), load(y + i), alpha));
    if (i < n) {
        vf d = activate_backward(activation, load_part(dx + i, n - i), load_part(y + i, n - i), alpha);
        store_part(dx + i, d, n - i);
    }
}

static void avg_pool2d_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *dx = &a->t[2], *y = a->t[1].data ? &a->t[1] : dx;
    pool_shape s = pool_shape_of(dx, dy, a->i);
    int fast = is_wide_2x2(&s), whole = is_global(&s), count_padding = (int)a->i[6];
    int activation = a->t[1].data ? (int)a->i[7] : ACT_LINEAR;
    float alpha = (float)a->f[0], scale = average_scale(&s, clip_y(&s, 0), clip_x(&s, 0), count_padding);
    int64_t dx_row = dx->stride[2], y_row = y->stride[2], n = s.w * s.lanes, begin, end;
    split(active_blocks(dx, ctx) * dx->shape[1], ctx, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        float *pdx = plane_at(dx, plane);
        const float *py = plane_at(y, plane);
        if (whole) {
            average_plane_backward(&s, plane_at(dy, plane), py, y_row, pdx, dx_row, scale, activation, alpha);
        } else if (fast) {
            for (int64_t oy = 0; oy < s.oh; oy++) {
                const float *pdy = row_at(dy, plane * s.oh + oy), *y_top = py + 2 * oy * y_row;
                float *dx_top = pdx + 2 * oy * dx_row;
                WITH_LANES(s.lanes, average_2x2_backward_row, pdy, y_top, y_row, dx_top, dx_row,
                           s.ow * s.lanes, activation, alpha)
                zero_rest_2x2(&s, pdx, dx_row, oy);
            }
        } else {
            average_backward_plane(&s, dy, plane, pdx, dx_row, count_padding);
            if (activation == ACT_LINEAR) continue;
            for (int64_t h = 0; h < s.h; h++)
                apply_slope(pdx + h * dx_row, py + h * y_row, n, activation, alpha);
        }
    }
}

#define POOL_INTS "window_h window_w stride_h stride_w pad_top pad_left"
#define POOL2D_KERNELS \
    {"max_pool2d_forward", "x >y >index | " POOL_INTS, max_pool2d_forward, 0, 0, 0}, \
    {"max_pool2d_backward", "dy index ?y >dx | " POOL_INTS " activation | alpha", \
     max_pool2d_backward, 0, 0, 0}, \
    {"avg_pool2d_forward", "x >y | " POOL_INTS " count_padding", avg_pool2d_forward, 0, 0, 0}, \
    {"avg_pool2d_backward", "dy ?y >dx | " POOL_INTS " count_padding activation | alpha", \
     avg_pool2d_backward, 0, 0, 0}
