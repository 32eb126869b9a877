/* Rows of pooling windows: those within the image's left and right border in runs, others, which
 * are clipped, or of unusual size, one by one: vectors run over lanes, loops over a window's cells. */
#include "pool2d_run_impl.h"

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
    const float *first = plane + (v.start + v.begin) * row + (h.start + h.begin) * lanes;
    vf best = load_lanes(first, n);
    for (int64_t ky = v.begin, at = 0; ky < v.end; ky++, at += row)
        for (int64_t x = 0; x < h.end - h.begin; x++)
            best = vmax(load_lanes(first + at + x * lanes, n), best);
    vi where = splat_i((int32_t)(v.begin * window_w + h.begin));
    for (int64_t ky = v.end - 1; ky >= v.begin; ky--)
        for (int64_t kx = h.end - 1; kx >= h.begin; kx--) {
            vf x = load_lanes(first + (ky - v.begin) * row + (kx - h.begin) * lanes, n);
            where = select_i(x == best, splat_i((int32_t)(ky * window_w + kx)), where);
        }
    store_lanes(y, best, n);
    store_bytes(index, where, n);
}

/* Windows [begin, end) of a row. */
static void max_each(const pool_shape *s, const float *plane, int64_t row, span v, int64_t begin,
                     int64_t end, float *y, uint8_t *index) {
    for (int64_t ox = begin; ox < end; ox++) {
        span h = clip_x(s, ox);
        int64_t i = ox * s->lanes;
        LANE_CHUNKS(l, s->lanes,
                    max_lanes(plane + l, row, s->lanes, v, h, s->window_w, y + i + l, index + i + l, N));
    }
}

static void max_row(const pool_shape *s, const float *plane, int64_t row, int64_t oy,
                    const pool_inner *inner, float *y, uint8_t *index) {
    span v = clip_y(s, oy);
    int64_t begin = inner->begin, end = inner->end, i = begin * s->lanes;
    if (!pool_runs(s, v)) begin = end = s->ow;
    max_each(s, plane, row, v, 0, begin, y, index);
    if (begin < end) {
        pool_run r = pool_run_of(s, plane, row, v, inner);
        POOL_RUN_OF(max_run_table, s, v)(&r, y + i, index + i);
    }
    max_each(s, plane, row, v, end, s->ow, y, index);
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

static void average_each(const pool_shape *s, const float *plane, int64_t row, span v, int64_t begin,
                         int64_t end, int count_padding, float *y) {
    for (int64_t ox = begin; ox < end; ox++) {
        span h = clip_x(s, ox);
        float scale = average_scale(s, v, h, count_padding);
        LANE_CHUNKS(l, s->lanes,
                    average_lanes(plane + l, row, s->lanes, v, h, scale, y + ox * s->lanes + l, N));
    }
}

static void average_row(const pool_shape *s, const float *plane, int64_t row, int64_t oy,
                        const pool_inner *inner, int count_padding, float *y) {
    span v = clip_y(s, oy);
    int64_t begin = inner->begin, end = inner->end;
    if (!pool_runs(s, v)) begin = end = s->ow;
    average_each(s, plane, row, v, 0, begin, count_padding, y);
    if (begin < end) {
        pool_run r = pool_run_of(s, plane, row, v, inner);
        float scale = average_scale(s, v, clip_x(s, begin), count_padding);
        POOL_RUN_OF(average_run_table, s, v)(&r, scale, y + begin * s->lanes);
    }
    average_each(s, plane, row, v, end, s->ow, count_padding, y);
}
