/* A program is a flat list of kernels with bound arguments. This file is the one door to OpenMP,
 * which says how many threads there may be; they are those of pool.c.
 *
 * All kernels of a run are one job of the pool. The work of each kernel is cut into as many shares
 * as there are threads. A thread takes its own share first and then any that nobody has begun; the
 * next kernel may start when all shares are done, whoever did them. So a thread that the system has
 * put aside, on a busy machine, holds up the others only if it was in the middle of a share. A
 * share's result does not depend on who computes it.
 *
 * Kernels that follow each other may be carried (fc_program_carry): then a share is a block of
 * images, which a thread takes through all of them, so that it stays in that core's cache. What
 * only they read and write has room for one block for each thread. */
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
    int carried;                  /* steps, from this one on, that blocks are carried through; or 0 */
    uint32_t by_block;            /* of a carried one: bit k if the first axis of tensor k is blocks */
} fc_step;

/* What is done between two moments at which all threads have come as far: steps [step, end) for
 * blocks [block, block + blocks), or the preparation (no steps). A cache line of its own. */
typedef struct {
    _Alignas(FC_ALIGN) atomic_int done;   /* shares */
    int step, end, shares, carries;       /* carries: share k is block k, through all steps */
    int64_t block, blocks;
    atomic_uchar *begun;          /* for each share */
} fc_phase;

