/* SPDX-License-Identifier: BSD-2-Clause */
/* What the links of this host bear: all traces of a process draw on one budget of bytes, so that
 * their own queue on a narrow uplink stays below a few milliseconds. Probes leave in trains: a
 * train is closed when it would keep a link of the present rate busy for that long, and the next
 * begins when such a link is idle again. The rate begins at 0.2 Mbit/s, is raised only as far as
 * RTTs show that a probe is not delayed by those sent right before it, and lowered where they show
 * that the link is narrower; then what waits there is waited for. Pure. */
#ifndef MTR_ENGINE_BUDGET_H
#define MTR_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pairs of probes with one TTL: how many more bytes were sent right before the later one, against
 * how much longer its reply took. */
struct budget_pairs {
    double count, xx, xy, yy; /* sums of products; bytes and ns */
};

enum { BUDGET_SLOW = 2 }; /* rates below the first one */

struct budget {
    double rate;                       /* bytes a second */
    int64_t idle_ns;                   /* when a link of that rate has sent all there is */
    int64_t fast_idle_ns;              /* the same of one as fast as the rate may become next */
    int64_t slow_idle_ns[BUDGET_SLOW]; /* and of slower ones, which it may turn out to be */
    int64_t open_ns;                   /* from when on a probe may go out */
    unsigned in_train;                 /* probes in the train under way */
    uint64_t holder;                   /* whose burst is under way; 0: nobody's */
    int64_t held_ns;                   /* until then it is kept free for the holder */
    struct budget_pairs pairs;
    double link_rate; /* what RTTs show the narrowest link to bear, bytes a second; 0: nothing */
};

void budget_init(struct budget *b);

/* `who` sends, never 0: the serial number of a trace or search times 256, with a trace's TTL; or
 * this, for all fingerprinting probes. */
enum { BUDGET_FINGERPRINTS = 1 };

/* When a probe of `who` may go out; in the past for at once. */
int64_t budget_due(const struct budget *b, uint64_t who);

/* True while a burst is under way, between two of its probes. */
bool budget_is_held(const struct budget *b);

/* A probe of `size` bytes (IP) goes out. `more`: it is one of a burst of `who`'s that goes on; no
 * other probe goes between. Returns how many bytes wait before it on a link that is as fast as the
 * rate may become next: what its reply can show is the delay there. */
uint32_t budget_take(struct budget *b, uint64_t who, size_t size, bool more, int64_t now_ns);

/* The same of one whose reply shows no delay: it needs no company in its train. */
void budget_take_single(struct budget *b, uint64_t who, size_t size, int64_t now_ns);

/* Two probes with one TTL were answered: the later had so many bytes more before it, and its reply
 * took so much longer; both may be negative. */
void budget_pair(struct budget *b, int32_t bytes, int64_t longer_ns);

#endif
