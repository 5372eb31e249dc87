/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap of due times, compared with a list that is searched. */
#include "check.h"
#include "base/dues.h"

enum { COUNT_OF_ALL = 200, STEPS = 20000 };

struct both {
    struct dues dues;
    struct due due[COUNT_OF_ALL];
    bool in[COUNT_OF_ALL];
    int64_t at_ns[COUNT_OF_ALL];
};

static int64_t earliest_ns(const struct both *b)
{
    int64_t first_ns = INT64_MAX;

    for (size_t i = 0; i < COUNT_OF_ALL; i++)
        if (b->in[i] && b->at_ns[i] < first_ns)
            first_ns = b->at_ns[i];
    return first_ns;
}

static void change(struct both *b, size_t i, uint64_t what)
{
    b->in[i] = what % 4 != 0;
    if (!b->in[i]) {
        dues_remove(&b->dues, &b->due[i]);
        return;
    }
    b->at_ns[i] = what % 64 == 1 ? INT64_MAX : (int64_t)(what >> 8) % 1000;
    dues_set(&b->dues, &b->due[i], b->at_ns[i]);
}

static void test_any_order(void)
{
    struct both b = { .dues = { 0 } };
    uint64_t seed = 16;
    size_t count = 0;

    check_case("the_earliest_due_time_is_first_after_any_changes");
    check_int("room", dues_reserve(&b.dues, COUNT_OF_ALL), 0);
    for (int step = 0; step < STEPS; step++) {
        change(&b, check_random(&seed) % COUNT_OF_ALL, check_random(&seed));
        if (!check_int("first", dues_first_ns(&b.dues), earliest_ns(&b)))
            break;
    }
    for (size_t i = 0; i < COUNT_OF_ALL; i++)
        count += b.in[i];
    check_int("count", (int64_t)b.dues.count, (int64_t)count);

    check_case("elements_leave_in_their_order");
    for (int64_t before_ns = 0; b.dues.count > 0; count--) {
        struct due *first = dues_first(&b.dues);
        check_that(first->at_ns >= before_ns, "%lld after %lld", (long long)first->at_ns,
                   (long long)before_ns);
        before_ns = first->at_ns;
        dues_remove(&b.dues, first);
        check_int("place", (int64_t)first->place, 0);
    }
    check_int("left", (int64_t)count, 0);
    dues_fini(&b.dues);
}

static void test_edges(void)
{
    struct dues dues = { 0 };
    struct due one = { 0 };

    check_case("an_empty_heap_has_nothing_due");
    check_that(dues_first(&dues) == NULL, "there is something");
    check_int("first", dues_first_ns(&dues), INT64_MAX);
    dues_remove(&dues, &one);

    check_case("room_for_more_keeps_what_is_there");
    check_int("room", dues_reserve(&dues, 1), 0);
    dues_set(&dues, &one, 7);
    check_int("more room", dues_reserve(&dues, 1000), 0);
    check_that(dues_first(&dues) == &one, "it is gone");
    dues_fini(&dues);
}

int main(void)
{
    test_any_order();
    test_edges();
    return check_done();
}
