/* SPDX-License-Identifier: BSD-2-Clause */
/* The refill interval of a rate limit, by bursts about a second apart that each empty the token
 * bucket. All probes of these bursts are unsampled: the interval of a sample never rests on its own
 * outcomes. Pure. */
#ifndef MTR_ENGINE_REFILL_H
#define MTR_ENGINE_REFILL_H

#include <stdbool.h>
#include <stdint.h>

enum { REFILL_BURSTS = 8 }; /* at most; two are enough where both are answered */

struct refill {
    uint8_t bursts;
    uint8_t answered[REFILL_BURSTS]; /* tokens refilled since the burst before */
};

void refill_add(struct refill *refill, uint8_t answered);

/* True when no further burst is needed. */
bool refill_is_done(const struct refill *refill);

/* True when no further burst can be added. */
bool refill_is_full(const struct refill *refill);

/* True if no burst had a reply. */
bool refill_is_silent(const struct refill *refill);

/* The interval that a sample needs, if the bursts were `rest_ns` apart; 0 if too few were
 * answered. */
int64_t refill_spacing_ns(const struct refill *refill, int64_t rest_ns);

/* How long after the last burst a sample may begin: some routers refill many tokens at a time. */
int64_t refill_wait_ns(const struct refill *refill, int64_t rest_ns);

#endif
