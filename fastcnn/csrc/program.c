/* A program is a flat list of kernels with bound arguments. This file is the one door to OpenMP,
 * which says how many threads there may be; they are those of pool.c.
 *
 * All kernels of a run are one job of the pool. The work of each kernel is cut into as many shares
 * as there are threads. A thread takes its own share first and then any that nobody has begun; the
 * next kernel may start when all shares are done, whoever did them. So a thread that the system has
 * put aside, on a busy machine, holds up the others only if it was in the middle of a share. A
 * share's result does not depend on who computes it. */
#define _GNU_SOURCE
#include "fastcnn.h"
#include "pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* How far a phase (the preparation, or one kernel) has come; a cache line of its own. */
typedef struct {
    _Alignas(FC_ALIGN) atomic_int done;   /* shares */
} fc_phase;

struct fc_program {
    fc_step *steps;
    int count, capacity;
    size_t scratch_bytes;         /* the most that a kernel wants for one share */
    uint64_t runs;                /* so far */
    /* For runs with up to `shares` threads; kept between runs, since fresh pages cost more than a
     * small kernel: */
    int shares;
    size_t share_bytes;
    char *scratch;
    fc_phase *phases;             /* the preparation, then each step */
    atomic_uchar *begun;          /* [phase][share] */
};

static size_t round_up(size_t n) { return (n + FC_ALIGN - 1) / FC_ALIGN * FC_ALIGN; }

/* Large pieces lie in huge pages, if the system gives them: packed weights of many channels spread
 * over thousands of small ones, and neither prefetchers nor the TLB reach across these. */
#define HUGE_PAGE ((size_t)1 << 21)
static void *allocate(size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE / 2) {
        size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        void *memory = aligned_alloc(HUGE_PAGE, whole);
        if (memory) madvise(memory, whole, MADV_HUGEPAGE);   /* advice: may fail */
        return memory;
    }
#endif
    return aligned_alloc(FC_ALIGN, round_up(bytes));
}

fc_program *fc_program_new(void) { return calloc(1, sizeof(fc_program)); }

static void release_run_memory(fc_program *p) {
    free(p->scratch);
    free(p->phases);
    free(p->begun);
    p->scratch = NULL;
    p->phases = NULL;
    p->begun = NULL;
    p->shares = 0;
}

void fc_program_free(fc_program *p) {
    if (!p) return;
    for (int s = 0; s < p->count; s++) free(p->steps[s].args.workspace);
    free(p->steps);
    release_run_memory(p);
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
        step.args.workspace = allocate(bytes);
        if (!step.args.workspace) return -1;
        memset(step.args.workspace, 0, round_up(bytes));
    }
    size_t scratch = kernel->scratch ? round_up(kernel->scratch(args)) : 0;
    if (scratch > p->scratch_bytes) p->scratch_bytes = scratch;
    p->steps[p->count++] = step;
    release_run_memory(p);
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

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

typedef struct {
    fc_program *program;
    int64_t blocks;
    int threads, prepare;
    double *seconds;              /* NULL, or a figure for each step */
} fc_run;

static void do_share(const fc_run *run, int phase, int share) {
    fc_program *p = run->program;
    char *scratch = p->scratch + p->share_bytes * share;
    fc_context context = {share, run->threads, run->blocks, scratch, p->runs};
    if (phase > 0) {
        const fc_step *step = &p->steps[phase - 1];
        step->kernel->run(&step->args, &context);
        return;
    }
    for (int s = 0; s < p->count; s++)
        if (p->steps[s].kernel->prepare) p->steps[s].kernel->prepare(&p->steps[s].args, &context);
}

static void relax(int spins) {
    if (spins > 2000) sched_yield();      /* somebody needs this core: perhaps the thread we wait for */
    fc_pause();
}

static void do_phase(const fc_run *run, int phase, int thread) {
    fc_program *p = run->program;
    atomic_uchar *begun = p->begun + (size_t)phase * run->threads;
    for (int k = 0; k < run->threads; k++) {
        int share = (thread + k) % run->threads;
        if (atomic_load_explicit(&begun[share], memory_order_relaxed) || atomic_exchange(&begun[share], 1))
            continue;
        do_share(run, phase, share);
        atomic_fetch_add_explicit(&p->phases[phase].done, 1, memory_order_release);
    }
    for (int n = 0; atomic_load_explicit(&p->phases[phase].done, memory_order_acquire) < run->threads; n++)
        relax(n);
}

static void do_all(void *argument, int thread) {
    const fc_run *run = argument;
    unsigned saved = flush_denormals();
    for (int phase = !run->prepare; phase <= run->program->count; phase++) {
        double *seconds = run->seconds && thread == 0 && phase > 0 ? run->seconds + phase - 1 : NULL;
        double start = seconds ? now() : 0.0;
        do_phase(run, phase, thread);
        if (seconds) *seconds += now() - start;
    }
    restore_denormals(saved);
}

static int ensure_run_memory(fc_program *p, int threads) {
    if (p->shares < threads) {
        release_run_memory(p);
        p->share_bytes = round_up(p->scratch_bytes + 1);
        p->scratch = allocate(p->share_bytes * threads);
        p->phases = aligned_alloc(FC_ALIGN, sizeof(fc_phase) * (p->count + 1));
        p->begun = malloc((size_t)(p->count + 1) * threads);
        p->shares = threads;
        if (!p->scratch || !p->phases || !p->begun) {
            release_run_memory(p);
            return -1;
        }
    }
    memset(p->phases, 0, sizeof(fc_phase) * (p->count + 1));
    memset(p->begun, 0, (size_t)(p->count + 1) * threads);
    return 0;
}

int fc_program_run(fc_program *p, double *seconds, int64_t blocks, int threads, int prepare) {
    if (ensure_run_memory(p, threads)) return -1;
    fc_run run = {p, blocks, threads, prepare, seconds};
    if (threads > 1 && fc_has_openmp())
        fc_pool_run(do_all, &run, threads);
    else
        do_all(&run, 0);          /* the only thread does all shares */
    p->runs++;
    return 0;
}
