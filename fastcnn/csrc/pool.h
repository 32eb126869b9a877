/* Threads that help whoever calls. */
#ifndef FC_POOL_H
#define FC_POOL_H

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* A round of a loop that waits for another thread: some ten nanoseconds. */
static inline void fc_pause(void) {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");              /* as "yield", which most cores do not heed, should */
#endif
}

/* Calls work(argument, k), k = 0 here and 1 .. threads - 1 in others, as far as they come in time:
 * returns when k = 0 has returned, and whoever else has begun. */
void fc_pool_run(void (*work)(void *, int), void *argument, int threads);

#endif
