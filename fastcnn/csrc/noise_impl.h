/* Random changes of activations while training, as functions of (seed, step, layer, image, element) alone: nothing is
 * stored, and the gradient of those that multiply is the same kernel, run on dy. Words as in dropout_impl.h. */
#include "activation_math.h"
#include "lanes.h"
#include "philox.h"

enum { NOISE_ALPHA, NOISE_ADD, NOISE_MULTIPLY };

typedef struct {
    const fc_tensor *x, *y;
    uint32_t key[2], step, layer, threshold;
    float scale, shift, dropped;   /* NOISE_ADD, NOISE_MULTIPLY: scale is the standard deviation */
} noise_job;

static noise_job noise_job_of(const fc_args *a) {
    const int64_t *state = a->t[2].data;
    uint64_t seed = (uint64_t)state[0];
    return (noise_job){
        .x = &a->t[0], .y = &a->t[1],
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .step = (uint32_t)state[a->t[2].stride[0]],
        .layer = (uint32_t)a->i[0],
        .scale = (float)a->f[0],
    };
}

INLINE vf uniform_of(const uint32_t *words, int drop, float half) {
    vu w;
    memcpy(&w, words, sizeof w);
    return (__builtin_convertvector((vi)(w >> drop), vf) + half) * (1.0f / (float)(1u << (32 - drop)));
}

/* Words in pairs to normal numbers in pairs: sqrt(-2 ln u) times cos and sin of 2 pi v (Box and Muller 1958),
 * u = (word / 2^9 + 1/2) / 2^23 in (0, 1), v = (word / 2^8) / 2^24 in [0, 1): exact in float32. */
INLINE void normals_of(uint32_t words[4][PHILOX_STREAMS]) {
    for (int pair = 0; pair < 4; pair += 2)
        for (int s = 0; s < PHILOX_STREAMS; s += VW) {
            vf radius = vsqrt(vlog(uniform_of(words[pair] + s, 9, 0.5f)) * -2.0f);
            circle_point at = vcircle(uniform_of(words[pair + 1] + s, 8, 0.0f));
            store((float *)words[pair] + s, radius * at.cos);
            store((float *)words[pair + 1] + s, radius * at.sin);
        }
}

INLINE void noise_lanes(
    const noise_job *job, const uint32_t *words, const float *from, float *to, const int kind, const int n
) {
    vf x = load_lanes(from, n), w = load_lanes((const float *)words, n);
    switch (kind) {
    case NOISE_ALPHA: x = select((vu)w >= job->threshold, x * job->scale + job->shift, splat(job->dropped)); break;
    case NOISE_ADD: x = x + w * job->scale; break;
    case NOISE_MULTIPLY: x = x * (w * job->scale + 1.0f);
    }
    store_lanes(to, x, n);
}

INLINE void noise_elements(
    const noise_job *job, int64_t b, int64_t first, int64_t count, const int kind, const int64_t lanes
) {
    uint32_t words[4][PHILOX_STREAMS];
    draw_words(job->key, job->step, job->layer, b, first, lanes, words);
    if (kind != NOISE_ALPHA) normals_of(words);
    int64_t w = job->x->shape[3], h = job->x->shape[2];
    pixel p = {b, first / w / h, first / w % h, first % w};
    for (int64_t e = 0; e < count; e++, next_pixel(&p, job->x)) {
        const float *x = (const float *)job->x->data + offset_at(job->x, &p);
        float *y = (float *)job->y->data + offset_at(job->y, &p);
        const uint32_t *word = words[e % 4] + e / 4 * lanes;
        LANE_CHUNKS(l, lanes, noise_lanes(job, word + l, x + l, y + l, kind, N));
    }
}

INLINE void noise_share(const noise_job *job, const fc_context *ctx, const int kind, const int64_t lanes) {
    const fc_tensor *x = job->x;
    int64_t elements = x->shape[1] * x->shape[2] * x->shape[3], each = PHILOX_STREAMS / lanes * 4;
    int64_t calls = ceil_div(elements, each), begin, end;
    split(active_blocks(x, ctx) * calls, ctx, &begin, &end);
    for (int64_t call = begin; call < end; call++) {
        int64_t first = call % calls * each;
        noise_elements(job, call / calls, first, min_i64(each, elements - first), kind, lanes);
    }
}

static void alpha_dropout(const fc_args *a, const fc_context *ctx) {
    noise_job job = noise_job_of(a);
    job.threshold = drop_threshold(a->f[0]);
    job.scale = (float)a->f[1];
    job.shift = (float)a->f[2];
    job.dropped = (float)a->f[3];
    WITH_LANES(job.x->shape[4], noise_share, &job, ctx, NOISE_ALPHA)
}

static void gaussian_noise(const fc_args *a, const fc_context *ctx) {
    noise_job job = noise_job_of(a);
    WITH_LANES(job.x->shape[4], noise_share, &job, ctx, NOISE_ADD)
}

static void gaussian_dropout(const fc_args *a, const fc_context *ctx) {
    noise_job job = noise_job_of(a);
    WITH_LANES(job.x->shape[4], noise_share, &job, ctx, NOISE_MULTIPLY)
}

/* ---- Whole channels of an image: channel c takes the place of the element's number ---- */

/* Factors of the lanes, repeated to fill a vector */
INLINE void channel_factors(const noise_job *job, int64_t b, int64_t c, int64_t lanes, float *factors) {
    uint32_t words[4][PHILOX_STREAMS];
    draw_words(job->key, job->step, job->layer, b, c, lanes, words);
    for (int64_t j = 0; j < PHILOX_STREAMS; j++)
        factors[j] = words[c % 4][j % lanes] >= job->threshold ? job->scale : 0.0f;
}

static void spatial_dropout(const fc_args *a, const fc_context *ctx) {
    noise_job job = noise_job_of(a);
    const fc_tensor *x = job.x, *y = job.y;
    job.threshold = drop_threshold(a->f[0]);
    job.scale = (float)(1.0 / (1.0 - a->f[0]));
    int64_t lanes = x->shape[4], h = x->shape[2], n = x->shape[3] * lanes, begin, end;
    split(active_blocks(x, ctx) * x->shape[1], ctx, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        float factors[PHILOX_STREAMS];
        channel_factors(&job, plane / x->shape[1], plane % x->shape[1], lanes, factors);
        for (int64_t row = plane * h; row < (plane + 1) * h; row++) {
            const float *px = row_at(x, row);
            float *py = row_at(y, row);
            for (int64_t i = 0; i < n; i += VW) {
                int64_t part = min_i64(VW, n - i);
                store_n(py + i, load_n(px + i, part) * load(factors + i % PHILOX_STREAMS), part);
            }
        }
    }
}

#define NOISE_KERNELS \
    {"alpha_dropout", "x >y state | layer | rate scale shift dropped", alpha_dropout, 0, 0, 0}, \
    {"spatial_dropout", "x >y state | layer | rate", spatial_dropout, 0, 0, 0}, \
    {"gaussian_noise", "x >y state | layer | stddev", gaussian_noise, 0, 0, 0}, \
    {"gaussian_dropout", "x >y state | layer | stddev", gaussian_dropout, 0, 0, 0}
