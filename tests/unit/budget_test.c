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

    check_case("a_probe_knows_what_waits_before_it");
    budget_init(&b);
    check_int("first", budget_take(&b, ME, SIZE, false, 0), 0);
    check_int("second", budget_take(&b, ME, SIZE, false, 0), SIZE + 20);
    check_int("later", budget_take(&b, ME, SIZE, false, 100 * MS), 0);
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

/* Reports packet pairs as a link of `link` bytes/s delays them, with alternating jitter. */
static void show_link(struct budget *b, double link, int64_t jitter_ns, int pairs)
{
    for (int i = 0; i < pairs; i++) {
        int bytes = i % 2 == 0 ? 84 : -84;
        int64_t delay_ns = link > 0 ? (int64_t)(bytes / link * 1e9) : 0;
        budget_pair(b, bytes, delay_ns + (i / 2 % 2 == 0 ? jitter_ns : -jitter_ns));
    }
}

static void check_learning(void)
{
    struct budget b;

    check_case("rtts_that_do_not_rise_raise_the_rate");
    budget_init(&b);
    show_link(&b, 0, 20000, 12);
    check_that(at_once(&b, 0) >= 12, "a burst takes more than a train");
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
    return check_done();
}
