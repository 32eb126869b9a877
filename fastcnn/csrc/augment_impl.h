/* Gathering with augmentation: see kernels/reference/augment.py for what the records mean. A row of
 * each image is made as plain numbers, then VW images' rows are transposed into lanes. */
#include "transpose.h"

enum { FILL_CONSTANT, FILL_NEAREST, FILL_REFLECT, FILL_WRAP };

typedef struct {
    const fc_tensor *images, *x;
    const int64_t *order, *hole, *patch, *partner;
    const float *matrix, *color, *share, *scale, *offset;
    int64_t places, channels, height, width;
    int fill;
    float fill_value;
} augmenter;

/* The index in 0 .. n - 1 that stands for index k, or -1: outside, and filled with a constant. */
INLINE int64_t inside(int64_t k, int64_t n, int fill) {
    if (k >= 0 && k < n) return k;
    switch (fill) {
    case FILL_NEAREST: return k < 0 ? 0 : n - 1;
    case FILL_WRAP: return (k % n + n) % n;
    case FILL_REFLECT: k = (k % (2 * n) + 2 * n) % (2 * n); return min_i64(k, 2 * n - 1 - k);
    default: return -1;
    }
}

/* Where in the data a pixel of an image begins, or -1 where the constant stands. */
INLINE int64_t pixel_offset(const augmenter *g, int64_t image, int64_t h, int64_t w) {
    const fc_tensor *t = g->images;
    h = inside(h, g->height, g->fill);
    w = inside(w, g->width, g->fill);
    return h < 0 || w < 0 ? -1 : image * t->stride[0] + h * t->stride[1] + w * t->stride[2];
}

INLINE float channel_at(const augmenter *g, int64_t offset, int64_t c, const int bytes) {
    if (offset < 0) return g->fill_value;
    int64_t k = offset + c * g->images->stride[3];
    return bytes == 1 ? ((const uint8_t *)g->images->data)[k] : ((const float *)g->images->data)[k];
}

/* In a range that an integer holds; NaN becomes the lower end. */
INLINE float coordinate(float x) { return x > -1e6f ? (x < 1e6f ? x : 1e6f) : -1e6f; }

/* to[k] = from[k jump] */
INLINE void copied_pixels(const augmenter *g, int64_t offset, int64_t jump, int64_t count, float *to,
                          const int bytes) {
    const uint8_t *small = (const uint8_t *)g->images->data + offset;
    const float *wide = (const float *)g->images->data + offset;
    if (jump == 1)  // grey images: the compiler makes vectors of this
        for (int64_t k = 0; k < count; k++) to[k] = bytes == 1 ? small[k] : wide[k];
    else
        for (int64_t k = 0; k < count; k++) to[k] = bytes == 1 ? small[k * jump] : wide[k * jump];
}

/* A row that runs along an input row by whole pixels: flips and shifts. Columns begin .. end - 1
 * show columns of the image, the others what lies beyond its edge. */
INLINE void copied_row(const augmenter *g, int64_t image, int64_t line, int64_t first, int64_t step,
                       float *row, const int bytes) {
    const int64_t *stride = g->images->stride, n = g->width, h = inside(line, g->height, g->fill);
    int64_t begin = min_i64(n, max_i64(0, step > 0 ? -first : first - (n - 1)));
    int64_t end = max_i64(begin, min_i64(n, step > 0 ? n - first : first + 1));
    if (h < 0) begin = end = n;
    for (int64_t w = 0; w < n; w++) {
        if (w == begin) w = end;
        if (w == n) break;
        int64_t offset = pixel_offset(g, image, line, first + step * w);
        for (int64_t c = 0; c < g->channels; c++) row[c * n + w] = channel_at(g, offset, c, bytes);
    }
    if (begin == end) return;
    int64_t offset = image * stride[0] + h * stride[1] + (first + step * begin) * stride[2];
    for (int64_t c = 0; c < g->channels; c++)
        copied_pixels(g, offset + c * stride[3], step * stride[2], end - begin, row + c * n + begin,
                      bytes);
}

