/* Into the layout and out of it: images gathered into lanes, results scattered back into rows. */
#include "transpose.h"

typedef struct {
    const fc_tensor *images, *x;
    const int64_t *order;        /* of the block; -1: an empty lane */
    const float *scale, *offset; /* by channel, or NULL */
} gather;

INLINE const char *gather_row(const gather *g, int64_t image, int64_t h) {
    const fc_tensor *t = g->images;
    return (const char *)t->data + (image * t->stride[0] + h * t->stride[1]) * t->itemsize;
}

INLINE float gather_pixel(const gather *g, const char *row, int64_t w, int64_t c) {
    int64_t k = w * g->images->stride[2] + c * g->images->stride[3];
    return g->images->itemsize == 1 ? ((const uint8_t *)row)[k] : ((const float *)row)[k];
}

/* Element by element: any strides, any number of lanes. */
static void gather_row_pixels(const gather *g, int64_t h, float *to) {
    int64_t channels = g->x->shape[1], width = g->x->shape[3], lanes = g->x->shape[4];
    for (int64_t l = 0; l < lanes; l++) {
        const char *row = g->order[l] >= 0 ? gather_row(g, g->order[l], h) : NULL;
        for (int64_t c = 0; c < channels; c++) {
            float scale = g->scale ? g->scale[c] : 1.0f, offset = g->offset ? g->offset[c] : 0.0f;
            float *p = to + c * g->x->stride[1] + l;
            for (int64_t w = 0; w < width; w++)
                p[w * lanes] = row ? gather_pixel(g, row, w, c) * scale + offset : 0.0f;
        }
    }
}

typedef uint8_t v_bytes __attribute__((vector_size(VW)));

/* n elements from number k of a row; the others are zero */
INLINE vf gather_vector(const char *row, int64_t itemsize, int64_t k, int64_t n) {
    if (itemsize != 1) {
        const float *p = (const float *)row + k;
        return n == VW ? load(p) : load_part(p, n);
    }
    v_bytes bytes = {0};
    if (n == VW)
        memcpy(&bytes, row + k, VW);
    else
        memcpy(&bytes, row + k, n);
    return __builtin_convertvector(bytes, vf);
}

/* Rows of adjacent (w, c): VW elements of VW images at a time, transposed. */
static void gather_row_vectors(const gather *g, int64_t h, int64_t lane, float *to) {
    int64_t channels = g->x->shape[1], n = channels * g->x->shape[3], lanes = g->x->shape[4];
    int64_t itemsize = g->images->itemsize, step = g->x->stride[1], c = 0;
    const char *rows[VW];
    vi mask;
    for (int l = 0; l < VW; l++) {
        int64_t image = g->order[lane + l];
        mask[l] = image >= 0 ? -1 : 0;
        rows[l] = gather_row(g, image >= 0 ? image : 0, h);   /* masked below */
    }
    to += lane;
    for (int64_t k = 0; k < n; k += VW) {
        int64_t count = min_i64(VW, n - k);
        vf v[VW];
        UNROLL for (int l = 0; l < VW; l++) v[l] = gather_vector(rows[l], itemsize, k, count);
        transpose(v);
        for (int64_t j = 0; j < count; j++) {
            vf pixel = v[j] * splat(g->scale ? g->scale[c] : 1.0f) + splat(g->offset ? g->offset[c] : 0.0f);
            store(to + c * step, (vf)((vi)pixel & mask));
            if (++c == channels) c = 0, to += lanes;
        }
    }
}

static void gather_images(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *order = &a->t[1], *x = &a->t[4];
    gather g = {.images = &a->t[0], .x = x, .scale = a->t[2].data, .offset = a->t[3].data};
    int64_t height = x->shape[2], lanes = x->shape[4], begin, end;
    int vectors = lanes % VW == 0 && g.images->shape[0] && g.images->stride[2] == x->shape[1] &&
                  (x->shape[1] == 1 || g.images->stride[3] == 1);
    split(active_blocks(x, ctx) * height, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / height, h = item % height;
        float *to = (float *)x->data + b * x->stride[0] + h * x->stride[2];
        g.order = (const int64_t *)order->data + b * order->stride[0];
        if (!vectors) gather_row_pixels(&g, h, to);
        for (int64_t lane = 0; vectors && lane < lanes; lane += VW) gather_row_vectors(&g, h, lane, to);
    }
}

static void gather_labels(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *labels = &a->t[0], *order = &a->t[1], *out = &a->t[2];
    const int64_t *from = labels->data;
    int64_t lanes = order->shape[1], begin, end;
    split(active_blocks(order, ctx) * lanes, ctx, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        int64_t sample = ((const int64_t *)order->data)[k / lanes * order->stride[0] + k % lanes];
        int64_t *to = (int64_t *)out->data + k / lanes * out->stride[0] + k % lanes;
        *to = sample >= 0 ? from[sample * labels->stride[0]] : -1;
    }
}

/* Features [f, f + count) of the images in lanes [lane, lane + VW), as rows */
INLINE void scatter_vectors(const float *from, int64_t step, int64_t count, float *to, int64_t row) {
    vf v[VW];
    UNROLL for (int k = 0; k < VW; k++) v[k] = k < count ? load(from + k * step) : (vf){0};
    transpose(v);
    for (int l = 0; l < VW; l++)
        if (count == VW)
            store(to + l * row, v[l]);
        else
            store_part(to + l * row, v[l], count);
}

/* out[b * L + l, f] = x[b, f, l]; images beyond the rows of out are left away */
static void scatter_rows(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[0], *out = &a->t[1];
    int64_t features = x->shape[1], lanes = x->shape[2], images = out->shape[0], begin, end;
    int64_t chunks = ceil_div(features, VW);
    split(active_blocks(x, ctx) * chunks, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / chunks, f = item % chunks * VW, count = min_i64(VW, features - f);
        const float *from = (const float *)x->data + b * x->stride[0] + f * x->stride[1];
        float *to = (float *)out->data + b * lanes * out->stride[0] + f * out->stride[1];
        int64_t rows = min_i64(lanes, images - b * lanes), l = 0;
        for (; l + VW <= rows && out->stride[1] == 1; l += VW)
            scatter_vectors(from + l, x->stride[1], count, to + l * out->stride[0], out->stride[0]);
        for (; l < rows; l++)
            for (int64_t k = 0; k < count; k++)
                to[l * out->stride[0] + k * out->stride[1]] = from[k * x->stride[1] + l];
    }
}

#define GATHER_KERNELS \
    {"gather_images", "images order ?scale ?offset >x", gather_images, 0, 0, 0}, \
    {"gather_labels", "labels order >out", gather_labels, 0, 0, 0}, \
    {"scatter_rows", "x >out", scatter_rows, 0, 0, 0}
