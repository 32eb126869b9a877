/* The C interface of the kernels: what Cython sees, and what every kernel family implements.
 *
 * A kernel takes named tensors, integers and floats. Its signature string says in which order they lie
 * in fc_args; Python reads that string, so the order is written once, here in C:
 *
 *     "x w ?b >y | stride_h stride_w | alpha"
 *      tensors     integers            floats        > written   ? may be absent   (>? both)
 *
 * Activations are (blocks, channels, height, width, lanes) float32, lanes contiguous: the same pixel of
 * `lanes` images side by side. Rows may be followed by a halo (strides tell), so only the last two axes
 * are contiguous.
 */
#ifndef FASTCNN_H
#define FASTCNN_H

#include <stddef.h>
#include <stdint.h>

#define FC_MAX_TENSORS 12
#define FC_MAX_INTS 20
#define FC_MAX_FLOATS 8
#define FC_MAX_DIMS 6
#define FC_ALIGN 64

typedef struct {
    void *data;                   /* NULL: an absent optional tensor */
    int64_t ndim;
    int64_t shape[FC_MAX_DIMS];
    int64_t stride[FC_MAX_DIMS];  /* in elements */
    int64_t itemsize;
} fc_tensor;

typedef struct {
    fc_tensor t[FC_MAX_TENSORS];
    int64_t i[FC_MAX_INTS];
    double f[FC_MAX_FLOATS];
    char *workspace;              /* shared by the threads, lives as long as the program */
} fc_args;

typedef struct {
    int thread, threads;          /* number of this share of the work, and how many there are */
    int64_t blocks;               /* only the first `blocks` blocks of every activation hold images */
    char *scratch;                /* of this share alone */
    uint64_t run;                 /* number of the program's run: what is too large for a cache may be
                                   * read from its other end every second time, not in other sums */
} fc_context;

typedef struct {
    const char *name;
    const char *signature;
    /* Called once for each share, by any threads at the same time, with the same args; does that
     * share. No share may read what another one writes: the order of additions must not depend on
     * their number. */
    void (*run)(const fc_args *, const fc_context *);
    /* Optional, called likewise before the program's first kernel, e.g. to pack weights into the
     * workspace, unless the parameters are those of the last run. May read parameters only, never
     * activations. */
    void (*prepare)(const fc_args *, const fc_context *);
    size_t (*workspace)(const fc_args *);           /* bytes, NULL: none */
    size_t (*scratch)(const fc_args *);             /* bytes for each thread, NULL: none */
} fc_kernel;

typedef struct {
    const char *isa;
    const fc_kernel *kernels;
    int count;
} fc_table;

/* dispatch.c */
int fc_isa_count(void);
const fc_table *fc_isa_table(int index);             /* best first; only those this CPU can run */

/* program.c */
typedef struct fc_program fc_program;
fc_program *fc_program_new(void);
void fc_program_free(fc_program *);
int fc_program_add(fc_program *, const fc_kernel *, const fc_args *);   /* 0, or -1: no memory */
int fc_program_set_tensor(fc_program *, int step, int tensor, const fc_tensor *);
/* Carry blocks through `count` steps. by_block: for each of them a number whose bit k is set if the
 * first axis of tensor k is blocks. -1: there are no such steps. */
int fc_program_carry(fc_program *, int first, int count, const uint32_t *by_block);
/* How many blocks carried steps have; and where tensors lie that only they touch, with one block
 * each. That memory only tells them apart: each thread has a copy, at first of zeros. */
void fc_program_place_carried(fc_program *, int64_t blocks, const void *memory, size_t bytes);
/* Runs all steps. seconds: NULL, or zeros to which the time is added that the caller spends in each
 * step and, at its end, in waiting for others.
 * prepare: whether parameters may have changed since the last run. */
int fc_program_run(fc_program *, double *seconds, int64_t blocks, int threads, int prepare);
int fc_max_threads(void);
int fc_has_openmp(void);

#endif
