/* SPDX-License-Identifier: BSD-2-Clause */
/* The refill interval of a token bucket, measured by bursts about a second apart. */
#include "base/units.h"
#include "check.h"
#include "engine/refill.h"

static const int64_t rest_ns = 1000 * MS;

int main(void)
{
    static const struct {
        const char *name;
        int bursts;
        uint8_t answered[REFILL_BURSTS];
        int64_t sample_interval_ns, wait_ns;
    } rows[] = {
        { "one_token_each_time_is_one_a_second", 2, { 1, 1 }, 1050 * MS, 1050 * MS },
        { "a_token_left_over_does_not_speed_it_up", 2, { 2, 1 }, 1050 * MS, 1050 * MS },
        { "seven_a_second_give_a_longer_interval", 2, { 7, 7 }, 1300 * MS / 6, 1050 * MS },
        { "the_poorer_burst_counts", 2, { 7, 4 }, 1300 * MS / 3, 1050 * MS },
        { "sixteen_a_second_give_the_interval_of_a_sample", 2, { 16, 16 }, 100 * MS, 1050 * MS },
        { "three_in_a_row_make_up_for_what_was_missing_before",
          5,
          { 0, 0, 1, 2, 1 },
          1050 * MS,
          1050 * MS },
        { "two_at_a_time_are_not_taken_for_one_each",
          8,
          { 0, 2, 0, 0, 2, 0, 0, 2 },
          7000 * MS / 4,
          4000 * MS },
        { "every_other_burst_is_two_seconds_and_more",
          8,
          { 1, 0, 1, 0, 1, 0, 1, 0 },
          7000 * MS / 3,
          3000 * MS },
        { "bursts_that_begin_and_end_with_tokens_do_not_count_them_twice",
          8,
          { 1, 0, 1, 0, 1, 0, 1, 1 },
          2000 * MS,
          3000 * MS },
        { "five_at_a_time_every_five_seconds_are_waited_for",
          8,
          { 5, 0, 0, 0, 0, 5, 0, 0 },
          1200 * MS,
          6000 * MS },
        { "replies_that_were_lost_only_slow_it_down",
          8,
          { 0, 1, 1, 0, 1, 1, 0, 1 },
          7000 * MS / 4,
          3000 * MS },
        { "a_single_burst_gives_no_interval", 8, { 0, 0, 0, 1, 0, 0, 0, 0 }, 0, 6000 * MS },
        { "no_burst_gives_no_interval", 8, { 0 }, 0, 10000 * MS },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct refill refill = { 0 };
        check_case("%s", rows[i].name);
        while (!refill_is_done(&refill))
            refill_add(&refill, rows[i].answered[refill.bursts]);
        check_int("bursts", refill.bursts, rows[i].bursts);
        check_int("sample_interval_ns", refill_spacing_ns(&refill, rest_ns),
                  rows[i].sample_interval_ns);
        check_int("wait_ns", refill_wait_ns(&refill, rest_ns), rows[i].wait_ns);
    }
    return check_done();
}
