/* A program is a flat list of kernels with bound arguments. Running it enters one parallel region; the
 * threads meet at a barrier after each kernel. This file is the one door to OpenMP. */
#define _GNU_SOURCE
#include "fastcnn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

typedef struct {
    const fc_kernel *kernel;
    fc_args args;
} fc_step;

struct fc_program {
    fc_step *steps;
    int count, capacity;
    size_t scratch_bytes;         /* of one thread */
    char *scratch;
    int scratch_threads;
};

static size_t round_up(size_t n) { return (n + FC_ALIGN - 1) / FC_ALIGN * FC_ALIGN; }

fc_program *fc_program_new(void) { return calloc(1, sizeof(fc_program)); }

void fc_program_free(fc_program *p) {
    if (!p) return;
    for (int s = 0; s < p->count; s++) free(p->steps[s].args.workspace);
    free(p->steps);
    free(p->scratch);
    free(p);
}

static int grow(fc_program *p) {
    if (p->count < p->capacity) return 0;
    int capacity = p->capacity ? 2 * p->capacity : 16;
    fc_step *steps = realloc(p->steps, capacity * sizeof *steps);
    if (!steps) return -1;
    p->steps = steps;
    p->capacity = capacity;
    return 0;
}

int fc_program_add(fc_program *p, const fc_kernel *kernel, const fc_args *args) {
    if (grow(p)) return -1;
    fc_step step = {kernel, *args};
    step.args.workspace = NULL;
    size_t bytes = kernel->workspace ? kernel->workspace(args) : 0;
    if (bytes) {
        step.args.workspace = aligned_alloc(FC_ALIGN, round_up(bytes));
        if (!step.args.workspace) return -1;
        memset(step.args.workspace, 0, round_up(bytes));
    }
    size_t scratch = kernel->scratch ? round_up(kernel->scratch(args)) : 0;
    if (scratch > p->scratch_bytes) p->scratch_bytes = scratch;
    p->steps[p->count++] = step;
    return 0;
}

int fc_program_set_tensor(fc_program *p, int step, int tensor, const fc_tensor *value) {
    if (step < 0 || step >= p->count || tensor < 0 || tensor >= FC_MAX_TENSORS) return -1;
    p->steps[step].args.t[tensor] = *value;
    return 0;
}

int fc_has_openmp(void) {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

int fc_max_threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* Denormals cost 20 to 50 times a normal multiply: flush them inside our kernels, and only there. */
static unsigned flush_denormals(void) {
#if defined(__SSE2__)
    unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | 0x8040);
    return saved;
#elif defined(__aarch64__)
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"(saved | (1u << 24)));
    return (unsigned)saved;
#else
    return 0;
#endif
}

static void restore_denormals(unsigned saved) {
#if defined(__SSE2__)
    _mm_setcsr(saved);
#elif defined(__aarch64__)
    uint64_t value = saved;
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
#else
    (void)saved;
#endif
}

static void barrier(int threads) {
    if (threads == 1) return;
#ifdef _OPENMP
#pragma omp barrier
#endif
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* seconds: NULL, or one figure for each step. */
static void run_steps(fc_program *p, const fc_context *context, double *seconds) {
    unsigned saved = flush_denormals();
    for (int s = 0; s < p->count; s++)
        if (p->steps[s].kernel->prepare) p->steps[s].kernel->prepare(&p->steps[s].args, context);
    barrier(context->threads);
    for (int s = 0; s < p->count; s++) {
        double start = seconds && context->thread == 0 ? now() : 0.0;
        p->steps[s].kernel->run(&p->steps[s].args, context);
        barrier(context->threads);
        if (seconds && context->thread == 0) seconds[s] += now() - start;
    }
    restore_denormals(saved);
}

/* Kept between runs: fresh pages cost more than a small kernel. */
static int ensure_scratch(fc_program *p, int threads) {
    if (p->scratch && p->scratch_threads >= threads) return 0;
    free(p->scratch);
    p->scratch = aligned_alloc(FC_ALIGN, (p->scratch_bytes + FC_ALIGN) * threads);
    p->scratch_threads = threads;
    return p->scratch ? 0 : -1;
}

int fc_program_run(fc_program *p, double *seconds, int64_t blocks, int threads) {
    if (ensure_scratch(p, threads)) return -1;
#ifdef _OPENMP
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        {
            /* OpenMP may give fewer threads than asked; the split must count those that came. */
            int thread = omp_get_thread_num();
            char *scratch = p->scratch + (p->scratch_bytes + FC_ALIGN) * thread;
            fc_context context = {thread, omp_get_num_threads(), blocks, scratch};
            run_steps(p, &context, seconds);
        }
        return 0;
    }
#endif
    fc_context context = {0, 1, blocks, p->scratch};
    run_steps(p, &context, seconds);
    return 0;
}
