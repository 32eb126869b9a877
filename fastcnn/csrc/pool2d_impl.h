/* Maximum and average pooling. x is the image without padding: windows are clipped at its borders. */
#include "activation_math.h"
#include "lanes.h"

#define NO_CELL 255    /* index of a maximum over no cell at all */

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

INLINE float *plane_at(const fc_tensor *t, int64_t plane) { return row_at(t, plane * t->shape[2]); }

/* ---- Windows of any shape: vectors run over lanes, loops over the cells of a window ---- */

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

static void zero_rows(float *plane, int64_t row, int64_t begin, int64_t end, int64_t n) {
    for (int64_t h = begin; h < end; h++) memset(plane + h * row, 0, n * sizeof(float));
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

INLINE vf gradient_of(int activation, vf d, const float *y, float alpha, const int n) {
    return activation == ACT_LINEAR ? d : activate_backward(activation, d, load_lanes(y, n), alpha);
}

/* ---- 2x2 windows side by side ---- */

/* even[i] and odd[i] are the two columns behind float i of a pooled row. */

#define EVEN(i, g) ((i) / (g) * 2 * (g) + (i) % (g))
#define ODD(i, g) (EVEN(i, g) + (g))
#define LOW(i, g) ((i) / (2 * (g)) * (g) + (i) % (g) + (i) / (g) % 2 * VW)
#define HIGH(i, g) (LOW(i, g) + VW / 2)

INLINE int64_t pair_offset(int64_t i, const int lanes) {
    return (int64_t)((uint64_t)i / lanes * 2 * lanes + (uint64_t)i % lanes);
}

INLINE void load_pair(const float *row, int64_t i, vf *even, vf *odd, const int lanes) {
    if (lanes >= VW) {
        *even = load(row + pair_offset(i, lanes));
        *odd = load(row + pair_offset(i, lanes) + lanes);
        return;
    }
    vf a = load(row + 2 * i), b = load(row + 2 * i + VW);
    *even = __builtin_shuffle(a, b, EACH_LANE(EVEN, lanes));
    *odd = __builtin_shuffle(a, b, EACH_LANE(ODD, lanes));
}

/* Of a row of n < VW pooled floats */
INLINE void load_pair_part(const float *row, int64_t n, vf *even, vf *odd, const int lanes) {
    vf a = load_part(row, min_i64(VW, 2 * n)), b = {0};
    if (2 * n > VW) b = load_part(row + VW, 2 * n - VW);
    *even = __builtin_shuffle(a, b, EACH_LANE(EVEN, lanes));
    *odd = __builtin_shuffle(a, b, EACH_LANE(ODD, lanes));
}

INLINE void store_pair(float *row, int64_t i, vf even, vf odd, const int lanes) {
    if (lanes >= VW) {
        store(row + pair_offset(i, lanes), even);
        store(row + pair_offset(i, lanes) + lanes, odd);
        return;
    }
    store(row + 2 * i, __builtin_shuffle(even, odd, EACH_LANE(LOW, lanes)));
    store(row + 2 * i + VW, __builtin_shuffle(even, odd, EACH_LANE(HIGH, lanes)));
}

static int is_2x2(const pool_shape *s) {
    return s->window_h == 2 && s->window_w == 2 && s->stride_h == 2 && s->stride_w == 2 && !s->pad_top &&
           !s->pad_left && 2 * s->oh <= s->h && 2 * s->ow <= s->w &&
           (s->lanes == 1 || s->lanes == 4 || s->lanes == 8 || s->lanes == 16);
}

/* Rows of at least one vector; the last vector overlaps the one before it (both compute the same). */
static int is_wide_2x2(const pool_shape *s) { return is_2x2(s) && s->ow * s->lanes >= VW; }

INLINE vf max_of_four(vf a, vf b, vf c, vf d, vi *which) {
    vi right = b > a, low_right = d > c;
    vf top = select(right, b, a), low = select(low_right, d, c);
    vi down = low > top;
    *which = select_i(down, 2 - low_right, -right);
    return select(down, low, top);
}

/* Rows shorter than a vector */
INLINE void max_2x2_short_row(
    const float *x, int64_t row, float *y, uint8_t *index, int64_t n, const int lanes
) {
    vf a, b, c, d;
    vi which;
    load_pair_part(x, n, &a, &b, lanes);
    load_pair_part(x + row, n, &c, &d, lanes);
    store_part(y, max_of_four(a, b, c, d, &which), n);
    store_bytes_part(index, which, n);
}

INLINE void average_2x2_short_row(const float *x, int64_t row, float *y, int64_t n, const int lanes) {
    vf a, b, c, d;
    load_pair_part(x, n, &a, &b, lanes);
    load_pair_part(x + row, n, &c, &d, lanes);
    store_part(y, (a + b + c + d) * 0.25f, n);
}

INLINE void max_2x2_row(const float *x, int64_t row, float *y, uint8_t *index, int64_t n, const int lanes) {
    for (int64_t j = 0; j < n; j += VW) {
        int64_t i = min_i64(j, n - VW);
        vf a, b, c, d;
        load_pair(x, i, &a, &b, lanes);
        load_pair(x + row, i, &c, &d, lanes);
        vi which;
        store(y + i, max_of_four(a, b, c, d, &which));
        store_bytes(index + i, which, VW);
    }
}

INLINE void average_2x2_row(const float *x, int64_t row, float *y, int64_t n, const int lanes) {
    for (int64_t j = 0; j < n; j += VW) {
        int64_t i = min_i64(j, n - VW);
        vf a, b, c, d;
        load_pair(x, i, &a, &b, lanes);
        load_pair(x + row, i, &c, &d, lanes);
        store(y + i, (a + b + c + d) * 0.25f);
    }
}

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

/* ---- One window over the whole image ---- */

static int is_global(const pool_shape *s) {
    span v = clip_y(s, 0), h = clip_x(s, 0);
    int whole = s->oh == 1 && s->ow == 1 && cells(v, h) == s->h * s->w;
    return whole && (s->lanes % VW == 0 || VW % s->lanes == 0);
}

/* Sum of floats k, k + period, ... of all rows; four sums side by side hide the latency of addition. */
static vf sum_plane(const float *plane, int64_t rows, int64_t row, int64_t k, int64_t n, int64_t period) {
    vf sum[4] = {{0}};
    for (int64_t h = 0; h < rows; h++) {
        const float *p = plane + h * row;
        int64_t i = k;
        for (; i + 3 * period + VW <= n; i += 4 * period)
            UNROLL for (int j = 0; j < 4; j++) sum[j] += load(p + i + j * period);
        for (; i + VW <= n; i += period) sum[0] += load(p + i);
        if (i < n) sum[1] += load_part(p + i, n - i);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void average_plane(const pool_shape *s, const float *plane, int64_t row, float scale, float *y) {
    int64_t period = max_i64(s->lanes, VW);
    for (int64_t k = 0; k < period; k += VW) {
        vf sum = sum_plane(plane, s->h, row, k, s->w * s->lanes, period);
        if (s->lanes >= VW) {
            store(y + k, sum * scale);
            continue;
        }
        for (int64_t l = 0; l < s->lanes; l++) {
            float lane = 0.0f;
            for (int64_t j = l; j < VW; j += s->lanes) lane += sum[j];
            y[l] = lane * scale;
        }
    }
}

static void average_plane_backward(
    const pool_shape *s, const float *dy, const float *y, int64_t y_row, float *dx, int64_t dx_row,
    float scale, int activation, float alpha
) {
    int64_t n = s->w * s->lanes, period = max_i64(s->lanes, VW);
    for (int64_t k = 0; k < period; k += VW) {
        vf d;
        for (int j = 0; j < VW; j++) d[j] = dy[(k + j) % s->lanes] * scale;
        for (int64_t h = 0; h < s->h; h++) {
            float *to = dx + h * dx_row;
            const float *from = y + h * y_row;
            int64_t i = k;
            for (; i + VW <= n; i += period) store(to + i, gradient_of(activation, d, from + i, alpha, VW));
            if (i < n) {
                vf last = activate_backward(activation, d, load_part(from + i, n - i), alpha);
                store_part(to + i, last, n - i);
            }
        }
    }
}

/* ---- The kernels ---- */

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
