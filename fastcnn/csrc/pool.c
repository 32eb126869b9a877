/* Threads that help whoever calls, made when they are first wanted.
 *
 * They are our own and not OpenMP's, because a parallel region ends when all of its threads have
 * come: on a machine with other work one that the system has put aside holds up the caller by a
 * time slice (8 ms, of a prediction that takes 0.03), though all work is done. Here nobody waits
 * for a thread that has not begun.
 *
 * Several callers may have work at the same time; a helper takes from the one that came last. A
 * forked child has none of the threads and must not call; see kernels/threads.py. */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* Rounds that a helper waits for more work before it sleeps: about as long as Python takes from one
 * training step, or small prediction, to the next. Waking it takes longer than a small kernel. */
#define SPINS 20000

typedef struct job {
    void (*work)(void *, int);
    void *argument;
    int wanted, taken, inside;    /* helpers; under the lock */
    struct job *next;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t posted = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static job *jobs;
static int helpers, wanted;       /* that there are; that all jobs want */
static atomic_uint news;          /* another number whenever a job comes */

static job *open_job(void) {
    job *j = jobs;
    while (j && j->taken == j->wanted) j = j->next;
    return j;
}

static void wait_a_little(unsigned seen) {
    for (int n = 0; n < SPINS && atomic_load_explicit(&news, memory_order_relaxed) == seen; n++) {
#if defined(__SSE2__)
        _mm_pause();
#endif
    }
}

static void *help(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        job *j = open_job();
        if (!j) {
            unsigned seen = atomic_load(&news);
            pthread_mutex_unlock(&lock);
            wait_a_little(seen);
            pthread_mutex_lock(&lock);
            while (!(j = open_job())) pthread_cond_wait(&posted, &lock);
        }
        int number = ++j->taken;
        j->inside++;
        pthread_mutex_unlock(&lock);
        j->work(j->argument, number);
        pthread_mutex_lock(&lock);
        if (!--j->inside) pthread_cond_broadcast(&left);
    }
    return NULL;
}

/* As many as all jobs want, or as the system gives: callers do without those that are missing. */
static void make_helpers(void) {
    for (; helpers < wanted; helpers++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, NULL)) return;
        pthread_detach(thread);
    }
}

static void post(job *j) {
    pthread_mutex_lock(&lock);
    wanted += j->wanted;
    j->next = jobs;
    jobs = j;
    make_helpers();
    atomic_fetch_add(&news, 1);
    pthread_cond_broadcast(&posted);
    pthread_mutex_unlock(&lock);
}

/* Nobody begins any more; who has begun comes to an end. */
static void close_job(job *j) {
    pthread_mutex_lock(&lock);
    job **at = &jobs;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    wanted -= j->wanted;
    while (j->inside) pthread_cond_wait(&left, &lock);
    pthread_mutex_unlock(&lock);
}

void fc_pool_run(void (*work)(void *, int), void *argument, int threads) {
    job j = {.work = work, .argument = argument, .wanted = threads - 1};
    post(&j);
    work(argument, 0);
    close_job(&j);
}
