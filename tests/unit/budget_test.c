/* SPDX-License-Identifier: BSD-2-Clause */
/* The budget of bytes shared by all traces of a process. */
#include "base/units.h"
#include "engine/budget.h"
#include "check.h"

enum { SIZE = 64, ME = 1, OTHER = 2 };

/* Returns the number of probes that may be sent at once. */
static int at_once(struct budget *b, int64_t now_ns)
{
    int sent = 0;

    while (budget_due(b, ME) <= now_ns && sent < 10000) {
        budget_take(b, ME, SIZE, false, now_ns);
        sent++;
    }
    return sent;
}

/* Returns the number of probes sent within a second. */
static int in_a_second(struct budget *b, int size)
{
    int sent = 0;
    int64_t now_ns = 0;

    while ((now_ns = budget_due(b, ME) > now_ns ? budget_due(b, ME) : now_ns) < 1000 * MS) {
        budget_take(b, ME, (size_t)size, false, now_ns);
        sent++;
    }
    return sent;
}

static void check_trains(void)
{
    struct budget b;

    check_case("a_train_is_of_three_probes_until_more_is_known");
    budget_init(&b);
    check_int("first", at_once(&b, 0), 3);
    check_int("within it", at_once(&b, 10 * MS), 0);
    check_int("after it", at_once(&b, 11 * MS), 3);

    check_case("a_link_of_256_kbit_carries_the_probes_of_a_second");
    budget_init(&b);
    int sent = in_a_second(&b, SIZE);
    check_that(sent * (SIZE + 18) * 8 < 256000 && sent > 250, "%d probes", sent);

    check_case("a_single_probe_needs_no_train");
    budget_init(&b);
    budget_take_single(&b, OTHER, 1500, 0);
    check_that(budget_due(&b, ME) > 50 * MS, "company at %lld ns", (long long)budget_due(&b, ME));

    check_case("three_large_probes_are_a_train");
    budget_init(&b);
    int large = 0;
    while (budget_due(&b, ME) <= 0) {
        budget_take(&b, ME, 1400, false, 0);
        large++;
    }
    check_int("large", large, 3);

    check_case("a_probe_knows_what_was_sent_right_before_it");
    budget_init(&b);
    check_int("first", budget_take(&b, ME, SIZE, false, 0).bytes, SIZE + 20);
    struct budget_mark second = budget_take(&b, ME, SIZE, false, MS / 10);
    check_int("second", second.bytes, 2 * (SIZE + 20));
    check_int("after", second.elapsed_us, 100);
    struct budget_mark later = budget_take(&b, ME, SIZE, false, 100 * MS);
    check_int("later", later.bytes, SIZE + 20);
    check_int("after nothing", later.elapsed_us, 0);
    check_int("third in all", later.serial, 3);
}

static void check_bursts(void)
{
    struct budget b;

    check_case("no_trace_sends_between_the_probes_of_a_burst");
    budget_init(&b);
    for (int i = 0; i < 5; i++)
        budget_take(&b, ME, SIZE, true, 0);
    int64_t mine_ns = budget_due(&b, ME);
    check_that(budget_due(&b, OTHER) > mine_ns, "the other goes first");
    check_that(budget_is_held(&b), "a sender may stop within it");
    budget_take(&b, ME, SIZE, false, mine_ns);
    check_that(!budget_is_held(&b), "it does not end");
    check_int("after it", budget_due(&b, OTHER), mine_ns);

    check_case("an_abandoned_burst_delays_no_other_trace");
    budget_init(&b);
    budget_take(&b, ME, SIZE, true, 0);
    check_that(budget_due(&b, OTHER) <= 2 * MS, "held for %lld ns",
               (long long)budget_due(&b, OTHER));
}

/* Reports a pair of which the first probe has this serial number. */
static void show_pair(struct budget *b, uint32_t serial, int bytes, int64_t longer_ns)
{
    struct budget_mark before = { .serial = serial, .bytes = 100 };
    struct budget_mark later = { .serial = b->changed, .bytes = (uint16_t)(100 + bytes) };

    budget_pair(b, before, later, longer_ns);
}