struct fc_program {
    fc_step *steps;
    int count, capacity;
    size_t scratch_bytes;         /* the most that a kernel wants for one share */
    uint64_t runs;                /* so far */
    const char *carried;          /* one block of all tensors that only carried steps touch */
    size_t carried_bytes;
    int64_t blocks;               /* that carried steps have */
    /* For runs with up to `threads` threads; kept between runs, since fresh pages cost more than a
     * small kernel: */
    int threads;
    size_t share_bytes;
    char *scratch, *copies;       /* of each thread; copies: of `carried` */
    fc_phase *phases;
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
    free(p->copies);
    free(p->phases);
    free(p->begun);
    p->scratch = p->copies = NULL;
    p->phases = NULL;
    p->begun = NULL;
    p->threads = 0;
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
    fc_step step = {.kernel = kernel, .args = *args};
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

int fc_program_carry(fc_program *p, int first, int count, const uint32_t *by_block) {
    if (first < 0 || count < 1 || first + count > p->count) return -1;
    p->steps[first].carried = count;
    for (int k = 0; k < count; k++) p->steps[first + k].by_block = by_block[k];
    return 0;
}

void fc_program_place_carried(fc_program *p, int64_t blocks, const void *memory, size_t bytes) {
    p->blocks = blocks;
    p->carried = memory;
    p->carried_bytes = round_up(bytes);
    release_run_memory(p);
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
    int threads, prepare, phases;
    double *seconds;              /* NULL, or a figure for each step */
} fc_run;

/* ---- what there is to do ---- */

static int most_shares(const fc_program *p, int threads) {
    return p->blocks > threads ? (int)p->blocks : threads;
}

static void add_phase(fc_run *run, fc_phase phase) {
    fc_program *p = run->program;
    phase.begun = p->begun + (size_t)run->phases * most_shares(p, p->threads);
    memset(phase.begun, 0, phase.shares);
    p->phases[run->phases++] = phase;
}

/* Blocks are carried by one thread each as long as there is one for every thread; those that are
 * left, fewer than threads, are done by all of them together, step by step. */
static void add_carried(fc_run *run, int first) {
    const fc_program *p = run->program;
    int end = first + p->steps[first].carried;
    int64_t blocks = run->blocks < p->blocks ? run->blocks : p->blocks;
    int64_t left = blocks % run->threads, whole = blocks - left;
    fc_phase carried = {.step = first, .end = end, .shares = (int)whole, .carries = 1};
    fc_phase shared = {.shares = run->threads, .block = whole, .blocks = left};
    if (whole) add_phase(run, carried);
    for (int s = first; s < end && left; s++) {
        shared.step = s;
        shared.end = s + 1;
        add_phase(run, shared);
    }
}

static void list_phases(fc_run *run) {
    fc_phase phase = {.shares = run->threads, .blocks = run->blocks};
    const fc_step *steps = run->program->steps;
    if (run->prepare) add_phase(run, phase);
    for (int s = 0; s < run->program->count; s = phase.end) {
        phase.step = s;
        phase.end = s + (steps[s].carried ? steps[s].carried : 1);
        if (steps[s].carried)
            add_carried(run, s);
        else
            add_phase(run, phase);
    }
}

/* ---- doing it ---- */

/* The arguments of a carried step from this block on. Tensors that lie in `carried` have a block in
 * each copy, this one in copy number `copy`. */
static fc_args from_block(const fc_program *p, const fc_step *step, int64_t block, int copy) {
    fc_args args = step->args;
    for (int k = 0; k < FC_MAX_TENSORS; k++) {
        fc_tensor *t = &args.t[k];
        if (!(step->by_block >> k & 1) || !t->data) continue;
        size_t place = (size_t)((uintptr_t)t->data - (uintptr_t)p->carried);
        if (place < p->carried_bytes) {
            t->data = p->copies + copy * p->carried_bytes + place;
            t->stride[0] = p->carried_bytes / t->itemsize;
        } else {
            t->data = (char *)t->data + block * t->stride[0] * t->itemsize;
        }
    }
    return args;
}

static void run_step(const fc_run *run, int s, int64_t block, int copy, const fc_context *context) {
    const fc_step *step = &run->program->steps[s];
    if (!step->by_block) {
        step->kernel->run(&step->args, context);
        return;
    }
    fc_args args = from_block(run->program, step, block, copy);
    step->kernel->run(&args, context);
}

static void prepare(const fc_program *p, const fc_context *context) {
    for (int s = 0; s < p->count; s++)
        if (p->steps[s].kernel->prepare) p->steps[s].kernel->prepare(&p->steps[s].args, context);
}

static void do_share(const fc_run *run, const fc_phase *phase, int share, int thread) {
    double *seconds = thread == 0 ? run->seconds : NULL, start = seconds ? now() : 0.0;
    char *scratch = run->program->scratch + run->program->share_bytes * thread;
    uint64_t runs = run->program->runs;
    fc_context part = {share, run->threads, phase->blocks, scratch, runs};
    fc_context whole = {0, 1, 1, scratch, runs};
    if (phase->step == phase->end) prepare(run->program, &part);
    for (int s = phase->step; s < phase->end; s++) {
        if (phase->carries)
            run_step(run, s, share, thread, &whole);
        else
            run_step(run, s, phase->block, 0, &part);
        double end = seconds ? now() : 0.0;
        if (seconds) seconds[s] += end - start;
        start = end;
    }
}

static void relax(int spins) {
    if (spins > 2000) sched_yield();      /* somebody needs this core: perhaps the thread we wait for */
    fc_pause();
}

static void wait_for_all(const fc_run *run, fc_phase *phase, int thread) {
    double start = run->seconds ? now() : 0.0;
    for (int n = 0; atomic_load_explicit(&phase->done, memory_order_acquire) < phase->shares; n++)
        relax(n);
    if (run->seconds && thread == 0 && phase->end > phase->step)
        run->seconds[phase->end - 1] += now() - start;
}

static void do_phase(const fc_run *run, fc_phase *phase, int thread) {
    int first = (int)((int64_t)phase->shares * thread / run->threads);
    for (int k = 0; k < phase->shares; k++) {
        int share = (first + k) % phase->shares;
        if (atomic_load_explicit(&phase->begun[share], memory_order_relaxed) ||
            atomic_exchange(&phase->begun[share], 1))
            continue;
        do_share(run, phase, share, thread);
        atomic_fetch_add_explicit(&phase->done, 1, memory_order_release);
    }
    wait_for_all(run, phase, thread);
}

static void do_all(void *argument, int thread) {
    const fc_run *run = argument;
    unsigned saved = flush_denormals();
    for (int k = 0; k < run->phases; k++) do_phase(run, &run->program->phases[k], thread);
    restore_denormals(saved);
}

static int ensure_run_memory(fc_program *p, int threads) {
    if (p->threads >= threads) return 0;
    release_run_memory(p);
    int phases = 2 * p->count + 1;        /* a carried step may be in two */
    size_t carried = p->carried_bytes * (p->blocks < threads ? p->blocks : threads);
    p->share_bytes = round_up(p->scratch_bytes + 1);
    p->scratch = allocate(p->share_bytes * threads);
    p->copies = allocate(carried + 1);
    p->phases = aligned_alloc(FC_ALIGN, sizeof(fc_phase) * phases);
    p->begun = malloc((size_t)phases * most_shares(p, threads));
    p->threads = threads;
    if (!p->scratch || !p->copies || !p->phases || !p->begun) {
        release_run_memory(p);
        return -1;
    }
    memset(p->copies, 0, carried);        /* tensors' halos are zeros and stay so */
    return 0;
}

int fc_program_run(fc_program *p, double *seconds, int64_t blocks, int threads, int prepare) {
    if (ensure_run_memory(p, threads)) return -1;
    fc_run run = {p, blocks, threads, prepare, 0, seconds};
    list_phases(&run);
    if (threads > 1 && fc_has_openmp())
        fc_pool_run(do_all, &run, threads);
    else
        do_all(&run, 0);          /* the only thread does all shares */
    p->runs++;
    return 0;
}
