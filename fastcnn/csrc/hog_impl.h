/* Histograms of oriented gradients: see kernels/reference/hog.py. An image is the work of one
 * thread, row by row. */
#include "lanes.h"
#include "vecmath.h"

enum { HOG_L1, HOG_L1_SQRT, HOG_L2, HOG_L2_HYS };
#define HOG_EPSILON 1e-5f
#define HOG_HYSTERESIS 0.2f
#define HOG_MOST_ORIENTATIONS 64   /* as in kernels/checks.py */

typedef struct {
    const fc_tensor *images;
    int64_t height, width, channels, step;   /* step: floats from row to row in scratch */
    int64_t bins, cell_h, cell_w, cells_down, cells_across, block_h, block_w;
    int norm, full_turn, square_root;
    float cosine[HOG_MOST_ORIENTATIONS], sine[HOG_MOST_ORIENTATIONS];   /* where bins begin */
    float *rows[3], *length, *cells;   /* scratch; a row holds one channel after the other */
    int32_t *number;
} hog_job;

static size_t hog_floats(const fc_args *a, int64_t *step, int64_t *cells) {
    const fc_tensor *images = &a->t[0];
    *step = (images->shape[2] + 2 * VW) / VW * VW;
    *cells = images->shape[1] / a->i[1] * (images->shape[2] / a->i[2]) * a->i[0];
    return VW + *step * (3 * images->shape[3] + 2) + *cells;
}

static size_t hog_scratch(const fc_args *a) {
    int64_t step, cells;
    return hog_floats(a, &step, &cells) * sizeof(float);
}

static hog_job hog_begin(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *images = &a->t[0];
    hog_job j = {
        .images = images, .height = images->shape[1], .width = images->shape[2],
        .channels = images->shape[3], .bins = a->i[0], .cell_h = a->i[1], .cell_w = a->i[2],
        .block_h = a->i[3], .block_w = a->i[4], .norm = (int)a->i[5],
        .full_turn = a->i[6] != 0, .square_root = a->i[7] != 0,
    };
    int64_t cells;
    hog_floats(a, &j.step, &cells);
    j.cells_down = j.height / j.cell_h;
    j.cells_across = j.width / j.cell_w;
    float *scratch = (float *)ctx->scratch + VW;   /* the first pixel has a left neighbour */
    for (int k = 0; k < 3; k++, scratch += j.step * j.channels) j.rows[k] = scratch;
    j.length = scratch;
    j.number = (int32_t *)(scratch + j.step);
    j.cells = scratch + 2 * j.step;
    for (int64_t k = 0; k < j.bins; k++) {
        double angle = (j.full_turn ? 2.0 : 1.0) * 3.14159265358979323846 * k / j.bins;
        j.cosine[k] = (float)cos(angle);
        j.sine[k] = (float)sin(angle);
    }
    return j;
}

/* A row of pixels as floats, one channel after the other, and zeros behind it. */
static void hog_read(const hog_job *j, int64_t image, int64_t h, float *row) {
    const fc_tensor *t = j->images;
    for (int64_t c = 0; c < j->channels; c++) {
        int64_t from = image * t->stride[0] + h * t->stride[1] + c * t->stride[3];
        float *to = row + c * j->step;
        for (int64_t w = 0; w < j->width; w++, from += t->stride[2])
            to[w] = t->itemsize == 1 ? ((const uint8_t *)t->data)[from] : ((const float *)t->data)[from];
        for (int64_t w = 0; j->square_root && w < j->width; w++) to[w] = sqrtf(to[w]);
        for (int64_t w = j->width; w < j->step; w++) to[w] = 0.0f;
    }
}

typedef struct {
    vf x, y, square;
} hog_gradient;

/* Of VW pixels from w on, in the channel where it is longest. */
INLINE hog_gradient hog_strongest(const hog_job *j, int64_t h, int64_t w) {
    const float *above = j->rows[(h + 2) % 3], *here = j->rows[h % 3], *below = j->rows[(h + 1) % 3];
    vi column = lane_numbers() + (int32_t)w;
    vi inner = (column > 0) & (column < (int32_t)j->width - 1);
    int between = h > 0 && h < j->height - 1;
    hog_gradient best = {.square = splat(-1.0f)};
    for (int64_t c = 0; c < j->channels; c++) {
        int64_t k = c * j->step + w;
        vf x = (vf)((vi)(load(here + k + 1) - load(here + k - 1)) & inner);
        vf y = between ? load(below + k) - load(above + k) : (vf){0};
        vf square = x * x + y * y;
        vi longer = square > best.square;
        best = (hog_gradient){select(longer, x, best.x), select(longer, y, best.y),
                              select(longer, square, best.square)};
    }
    return best;
}

