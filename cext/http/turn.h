/* SPDX-License-Identifier: BSD-2-Clause */
/* Staggers the starts of requests. Requests that start together would delay each other, because a
 * handshake takes milliseconds of CPU time; the interval between two starts is that time. Pure: no
 * clock, no thread. */
#ifndef MTR_HTTP_TURN_H
#define MTR_HTTP_TURN_H

#include <stdint.h>

enum {
    HTTPTURN_GUESS_US = 10000, /* assumed CPU time until the first response */
    HTTPTURN_MOST_US = 50000,
};

/* {0} is the valid first state. */
struct httpturn {
    int64_t free_us; /* earliest start of the next request */
    int64_t cost_us; /* CPU time of the last answered request; 0: none was answered */
};

/* Returns the start time of the next request, in microseconds of a monotonic clock. */
int64_t httpturn_take(struct httpturn *turn, int64_t now_us);

/* Notes the CPU time of an answered request. An unanswered one may have made no handshake. */
void httpturn_note(struct httpturn *turn, int64_t cost_us);

#endif
