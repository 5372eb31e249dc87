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
    PROBE_SIZE = 100, /* about, to tell how many are sent in a second */
    FIRST_LINK = 2,   /* has the first rate */
    RAISE_MOST = 3,   /* largest raise, in doublings */
};

static const double first_rate = 25e3; /* bytes a second; fits a link of 256 kbit/s */
static const double least_rate = 6.25e3;
static const double enough_rate = 10e6; /* a link of this rate carries all that a process sends */
static const double no_limit = 100e6;   /* the rate then */
static const double sure = 4;           /* standard errors */
static const double safe = 0.9;         /* share of the capacity that was seen */
static const int64_t train_ns = 4 * MS;
static const int64_t hold_ns = MS; /* how late the holder may be */
/* The most that a queue may delay a packet: a reply that takes longer is not waited for either. */
static const int64_t queue_most_ns = 5000 * MS;

void budget_init(struct budget *b)
{
    *b = (struct budget){ .rate = first_rate, .link = FIRST_LINK };
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

static double rate_of(int link)
{
    return least_rate * (double)(1 << link);
}

/* The highest rate that can follow. */
static int fast_link(const struct budget *b)
{
    int link = b->link + RAISE_MOST;
    return link < BUDGET_LINKS ? link : BUDGET_LINKS - 1;
}

/* Queues a probe on a link that is idle from *idle_ns on. The link may be faster: what was sent
 * long ago is in no queue any more. */
static void queue(int64_t *idle_ns, int64_t service_ns, int64_t now_ns)
{
    int64_t until_ns = later(*idle_ns, now_ns) + service_ns, most_ns = now_ns + queue_most_ns;
    *idle_ns = until_ns < most_ns ? until_ns : most_ns;
}

struct budget_mark budget_take(struct budget *b, uint64_t who, size_t size, bool more,
                               int64_t now_ns)
{
    assert(who != 0);
    if (now_ns >= b->idle_ns) {
        b->idle_ns = now_ns;
        b->in_train = 0;
    }
    int fast = fast_link(b);
    int64_t waiting_ns = later(b->link_idle_ns[fast], now_ns) - now_ns;
    double bytes = (double)(size + OVERHEAD);
    int64_t slowest_ns = (int64_t)(bytes / least_rate * NS_PER_S);
    for (int i = 0; i < BUDGET_LINKS; i++)
        queue(&b->link_idle_ns[i], slowest_ns >> i, now_ns);
    queue(&b->idle_ns, (int64_t)(bytes / b->rate * NS_PER_S), now_ns);
    b->in_train++;
    bool full = b->in_train >= TRAIN_MOST ||
                (b->idle_ns - now_ns >= train_ns && b->in_train >= TRAIN_LEAST);
    b->open_ns = full ? b->idle_ns : now_ns;
    b->holder = more ? who : 0;
    b->held_ns = b->open_ns + hold_ns;
    assert(b->open_ns >= now_ns && b->idle_ns > now_ns && waiting_ns >= 0);
    return (struct budget_mark){ .ahead = (uint32_t)((double)waiting_ns * rate_of(fast) / NS_PER_S),
                                 .changes = b->changes };
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
    b->rate = rate < least_rate ? least_rate : rate > enough_rate ? no_limit : rate;
    b->link = 0;
    while (b->link + 1 < BUDGET_LINKS && rate_of(b->link + 1) <= b->rate)
        b->link++;
    b->changes++;
    b->pairs = b->before = (struct budget_pairs){ 0 };
}

/* Stops sending until the queue that the higher rate caused is empty. */
static void lower_rate(struct budget *b, double rate)
{
    set_rate(b, rate);
    b->idle_ns = later(b->idle_ns, b->link_idle_ns[b->link]);
    b->open_ns = later(b->open_ns, b->idle_ns);
}

/* How many pairs show something, by Kish's effective sample size: one whose probes had as much in
 * front of them shows nothing. */
static double weight(const struct budget_pairs *p)
{
    return p->xx > 0 ? p->xx * p->xx / p->xxxx : 0;
}

/* Standard error of the slope by the residuals of the pairs that decide it (White, Econometrica
 * 1980): the delay is exact where nothing is in front of a probe, and is not where what is in front
 * goes another way. */
static double standard_error(const struct budget_pairs *p, double slope)
{
    double squares = p->xxyy - 2 * slope * p->xxxy + slope * slope * p->xxxx;
    double n = weight(p);
    return squares > 0 ? sqrt(squares * n / (n - 1)) / p->xx : 0;
}

/* Each byte in front of a probe delays it by 1 / capacity of the narrowest link. */
static void judge(struct budget *b, const struct budget_pairs *p)
{
    assert(weight(p) > 1 && b->rate >= least_rate && b->rate <= no_limit);
    double slope = p->xy / p->xx;
    double error = sure * standard_error(p, slope);
    double per_byte = NS_PER_S / b->rate;

    if (p == &b->pairs && b->rate < no_limit && error < per_byte / 2 &&
        slope + error < per_byte / 2) { /* twice the rate is certainly below the capacity */
        double most = NS_PER_S / rate_of(fast_link(b));
        b->link_rate = 0;
        set_rate(b, NS_PER_S / (slope + error > most ? slope + error : most));
    } else {
        if (error < slope / 2)
            b->link_rate = NS_PER_S / slope;
        if (slope - error > per_byte)
            lower_rate(b, safe * NS_PER_S / slope);
    }
}

void budget_pair(struct budget *b, struct budget_mark before, struct budget_mark later,
                 int64_t longer_ns)
{
    struct budget_pairs *p = later.changes == b->changes ? &b->pairs : &b->before;
    double x = (double)later.ahead - before.ahead, y = (double)longer_ns;

    if (before.changes != later.changes || b->changes - later.changes > 1)
        return;
    p->xx += x * x;
    p->xy += x * y;
    p->xxxx += x * x * x * x;
    p->xxxy += x * x * x * y;
    p->xxyy += x * x * y * y;
    double n = weight(p);
    if (n >= b->rate / PROBE_SIZE) /* the older half is dropped after about a second */
        *p = (struct budget_pairs){ p->xx / 2, p->xy / 2, p->xxxx / 2, p->xxxy / 2, p->xxyy / 2 };
    if (n >= PAIRS_LEAST)
        judge(b, p);
}
