/* What conv2d_forward and conv2d_backward_input do, as a job: geometry and packed weights.
 *
 * Both are the same work: out[o][pixel] += x[c][pixel + tap] * w[o][c][tap], a "valid" convolution
 * over a view that holds its zero border. For the input gradient at stride s the output falls into
 * s * s phases, each with a subset of the taps; a phase reads dy pixel by pixel and writes every
 * s-th pixel.
 *
 * A tile is OT output channels x PT vectors, held in registers. A tap is one offset into x, so
 * kernel size, dilation and phase cost nothing. Weights are packed as [channel chunk][c][tap][OT]
 * by prepare. */
#ifndef FC_CONV2D_JOB_IMPL_H
#define FC_CONV2D_JOB_IMPL_H

#include "activation_math.h"

#if VW == 16 || defined(__aarch64__)                 /* 32 registers */
#define CONV_ACCUMULATORS 24
#define CONV_SLIDE_PT 16
#else                                                /* 16 registers */
#define CONV_ACCUMULATORS 12
#define CONV_SLIDE_PT 8
#endif
#define CONV_OT 6
#define CONV_PT 8
#define CONV_SLIDE_KW 5
#define CONV_PACK_AHEAD 16                           /* channels whose weights are fetched */
#define CONV_FETCHED 3                               /* vectors that few filters fetch a tap */

/* Taps along one axis. Tap j of output pixel m reads source + m * read_step + j * spacing. */
typedef struct {
    int64_t count;
    int64_t first, step;                             /* its place in the kernel: first + j * step */
    int64_t source, spacing;
} conv_axis;

/* Offsets of x: of a tap, and of what to fetch of the next channel meanwhile. */
typedef struct {
    int64_t at, ahead;
} conv_tap;

/* Some output channels of one group, as many as a tile is wide. */
typedef struct {
    int64_t out, size;
    int64_t x, to, y;                                /* offsets of its channels in the tensors */
} conv_chunk;

/* Output pixels that are a stride apart, and the taps that they need. */
typedef struct {
    conv_axis axis[2];
    int64_t first[2], size[2];    /* its first pixel in out, and how many it has */
    int64_t taps;
    conv_tap *tap;
    float *packed;
} conv_phase;

typedef struct {
    const fc_tensor *x, *out;
    const float *w, *bias;
    const fc_tensor *y;    /* out is multiplied by act'(y), if there is one */
    int transposed, activation;
    float alpha;
    int64_t groups, in, outs;    /* channels of a group that are read and written */
    int64_t w_group, w_in, w_out;                    /* strides of w */
    int64_t kernel[2], dilation[2], stride[2], shift[2], halo[2];    /* y, x */
    int64_t read_step[2], write_step[2];    /* between neighbouring output pixels of a phase */
    int64_t zero_top, zero_bottom;                   /* rows of x known to be zero */
    int streamed;                                    /* out is stored past the caches */
    int64_t max_ot;
    conv_phase *phases;                              /* workspace: write_step[0] * write_step[1], */
    conv_tap *taps;                                  /* taps of all phases, */
    conv_chunk *chunks;                              /* chunks of output channels, */
    float *packed;                                   /* weights of all phases */
} conv_job;

typedef struct {
    const float *x, *w, *bias, *y;
    float *out;
    const conv_tap *tap, *tap_end;
    int64_t skipped;                                 /* weights between the taps of two channels */
    int64_t last_x, last_out;                        /* offset of the last vector of the tile */
} conv_tile;

typedef void conv_tile_function(const conv_job *, const conv_tile *);

INLINE int64_t tensor_h(const fc_tensor *t) { return t->shape[2]; }
INLINE int64_t tensor_w(const fc_tensor *t) { return t->shape[3]; }
INLINE int64_t tensor_l(const fc_tensor *t) { return t->shape[4]; }

#define NOINLINE static __attribute__((noinline))

/* Where row y of a channel of a block begins. */
INLINE float *tensor_row(const fc_tensor *t, int64_t block, int64_t channel, int64_t y) {
    return (float *)t->data + block * t->stride[0] + channel * t->stride[1] + y * t->stride[2];
}

/* ---- geometry ---- */

/* Taps of the input gradient in one phase: those with (phase + shift - dilation * k) divisible
 * by stride, from the last to the first, so that they read dy forwards. */
static conv_axis conv_phase_axis(const conv_job *j, int d, int64_t phase) {
    int64_t stride = j->stride[d], dilation = j->dilation[d], step = 1;
    while (step * dilation % stride) step++;
    int64_t k = j->kernel[d] - 1;
    int64_t lowest = max_i64(0, k - step + 1);
    while (k >= lowest && (phase + j->shift[d] - dilation * k) % stride) k--;
    if (k < lowest) return (conv_axis){0};
    int64_t source = j->halo[d] + (phase + j->shift[d] - dilation * k) / stride;
    return (conv_axis){k / step + 1, k, -step, source, dilation * step / stride};
}

/* What belongs to the phases lies one after the other in the workspace; call for (0, 0), (0, 1),
 * ... with the same phase. */
static void conv_next_phase(const conv_job *j, int64_t py, int64_t px, conv_phase *p) {
    int64_t at[2] = {py, px};
    p->tap = py || px ? p->tap + p->taps : j->taps;
    p->packed = py || px ? p->packed + p->taps * j->groups * j->outs * j->in : j->packed;
    for (int d = 0; d < 2; d++) {
        p->axis[d] = j->transposed ? conv_phase_axis(j, d, at[d])
                                   : (conv_axis){j->kernel[d], 0, 1, 0, j->dilation[d]};
        int64_t size = j->out->shape[2 + d];
        p->first[d] = at[d];
        p->size[d] = size > at[d] ? ceil_div(size - at[d], j->write_step[d]) : 0;
    }
    p->taps = p->axis[0].count * p->axis[1].count;
}

