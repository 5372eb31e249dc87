/* SPDX-License-Identifier: BSD-2-Clause */
/* The sending rate that all traces of a process share, so that their own queue on a narrow uplink
 * stays below a few milliseconds. Probes leave in trains: a train ends when it would keep a link of
 * the current rate busy for that long, and the next begins when such a link is idle again. The rate
 * begins at 0.2 Mbit/s. It rises only as far as RTTs show that a probe is not delayed by those sent
 * right before it. It falls when they show that the link is narrower, and sending then stops until
 * the queue there is empty. Pure. */
#ifndef MTR_ENGINE_BUDGET_H
#define MTR_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums over pairs of probes with the same TTL: how many more bytes were sent right before the later
 * one, and how much longer its reply took. */
struct budget_pairs {
    double count, xx, xy, yy; /* sums of products; bytes and ns */
};

enum { BUDGET_SLOW = 2 }; /* rates below the first one */

struct budget {
    double rate;                       /* bytes a second */
    int64_t idle_ns;                   /* when a link of this rate is idle */
    int64_t fast_idle_ns;              /* the same for the highest rate that can follow */
    int64_t slow_idle_ns[BUDGET_SLOW]; /* and for lower rates, in case the link is slower */
    int64_t open_ns;                   /* no probe goes out before this */
    unsigned in_train;                 /* probes in the train under way */
    uint64_t holder;                   /* who is sending a burst; 0: nobody */
    int64_t held_ns;                   /* until then only the holder may send */
    struct budget_pairs pairs;
    double link_rate; /* capacity of the narrowest link by the RTTs, bytes a second; 0: unknown */
};

void budget_init(struct budget *b);

/* `who` is the sender, never 0: 256 times the serial number of a trace or search, plus the TTL of a
 * trace's probe; or BUDGET_FINGERPRINTS for all fingerprinting probes. */
enum { BUDGET_FINGERPRINTS = 1 };

/* When a probe of `who` may go out; a time in the past means now. */
int64_t budget_due(const struct budget *b, uint64_t who);

/* True while a burst is under way, between two of its probes. */
bool budget_is_held(const struct budget *b);

/* Accounts for a probe of `size` bytes (IP). With `more` the burst of `who` continues, and no other
 * probe goes out before it. Returns how many bytes wait before the probe on a link with the highest
 * rate that can follow: the delay that its reply can show. */
uint32_t budget_take(struct budget *b, uint64_t who, size_t size, bool more, int64_t now_ns);

/* The same for a probe whose reply shows no delay, so that it may be alone in its train. */
void budget_take_single(struct budget *b, uint64_t who, size_t size, int64_t now_ns);

/* Two probes with the same TTL were answered. The later one had `bytes` more before it, and its
 * reply took `longer_ns` longer. Both may be negative. */
void budget_pair(struct budget *b, int32_t bytes, int64_t longer_ns);

#endif
