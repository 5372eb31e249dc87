/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads inside a program that is not ours. */
#ifndef MTR_BASE_THREAD_H
#define MTR_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

/* Starts a thread that receives no signals: the program's own threads get them. Returns what
 * pthread_create does. */
static inline int thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

#endif