/* Reports packet pairs as a link of `link` bytes/s delays them, with alternating jitter. */
static void show_link(struct budget *b, double link, int64_t jitter_ns, int pairs)
{
    for (int i = 0; i < pairs; i++) {
        int bytes = i % 2 == 0 ? 84 : -84;
        int64_t delay_ns = link > 0 ? (int64_t)(bytes / link * 1e9) : 0;
        show_pair(b, b->changed, bytes, delay_ns + (i / 2 % 2 == 0 ? jitter_ns : -jitter_ns));
    }
}

static void check_learning(void)
{
    struct budget b;

    check_case("rtts_that_do_not_rise_raise_the_rate");
    budget_init(&b);
    show_link(&b, 0, 20000, 6);
    check_int("train at eight times the rate", at_once(&b, 0), 10);
    show_link(&b, 0, 20000, 40);
    check_int("train at 64 times the rate", at_once(&b, 100 * MS), 32);
    check_that(b.link_rate == 0, "a narrow link is seen");

    check_case("a_link_of_1_mbit_is_used_and_measured");
    budget_init(&b);
    show_link(&b, 125e3, 100000, 100);
    int fast = at_once(&b, 0);
    check_that(fast >= 4 && fast <= 6, "train of %d", fast);
    check_that(b.link_rate > 110e3 && b.link_rate < 140e3, "%.0f bytes a second", b.link_rate);

    check_case("a_jitter_that_hides_the_link_decides_nothing");
    budget_init(&b);
    show_link(&b, 0, 20 * MS, 40);
    check_int("train", at_once(&b, 0), 3);
    check_that(b.link_rate == 0, "a narrow link is seen");

    check_case("the_rate_rises_no_higher_than_the_link_carries");
    budget_init(&b);
    for (int i = 0; i < 10; i++)
        show_link(&b, 1e6, 20000, 16);
    check_that(b.rate > 400e3 && b.rate < 1100e3, "%.0f bytes a second", b.rate);

    check_case("a_probe_that_was_sent_at_another_rate_shows_nothing");
    budget_init(&b);
    budget_take(&b, ME, SIZE, false, 0);
    show_link(&b, 125e3, 20000, 6);
    double rate = b.rate;
    check_that(rate > 100e3 && b.changed == 2, "%.0f bytes a second", rate);
    for (int i = 0; i < 40; i++)
        show_pair(&b, 1, 62, i % 2 == 0 ? -2000 : 2000);
    check_that(b.rate == rate, "raised to %.0f by pairs with a probe from before", b.rate);
    for (int i = 0; i < 40; i++)
        show_pair(&b, 2, 62, i % 2 == 0 ? -2000 : 2000);
    check_that(b.rate > rate, "%.0f after pairs of this rate", b.rate);
}

static void check_doubt(void)
{
    struct budget b;
    struct budget_mark newest = { 0 };
    int64_t now_ns = 0;
    int sent = 0;

    check_case("a_rate_that_is_not_proven_has_few_probes_on_the_way");
    budget_init(&b);
    show_link(&b, 0, 3 * MS / 2, 6);
    check_that(b.rate > 50e3 && b.proven_rate == 25e3, "%.0f, proven %.0f", b.rate, b.proven_rate);
    for (; budget_due(&b, ME) < now_ns + 20 * MS; sent++) {
        now_ns = budget_due(&b, ME) > now_ns ? budget_due(&b, ME) : now_ns;
        newest = budget_take(&b, ME, SIZE, false, now_ns);
    }
    double queued = sent - (double)now_ns / 1e9 * 25e3 / (SIZE + 20);
    check_that(queued >= 32 && queued < 36, "%.1f wait if the link has no more", queued);
    check_that(budget_due(&b, ME) < now_ns + 500 * MS, "nothing more goes out without a reply");
    budget_answered(&b, (struct budget_mark){ .serial = newest.serial - 20 });
    check_that(budget_due(&b, ME) > now_ns + 20 * MS, "20 may be on the way");
    budget_answered(&b, newest);
    check_that(budget_due(&b, ME) <= now_ns + 20 * MS, "none is on the way");
}

/* A link with one queue behind a sender that needs a varying time for each probe. */
struct uplink {
    double rate;
    int64_t idle_ns, longest_ns; /* the most that a probe has waited */
    struct budget_mark mark[64]; /* of the newest probes, by number, and when the reply comes */
    int64_t rtt_ns[64], reply_ns[64];
    int sent, answered;
};

