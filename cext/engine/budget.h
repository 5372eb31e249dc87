/* SPDX-License-Identifier: BSD-2-Clause */
/* The sending rate that all traces of a process share, so that their own queue on a narrow uplink
 * stays below a few milliseconds. Probes leave in trains: a train ends when it would keep a link of
 * the current rate busy for that long, and the next begins when such a link is idle again. The rate
 * begins at 0.2 Mbit/s. It rises as far as RTTs show that a probe is not delayed by those sent
 * right before it. The first RTTs may mislead: until more have proven the rate, no more probes are
 * on their way than short queues hold. It falls when RTTs show that the link is narrower, and
 * sending then stops until the queue there is empty. Pure. */
#ifndef MTR_ENGINE_BUDGET_H
#define MTR_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was sent right before a probe, for the comparison of its RTT with another's: the busy period
 * of a link with the highest rate that can follow. It begins with a probe that finds the link idle.
 */
struct budget_mark {
    uint32_t serial;     /* counts all probes of the process */
    uint16_t bytes;      /* sent in the busy period, up to and with this probe, or BUDGET_UNKNOWN */
    uint16_t elapsed_us; /* from the begin of the busy period on, or BUDGET_UNKNOWN */
};
#define BUDGET_UNKNOWN UINT16_MAX

/* Sums over pairs of probes with the same TTL: how many more bytes were sent in the busy period of
 * the later one, and how much longer it took from the begin of that period to the reply. */
struct budget_pairs {
    double count, xx, xy, yy, xxxx, xxxy, xxyy; /* sums of products; bytes and ns */
};

enum { BUDGET_LINKS = 12 }; /* the last, of 12.8 Mbyte/s, carries all that a process sends */

struct budget {
    double rate;                        /* of a train, bytes a second */
    double proven_rate;                 /* which the narrowest link certainly has */
    uint32_t serial, answered, changed; /* of the newest probe, of the newest one that was answered,
                                           and of the first one at this rate */
    int64_t idle_ns;                    /* when a link of this rate is idle */
    int64_t proven_idle_ns;             /* the same for one of the proven rate */
    int64_t link_idle_ns[BUDGET_LINKS]; /* and for links from the least rate on, each twice
                                           as fast as the one before */
    int link;                           /* the fastest of them that is not faster than `rate` */
    int raise;                          /* the most that is tried at once, in doublings */
    int64_t busy_ns;                    /* begin of the busy period, see budget_mark */
    uint64_t busy_bytes;                /* sent in it */
    int64_t open_ns;                    /* no probe goes out before this */
    int64_t doubt_ns;                   /* nor before this, until enough are answered */
    unsigned in_train;                  /* probes in the train under way */
    uint64_t holder;                    /* who is sending a burst; 0: nobody */
    int64_t held_ns;                    /* until then only the holder may send */
    struct budget_pairs pairs;          /* of probes that were sent at this rate */
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
 * probe goes out before it. */
struct budget_mark budget_take(struct budget *b, uint64_t who, size_t size, bool more,
                               int64_t now_ns);

/* The same for a probe whose reply shows no delay, so that it may be alone in its train. */
void budget_take_single(struct budget *b, uint64_t who, size_t size, int64_t now_ns);

/* A probe was answered that crossed the narrowest link: so have all before it. */
void budget_answered(struct budget *b, struct budget_mark probe);

/* Two probes with the same TTL were answered; the reply to the later one took `longer_ns` longer,
 * which may be negative. They show nothing if the rate has changed since the first was sent: the
 * busy periods are other ones. */
void budget_pair(struct budget *b, struct budget_mark before, struct budget_mark later,
                 int64_t longer_ns);

#endif