INLINE void bilinear_row(const augmenter *g, int64_t place, int64_t h, float *row, const int bytes) {
    const float *m = g->matrix + 6 * place;
    int64_t image = g->order[place];
    for (int64_t w = 0; w < g->width; w++) {
        float column = coordinate(m[0] * w + m[1] * h + m[2]);
        float line = coordinate(m[3] * w + m[4] * h + m[5]);
        float left = floorf(column), top = floorf(line), right = column - left, down = line - top;
        int64_t u = (int64_t)left, v = (int64_t)top, corner[4];
        for (int k = 0; k < 4; k++) corner[k] = pixel_offset(g, image, v + k / 2, u + k % 2);
        for (int64_t c = 0; c < g->channels; c++) {
            float p[4];
            for (int k = 0; k < 4; k++) p[k] = channel_at(g, corner[k], c, bytes);
            float upper = p[0] + right * (p[1] - p[0]), lower = p[2] + right * (p[3] - p[2]);
            row[c * g->width + w] = upper + down * (lower - upper);
        }
    }
}

INLINE int whole(float x) { return x == floorf(x) && coordinate(x) == x; }

/* Row h of an image seen through its matrix, into row[c * width + w]. */
INLINE void warp_row(const augmenter *g, int64_t place, int64_t h, float *row, const int bytes) {
    const float *m = g->matrix + 6 * place;
    int straight = m[1] == 0.0f && m[3] == 0.0f && (m[0] == 1.0f || m[0] == -1.0f);
    float line = m[4] * h + m[5];
    if (straight && whole(m[2]) && whole(line))
        copied_row(g, g->order[place], (int64_t)line, (int64_t)m[2], (int64_t)m[0], row, bytes);
    else
        bilinear_row(g, place, h, row, bytes);
}

/* Channels of each pixel times the colour matrix; `pixel` holds one pixel. */
static void color_row(const augmenter *g, int64_t place, float *row, float *pixel) {
    int64_t n = g->channels;
    const float *m = g->color + place * n * (n + 1);
    int changes = 0;
    for (int64_t k = 0; k < n * (n + 1); k++) changes |= m[k] != (k % (n + 2) == 0);
    if (!changes) return;
    for (int64_t w = 0; w < g->width; w++) {
        for (int64_t c = 0; c < n; c++) pixel[c] = row[c * g->width + w];
        for (int64_t c = 0; c < n; c++) {
            float sum = m[c * (n + 1) + n];
            for (int64_t k = 0; k < n; k++) sum += m[c * (n + 1) + k] * pixel[k];
            row[c * g->width + w] = sum;
        }
    }
}

/* box: top, bottom, left, right; the columns of it in row h, none where begin >= end */
INLINE void box_columns(const int64_t *box, int64_t h, int64_t width, int64_t *begin, int64_t *end) {
    int hit = h >= box[0] && h < box[1];
    *begin = max_i64(0, box[2]);
    *end = hit ? min_i64(box[3], width) : 0;
}

/* All but mixing; `pixel` holds one pixel. */
static void made_row(const augmenter *g, int64_t place, int64_t h, float *row, float *pixel) {
    int64_t begin, end;
    if (g->images->itemsize == 1)
        warp_row(g, place, h, row, 1);
    else
        warp_row(g, place, h, row, 4);
    if (g->color) color_row(g, place, row, pixel);
    box_columns(g->hole + 4 * place, h, g->width, &begin, &end);
    for (int64_t c = 0; c < g->channels; c++) {
        float scale = g->scale ? g->scale[c] : 1.0f, offset = g->offset ? g->offset[c] : 0.0f;
        float *to = row + c * g->width;
        for (int64_t w = 0; w < g->width; w++) to[w] = to[w] * scale + offset;
        for (int64_t w = begin; w < end; w++) to[w] = 0.0f;
    }
}