static void uplink_send(struct uplink *u, struct budget *b, int64_t now_ns)
{
    int place = u->sent++ % 64;

    u->mark[place] = budget_take(b, ME, SIZE, false, now_ns);
    if (u->idle_ns < now_ns)
        u->idle_ns = now_ns;
    if (u->idle_ns - now_ns > u->longest_ns)
        u->longest_ns = u->idle_ns - now_ns;
    u->idle_ns += (int64_t)((SIZE + 20) / u->rate * 1e9);
    u->rtt_ns[place] = u->idle_ns - now_ns + 5 * MS;
    u->reply_ns[place] = now_ns + u->rtt_ns[place];
}

static void uplink_replies(struct uplink *u, struct budget *b, int64_t now_ns)
{
    for (; u->answered < u->sent && u->reply_ns[u->answered % 64] <= now_ns; u->answered++) {
        int place = u->answered % 64, before = (u->answered + 63) % 64;
        budget_answered(b, u->mark[place]);
        if (u->answered > 0)
            budget_pair(b, u->mark[before], u->mark[place], u->rtt_ns[place] - u->rtt_ns[before]);
    }
}

static void check_uplink(double rate)
{
    struct budget b;
    struct uplink u = { .rate = rate };
    uint32_t random = 1;
    int64_t now_ns = 0;

    budget_init(&b);
    while (u.sent < 3000) {
        random = random * 1664525 + 1013904223;
        now_ns += 40000 + random % 60000; /* ns */
        uplink_replies(&u, &b, now_ns);
        if (budget_due(&b, ME) <= now_ns && u.sent - u.answered < 63)
            uplink_send(&u, &b, now_ns);
    }
    bool unknown = rate > 150e3 && b.link_rate == 0; /* the sender hardly fills a faster link */
    check_that(unknown || (b.link_rate > 0.95 * rate && b.link_rate < 1.05 * rate), "measured %.0f",
               b.link_rate);
    check_that(b.rate > 0.6 * rate && b.rate < 1.02 * rate, "used %.0f", b.rate);
    check_that(u.longest_ns < 10 * MS, "%lld ns in the queue", (long long)u.longest_ns);
}

static void check_lowering(void)
{
    struct budget b;

    check_case("a_link_of_a_tenth_lowers_it");
    budget_init(&b);
    show_link(&b, 10e3, 20000, 60);
    check_that(b.rate < 10e3, "%.0f bytes a second", b.rate);

    check_case("probes_sent_too_fast_leave_the_link_before_the_next");
    budget_init(&b);
    for (int i = 0; i < 30; i++)
        budget_take(&b, ME, SIZE, false, 0);
    show_link(&b, 10e3, 20000, 60);
    check_that(budget_due(&b, ME) > 30 * (SIZE + 20) * 1000000LL / 13, "the next at %lld ns",
               (long long)budget_due(&b, ME));

    check_case("so_they_do_on_a_link_that_is_faster_than_at_first");
    budget_init(&b);
    show_link(&b, 0, 20000, 6); /* 200 kB/s */
    for (int i = 0; i < 64; i++)
        budget_take(&b, ME, SIZE, false, 0);
    show_link(&b, 80e3, 20000, 60);
    check_that(b.rate > 60e3 && b.rate < 80e3, "%.0f bytes a second", b.rate);
    check_that(budget_due(&b, ME) > 64 * (SIZE + 20) * 1000LL / 80 * 1000, "the next at %lld ns",
               (long long)budget_due(&b, ME));

    check_case("probes_sent_long_ago_delay_no_trace");
    budget_init(&b);
    show_link(&b, 0, 20000, 100);
    for (int64_t now_ns = 0; now_ns < 2000 * MS; now_ns += MS / 100)
        budget_take(&b, ME, SIZE, false, now_ns);
    show_link(&b, 10e3, 20000, 60);
    check_that(budget_due(&b, ME) <= 7000 * MS, "the next at %lld ns",
               (long long)budget_due(&b, ME));
}

int main(void)
{
    check_trains();
    check_bursts();
    check_learning();
    check_lowering();
    check_doubt();
    check_case("the_time_between_two_probes_is_not_taken_for_a_delay");
    check_uplink(40e3);
    check_uplink(125e3);
    check_uplink(200e3);
    return check_done();
}
