/* SPDX-License-Identifier: BSD-2-Clause */
/* The burst tests of all traces, by responder. */
#include "base/units.h"
#include "check.h"
#include "engine/bursts.h"

static void check_bursts(void)
{
    struct bursts *bursts = bursts_new();
    struct ipaddr router;

    ipaddr_from_text(&router, "192.0.2.1");

    check_case("bursts_to_one_responder_are_40_ms_apart");
    check_int("the first", bursts_free_ns(bursts, &router), 0);
    bursts_sent(bursts, &router, 100 * MS);
    check_int("the next", bursts_free_ns(bursts, &router), 140 * MS);

    check_case("four_bursts_that_passed_since_then_are_enough");
    for (int i = 1; i <= 4; i++) {
        check_that(!bursts_have_passed(bursts, &router, 5 * MS), "%d are enough", i - 1);
        bursts_passed(bursts, &router, i * 10 * MS);
    }
    check_that(bursts_have_passed(bursts, &router, 5 * MS), "four are not");

    check_case("one_burst_after_several_of_the_last_minute_is_enough");
    check_that(bursts_have_passed(bursts, &router, 39 * MS), "one after three is not");
    check_that(!bursts_have_passed(bursts, &router, 40 * MS), "none since then is");
    bursts_passed(bursts, &router, 60 * SECOND + 20 * MS);
    check_that(!bursts_have_passed(bursts, &router, 60 * SECOND + 20 * MS), "an old one is");
    check_that(bursts_have_passed(bursts, &router, 60 * SECOND + 19 * MS), "one is not");
    bursts_passed(bursts, &router, 60 * SECOND + 50 * MS);
    check_that(!bursts_have_passed(bursts, &router, 60 * SECOND + 45 * MS),
               "one is where the others are a minute old");

    check_case("a_failed_burst_discards_the_results_of_earlier_ones");
    for (int i = 1; i <= 4; i++)
        bursts_passed(bursts, &router, 70 * SECOND + i * 10 * MS);
    bursts_failed(bursts, &router);
    for (int i = 5; i <= 8; i++) {
        check_that(!bursts_have_passed(bursts, &router, 70 * SECOND + 45 * MS), "%d are enough",
                   i - 5);
        bursts_passed(bursts, &router, 70 * SECOND + i * 10 * MS);
    }
    check_that(bursts_have_passed(bursts, &router, 70 * SECOND + 45 * MS), "four are not");
    check_that(bursts_have_passed(bursts, &router, 70 * SECOND + 75 * MS), "nor is one then");
    bursts_free(bursts);
}

/* What one responder's bursts have shown says nothing of another with the same slot. */
static void check_neighbour(void)
{
    struct bursts *bursts = bursts_new();
    struct ipaddr router, other;

    ipaddr_from_text(&router, "192.0.2.1");
    other = router;
    do {
        if (++other.bytes[1] == 0)
            other.bytes[2]++;
        bursts_sent(bursts, &other, 100 * MS);
    } while (bursts_free_ns(bursts, &router) == 0);

    check_case("a_responder_with_the_same_slot_passed_no_burst_for_another");
    for (int i = 1; i <= 4; i++)
        bursts_passed(bursts, &other, i * 10 * MS);
    check_that(bursts_have_passed(bursts, &other, 5 * MS), "its own count");
    check_that(!bursts_have_passed(bursts, &router, 5 * MS), "the other's count");
    check_that(!bursts_contradict(bursts, &router, 5 * MS), "the other's contradict");
    bursts_failed(bursts, &router);
    check_that(bursts_have_passed(bursts, &other, 35 * MS), "a failure of the other counts");
    bursts_passed(bursts, &router, 50 * MS);
    check_that(!bursts_contradict(bursts, &router, 5 * MS), "one and one of the other are two");
    bursts_free(bursts);
}

static void check_contradiction(void)
{
    struct bursts *bursts = bursts_new();
    struct ipaddr router;

    ipaddr_from_text(&router, "192.0.2.1");
    check_case("two_bursts_that_passed_since_then_contradict");
    check_that(!bursts_contradict(bursts, &router, 0), "none do");
    bursts_passed(bursts, &router, 10 * MS);
    check_that(!bursts_contradict(bursts, &router, 0), "one does");
    bursts_failed(bursts, &router);
    bursts_passed(bursts, &router, 20 * MS);
    check_that(bursts_contradict(bursts, &router, 9 * MS), "two do not");
    check_that(!bursts_contradict(bursts, &router, 10 * MS), "one and an older one do");
    bursts_free(bursts);
}

int main(void)
{
    check_bursts();
    check_neighbour();
    check_contradiction();
    return check_done();
}