/* scratch: a second row and one pixel */
static void augmented_row(const augmenter *g, int64_t place, int64_t h, float *row, float *scratch) {
    float *other = scratch, *pixel = scratch + g->channels * g->width;
    int64_t partner = g->partner[place], begin, end;
    float share = g->share[place];
    int alone = partner < 0 || partner >= g->places || g->order[partner] < 0;
    made_row(g, place, h, row, pixel);
    box_columns(g->patch + 4 * place, h, g->width, &begin, &end);
    if (alone || (share == 1.0f && begin >= end)) return;
    made_row(g, partner, h, other, pixel);
    for (int64_t c = 0; c < g->channels; c++) {
        float *to = row + c * g->width;
        const float *from = other + c * g->width;
        for (int64_t w = 0; w < g->width; w++)
            to[w] = w >= begin && w < end ? from[w] : share * to[w] + (1.0f - share) * from[w];
    }
}

/* rows[l] of a block's images, n = C * W numbers each, into lanes */
static void lanes_of_rows(const augmenter *g, const float *rows, float *to) {
    int64_t lanes = g->x->shape[4], n = g->channels * g->width, lane = 0;
    for (int64_t c = 0; c < g->channels; c++) {
        float *line = to + c * g->x->stride[1];
        for (lane = 0; lane + VW <= lanes; lane += VW)
            for (int64_t w = 0; w < g->width; w += VW) {
                int64_t count = min_i64(VW, g->width - w);
                vf v[VW];
                UNROLL for (int l = 0; l < VW; l++)
                    v[l] = load_n(rows + (lane + l) * n + c * g->width + w, count);
                transpose(v);
                for (int64_t j = 0; j < count; j++) store(line + (w + j) * lanes + lane, v[j]);
            }
        for (; lane < lanes; lane++)
            for (int64_t w = 0; w < g->width; w++)
                line[w * lanes + lane] = rows[lane * n + c * g->width + w];
    }
}

static size_t augment_scratch(const fc_args *a) {
    const fc_tensor *x = &a->t[10];
    int64_t row = x->shape[1] * x->shape[3];
    return ((x->shape[4] + 1) * row + x->shape[1]) * sizeof(float);
}

static void augment_images(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *x = &a->t[10];
    augmenter g = {
        .images = &a->t[0], .order = a->t[1].data, .matrix = a->t[2].data, .color = a->t[3].data,
        .hole = a->t[4].data, .patch = a->t[5].data, .partner = a->t[6].data,
        .share = a->t[7].data, .scale = a->t[8].data, .offset = a->t[9].data, .x = x,
        .places = a->t[1].shape[0] * a->t[1].shape[1],
        .channels = x->shape[1], .height = x->shape[2], .width = x->shape[3],
        .fill = (int)a->i[0], .fill_value = (float)a->f[0],
    };
    int64_t lanes = x->shape[4], n = g.channels * g.width, begin, end;
    float *rows = (float *)ctx->scratch, *spare = rows + lanes * n;
    split(active_blocks(x, ctx) * g.height, ctx, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / g.height, h = item % g.height;
        for (int64_t l = 0; l < lanes; l++)
            if (g.order[b * lanes + l] >= 0)
                augmented_row(&g, b * lanes + l, h, rows + l * n, spare);
            else
                memset(rows + l * n, 0, n * sizeof(float));
        lanes_of_rows(&g, rows, (float *)x->data + b * x->stride[0] + h * x->stride[2]);
    }
}

static void mix_targets(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *targets = &a->t[3];
    const int64_t *labels = a->t[0].data, *partner = a->t[1].data;
    const float *own = a->t[2].data;
    int64_t classes = targets->shape[1], lanes = targets->shape[2], begin, end;
    int64_t places = a->t[0].shape[0] * lanes;
    split(active_blocks(targets, ctx) * lanes, ctx, &begin, &end);
    for (int64_t place = begin; place < end; place++) {
        float *to = (float *)targets->data + place / lanes * targets->stride[0] + place % lanes;
        int64_t other = partner[place], mine = labels[place];
        int64_t yours = other < 0 || other >= places ? mine : labels[other];
        for (int64_t k = 0; k < classes; k++)
            to[k * targets->stride[1]] = own[place] * (k == mine) + (1.0f - own[place]) * (k == yours);
    }
}

#define AUGMENT_KERNELS \
    {"augment_images", "images order matrix ?color hole patch partner share ?scale ?offset >x" \
     " | fill | fill_value", augment_images, 0, 0, augment_scratch}, \
    {"mix_targets", "labels partner own >targets", mix_targets, 0, 0, 0}
