/* Penalties on activations, image by image: l1 sum|x| + l2 sum x^2. */
#include "gradient_impl.h"
#include "loss_lanes.h"

INLINE float *activity_row(const lane_walk *s, const fc_tensor *x, int64_t c, int64_t h) {
    return (float *)x->data + s->block * x->stride[0] + c * x->stride[1] + h * x->stride[2]
           + s->lane;
}

static void activity_penalty(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *order = &a->t[1], *penalty = &a->t[2];
    lane_walk s = walk_lanes(x, ctx);
    while (next_lanes(&s)) {
        vf absolute = {0}, squares = {0};
        for (int64_t c = 0; c < x->shape[1]; c++)
            for (int64_t h = 0; h < x->shape[2]; h++) {
                const float *row = activity_row(&s, x, c, h);
                for (int64_t w = 0; w < x->shape[3]; w++) {
                    vf v = load_n(row + w * s.lanes, s.count);
                    absolute += vmax(v, -v);
                    squares += v * v;
                }
            }
        vf value = (float)a->f[0] * absolute + (float)a->f[1] * squares;
        walk_result(&s, penalty, value, walk_labels(&s, order) >= 0);
    }
}

static void activity_penalty_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *order = &a->t[1], *dx = &a->t[2];
    float images = count_images(order, ctx);
    float l1 = (float)a->f[0] / images, l2 = 2.0f * (float)a->f[1] / images;
    lane_walk s = walk_lanes(x, ctx);
    while (next_lanes(&s)) {
        vi mask = walk_labels(&s, order) >= 0;
        for (int64_t c = 0; c < x->shape[1]; c++)
            for (int64_t h = 0; h < x->shape[2]; h++) {
                const float *row = activity_row(&s, x, c, h);
                float *out = activity_row(&s, dx, c, h);
                for (int64_t w = 0; w < x->shape[3]; w++) {
                    vf v = load_n(row + w * s.lanes, s.count);
                    vf slope = l1 * sign(v) + l2 * v;
                    store_n(out + w * s.lanes, (vf)((vi)slope & mask), s.count);
                }
            }
    }
}

#define ACTIVITY_KERNELS \
    {"activity_penalty", "x order >penalty | | l1 l2", activity_penalty, 0, 0, 0}, \
    {"activity_penalty_backward", "x order >dx | | l1 l2", activity_penalty_backward, 0, 0, 0}
