/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast a router that rate-limits gets tokens, by bursts about a second apart that each empty
 * its bucket. All probes of these are unsampled: the pace of a sample never rests on its own
 * outcomes. Pure. */
#ifndef MTR_ENGINE_REFILL_H
#define MTR_ENGINE_REFILL_H

#include <stdbool.h>
#include <stdint.h>

enum { REFILL_BURSTS = 8 }; /* at most; two are enough where both are answered */

struct refill {
    uint8_t bursts;
    uint8_t answered[REFILL_BURSTS]; /* tokens that had come in since the burst before */
};

void refill_add(struct refill *refill, uint8_t answered);

/* True when no further burst is needed. */
bool refill_is_done(const struct refill *refill);

/* How far apart probes of a sample must be, the bursts having been `rest_ns` apart; 0 where too few
 * bursts were answered to tell. */
int64_t refill_spacing_ns(const struct refill *refill, int64_t rest_ns);

/* How long after the last burst a sample may begin: tokens may come in many at a time. */
int64_t refill_wait_ns(const struct refill *refill, int64_t rest_ns);

#endif
