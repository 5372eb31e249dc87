/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of probes: which probes it keeps and discards, and its search for open ones. */
#include "check.h"
#include "engine/probes.h"

static const int64_t keep_ns = 100000;

/* Adds `count` probes at intervals of 1 ns from `now_ns` on. */
static void add(struct probes *set, uint32_t count, int64_t now_ns, enum probe_state state)
{
    for (uint32_t i = 0; i < count; i++) {
        struct probe *p = probes_add(set, now_ns + i, keep_ns);
        if (p == NULL) {
            check_that(false, "no room for probe %u", set->next);
            return;
        }
        p->ttl = (uint8_t)p->number;
        p->state = state;
    }
}

static void check_held(const struct probes *set, uint32_t first, uint32_t count)
{
    for (uint32_t n = first; n != first + count; n++) {
        const struct probe *p = probes_get(set, n);
        if (p == NULL) {
            check_that(false, "probe %u is gone", n);
            return;
        }
        if (!check_int("number", p->number, n) || !check_int("ttl", p->ttl, (uint8_t)n))
            return;
    }
    check_that(probes_get(set, first + count) == NULL, "probe %u exists", first + count);
}

static void check_next_open(struct probes *set, uint32_t from, int64_t want)
{
    const struct probe *p = probes_next_open(set, from);
    check_int("next open", p != NULL ? (int64_t)p->number : -1, want);
}

static void test_empty(void)
{
    struct probes set = { 0 };

    check_case("an_empty_set_has_no_probe");
    check_that(probes_get(&set, 0) == NULL, "probe 0 exists");
    check_that(probes_get(&set, UINT32_MAX) == NULL, "the last number exists");
    check_next_open(&set, 0, -1);
    probes_fini(&set);

    check_case("a_new_probe_is_open_and_stamped");
    struct probe *p = probes_add(&set, 77, keep_ns);
    check_int("number", p->number, 0);
    check_int("state", p->state, PROBE_OPEN);
    check_int("sent_ns", p->sent_ns, 77);
    check_int("stamp_ns", p->stamp_ns, 0);
    probes_fini(&set);
}

static void test_growth(void)
{
    struct probes set = { 0 };

    check_case("open_probes_are_all_kept_however_many_and_old");
    add(&set, 5000, 0, PROBE_OPEN);
    add(&set, 5000, 100 * keep_ns, PROBE_OPEN);
    check_held(&set, 0, 10000);
    probes_fini(&set);

    check_case("finished_probes_are_kept_for_two_timeouts");
    add(&set, 300, 0, PROBE_ANSWERED);
    add(&set, 300, keep_ns - 300, PROBE_TIMED_OUT);
    check_that(probes_get(&set, 300) != NULL, "a young probe is gone");
    check_that(probes_get(&set, 0) != NULL, "a probe short of it by a nanosecond is gone");
    probes_fini(&set);

    check_case("finished_old_probes_make_room");
    for (int round = 0; round < 100; round++)
        add(&set, 60, round * keep_ns * 2, PROBE_ANSWERED);
    check_int("capacity", set.capacity, 64);
    check_held(&set, 100 * 60 - 60, 60);
    check_that(probes_get(&set, 0) == NULL, "probe 0 is still there");
    probes_fini(&set);

    check_case("an_old_open_probe_is_never_overtaken");
    add(&set, 1, 0, PROBE_OPEN);
    for (int round = 0; round < 20; round++)
        add(&set, 60, round * keep_ns * 2, PROBE_ANSWERED);
    check_held(&set, 0, 1201);
    check_next_open(&set, 500, -1);
    check_next_open(&set, 0, 0);
    probes_fini(&set);
}

static void test_limit(void)
{
    struct probes set = { 0 };

    check_case("a_full_set_takes_no_more");
    add(&set, PROBES_MAX, 0, PROBE_ANSWERED);
    check_that(probes_add(&set, PROBES_MAX, keep_ns * 2) == NULL, "one more was taken");
    check_held(&set, 0, PROBES_MAX);

    check_case("a_full_set_takes_more_once_the_oldest_is_old");
    add(&set, 1, keep_ns, PROBE_OPEN);
    check_that(probes_get(&set, 0) == NULL, "probe 0 is still there");
    check_held(&set, 1, PROBES_MAX);

    check_case("a_full_set_of_open_probes_takes_no_more_at_any_age");
    probes_fini(&set);
    add(&set, PROBES_MAX, 0, PROBE_OPEN);
    check_that(probes_add(&set, INT64_C(1) << 60, keep_ns) == NULL, "one more was taken");
    probes_fini(&set);
}

static void test_wrap(void)
{
    uint32_t start = UINT32_MAX - 99;
    struct probes set = { .oldest = start, .next = start, .first_open = start };

    check_case("numbers_wrap_without_a_loss");
    add(&set, 300, 0, PROBE_OPEN);
    check_held(&set, start, 300);
    check_that(probes_get(&set, start - 1) == NULL, "the one before the first exists");
    check_next_open(&set, start, start);
    check_next_open(&set, 5, 5);
    for (uint32_t n = start; n != 50; n++)
        probes_get(&set, n)->state = PROBE_TIMED_OUT;
    check_next_open(&set, start, 50);
    probes_fini(&set);
}

static void test_next_open(void)
{
    struct probes set = { 0 };

    check_case("the_first_open_probe_is_found_after_finished_ones");
    add(&set, 10, 0, PROBE_OPEN);
    check_next_open(&set, 0, 0);
    probes_get(&set, 0)->state = PROBE_ANSWERED;
    probes_get(&set, 1)->state = PROBE_SEND_ERROR;
    probes_get(&set, 2)->state = PROBE_LATE;
    check_next_open(&set, 0, 3);
    check_int("first_open", set.first_open, 3);

    check_case("the_search_begins_at_the_given_probe");
    probes_get(&set, 6)->state = PROBE_ANSWERED;
    check_next_open(&set, 5, 5);
    check_next_open(&set, 6, 7);
    check_int("first_open", set.first_open, 3);

    check_case("the_search_ends_after_the_newest");
    check_next_open(&set, 10, -1);
    for (uint32_t n = 0; n < 10; n++)
        probes_get(&set, n)->state = PROBE_TIMED_OUT;
    check_next_open(&set, 0, -1);

    check_case("a_probe_after_a_finished_set_is_found");
    add(&set, 1, 0, PROBE_OPEN);
    check_next_open(&set, 0, 10);
    probes_fini(&set);
}

int main(void)
{
    test_empty();
    test_growth();
    test_limit();
    test_wrap();
    test_next_open();
    return check_done();
}
