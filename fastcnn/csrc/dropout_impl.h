/* Inverted dropout. The mask is one uint16 for each element of a block, bit l set where lane l is kept, so
 * that it takes 1/32 of the activations' memory at 16 lanes. Lanes must be 1, 4, 8 or 16.
 *
 * Element e = (c * H + h) * W + w of image n = block * L + lane is kept if word e % 4 of
 * Philox(counter = (e / 4, n, step, layer), key = seed) is at least rate * 2^32: nothing else matters. */
#include "activation_math.h"
#include "lanes.h"
#include "philox.h"

typedef struct {
    const fc_tensor *x, *y, *mask;
    uint32_t key[2], step, layer, threshold;
    float scale;
} dropout_job;

typedef struct {
    int64_t b, c, h, w;
} pixel;

INLINE int64_t offset_at(const fc_tensor *t, const pixel *p) {
    return p->b * t->stride[0] + p->c * t->stride[1] + p->h * t->stride[2] + p->w * t->stride[3];
}

INLINE void next_pixel(pixel *p, const fc_tensor *t) {
    if (++p->w < t->shape[3]) return;
    p->w = 0;
    if (++p->h < t->shape[2]) return;
    p->h = 0;
    p->c++;
}

INLINE uint32_t drop_threshold(double rate) {
    double t = rate * 4294967296.0;
    return t >= 4294967295.0 ? 4294967295u : t > 0.0 ? (uint32_t)t : 0;
}

#define LANE_BIT(i, unused) (1 << (i))

/* Bit i of the result is lane i of the mask: halves are or-ed together until one lane is left. */
INLINE uint32_t mask_bits(vi mask) {
    vi bits = mask & EACH_LANE(LANE_BIT, 0), lane = lane_numbers();
    UNROLL for (int half = VW / 2; half; half /= 2) bits |= __builtin_shuffle(bits, lane ^ half);
    return (uint32_t)bits[0];
}

INLINE uint32_t drop_lanes(
    const dropout_job *job, const uint32_t *words, const float *x, float *y, const int n
) {
    vi keep = (vu)load_lanes((const float *)words, n) >= job->threshold;
    store_lanes(y, keep_where(keep, load_lanes(x, n) * job->scale), n);
    return mask_bits(keep) & ((1u << n) - 1);
}

/* words[e % 4] + e / 4 * lanes: those of the lanes of element first + e of a block, e < 4 * (16 / lanes). */
INLINE void draw_words(
    const uint32_t key[2], uint32_t step, uint32_t layer, int64_t b, int64_t first, const int64_t lanes,
    uint32_t words[4][PHILOX_STREAMS]
) {
    uint32_t counter[4][PHILOX_STREAMS];
    for (int s = 0; s < PHILOX_STREAMS; s++) {
        counter[0][s] = (uint32_t)(first / 4 + s / lanes);
        counter[1][s] = (uint32_t)(b * lanes + s % lanes);
        counter[2][s] = step;
        counter[3][s] = layer;
    }
    philox(counter, key, words);
}

/* Draws for `count` elements of a block from `first` on, at most 4 * (16 / lanes) of them. */
INLINE void dropout_elements(
    const dropout_job *job, int64_t b, int64_t first, int64_t count, const int64_t lanes
) {
    uint32_t words[4][PHILOX_STREAMS];
    draw_words(job->key, job->step, job->layer, b, first, lanes, words);
    int64_t w = job->x->shape[3], h = job->x->shape[2];
    pixel p = {b, first / w / h, first / w % h, first % w};
    for (int64_t e = 0; e < count; e++, next_pixel(&p, job->x)) {
        const float *x = (const float *)job->x->data + offset_at(job->x, &p);
        float *y = (float *)job->y->data + offset_at(job->y, &p);
        uint32_t bits = 0;
        const uint32_t *word = words[e % 4] + e / 4 * lanes;
        LANE_CHUNKS(l, lanes, bits |= drop_lanes(job, word + l, x + l, y + l, N) << l);
        ((uint16_t *)job->mask->data)[offset_at(job->mask, &p)] = (uint16_t)bits;
    }
}

INLINE void dropout_share(const dropout_job *job, const fc_context *ctx, const int64_t lanes) {
    const fc_tensor *x = job->x;
    int64_t elements = x->shape[1] * x->shape[2] * x->shape[3], each = PHILOX_STREAMS / lanes * 4;
    int64_t calls = ceil_div(elements, each), begin, end;
    split(active_blocks(x, ctx) * calls, ctx, &begin, &end);
    for (int64_t call = begin; call < end; call++) {
        int64_t first = call % calls * each;
        dropout_elements(job, call / calls, first, min_i64(each, elements - first), lanes);
    }
}

static void dropout_forward(const fc_args *a, const fc_context *ctx) {
    const int64_t *state = a->t[3].data;
    uint64_t seed = (uint64_t)state[0];
    dropout_job job = {
        .x = &a->t[0], .y = &a->t[1], .mask = &a->t[2],
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .step = (uint32_t)state[a->t[3].stride[0]],
        .layer = (uint32_t)a->i[0],
        .threshold = drop_threshold(a->f[0]),
        .scale = (float)(1.0 / (1.0 - a->f[0])),
    };
    WITH_LANES(job.x->shape[4], dropout_share, &job, ctx)
}

INLINE vf undrop_lanes(
    uint32_t bits, float scale, const float *dy, const float *y, int activation, float alpha, const int n
) {
    vi keep = (splat_i((int32_t)bits) & EACH_LANE(LANE_BIT, 0)) != 0;
    vf d = keep_where(keep, load_lanes(dy, n) * scale);
    return activation == ACT_LINEAR ? d : activate_backward(activation, d, load_lanes(y, n), alpha);
}

INLINE void dropout_backward_row(
    const float *dy, const uint16_t *mask, int64_t mask_step, const float *y, float *dx, int64_t pixels,
    float scale, int activation, float alpha, const int64_t lanes
) {
    for (int64_t w = 0; w < pixels; w++) {
        int64_t i = w * lanes;
        uint32_t kept = mask[w * mask_step];
        LANE_CHUNKS(l, lanes, {
            vf d = undrop_lanes(kept >> l, scale, dy + i + l, y + i + l, activation, alpha, N);
            store_lanes(dx + i + l, d, N);
        });
    }
}

/* dx = dy * mask / (1 - rate) * act'(y) */
static void dropout_backward(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *mask = &a->t[1], *y = a->t[2].data ? &a->t[2] : dy, *dx = &a->t[3];
    int activation = a->t[2].data ? (int)a->i[0] : ACT_LINEAR;
    float scale = (float)(1.0 / (1.0 - a->f[0])), alpha = (float)a->f[1];
    int64_t h = dx->shape[2], c = dx->shape[1], begin, end;
    split(active_blocks(dx, ctx) * c * h, ctx, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        pixel p = {row / h / c, row / h % c, row % h, 0};
        const uint16_t *bits = (const uint16_t *)mask->data + offset_at(mask, &p);
        WITH_LANES(dx->shape[4], dropout_backward_row, row_at(dy, row), bits, mask->stride[3], row_at(y, row),
                   row_at(dx, row), dx->shape[3], scale, activation, alpha)
    }
}

#define DROPOUT_KERNELS \
    {"dropout_forward", "x >y >mask state | layer | rate", dropout_forward, 0, 0, 0}, \
    {"dropout_backward", "dy mask ?y >dx | activation | rate alpha", dropout_backward, 0, 0, 0}
