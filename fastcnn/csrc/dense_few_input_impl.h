/* dx = (w^T dy) times the slope of the activation before, of layers with few outputs, as the last
 * one of a classifier: dy of some columns lies in registers, and the inputs pass by. What is loaded
 * and stored for an input is then done beside the multiply-adds of its neighbours. */
#ifndef FC_DENSE_FEW_INPUT_IMPL_H
#define FC_DENSE_FEW_INPUT_IMPL_H

#include "dense_rows.h"

#define FEW_OUTPUTS 10
#define FEW_COLUMNS (TILE_COLUMNS / 2)   /* vectors of dy: this times FEW_OUTPUTS */
#define FEW_INPUTS 2                     /* at once */
#define FEW_PANEL 64                     /* inputs for which dy is loaded */

typedef struct {
    const float *dy[FEW_COLUMNS], *w, *y[FEW_COLUMNS];
    float *dx[FEW_COLUMNS];
    int64_t dy_row, w_row, y_row, dx_row, inputs;
    slope slope;
} few_inputs_args;

typedef enum { FEW_LINEAR, FEW_RELU, FEW_OTHER } few_slope;

INLINE void few_inputs(int outputs, int columns, int inputs, few_slope kind,
                       const few_inputs_args *t, int64_t i, const vf *dy) {
    vf acc[FEW_COLUMNS * FEW_INPUTS];
    UNROLL for (int o = 0; o < outputs; o++)
        UNROLL for (int k = 0; k < inputs; k++) {
            vf w = splat(t->w[o * t->w_row + i + k]);
            UNROLL for (int v = 0; v < columns; v++) {
                vf *to = &acc[k * columns + v];
                *to = o ? *to + w * dy[o * columns + v] : w * dy[v];
            }
        }
    UNROLL for (int k = 0; k < inputs; k++)
        UNROLL for (int v = 0; v < columns; v++) {
            vf sum = acc[k * columns + v];
            if (kind != FEW_LINEAR) {
                vf y = load(t->y[v] + (i + k) * t->y_row);
                sum = kind == FEW_RELU ? select(y > 0.0f, sum, (vf){0})
                                       : times_slope(sum, y, &t->slope);
            }
            store(t->dx[v] + (i + k) * t->dx_row, sum);
        }
}

INLINE void few_panel(int outputs, int columns, few_slope kind, const few_inputs_args *args) {
    few_inputs_args t = *args;   /* a copy, which the stores to dx can't change */
    vf dy[FEW_OUTPUTS * FEW_COLUMNS];
    UNROLL for (int o = 0; o < outputs; o++)
        UNROLL for (int v = 0; v < columns; v++)
            dy[o * columns + v] = load(t.dy[v] + o * t.dy_row);
    int64_t i = 0;
    for (; i + FEW_INPUTS <= t.inputs; i += FEW_INPUTS)
        few_inputs(outputs, columns, FEW_INPUTS, kind, &t, i, dy);
    for (; i < t.inputs; i++) few_inputs(outputs, columns, 1, kind, &t, i, dy);
}

#define FEW_PANELS(O)                                                             \
    static void few_panel_##O(int64_t columns, few_slope kind, const few_inputs_args *t) { \
        if (kind == FEW_OTHER)                                                    \
            columns == FEW_COLUMNS ? few_panel(O, FEW_COLUMNS, FEW_OTHER, t)      \
                                   : few_panel(O, 1, FEW_OTHER, t);               \
        else if (kind == FEW_RELU)                                                \
            columns == FEW_COLUMNS ? few_panel(O, FEW_COLUMNS, FEW_RELU, t)       \
                                   : few_panel(O, 1, FEW_RELU, t);                \
        else                                                                      \
            columns == FEW_COLUMNS ? few_panel(O, FEW_COLUMNS, FEW_LINEAR, t)     \
                                   : few_panel(O, 1, FEW_LINEAR, t);              \
    }
FEW_PANELS(1) FEW_PANELS(2) FEW_PANELS(3) FEW_PANELS(4) FEW_PANELS(5)
FEW_PANELS(6) FEW_PANELS(7) FEW_PANELS(8) FEW_PANELS(9) FEW_PANELS(10)

static void (*const few_panels[])(int64_t, few_slope, const few_inputs_args *) = {
    few_panel_1, few_panel_2, few_panel_3, few_panel_4, few_panel_5,
    few_panel_6, few_panel_7, few_panel_8, few_panel_9, few_panel_10};

static void dense_backward_input_few(const fc_args *a, const fc_context *ctx) {
    const fc_tensor *dy = &a->t[0], *w = &a->t[1], *y = &a->t[2], *dx = &a->t[3];
    int64_t vectors = active_blocks(dy, ctx) * (dy->shape[2] / VW), begin, end;
    partition columns = parts_of(vectors, FEW_COLUMNS), panels = parts_of(w->shape[1], FEW_PANEL);
    split(columns.parts * panels.parts, ctx, &begin, &end);
    few_inputs_args t = {.dy_row = dy->stride[1], .w_row = w->stride[0], .y_row = y->stride[1],
                         .dx_row = dx->stride[1], .slope = slope_of((int)a->i[0], (float)a->f[0])};
    few_slope kind = !y->data ? FEW_LINEAR : a->i[0] == ACT_RELU ? FEW_RELU : FEW_OTHER;
    for (int64_t item = begin; item < end; item++) {
        int64_t group = item / panels.parts, i = part_begin(panels, item % panels.parts);
        int64_t column = part_begin(columns, group), count = part_size(columns, group);
        t.w = cdata(w) + i;
        t.inputs = part_size(panels, item % panels.parts);
        for (int64_t v = 0; v < count; v++) {
            t.dy[v] = dense_column(dy, column + v);
            t.dx[v] = dense_column(dx, column + v) + i * dx->stride[1];
            if (y->data) t.y[v] = dense_column(y, column + v) + i * y->stride[1];
        }
        few_panels[w->shape[0] - 1](count, kind, &t);
    }
}

#endif
