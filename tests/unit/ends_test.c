/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces whose ends are the same place. */
#include "check.h"
#include "engine/ends.h"

#include <stdio.h>

#define S INT64_C(1000000000)

static struct end end_of(unsigned target, uint8_t ttl, uint32_t before, enum end_limit limit)
{
    struct end end = {
        .serial = target, .protocol = WIRE_UDP, .ttl = ttl, .before = { before }, .limit = limit
    };
    char text[20];

    snprintf(text, sizeof text, "192.0.%u.%u", target / 250, target % 250);
    ipaddr_from_text(&end.address, text);
    ipaddr_from_text(&end.source, "198.51.100.1");
    return end;
}

static void note(struct ends *all, const struct end *end, int64_t now_ns)
{
    size_t place = 0;
    ends_note(all, end, &place, now_ns);
}

static bool has_sharer(const struct ends *all, struct end end, int64_t since_ns)
{
    return ends_has_sharer(all, &end, END_LIMITED, since_ns);
}

static void check_places(void)
{
    struct ends *all = ends_new();
    struct end one = end_of(1, 4, 77, END_LIMITED), other = end_of(2, 4, 77, END_UNLIMITED);

    check_case("an_end_is_no_sharer_of_itself");
    note(all, &one, 5 * S);
    check_that(!has_sharer(all, one, 0), "a sharer");
    struct end again = one;
    again.serial = 9; /* another flow to the same target */
    check_that(!has_sharer(all, again, 0), "a sharer of another flow");

    check_case("one_beyond_the_same_hop_is_a_sharer_within_its_time");
    check_that(has_sharer(all, other, 5 * S), "no sharer");
    check_that(!has_sharer(all, other, 6 * S), "a sharer long gone");

    check_case("one_probed_from_another_address_is_no_sharer");
    struct end away = other;
    ipaddr_from_text(&away.source, "198.51.100.2");
    check_that(!has_sharer(all, away, 0), "a sharer");

    check_case("one_beyond_another_hop_is_no_sharer");
    check_that(!has_sharer(all, end_of(2, 4, 78, END_LIMITED), 0), "a sharer");
    check_that(has_sharer(all, end_of(2, 4, 0, END_UNLIMITED), 0), "not known, and no sharer");

    check_case("an_end_at_the_same_ttl_or_beyond_the_same_hop");
    check_that(has_sharer(all, end_of(2, 5, 77, END_UNLIMITED), 0), "no sharer");
    check_that(!has_sharer(all, end_of(2, 5, 0, END_UNLIMITED), 0), "a sharer at another TTL");
    ends_free(all);
}

static void check_limits(void)
{
    struct ends *all = ends_new();
    struct end one = end_of(1, 4, 77, END_UNLIMITED), other = end_of(2, 4, 77, END_UNLIMITED);
    const uint32_t path_hashes[UINT8_MAX + 1] = { [3] = 77 };
    size_t place = 0;

    check_case("without_a_limit_there_are_no_sharers");
    ends_note(all, &one, &place, 0);
    check_that(!has_sharer(all, other, 0), "a sharer");
    check_int("beyond", ends_sharer_beyond(all, &other, END_LIMITED, 3, path_hashes, 0), 0);
    other.limit = END_LIMITED;
    check_that(has_sharer(all, other, 0), "no sharer though the trace itself has a limit");

    check_case("a_trace_without_a_reply_has_one_beyond");
    one.limit = END_LIMITED;
    ends_note(all, &one, &place, 0);
    check_int("beyond", ends_sharer_beyond(all, &other, END_LIMITED, 3, path_hashes, 0), 4);
    check_int("not beyond", ends_sharer_beyond(all, &other, END_LIMITED, 4, path_hashes, 0), 0);

    check_case("the_newest_are_kept");
    for (unsigned i = 0; i < ENDS_KEPT; i++) {
        struct end next = end_of(1000 + i, 9, 1, END_LIMITED);
        note(all, &next, S);
    }
    check_that(!has_sharer(all, other, 0), "an old one is left");
    ends_note(all, &one, &place, S);
    check_that(has_sharer(all, other, 0), "the old one is not noted again");
    ends_free(all);
}

int main(void)
{
    check_places();
    check_limits();
    return check_done();
}
