/* Pooling with 2x2 windows side by side. even[i] and odd[i] are the two columns behind float i of a
 * pooled row. */
#include "pool2d_shape.h"

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