/* Number of the bin of each gradient: how many bins begin at its angle or before. Whether an angle
 * is at least that of (cosine, sine), half a turn away at most, is the sign of their cross product;
 * compared as two products, because a difference would be fused and rounded. */
INLINE vi hog_bins(const hog_job *j, vf x, vf y) {
    vi lower = (y < 0.0f) | ((y == 0.0f) & (x < 0.0f));   /* angle of 180 degrees or more */
    vi number = {0};
    if (!j->full_turn) {
        x = select(lower, -x, x);
        y = select(lower, -y, y);
    }
    for (int64_t k = 1; k < j->bins; k++) {
        vi after = y * j->cosine[k] >= x * j->sine[k];
        if (j->full_turn) after = 2 * k <= j->bins ? after | lower : after & lower;
        number -= after;
    }
    return number;
}

static void hog_row(const hog_job *j, int64_t h) {
    for (int64_t w = 0; w < j->width; w += VW) {
        hog_gradient g = hog_strongest(j, h, w);
        vi number = hog_bins(j, g.x, g.y);
        store(j->length + w, vsqrt(g.square));
        memcpy(j->number + w, &number, sizeof number);
    }
    float *cells = j->cells + h / j->cell_h * j->cells_across * j->bins;
    for (int64_t c = 0, w = 0; c < j->cells_across; c++, cells += j->bins)
        for (int64_t end = w + j->cell_w; w < end; w++) cells[j->number[w]] += j->length[w];
}

static float hog_sum(const float *v, int64_t n, int squares) {
    float sum = 0.0f;
    for (int64_t k = 0; k < n; k++) sum += squares ? v[k] * v[k] : v[k];
    return sum;
}

static void hog_normalise(float *v, int64_t n, int norm) {
    if (norm == HOG_L1 || norm == HOG_L1_SQRT) {
        float scale = 1.0f / (hog_sum(v, n, 0) + HOG_EPSILON);
        for (int64_t k = 0; k < n; k++) v[k] = norm == HOG_L1 ? v[k] * scale : sqrtf(v[k] * scale);
        return;
    }
    float scale = 1.0f / sqrtf(hog_sum(v, n, 1) + HOG_EPSILON * HOG_EPSILON);
    for (int64_t k = 0; k < n; k++) v[k] *= scale;
    if (norm != HOG_L2_HYS) return;
    for (int64_t k = 0; k < n; k++) v[k] = v[k] < HOG_HYSTERESIS ? v[k] : HOG_HYSTERESIS;
    hog_normalise(v, n, HOG_L2);
}

static void hog_blocks(const hog_job *j, float *out) {
    int64_t row = j->block_w * j->bins, n = j->block_h * row;
    for (int64_t r = 0; r + j->block_h <= j->cells_down; r++)
        for (int64_t c = 0; c + j->block_w <= j->cells_across; c++, out += n) {
            for (int64_t b = 0; b < j->block_h; b++)
                memcpy(out + b * row, j->cells + ((r + b) * j->cells_across + c) * j->bins,
                       row * sizeof(float));
            hog_normalise(out, n, j->norm);
        }
}

static void hog(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *features = &a->t[1];
    hog_job j = hog_begin(a, ctx);
    int64_t cells = j.cells_down * j.cells_across * j.bins, begin, end;
    split(j.images->shape[0], ctx, &begin, &end);
    for (int64_t image = begin; image < end; image++) {
        memset(j.cells, 0, cells * sizeof(float));
        hog_read(&j, image, 0, j.rows[0]);
        for (int64_t h = 0; h < j.cells_down * j.cell_h; h++) {
            if (h + 1 < j.height) hog_read(&j, image, h + 1, j.rows[(h + 1) % 3]);
            hog_row(&j, h);
        }
        for (int64_t k = 0; k < cells; k++) j.cells[k] /= j.cell_h * j.cell_w;
        hog_blocks(&j, (float *)features->data + image * features->stride[0]);
    }
}

#define HOG_KERNELS \
    {"hog", "images >features | orientations cell_h cell_w block_h block_w norm signed_gradient" \
     " square_root", hog, 0, 0, hog_scratch}
