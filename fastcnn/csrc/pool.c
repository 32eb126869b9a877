/* Threads that help whoever calls, made when they are first wanted.
 *
 * They are our own and not OpenMP's, because a parallel region ends when all of its threads have
 * come: on a machine with other work one that the system has put aside holds up the caller by a
 * time slice (8 ms, of a prediction that takes 0.03), though all work is done. Here a caller waits
 * only for those who have begun.
 *
 * Several callers may have work at the same time; a helper takes from the one that came last, and
 * there are as many helpers as one job has wanted, for more would fight for the same cores. A
 * forked child has none of the threads and must not call; see kernels/threads.py. */
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* Rounds that a helper waits for more work before it sleeps: about as long as Python takes from one
 * training step, or small prediction, to the next. Waking it takes longer than a small kernel. */
#define SPINS 20000

/* Rounds before a thread sleeps over what takes another a microsecond: the lock, the end of the last
 * share. No more: where cores are short, that other one may be waiting for this core. */
#define SHORT_SPINS 100

typedef struct job {
    void (*work)(void *, int);
    void *argument;
    int wanted, taken;            /* helpers; under the lock */
    atomic_int inside;            /* those at work; written under the lock */
    struct job *next;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t posted = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static job *jobs;
static int helpers, attempted;    /* that there are; that were to be made */
static _Alignas(64) atomic_uint news;   /* another number whenever a job comes; watched by many */

/* Sleeping and waking take ten times as long as what is done under the lock. */
static void enter(void) {
    for (int n = 0; n < SHORT_SPINS; n++) {
        if (!pthread_mutex_trylock(&lock)) return;
        fc_pause();
    }
    pthread_mutex_lock(&lock);
}

static job *open_job(void) {
    job *j = jobs;
    while (j && j->taken == j->wanted) j = j->next;
    return j;
}

static void wait_a_little(unsigned seen) {
    for (int n = 0; n < SPINS && atomic_load_explicit(&news, memory_order_relaxed) == seen; n++)
        fc_pause();
}

static void *help(void *unused) {
    (void)unused;
    enter();
    for (;;) {
        job *j = open_job();
        if (!j) {
            unsigned seen = atomic_load(&news);
            pthread_mutex_unlock(&lock);
            wait_a_little(seen);
            enter();
            while (!(j = open_job())) pthread_cond_wait(&posted, &lock);
        }
        int number = ++j->taken;
        j->inside++;
        pthread_mutex_unlock(&lock);
        j->work(j->argument, number);
        enter();
        if (!--j->inside) pthread_cond_broadcast(&left);
    }
    return NULL;
}

/* Helpers may run where the process may, wherever the thread that makes them is pinned. */
static void free_of_pins(pthread_attr_t *attributes) {
    pthread_attr_init(attributes);
#ifdef __linux__
    cpu_set_t cores;
    if (!sched_getaffinity(getpid(), sizeof cores, &cores))
        pthread_attr_setaffinity_np(attributes, sizeof cores, &cores);
#endif
}

/* As many as a job wants, or as the system gives: callers do without those that are missing.
 * Signals are for the program's own threads. */
static void make_helpers(int wanted) {
    if (wanted <= attempted) return;
    attempted = wanted;
    sigset_t all, saved;
    pthread_attr_t attributes;
    pthread_t thread;
    free_of_pins(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    for (; helpers < wanted && !pthread_create(&thread, &attributes, help, NULL); helpers++)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attributes);
}

/* The news come last: whoever is awake wants the lock at once. */
static void post(job *j) {
    enter();
    j->next = jobs;
    jobs = j;
    make_helpers(j->wanted);
    for (int n = 0; n < j->wanted; n++) pthread_cond_signal(&posted);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&news, 1);
}

static void withdraw(job *j) {
    enter();
    job **at = &jobs;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    pthread_mutex_unlock(&lock);
}

/* Nobody begins any more; who has begun comes to an end, mostly at once. */
static void close_job(job *j) {
    withdraw(j);
    for (int n = 0; n < SHORT_SPINS && atomic_load(&j->inside); n++) fc_pause();
    enter();
    while (j->inside) pthread_cond_wait(&left, &lock);
    pthread_mutex_unlock(&lock);
}

void fc_pool_run(void (*work)(void *, int), void *argument, int threads) {
    job j = {.work = work, .argument = argument, .wanted = threads - 1};
    post(&j);
    work(argument, 0);
    close_job(&j);
}
