/* Copies between views (into and out of halos, of turned axes), multiples and sums of two tensors. */
#include "activation_math.h"
#include "lanes.h"

INLINE void copy_lanes(float *y, const float *x, const int n) { memcpy(y, x, n * sizeof(float)); }

/* Pixels that do not follow each other, lanes that may not either. */
static void copy_pixels(const fc_tensor *x, const float *from, float *to) {
    int64_t lanes = x->shape[4], apart = x->stride[4];
    for (int64_t w = 0; w < x->shape[3]; w++, from += x->stride[3], to += lanes) {
        if (apart == 1 || lanes == 1)
            LANE_CHUNKS(l, lanes, copy_lanes(to + l, from + l, N));
        else
            for (int64_t l = 0; l < lanes; l++) to[l] = from[l * apart];
    }
}

static void copy(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    int64_t lanes = x->shape[4], begin, end;
    int64_t bytes = x->shape[3] * lanes * (int64_t)sizeof(float);
    int dense = (lanes == 1 || x->stride[4] == 1) && (x->shape[3] == 1 || x->stride[3] == lanes);
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++)
        if (dense)
            memcpy(row_at(y, row), row_at(x, row), bytes);
        else
            copy_pixels(x, row_at(x, row), row_at(y, row));
}

static void scale(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *y = &a->t[1];
    float factor = (float)a->f[0];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row);
        float *py = row_at(y, row);
        for (int64_t i = 0; i < n; i++) py[i] = factor * px[i];
    }
}

INLINE void add_row(const float *x, const float *z, float *y, int64_t n, int activation, float alpha) {
    int64_t i = 0;
    for (; i + VW <= n; i += VW) store(y + i, activate(activation, load(x + i) + load(z + i), alpha));
    if (i < n) {
        vf sum = load_part(x + i, n - i) + load_part(z + i, n - i);
        store_part(y + i, activate(activation, sum, alpha), n - i);
    }
}

INLINE int rows_adjoin(const fc_tensor *t) { return t->stride[2] == t->shape[3] * t->shape[4]; }

/* Plane by plane, as one row if no halo is between: finding a row, and its end that is no whole
 * vector, take as long as adding one of a single image. */
static void add(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *z = &a->t[1], *y = &a->t[2];
    int64_t n = x->shape[3] * x->shape[4], height = x->shape[2], begin, end;
    int adjoin = rows_adjoin(x) && rows_adjoin(z) && rows_adjoin(y);
    split(active_blocks(x, ctx) * x->shape[1] * height, ctx, &begin, &end);
    for (int64_t row = begin, rows; row < end; row += rows) {
        const float *px = row_at(x, row), *pz = row_at(z, row);
        float *py = row_at(y, row);
        rows = min_i64(height - row % height, end - row);
        int64_t together = adjoin ? rows : 1;
        for (int64_t h = 0; h < rows; h += together)
            add_row(px + h * x->stride[2], pz + h * z->stride[2], py + h * y->stride[2],
                    together * n, (int)a->i[0], (float)a->f[0]);
    }
}

#define COPY_KERNELS \
    {"copy", "x >y", copy, 0, 0, 0}, \
    {"scale", "x >y | | factor", scale, 0, 0, 0}, \
    {"add", "x z >y | activation | alpha", add, 0, 0, 0}
