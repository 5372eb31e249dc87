/* SPDX-License-Identifier: BSD-2-Clause */
/* The routers that traces saw on their paths, and the targets that share them. */
#include "check.h"
#include "engine/prefix.h"

#include <stdio.h>
#include <string.h>

#define S INT64_C(1000000000)
enum { A = 100, B = 200, TTL = 3 };

static struct wire_spec spec_of(int target)
{
    struct wire_spec spec = { .protocol = WIRE_ICMP };
    char text[20];

    snprintf(text, sizeof text, "192.0.2.%d", target);
    ipaddr_from_text(&spec.target, text);
    ipaddr_from_text(&spec.source, "198.51.100.1");
    return spec;
}

/* Notes a responder at TTL for the trace to a target, whose number is also its serial number. */
static size_t note(struct prefixes *all, int target, uint32_t hash, int64_t now_ns)
{
    const struct wire_spec spec = spec_of(target);
    const struct prefix_key key = { .spec = &spec };
    size_t place = 0;

    prefixes_note(all, &key, (uint64_t)target, &place, TTL, hash, now_ns);
    return place;
}

static struct prefix_seen guess(const struct prefixes *all, int target, uint16_t flow,
                                const uint32_t *path_hashes, int64_t now_ns)
{
    static const uint32_t none[UINT8_MAX + 1];
    const struct wire_spec spec = spec_of(target);
    const struct prefix_key key = { .spec = &spec, .flow = flow };

    return prefixes_guess(all, &key, 999, path_hashes != NULL ? path_hashes : none, TTL, now_ns);
}

static void check_one_router(void)
{
    struct prefixes *all = prefixes_new();

    check_case("without_notes_there_is_no_guess");
    check_int("guess", guess(all, 50, 0, NULL, 0).guess, PREFIX_NONE);

    check_case("two_that_agree_are_too_few");
    note(all, 10, A, 0);
    note(all, 90, A, 0);
    check_int("guess", guess(all, 50, 0, NULL, 0).guess, PREFIX_UNSURE);

    check_case("three_that_agree_apply_to_the_targets_between_them");
    note(all, 40, A, 0);
    struct prefix_seen seen = guess(all, 50, 0, NULL, 0);
    check_int("guess", seen.guess, PREFIX_SAME);
    check_int("hash", seen.hash, A);
    check_int("beyond them", guess(all, 91, 0, NULL, 0).guess, PREFIX_UNSURE);
    check_that(guess(all, 91, 0, NULL, 0).first, "the outermost is not probed first");
    check_that(!seen.first, "one between them is probed first");

    check_case("not_for_another_flow_nor_after_a_minute_nor_on_another_path");
    uint32_t path_hashes[UINT8_MAX + 1] = { 0, 7 };
    struct wire_spec spec = spec_of(40);
    size_t place = 0;
    check_int("flow", guess(all, 50, 1, NULL, 0).guess, PREFIX_NONE);
    check_int("age", guess(all, 50, 0, NULL, 60 * S).guess, PREFIX_NONE);
    prefixes_note(all, &(struct prefix_key){ .spec = &spec }, 41, &place, 1, 8, 0);
    prefixes_note(all, &(struct prefix_key){ .spec = &spec }, 41, &place, TTL, B, 0);
    check_int("the other path is left out", guess(all, 50, 0, path_hashes, 0).guess, PREFIX_SAME);
    prefixes_free(all);
}

static void check_several(void)
{
    struct prefixes *all = prefixes_new();

    check_case("each_router_has_its_range_of_targets");
    for (int i = 0; i < 8; i++) {
        note(all, 10 + i * 10, A, 0);
        note(all, 110 + i * 10, B, 0);
    }
    check_int("in the first", (int64_t)guess(all, 55, 0, NULL, 0).hash, A);
    check_int("in the second", (int64_t)guess(all, 155, 0, NULL, 0).hash, B);
    check_int("between them", guess(all, 95, 0, NULL, 0).guess, PREFIX_UNSURE);

    check_case("a_range_with_one_exception_applies_to_no_target");
    note(all, 135, A, 0);
    check_int("guess", guess(all, 55, 0, NULL, 0).guess, PREFIX_UNSURE);
    prefixes_free(all);
}

static void check_in_flight(void)
{
    struct prefixes *all = prefixes_new();

    for (int i = 0; i < 4; i++)
        note(all, 10 + i * 10, A, 0);
    check_case("one_with_a_probe_in_flight_keeps_the_others_waiting");
    const struct wire_spec spec = spec_of(25);
    const struct prefix_key key = { .spec = &spec };
    size_t place = 0;
    prefixes_note(all, &key, 25, &place, TTL, PREFIX_ASKED, 0);
    check_int("in flight", guess(all, 15, 0, NULL, 0).guess, PREFIX_UNSURE);
    prefixes_note(all, &key, 25, &place, TTL, A, 0);
    check_int("answered", guess(all, 15, 0, NULL, 0).guess, PREFIX_SAME);

    check_case("one_that_ended_without_a_reply_is_no_evidence");
    prefixes_note(all, &key, 25, &place, TTL, PREFIX_ASKED, 0);
    prefixes_end(all, 25, place);
    check_int("ended", guess(all, 15, 0, NULL, 0).guess, PREFIX_SAME);

    check_case("one_without_a_reply_although_there_were_tokens_is_evidence_against_it");
    prefixes_note(all, &key, 25, &place, TTL, PREFIX_OTHER, 0);
    check_int("other", guess(all, 15, 0, NULL, 0).guess, PREFIX_UNSURE);
    prefixes_free(all);
}

static void check_bound(void)
{
    struct prefixes *all = prefixes_new();

    check_case("the_newest_paths_are_kept_and_a_place_is_known_by_its_serial_number");
    const struct wire_spec spec = spec_of(1);
    const struct prefix_key key = { .spec = &spec };
    size_t first = 0, place;
    prefixes_note(all, &key, 1, &first, TTL, A, 0);
    for (uint64_t serial = 2; serial <= PREFIX_TRACES + 1; serial++) {
        place = 0;
        prefixes_note(all, &key, serial, &place, TTL, B, 0);
    }
    prefixes_end(all, 1, first); /* its place was reused, so nothing changes */
    check_that(guess(all, 1, 0, NULL, 0).live, "the end of one has ended another");
    prefixes_free(all);
    prefixes_free(NULL);
}

int main(void)
{
    check_one_router();
    check_several();
    check_in_flight();
    check_bound();
    return check_done();
}
