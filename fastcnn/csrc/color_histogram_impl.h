/* Histograms of colours: see kernels/reference/color_histogram.py. An image is the work of one
 * thread, row by row. */
#include "vecmath.h"

enum { SPACE_RGB, SPACE_HSV, SPACE_LAB };

typedef struct {
    const fc_tensor *images;
    const float *edges;
    const int64_t *counts;
    int64_t height, width, channels, step, rows, columns, part;   /* part: bins of one grid part */
    int space, joint;
    float white;
    float *row;                   /* scratch: one channel after the other */
    int32_t *number;              /* likewise: bins, -1 for none */
} color_job;

static int64_t color_step(const fc_args *a) { return ceil_div(a->t[0].shape[2], VW) * VW; }

static size_t color_scratch(const fc_args *a) {
    return 2 * color_step(a) * a->t[0].shape[3] * sizeof(float);
}

static color_job color_begin(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *t = &a->t[0];
    color_job j = {
        .images = t, .edges = a->t[1].data, .counts = a->t[2].data,
        .height = t->shape[1], .width = t->shape[2], .channels = t->shape[3],
        .step = color_step(a), .space = (int)a->i[0], .joint = a->i[1] != 0,
        .rows = a->i[2], .columns = a->i[3], .white = (float)a->f[0], .row = (float *)ctx->scratch,
    };
    j.number = (int32_t *)(j.row + j.step * j.channels);
    j.part = a->t[3].shape[1] / (j.rows * j.columns);
    return j;
}

static void color_read(const color_job *j, int64_t image, int64_t h) {
    const fc_tensor *t = j->images;
    for (int64_t c = 0; c < j->channels; c++) {
        int64_t from = image * t->stride[0] + h * t->stride[1] + c * t->stride[3];
        float *to = j->row + c * j->step;
        for (int64_t w = 0; w < j->width; w++, from += t->stride[2])
            to[w] = (t->itemsize == 1 ? ((const uint8_t *)t->data)[from] : ((const float *)t->data)[from])
                    / j->white;
        for (int64_t w = j->width; w < j->step; w++) to[w] = 0.0f;
    }
}

INLINE void to_hsv(vf c[3]) {
    vf red = c[0], green = c[1], blue = c[2], value = vmax(red, vmax(green, blue));
    vf spread = value - vmin(red, vmin(green, blue));
    vf safe = select(spread == 0.0f, splat(1.0f), spread);
    vf hue = select(value == red, (green - blue) / safe,
                    select(value == green, 2.0f + (blue - red) / safe, 4.0f + (red - green) / safe));
    hue /= 6.0f;
    hue = select(hue < 0.0f, hue + 1.0f, hue);
    c[0] = select(spread == 0.0f, (vf){0}, hue);
    c[1] = spread / select(value == 0.0f, splat(1.0f), value);
    c[2] = value;
}

INLINE vf vcbrt(vf x) {
    vf y = vexp(vlog(x) / 3.0f);
    return y - (y - x / (y * y)) / 3.0f;   /* a step of Newton's */
}

INLINE vf linear_light(vf v) {
    vf power = vexp(2.4f * vlog((vmax((vf){0}, v) + 0.055f) / 1.055f));
    return select(v > 0.04045f, power, v / 12.92f);
}

INLINE vf lab_curve(vf v) {
    return select(v > 0.008856f, vcbrt(vmax(splat(0.008f), v)), 7.787f * v + 16.0f / 116.0f);
}

INLINE void to_lab(vf c[3]) {
    vf red = linear_light(c[0]), green = linear_light(c[1]), blue = linear_light(c[2]);
    vf x = lab_curve((0.412453f * red + 0.357580f * green + 0.180423f * blue) / 0.95047f);
    vf y = lab_curve(0.212671f * red + 0.715160f * green + 0.072169f * blue);
    vf z = lab_curve((0.019334f * red + 0.119193f * green + 0.950227f * blue) / 1.08883f);
    c[0] = 116.0f * y - 16.0f;
    c[1] = 500.0f * (x - y);
    c[2] = 200.0f * (y - z);
}

static void color_convert(const color_job *j) {
    for (int64_t w = 0; w < j->step; w += VW) {
        vf c[3];
        UNROLL for (int k = 0; k < 3; k++) c[k] = load(j->row + k * j->step + w);
        if (j->space == SPACE_HSV)
            to_hsv(c);
        else
            to_lab(c);
        UNROLL for (int k = 0; k < 3; k++) store(j->row + k * j->step + w, c[k]);
    }
}

/* The bin of every pixel of the row; the last bin is closed. */
static void color_bins(const color_job *j) {
    const float *edges = j->edges;
    for (int64_t c = 0; c < j->channels; edges += j->counts[c++])
        for (int64_t w = 0; w < j->step; w += VW) {
            vf v = load(j->row + c * j->step + w);
            vi number = splat_i(-1);
            int64_t last = j->counts[c] - 1;
            for (int64_t k = 0; k < last; k++) number -= v >= edges[k];
            number |= ~(v <= edges[last]);
            memcpy(j->number + c * j->step + w, &number, sizeof number);
        }
}

static void color_count(const color_job *j, int64_t w, float *part) {
    int64_t whole = 0, valid = 1, first = 0;
    for (int64_t c = 0; c < j->channels; c++) {
        int32_t number = j->number[c * j->step + w];
        if (number >= 0 && !j->joint) part[first + number] += 1.0f;
        valid &= number >= 0;
        whole = whole * (j->counts[c] - 1) + number;
        first += j->counts[c] - 1;
    }
    if (j->joint && valid) part[whole] += 1.0f;
}

/* Pixels k of n with k parts / n = which */
INLINE int64_t grid_size(int64_t n, int64_t parts, int64_t which) {
    return ceil_div((which + 1) * n, parts) - ceil_div(which * n, parts);
}

static void color_share(const color_job *j, float *out) {
    for (int64_t r = 0; r < j->rows; r++)
        for (int64_t c = 0; c < j->columns; c++, out += j->part) {
            int64_t pixels = grid_size(j->height, j->rows, r) * grid_size(j->width, j->columns, c);
            for (int64_t k = 0; k < j->part; k++) out[k] /= (float)max_i64(pixels, 1);
        }
}

static void color_histogram(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *features = &a->t[3];
    color_job j = color_begin(a, ctx);
    int64_t begin, end;
    split(j.images->shape[0], ctx, &begin, &end);
    for (int64_t image = begin; image < end; image++) {
        float *out = (float *)features->data + image * features->stride[0];
        memset(out, 0, features->shape[1] * sizeof(float));
        for (int64_t h = 0; h < j.height; h++) {
            color_read(&j, image, h);
            if (j.space != SPACE_RGB) color_convert(&j);
            color_bins(&j);
            float *line = out + h * j.rows / j.height * j.columns * j.part;
            for (int64_t w = 0; w < j.width; w++)
                color_count(&j, w, line + w * j.columns / j.width * j.part);
        }
        color_share(&j, out);
    }
}

#define COLOR_HISTOGRAM_KERNELS \
    {"color_histogram", "images edges counts >features | space joint rows columns | white", \
     color_histogram, 0, 0, color_scratch}
