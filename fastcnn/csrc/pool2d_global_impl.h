/* Average pooling with one window over the whole image. */
#include "pool2d_shape.h"

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

static float global_scale(const pool_shape *s, int count_padding) {
    return average_scale(s, clip_y(s, 0), clip_x(s, 0), count_padding);
}

static void average_plane(const pool_shape *s, const float *plane, int64_t row, int count_padding,
                          float *y) {
    float scale = global_scale(s, count_padding);
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

/* y: of the activation, or NULL. */
static void average_plane_backward(const pool_gradient *g, const fc_tensor *y, const fc_tensor *dx) {
    const pool_shape *s = g->s;
    float scale = global_scale(s, g->count_padding);
    const float *dy = plane_at(g->dy, g->plane);
    int64_t n = s->w * s->lanes, period = max_i64(s->lanes, VW);
    for (int64_t k = 0; k < period; k += VW) {
        vf d;
        for (int j = 0; j < VW; j++) d[j] = dy[(k + j) % s->lanes] * scale;
        for (int64_t h = 0; h < s->h; h++) {
            float *to = row_at(dx, g->plane * s->h + h);
            const float *from = y ? row_at(y, g->plane * s->h + h) : to;
            int64_t i = k;
            for (; i + VW <= n; i += period)
                store(to + i, gradient_of(g->activation, d, from + i, g->alpha, VW));
            if (i < n) {
                vf last = activate_backward(g->activation, d, load_part(from + i, n - i), g->alpha);
                store_part(to + i, last, n - i);
            }
        }
    }
}
