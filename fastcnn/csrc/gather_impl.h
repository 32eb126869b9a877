/* Into the layout and out of it: images gathered into lanes, results scattered back into rows. */
#include "transpose.h"

typedef struct {
    const fc_tensor *images, *x;
    const int64_t *order;        /* of the block; -1: an empty lane */
    const float *scale, *offset; /* by channel, or NULL */
    const char *end;             /* of the last image */
} gather;

INLINE const char *gather_row(const gather *g, int64_t image, int64_t h) {
    const fc_tensor *t = g->images;
    return (const char *)t->data + (image * t->stride[0] + h * t->stride[1]) * t->itemsize;
}

/* ---- element by element: any strides, any number of lanes ---- */

/* Pixels of one channel; apart: numbers from one to the next */
INLINE void gather_pixels(const void *row, int is_byte, int64_t apart, int64_t n, float scale,
                          float offset, float *to, int64_t lanes) {
    for (int64_t w = 0; w < n; w++) {
        float pixel = is_byte ? ((const uint8_t *)row)[w * apart] : ((const float *)row)[w * apart];
        to[w * lanes] = pixel * scale + offset;
    }
}

/* With constants for single grey images of floats, which the compiler then takes by vectors */
static void gather_channel(const gather *g, const char *row, int64_t c, float *to) {
    float scale = g->scale ? g->scale[c] : 1.0f, offset = g->offset ? g->offset[c] : 0.0f;
    int64_t n = g->x->shape[3], lanes = g->x->shape[4], apart = g->images->stride[2];
    int is_byte = g->images->itemsize == 1;
    row += c * g->images->stride[3] * g->images->itemsize;
    if (lanes == 1 && apart == 1 && !is_byte)
        gather_pixels(row, 0, 1, n, scale, offset, to, 1);
    else
        gather_pixels(row, is_byte, apart, n, scale, offset, to, lanes);
}

static void gather_row_pixels(const gather *g, int64_t h, float *to) {
    int64_t channels = g->x->shape[1], width = g->x->shape[3], lanes = g->x->shape[4];
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t c = 0; c < channels; c++) {
            float *p = to + c * g->x->stride[1] + l;
            if (g->order[l] >= 0)
                gather_channel(g, gather_row(g, g->order[l], h), c, p);
            else
                for (int64_t w = 0; w < width; w++) p[w * lanes] = 0.0f;
        }
}

/* ---- rows of adjacent (w, c): vectors of images' rows, transposed into vectors of lanes ---- */

/* Where the next pixel of VW lanes goes */
typedef struct {
    float *to;
    int64_t channel;
    vi mask;   /* lanes with image */
} gather_place;

INLINE void put_pixel(const gather *g, gather_place *place, vf pixel) {
    int64_t c = place->channel;
    pixel = pixel * splat(g->scale ? g->scale[c] : 1.0f) + splat(g->offset ? g->offset[c] : 0.0f);
    store(place->to + c * g->x->stride[1], (vf)((vi)pixel & place->mask));
    if (++place->channel < g->x->shape[1]) return;
    place->channel = 0;
    place->to += g->x->shape[4];
}

/* May read past its row, never past the last image. */
INLINE vf gather_load(const char *p, const char *end) {
    vf v = {0};
    if (end - p >= (int64_t)sizeof v)
        memcpy(&v, p, sizeof v);
    else if (end > p)
        memcpy(&v, p, end - p);
    return v;
}

/* One row of VW images. Four bytes travel together in a lane, as a word, and part after the
 * transpose; GCC would convert bytes to floats one by one. */
INLINE void gather_row_vectors(const gather *g, const char *const *rows, int64_t skip,
                               gather_place place) {
    int64_t per_lane = 4 / g->images->itemsize, n = g->x->shape[1] * g->x->shape[3];
    for (int64_t k = 0; k < n; k += VW * per_lane) {
        vf v[VW];
        UNROLL for (int l = 0; l < VW; l++)
            v[l] = gather_load(rows[l] + skip + k * g->images->itemsize, g->end);
        transpose(v);
        for (int64_t j = 0; j < VW && k + j * per_lane < n; j++) {
            if (per_lane == 1) {
                put_pixel(g, &place, v[j]);
                continue;
            }
            for (int64_t byte = 0; byte < min_i64(4, n - k - 4 * j); byte++) {
                vi pixel = ((vi)v[j] >> (int)(8 * byte)) & 255;
                put_pixel(g, &place, __builtin_convertvector(pixel, vf));
            }
        }
    }
}

#define GATHER_AHEAD 512   /* bytes; images lie anywhere, and each is too short for the hardware */

INLINE void gather_prefetch(const char *const *rows, int64_t begin, int64_t end) {
    for (int l = 0; l < VW; l++)
        for (int64_t k = begin; k < end; k += FC_ALIGN) __builtin_prefetch(rows[l] + k);
}

/* Rows [h, end) of the images of VW lanes */
static void gather_rows_vectors(const gather *g, int64_t lane, int64_t h, int64_t end, float *to) {
    int64_t row_bytes = g->images->stride[1] * g->images->itemsize;
    const char *rows[VW];
    gather_place place = {.to = to + lane};
    vi mask = {0};
    for (int l = 0; l < VW; l++) {
        int64_t image = g->order[lane + l];
        rows[l] = gather_row(g, max_i64(image, 0), h);
        mask[l] = image >= 0 ? -1 : 0;
    }
    place.mask = mask;
    gather_prefetch(rows, 0, min_i64(GATHER_AHEAD, (end - h) * row_bytes));
    for (int64_t row = h; row < end; row++, place.to += g->x->stride[2]) {
        int64_t skip = (row - h) * row_bytes, ahead = skip + GATHER_AHEAD;
        gather_prefetch(rows, ahead, min_i64(ahead + row_bytes, (end - h) * row_bytes));
        gather_row_vectors(g, rows, skip, place);
    }
}

INLINE int gather_in_vectors(const gather *g) {
    const fc_tensor *t = g->images;
    int adjacent = t->stride[2] == t->shape[3] && (t->shape[3] == 1 || t->stride[3] == 1);
    int forwards = t->stride[0] >= 0 && t->stride[1] >= 0;
    return g->x->shape[4] % VW == 0 && t->shape[0] > 0 && forwards && adjacent;
}

static void gather_images(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *images = &a->t[0], *order = &a->t[1], *x = &a->t[4];
    gather g = {.images = images, .x = x, .scale = a->t[2].data, .offset = a->t[3].data};
    g.end = gather_row(&g, images->shape[0] - 1, images->shape[1] - 1);
    g.end += images->shape[2] * images->shape[3] * images->itemsize;
    int64_t height = x->shape[2], lanes = x->shape[4], begin, end;
    split(active_blocks(x, ctx) * height, ctx, &begin, &end);
    for (int64_t item = begin, rows; item < end; item += rows) {
        int64_t b = item / height, h = item % height;
        rows = min_i64(height - h, end - item);
        float *to = (float *)x->data + b * x->stride[0] + h * x->stride[2];
        g.order = (const int64_t *)order->data + b * order->stride[0];
        if (gather_in_vectors(&g))
            for (int64_t lane = 0; lane < lanes; lane += VW)
                gather_rows_vectors(&g, lane, h, h + rows, to);
        else
            for (int64_t row = 0; row < rows; row++)
                gather_row_pixels(&g, h + row, to + row * x->stride[2]);
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
INLINE void scatter_vectors(const float *from, int64_t step, int64_t count, float *to,
                            int64_t row) {
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
