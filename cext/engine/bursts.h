/* SPDX-License-Identifier: BSD-2-Clause */
/* The burst tests of all traces, by responder: bursts of several traces follow one another, and
 * what some have shown the others need not repeat. Pure; one struct bursts per prober. */
#ifndef MTR_ENGINE_BURSTS_H
#define MTR_ENGINE_BURSTS_H

#include "base/ipaddr.h"

#include <stdbool.h>

struct bursts;

struct bursts *bursts_new(void); /* NULL without memory */
void bursts_free(struct bursts *bursts);

/* When a burst to this responder may begin. Linux answers all sources together only 1,000 times a
 * second and 50 times at once (icmp_msgs_per_sec, icmp_msgs_burst); simultaneous tests would cause
 * losses themselves. */
int64_t bursts_free_ns(const struct bursts *bursts, const struct ipaddr *responder);

/* When the last burst of any trace was sent. */
int64_t bursts_last_ns(const struct bursts *bursts, const struct ipaddr *responder);

/* Notes that a probe of a burst is sent. */
void bursts_sent(struct bursts *bursts, const struct ipaddr *responder, int64_t now_ns);

/* Notes that a burst has shown no rate limit. */
void bursts_passed(struct bursts *bursts, const struct ipaddr *responder, int64_t now_ns);

/* Notes that a burst left too many probes unanswered. */
void bursts_failed(struct bursts *bursts, const struct ipaddr *responder);

/* True if bursts of several traces since then have shown no rate limit, so that another is not
 * needed. If all bursts of the last minute passed, one burst since then is enough: it shows that
 * the probes sent meanwhile change nothing. */
bool bursts_have_passed(const struct bursts *bursts, const struct ipaddr *responder,
                        int64_t since_ns);

/* True if bursts of other traces since then have shown no rate limit, so that one that lost many
 * probes may have met real loss. */
bool bursts_contradict(const struct bursts *bursts, const struct ipaddr *responder,
                       int64_t since_ns);

#endif
