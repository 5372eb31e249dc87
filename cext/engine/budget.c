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
    RAISE_MOST = 3,   /* largest raise, in doublings */
    PAIRS_ENOUGH = 8, /* times the pairs that a conclusion takes: a smaller raise is tried then */
};

static const double first_rate = 25e3; /* bytes a second; fits a link of 256 kbit/s */
static const double least_rate = 6.25e3;
static const double enough_rate = 10e6; /* a link of this rate carries all that a process sends */
static const double no_limit = 100e6;   /* the rate then */
static const double guess = 2;          /* standard errors, for the next rate to try */
static const double sure = 4;           /* to lower it, and to name a narrow link */
static const double certain = 8;        /* to prove a rate */
static const double safe = 0.9;         /* share of the capacity that was seen */
static const double judge_s = 0.02;     /* sending for less shows one moment of the network */
static const int64_t train_ns = 4 * MS;
static const int64_t hold_ns = MS; /* how late the holder may be */
/* The most that a queue may delay a packet: a reply that takes longer is not waited for either. */
static const int64_t queue_most_ns = 5000 * MS;

static double rate_of(int link)
{
    return least_rate * (double)(1 << link);
}

/* The last of the links that is not faster than this rate. */
static int link_of(double rate)
{
    int link = 0;
    while (link + 1 < BUDGET_LINKS && rate_of(link + 1) <= rate)
        link++;
    return link;
}

