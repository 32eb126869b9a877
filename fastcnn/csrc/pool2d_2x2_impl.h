/* Gradients of pooling with 2x2 windows side by side. */
#include "pool2d_pairs.h"
#include "pool2d_shape.h"

static int is_2x2(const pool_shape *s) {
    return s->window_h == 2 && s->window_w == 2 && s->stride_h == 2 && s->stride_w == 2 && !s->pad_top &&
           !s->pad_left && 2 * s->oh <= s->h && 2 * s->ow <= s->w &&
           (s->lanes == 1 || s->lanes == 4 || s->lanes == 8 || s->lanes == 16);
}

/* Rows of at least one vector; the last vector overlaps the one before it (both compute the same). */
static int is_wide_2x2(const pool_shape *s) { return is_2x2(s) && s->ow * s->lanes >= VW; }

INLINE void max_2x2_backward_row(
    const float *dy, const uint8_t *index, const float *y, float *dx, int64_t row, int64_t n, int activation,
    float alpha, const int lanes
) {
    for (int64_t j = 0; j < n; j += VW) {
        int64_t i = min_i64(j, n - VW);
        vf d = gradient_of(activation, load(dy + i), y + i, alpha, VW);
        vi at = load_bytes(index + i, VW);
        store_pair(dx, i, keep_where(at == 0, d), keep_where(at == 1, d), lanes);
        store_pair(dx + row, i, keep_where(at == 2, d), keep_where(at == 3, d), lanes);
    }
}

/* y and its gradient are of the image here, not of the pooled rows. */
INLINE void average_2x2_backward_row(
    const float *dy, const float *y, int64_t y_row, float *dx, int64_t dx_row, int64_t n, int activation,
    float alpha, const int lanes
) {
    for (int64_t j = 0; j < n; j += VW) {
        int64_t i = min_i64(j, n - VW);
        vf d = load(dy + i) * 0.25f;
        for (int ky = 0; ky < 2; ky++) {
            vf even = d, odd = d, y_even, y_odd;
            if (activation != ACT_LINEAR) {
                load_pair(y + ky * y_row, i, &y_even, &y_odd, lanes);
                even = activate_backward(activation, d, y_even, alpha);
                odd = activate_backward(activation, d, y_odd, alpha);
            }
            store_pair(dx + ky * dx_row, i, even, odd, lanes);
        }
    }
}

/* What no 2x2 window covers when height or width is odd */
INLINE void zero_rest_2x2(const pool_shape *s, float *plane, int64_t row, int64_t oy) {
    int64_t done = 2 * s->ow * s->lanes, n = s->w * s->lanes;
    zero_rows(plane + done, row, 2 * oy, 2 * oy + 2, n - done);
    if (oy == s->oh - 1) zero_rows(plane, row, 2 * s->oh, s->h, n);
}

static void max_2x2_backward_plane(const pool_gradient *g, const fc_tensor *dx) {
    const pool_shape *s = g->s;
    float *pdx = plane_at(dx, g->plane);
    int64_t row = dx->stride[2];
    for (int64_t oy = 0; oy < s->oh; oy++) {
        int64_t r = g->plane * s->oh + oy;
        const float *dy = row_at(g->dy, r), *y = g->y ? row_at(g->y, r) : dy;
        const uint8_t *index = (const uint8_t *)g->index->data + row_offset(g->index, r);
        WITH_LANES(s->lanes, max_2x2_backward_row, dy, index, y, pdx + 2 * oy * row, row,
                   s->ow * s->lanes, g->y ? g->activation : ACT_LINEAR, g->alpha)
        zero_rest_2x2(s, pdx, row, oy);
    }
}

static void average_2x2_backward_plane(const pool_gradient *g, const fc_tensor *y, const fc_tensor *dx) {
    const pool_shape *s = g->s;
    float *pdx = plane_at(dx, g->plane);
    const float *py = y ? plane_at(y, g->plane) : pdx;
    int64_t dx_row = dx->stride[2], y_row = y ? y->stride[2] : dx_row;
    for (int64_t oy = 0; oy < s->oh; oy++) {
        const float *dy = row_at(g->dy, g->plane * s->oh + oy);
        WITH_LANES(s->lanes, average_2x2_backward_row, dy, py + 2 * oy * y_row, y_row,
                   pdx + 2 * oy * dx_row, dx_row, s->ow * s->lanes,
                   y ? g->activation : ACT_LINEAR, g->alpha)
        zero_rest_2x2(s, pdx, dx_row, oy);
    }
}
