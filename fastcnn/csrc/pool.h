/* Threads that help whoever calls. */
#ifndef FC_POOL_H
#define FC_POOL_H

/* Calls work(argument, k), k = 0 here and 1 .. threads - 1 in others, as far as they come in time:
 * returns when k = 0 has returned, and whoever else has begun. */
void fc_pool_run(void (*work)(void *, int), void *argument, int threads);

#endif