INLINE int64_t conv_chunks(const conv_job *j) { return ceil_div(j->outs, j->max_ot); }

/* Chunk c of n items in `chunks` chunks which differ by at most one. */
INLINE void balanced(int64_t n, int64_t chunks, int64_t c, int64_t *begin, int64_t *size) {
    *begin = c * (n / chunks) + min_i64(c, n % chunks);
    *size = n / chunks + (c < n % chunks);
}

/* Rows of taps of which the source row holds anything but known zeros, for row m of a phase. */
static void conv_live_taps(const conv_job *j, const conv_phase *p, int64_t m, int64_t rows,
                           int64_t *begin, int64_t *end) {
    const conv_axis *a = &p->axis[0];
    int64_t source = a->source + m * j->read_step[0], last = source + (rows - 1) * j->read_step[0];
    *begin = 0;
    *end = a->count;
    while (*begin < *end && last + *begin * a->spacing < j->zero_top) ++*begin;
    int64_t zeros = tensor_h(j->x) - j->zero_bottom;
    while (*end > *begin && source + (*end - 1) * a->spacing >= zeros) --*end;
    *begin *= p->axis[1].count;
    *end *= p->axis[1].count;
}

/* ---- packing ---- */

static size_t conv_workspace(const fc_args *a) {
    const fc_tensor *w = &a->t[1];
    int64_t taps = w->shape[2] * w->shape[3], channels = w->shape[0] + w->shape[1] * a->i[4];
    return a->i[0] * a->i[1] * sizeof(conv_phase) + taps * sizeof(conv_tap) +
           channels * sizeof(conv_chunk) + taps * w->shape[0] * w->shape[1] * sizeof(float);
}

static void conv_place_workspace(conv_job *j, const fc_args *a) {
    j->phases = (conv_phase *)a->workspace;
    j->taps = (conv_tap *)(j->phases + j->write_step[0] * j->write_step[1]);
    j->chunks = (conv_chunk *)(j->taps + j->kernel[0] * j->kernel[1]);
    j->packed = (float *)(j->chunks + j->groups * conv_chunks(j));
}

static void conv_list_chunks(const conv_job *j) {
    int64_t chunks = conv_chunks(j);
    for (int64_t k = 0; k < j->groups * chunks; k++) {
        conv_chunk *c = &j->chunks[k];
        balanced(j->outs, chunks, k % chunks, &c->out, &c->size);
        c->out += k / chunks * j->outs;
        c->x = k / chunks * j->in * j->x->stride[1];
        c->to = c->out * j->out->stride[1];
        c->y = j->y ? c->out * j->y->stride[1] : 0;
    }
}

/* to[tap * size] = weights of one filter and channel */
INLINE void conv_pack_taps(const conv_job *j, const conv_phase *p, const float *w, int64_t size,
                           float *to) {
    const conv_axis *y = &p->axis[0], *x = &p->axis[1];
    for (int64_t ky = 0; ky < y->count; ky++)
        for (int64_t kx = 0; kx < x->count; kx++, to += size)
            *to = w[(y->first + ky * y->step) * j->kernel[1] + x->first + kx * x->step];
}

/* All filters of a chunk at once: for the input gradient they are neighbours in w. */
static void conv_pack_chunk(const conv_job *j, const conv_phase *p, int64_t group, int64_t chunk) {
    int64_t begin, size;
    balanced(j->outs, conv_chunks(j), chunk, &begin, &size);
    float *to = p->packed + (group * j->outs + begin) * j->in * p->taps;
    const float *w = j->w + group * j->w_group + begin * j->w_out;
    for (int64_t c = 0; c < j->in; c++, w += j->w_in, to += p->taps * size)
        for (int64_t o = 0; o < size; o++) {
            const float *from = w + o * j->w_out;
            __builtin_prefetch(from + CONV_PACK_AHEAD * j->w_in);
            conv_pack_taps(j, p, from, size, to + o);
        }
}

static void conv_list_taps(const conv_job *j, const conv_phase *p) {
    const conv_axis *y = &p->axis[0], *x = &p->axis[1];
    for (int64_t t = 0; t < p->taps; t++) {
        int64_t below = (y->source + t / x->count * y->spacing) * j->x->stride[2];
        int64_t right = t % x->count, lanes = tensor_l(j->x);
        p->tap[t].at = below + (x->source + right * x->spacing) * lanes;
        p->tap[t].ahead = below + x->source * lanes + right * CONV_FETCHED * VW;
    }
}

static void conv_prepare(const conv_job *j, const fc_context *ctx) {
    conv_phase p;
    int64_t begin, end;
    split(j->groups * conv_chunks(j), ctx, &begin, &end);
    if (ctx->thread == 0) conv_list_chunks(j);
    for (int64_t py = 0; py < j->write_step[0]; py++)
        for (int64_t px = 0; px < j->write_step[1]; px++) {
            conv_next_phase(j, py, px, &p);
            for (int64_t k = begin; k < end; k++)
                conv_pack_chunk(j, &p, k / conv_chunks(j), k % conv_chunks(j));
            if (ctx->thread) continue;
            conv_list_taps(j, &p);
            j->phases[py * j->write_step[1] + px] = p;
        }
}

#endif
