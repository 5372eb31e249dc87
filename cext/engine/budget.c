/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/budget.h"

#include "base/units.h"

#include <assert.h>
#include <math.h>

enum {
    OVERHEAD = 20,    /* of a packet, below IP */
    TRAIN_LEAST = 3,  /* probes: a single one shows no delay */
    TRAIN_MOST = 32,  /* probes: short queues hold 50 packets */
    PAIRS_LEAST = 6,  /* before anything is concluded */
    PAIRS_MOST = 128, /* beyond this the older half is dropped */
    RAISE_MOST = 8,   /* largest factor of one raise */
};

static const double first_rate = 25e3; /* bytes a second; fits a link of 256 kbit/s */
static const double slow_rates[BUDGET_SLOW] = { 12.5e3, 6.25e3 };
static const double least_rate = 6.25e3;
static const double most_rate = 100e6; /* higher than any process reaches */
static const double sure = 2;          /* standard errors */
static const double safe = 0.9;        /* share of the capacity that was seen */
static const int64_t train_ns = 4 * MS;
static const int64_t hold_ns = MS; /* how late the holder may be */
/* The most that a queue may delay a packet: a reply that takes longer is not waited for either. */
static const int64_t queue_most_ns = 5000 * MS;

void budget_init(struct budget *b)
{
    *b = (struct budget){ .rate = first_rate };
}

int64_t budget_due(const struct budget *b, uint64_t who)
{
    assert(who != 0);
    if (b->holder != 0 && b->holder != who && b->held_ns > b->open_ns)
        return b->held_ns;
    return b->open_ns;
}

bool budget_is_held(const struct budget *b)
{
    return b->holder != 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Queues a probe on a link of this rate, which is idle from *idle_ns on. The link may be faster:
 * what was sent long ago is in no queue any more. */
static void queue(int64_t *idle_ns, double rate, size_t size, int64_t now_ns)
{
    int64_t most_ns = now_ns + queue_most_ns;

    *idle_ns = later(*idle_ns, now_ns) + (int64_t)((double)(size + OVERHEAD) / rate * NS_PER_S);
    if (*idle_ns > most_ns)
        *idle_ns = most_ns;
}

uint32_t budget_take(struct budget *b, uint64_t who, size_t size, bool more, int64_t now_ns)
{
    assert(who != 0);
    if (now_ns >= b->idle_ns) {
        b->idle_ns = now_ns;
        b->in_train = 0;
    }
    double fast_rate = b->rate * RAISE_MOST;
    double waiting = (double)(later(b->fast_idle_ns, now_ns) - now_ns) * fast_rate / NS_PER_S;
    queue(&b->fast_idle_ns, fast_rate, size, now_ns);
    queue(&b->idle_ns, b->rate, size, now_ns);
    for (int i = 0; i < BUDGET_SLOW; i++)
        queue(&b->slow_idle_ns[i], slow_rates[i], size, now_ns);
    b->in_train++;
    bool full = b->in_train >= TRAIN_MOST ||
                (b->idle_ns - now_ns >= train_ns && b->in_train >= TRAIN_LEAST);
    b->open_ns = full ? b->idle_ns : now_ns;
    b->holder = more ? who : 0;
    b->held_ns = b->open_ns + hold_ns;
    assert(b->open_ns >= now_ns && b->idle_ns > now_ns && waiting >= 0);
    return (uint32_t)waiting;
}

void budget_take_single(struct budget *b, uint64_t who, size_t size, int64_t now_ns)
{
    (void)budget_take(b, who, size, false, now_ns);
    if (b->idle_ns - now_ns >= train_ns)
        b->open_ns = b->idle_ns;
}

/* ---- what the RTTs show -------------------------------------------------------------------- */

static void set_rate(struct budget *b, double rate)
{
    b->rate = rate < least_rate ? least_rate : rate > most_rate ? most_rate : rate;
    b->pairs = (struct budget_pairs){ 0 };
}

/* Stops sending until the queue that the higher rate caused is empty. */
static void lower_rate(struct budget *b, double rate)
{
    set_rate(b, rate);
    for (int i = 0; i < BUDGET_SLOW && slow_rates[i] * 2 > b->rate; i++)
        b->idle_ns = later(b->idle_ns, b->slow_idle_ns[i]);
    b->open_ns = later(b->open_ns, b->idle_ns);
}

/* Each byte in front of a probe delays it by 1 / capacity of the narrowest link. */
static void judge(struct budget *b)
{
    const struct budget_pairs *p = &b->pairs;

    assert(p->count > 1 && p->xx > 0 && b->rate >= least_rate && b->rate <= most_rate);
    double slope = p->xy / p->xx;
    double spread = (p->yy - slope * p->xy) / (p->count - 1);
    double error = sure * sqrt(spread > 0 ? spread / p->xx : 0);
    double per_byte = NS_PER_S / b->rate;

    if (error < per_byte / 2 &&
        slope + error < per_byte / 2) { /* twice the rate is certainly below the capacity */
        double most = per_byte / RAISE_MOST;
        b->link_rate = 0;
        set_rate(b, NS_PER_S / (slope + error > most ? slope + error : most));
    } else if (slope - error > per_byte / 2) {
        b->link_rate = NS_PER_S / slope;
        if (slope - error > per_byte)
            lower_rate(b, safe * b->link_rate);
    }
}

void budget_pair(struct budget *b, int32_t bytes, int64_t longer_ns)
{
    struct budget_pairs *p = &b->pairs;
    double x = bytes, y = (double)longer_ns;

    p->count++;
    p->xx += x * x;
    p->xy += x * y;
    p->yy += y * y;
    if (p->count >= PAIRS_LEAST && p->xx > 0)
        judge(b);
    if (p->count >= PAIRS_MOST)
        *p = (struct budget_pairs){ p->count / 2, p->xx / 2, p->xy / 2, p->yy / 2 };
}