void budget_init(struct budget *b)
{
    *b = (struct budget){ .rate = first_rate,
                          .proven_rate = first_rate,
                          .link = link_of(first_rate),
                          .raise = RAISE_MOST };
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t budget_due(const struct budget *b, uint64_t who)
{
    assert(who != 0);
    int64_t open_ns = later(b->open_ns, b->doubt_ns);
    if (b->holder != 0 && b->holder != who && b->held_ns > open_ns)
        return b->held_ns;
    return open_ns;
}

bool budget_is_held(const struct budget *b)
{
    return b->holder != 0;
}

/* The highest rate that can follow `link`. */
static int fast_link(const struct budget *b, int link)
{
    return link + b->raise < BUDGET_LINKS ? link + b->raise : BUDGET_LINKS - 1;
}

/* Queues a probe on a link that is idle from *idle_ns on. The link may be faster: what was sent
 * long ago is in no queue any more. */
static void queue(int64_t *idle_ns, int64_t service_ns, int64_t now_ns)
{
    int64_t until_ns = later(*idle_ns, now_ns) + service_ns, most_ns = now_ns + queue_most_ns;
    *idle_ns = until_ns < most_ns ? until_ns : most_ns;
}

static uint16_t at_most(uint64_t count)
{
    return count < BUDGET_UNKNOWN ? (uint16_t)count : BUDGET_UNKNOWN;
}

/* Serial numbers begin again at 0: one of long ago may not look like one to come. */
static void remember(uint32_t *serial, uint32_t newest)
{
    const uint32_t most = UINT32_MAX / 4;
    if (newest - *serial > most)
        *serial = newest - most;
}

/* Begins a train and a busy period where the links are idle; queues the probe on all of them. */
static void count_probe(struct budget *b, size_t size, int64_t now_ns)
{
    double bytes = (double)size;
    int64_t slowest_ns = (int64_t)(bytes / least_rate * NS_PER_S);

    if (now_ns >= b->idle_ns)
        b->in_train = 0;
    if (now_ns >= b->link_idle_ns[fast_link(b, b->link)]) {
        b->busy_ns = now_ns;
        b->busy_bytes = 0;
    }
    b->in_train++;
    b->busy_bytes += size;
    b->serial++;
    remember(&b->answered, b->serial);
    remember(&b->changed, b->serial);
    for (int i = 0; i < BUDGET_LINKS; i++)
        queue(&b->link_idle_ns[i], slowest_ns >> i, now_ns);
    queue(&b->idle_ns, (int64_t)(bytes / b->rate * NS_PER_S), now_ns);
    queue(&b->proven_idle_ns, (int64_t)(bytes / b->proven_rate * NS_PER_S), now_ns);
}

struct budget_mark budget_take(struct budget *b, uint64_t who, size_t size, bool more,
                               int64_t now_ns)
{
    assert(who != 0);
    count_probe(b, size + OVERHEAD, now_ns);
    bool full = b->in_train >= TRAIN_MOST ||
                (b->idle_ns - now_ns >= train_ns && b->in_train >= TRAIN_LEAST);
    b->open_ns = full ? b->idle_ns : now_ns;
    double most = TRAIN_MOST * (double)(size + OVERHEAD);
    int64_t most_ns = (int64_t)(most / b->proven_rate * NS_PER_S);
    if (b->proven_rate < b->rate && b->serial - b->answered >= TRAIN_MOST &&
        b->proven_idle_ns - now_ns >= most_ns)
        b->doubt_ns = b->proven_idle_ns - most_ns / 2;
    b->holder = more ? who : 0;
    b->held_ns = later(b->open_ns, b->doubt_ns) + hold_ns;
    assert(b->open_ns >= now_ns && b->idle_ns > now_ns);
    return (struct budget_mark){ .serial = b->serial,
                                 .bytes = at_most(b->busy_bytes),
                                 .elapsed_us = at_most((uint64_t)((now_ns - b->busy_ns) / US)) };
}

void budget_take_single(struct budget *b, uint64_t who, size_t size, int64_t now_ns)
{
    (void)budget_take(b, who, size, false, now_ns);
    if (b->idle_ns - now_ns >= train_ns)
        b->open_ns = later(b->open_ns, b->idle_ns);
}

/* ---- what the RTTs show -------------------------------------------------------------------- */

/* Compares only probes that are sent from now on: the busy periods are other ones. */
static void begin_pairs(struct budget *b, int raise)
{
    b->raise = raise;
    b->changed = b->serial + 1;
    b->busy_bytes = BUDGET_UNKNOWN;
    b->pairs = (struct budget_pairs){ 0 };
}

static void set_rate(struct budget *b, double rate)
{
    b->rate = rate < least_rate ? least_rate : rate > enough_rate ? no_limit : rate;
    b->link = link_of(b->rate);
    begin_pairs(b, RAISE_MOST);
}

/* Stops sending until the queue that the higher rate caused is empty. */
static void lower_rate(struct budget *b, double rate)
{
    set_rate(b, rate);
    b->proven_rate = b->rate;
    b->idle_ns = later(b->idle_ns, b->link_idle_ns[b->link]);
    b->open_ns = later(b->open_ns, b->idle_ns);
}

/* How many pairs show something, by Kish's effective sample size: one whose probes had as much in
 * front of them shows nothing. */
static double weight(const struct budget_pairs *p)
{
    return p->xx > 0 ? p->xx * p->xx / p->xxxx : 0;
}

/* Standard error of the slope, if all pairs vary as much. */
static double common_error(const struct budget_pairs *p, double slope)
{
    double squares = p->yy - slope * p->xy;
    return squares > 0 ? sqrt(squares / (p->count - 1) / p->xx) : 0;
}

/* The same by the residuals of the pairs that decide it (White, Econometrica 1980): the delay is
 * exact where nothing is in front of a probe, and is not where what is in front goes another way.
 */
static double own_error(const struct budget_pairs *p, double slope)
{
    double squares = p->xxyy - 2 * slope * p->xxxy + slope * slope * p->xxxx;
    double n = weight(p);
    return squares > 0 && n > 1 ? sqrt(squares * n / (n - 1)) / p->xx : 0;
}

/* The rate of a link on which a byte takes no longer than that, and no more than `most`. */
static double rate_below(double longest_ns, double most)
{
    return longest_ns * most > NS_PER_S ? NS_PER_S / longest_ns : most;
}

/* The capacity of the narrowest link, if it is known well enough to tell users. */
static void name_link(struct budget *b, double slope, double error)
{
    if (weight(&b->pairs) < PAIRS_LEAST)
        return;
    if (error < slope / 2)
        b->link_rate = NS_PER_S / slope;
    else if ((slope + error) * b->link_rate < NS_PER_S)
        b->link_rate = 0;
}

/* Each byte in front of a probe delays it by the slope, 1 / capacity of the narrowest link. */
static void judge(struct budget *b)
{
    const struct budget_pairs *p = &b->pairs;

    assert(p->count > 1 && p->xx > 0 && b->rate >= least_rate && b->rate <= no_limit);
    double slope = p->xy / p->xx, per_byte = NS_PER_S / fmin(b->rate, enough_rate);
    double error = fmax(common_error(p, slope), own_error(p, slope));

    name_link(b, slope, sure * error);
    if (slope - sure * error > per_byte) {
        lower_rate(b, safe * NS_PER_S / slope);
        return;
    }
    double most = rate_of(fast_link(b, b->link));
    b->proven_rate = fmax(b->proven_rate, rate_below(slope + certain * error, most));
    most = fmin(most, rate_of(fast_link(b, link_of(b->proven_rate))));
    double doubt = (b->rate > first_rate ? sure : guess) * error;
    if (b->rate < most && doubt < per_byte / 2 &&
        slope + doubt < per_byte / 2) /* twice the rate is below the capacity */
        set_rate(b, rate_below(slope + doubt, most));
}

void budget_answered(struct budget *b, struct budget_mark probe)
{
    if ((int32_t)(probe.serial - b->answered) > 0)
        b->answered = probe.serial;
    if (b->serial - b->answered <= TRAIN_MOST / 2)
        b->doubt_ns = 0;
}

static bool comparable(const struct budget *b, struct budget_mark probe)
{
    return (int32_t)(probe.serial - b->changed) >= 0 && probe.bytes != BUDGET_UNKNOWN &&
           probe.elapsed_us != BUDGET_UNKNOWN;
}

void budget_pair(struct budget *b, struct budget_mark before, struct budget_mark later,
                 int64_t longer_ns)
{
    struct budget_pairs *p = &b->pairs;

    if (!comparable(b, before) || !comparable(b, later))
        return;
    double x = (double)later.bytes - before.bytes;
    double y = (double)(longer_ns + (later.elapsed_us - before.elapsed_us) * US);
    p->count++;
    p->xx += x * x;
    p->xy += x * y;
    p->yy += y * y;
    p->xxxx += x * x * x * x;
    p->xxxy += x * x * x * y;
    p->xxyy += x * x * y * y;
    double each_s = fmin(b->rate, enough_rate) / PROBE_SIZE;
    double least = fmax(PAIRS_LEAST, judge_s * each_s);
    if (p->count >= PAIRS_ENOUGH * least && weight(p) < PAIRS_LEAST && b->raise > 1)
        begin_pairs(b, b->raise - 1); /* this process does not send fast enough to tell */
    else if (p->count >= least && p->xx > 0)
        judge(b);
    if (p->count >= each_s) /* the older half is dropped after about a second */
        *p = (struct budget_pairs){ p->count / 2, p->xx / 2,   p->xy / 2,  p->yy / 2,
                                    p->xxxx / 2,  p->xxxy / 2, p->xxyy / 2 };
}
