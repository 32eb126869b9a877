/* Several tensors of one shape into one, element by element. Outputs may be inputs. */
#include "activation_math.h"
#include "lanes.h"

static void multiply(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *z = &a->t[1], *y = &a->t[2];
    int activation = (int)a->i[0];
    float alpha = (float)a->f[0];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row), *pz = row_at(z, row);
        float *py = row_at(y, row);
        for (int64_t i = 0, k; i < n; i += k) {
            k = min_i64(VW, n - i);
            vf product = load_n(px + i, k) * load_n(pz + i, k);
            store_n(py + i, activate(activation, product, alpha), k);
        }
    }
}

INLINE void maximum_lanes(const float *x, const float *z, float *y, uint8_t *index, const int n) {
    vf a = load_lanes(x, n), b = load_lanes(z, n);
    vi larger = b > a;
    store_lanes(y, select(larger, b, a), n);
    store_bytes(index, -larger, n);
}

static void maximum_forward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *z = &a->t[1], *y = &a->t[2], *index = &a->t[3];
    int64_t n = x->shape[3] * x->shape[4], begin, end;
    split(active_blocks(x, ctx) * x->shape[1] * x->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *px = row_at(x, row), *pz = row_at(z, row);
        float *py = row_at(y, row);
        uint8_t *at = (uint8_t *)index->data + row_offset(index, row);
        LANE_CHUNKS(i, n, maximum_lanes(px + i, pz + i, py + i, at + i, N));
    }
}

INLINE void maximum_backward_lanes(
    const float *dy, const uint8_t *index, float *dx, float *dz, const int n
) {
    vf d = load_lanes(dy, n);
    vi from_z = load_bytes(index, n) != 0;
    store_lanes(dz, keep_where(from_z, d), n);
    store_lanes(dx, keep_where(~from_z, d), n);
}

static void maximum_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *index = &a->t[1], *dx = &a->t[2], *dz = &a->t[3];
    int64_t n = dy->shape[3] * dy->shape[4], begin, end;
    split(active_blocks(dy, ctx) * dy->shape[1] * dy->shape[2], ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *pdy = row_at(dy, row);
        float *pdx = row_at(dx, row), *pdz = row_at(dz, row);
        const uint8_t *at = (const uint8_t *)index->data + row_offset(index, row);
        LANE_CHUNKS(i, n, maximum_backward_lanes(pdy + i, at + i, pdx + i, pdz + i, N));
    }
}

#define MERGE_KERNELS \
    {"multiply", "x z >y | activation | alpha", multiply, 0, 0, 0}, \
    {"maximum_forward", "x z >y >index |", maximum_forward, 0, 0, 0}, \
    {"maximum_backward", "dy index >dx >dz |", maximum_backward, 0, 0, 0}
