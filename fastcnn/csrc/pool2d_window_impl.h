/* Pooling with windows of any shape: vectors run over lanes, loops over the cells of a window. */
#include "pool2d_shape.h"

#define NO_CELL 255    /* index of a maximum over no cell at all */

INLINE void max_lanes(
    const float *plane, int64_t row, int64_t lanes, span v, span h, int64_t window_w, float *y,
    uint8_t *index, const int n
) {
    if (!cells(v, h)) {
        store_lanes(y, splat(0.0f), n);
        store_bytes(index, splat_i(NO_CELL), n);
        return;
    }
    const float *corner = plane + v.start * row + h.start * lanes;
    vf best = load_lanes(corner + v.begin * row + h.begin * lanes, n);
    vi where = splat_i((int32_t)(v.begin * window_w + h.begin));
    for (int64_t ky = v.begin; ky < v.end; ky++)
        for (int64_t kx = h.begin; kx < h.end; kx++) {
            vf x = load_lanes(corner + ky * row + kx * lanes, n);
            vi better = x > best;
            best = select(better, x, best);
            where = select_i(better, splat_i((int32_t)(ky * window_w + kx)), where);
        }
    store_lanes(y, best, n);
    store_bytes(index, where, n);
}

static void max_row(
    const pool_shape *s, const float *plane, int64_t row, int64_t oy, float *y, uint8_t *index
) {
    span v = clip_y(s, oy);
    for (int64_t ox = 0; ox < s->ow; ox++) {
        span h = clip_x(s, ox);
        int64_t i = ox * s->lanes;
        LANE_CHUNKS(l, s->lanes,
                    max_lanes(plane + l, row, s->lanes, v, h, s->window_w, y + i + l, index + i + l, N));
    }
}

INLINE void average_lanes(
    const float *plane, int64_t row, int64_t lanes, span v, span h, float scale, float *y, const int n
) {
    vf sum = {0};
    const float *corner = plane + v.start * row + h.start * lanes;
    for (int64_t ky = v.begin; ky < v.end; ky++)
        for (int64_t kx = h.begin; kx < h.end; kx++) sum += load_lanes(corner + ky * row + kx * lanes, n);
    store_lanes(y, sum * scale, n);
}

INLINE float average_scale(const pool_shape *s, span v, span h, int count_padding) {
    int64_t count = count_padding ? s->window_h * s->window_w : cells(v, h);
    return count ? 1.0f / (float)count : 0.0f;
}

static void average_row(
    const pool_shape *s, const float *plane, int64_t row, int64_t oy, int count_padding, float *y
) {
    span v = clip_y(s, oy);
    for (int64_t ox = 0; ox < s->ow; ox++) {
        span h = clip_x(s, ox);
        float scale = average_scale(s, v, h, count_padding);
        LANE_CHUNKS(l, s->lanes,
                    average_lanes(plane + l, row, s->lanes, v, h, scale, y + ox * s->lanes + l, N));
    }
}

/* Adds d to the one cell of each lane's window that was its maximum. */
INLINE void max_backward_lanes(
    float *plane, int64_t row, int64_t lanes, span v, span h, int64_t window_w, vf d, vi index, const int n
) {
    float *corner = plane + v.start * row + h.start * lanes;
    for (int64_t ky = v.begin; ky < v.end; ky++)
        for (int64_t kx = h.begin; kx < h.end; kx++) {
            float *p = corner + ky * row + kx * lanes;
            vi here = index == splat_i((int32_t)(ky * window_w + kx));
            store_lanes(p, load_lanes(p, n) + keep_where(here, d), n);
        }
}

INLINE void average_backward_lanes(
    float *plane, int64_t row, int64_t lanes, span v, span h, vf d, const int n
) {
    float *corner = plane + v.start * row + h.start * lanes;
    for (int64_t ky = v.begin; ky < v.end; ky++)
        for (int64_t kx = h.begin; kx < h.end; kx++) {
            float *p = corner + ky * row + kx * lanes;
            store_lanes(p, load_lanes(p, n) + d, n);
        }
}
