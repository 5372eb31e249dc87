/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that start together would be in each other's times: a handshake is milliseconds of
 * CPU. So they start one after the other, as far apart as one of them costs. Pure: no clock, no
 * thread. */
#ifndef MTR_HTTP_TURN_H
#define MTR_HTTP_TURN_H

#include <stdint.h>

enum {
    HTTPTURN_GUESS_US = 10000, /* until one was answered */
    HTTPTURN_MOST_US = 50000,
};

/* All zero at first. */
struct httpturn {
    int64_t free_us; /* no start before this */
    int64_t cost_us; /* of the last one that was answered, in CPU; 0: none was */
};

/* When the next request may start; microseconds of a monotonic clock. */
int64_t httpturn_take(struct httpturn *turn, int64_t now_us);

/* What a request has cost that was answered: one that was not may cost nothing. */
void httpturn_note(struct httpturn *turn, int64_t cost_us);

#endif
