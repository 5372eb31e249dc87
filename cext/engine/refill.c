/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/refill.h"

#include "base/units.h"

#include <assert.h>

enum {
    FEW = 3, /* tokens a second: Linux has one, or two with a remainder */
    IN_A_ROW = 3,
};

void refill_add(struct refill *refill, uint8_t answered)
{
    assert(refill->bursts < REFILL_BURSTS);
    refill->answered[refill->bursts++] = answered;
}

/* True after a burst without a reply: tokens come less than once a second, or many at a time. */
static bool has_gap(const struct refill *refill)
{
    for (int i = 0; i < refill->bursts; i++)
        if (refill->answered[i] == 0)
            return true;
    return false;
}

/* True if the last three bursts were all answered, by few tokens. In earlier bursts others may have
 * used the tokens, or a burst came just before its token. A refill slower than once a second cannot
 * answer three bursts in a row. */
static bool keeps_up(const struct refill *refill)
{
    int in_a_row = 0;

    while (in_a_row < refill->bursts) {
        int answered = refill->answered[refill->bursts - 1 - in_a_row];
        if (answered == 0 || answered >= FEW)
            break;
        in_a_row++;
    }
    return in_a_row >= IN_A_ROW;
}

bool refill_is_done(const struct refill *refill)
{
    if (refill->bursts < 2)
        return false;
    return refill_is_full(refill) || !has_gap(refill) || keeps_up(refill);
}

bool refill_is_full(const struct refill *refill)
{
    return refill->bursts == REFILL_BURSTS;
}

bool refill_is_silent(const struct refill *refill)
{
    for (int i = 0; i < refill->bursts; i++)
        if (refill->answered[i] > 0)
            return false;
    return true;
}

/* For bursts that were all answered: the smallest number of tokens is refilled during one rest. */
static int64_t steady_ns(const struct refill *refill, int64_t rest_ns)
{
    int least = refill->answered[0];

    for (int i = 1; i < refill->bursts; i++)
        if (refill->answered[i] < least)
            least = refill->answered[i];
    if (least < FEW)
        return TOKEN_NS;
    int64_t sample_interval_ns = rest_ns * 13 / 10 / (least - 1);
    return sample_interval_ns < INTERVAL_USUAL_NS ? INTERVAL_USUAL_NS : sample_interval_ns;
}

/* For bursts that were not all answered: tokens after the first answered burst were refilled
 * between that one and the last answered one, which bounds the interval from above. */
static int64_t sparse_ns(const struct refill *refill, int64_t rest_ns)
{
    int first = 0, last = refill->bursts - 1, tokens = 0;

    while (first < last && refill->answered[first] == 0)
        first++;
    while (last > first && refill->answered[last] == 0)
        last--;
    for (int i = first + 1; i <= last; i++)
        tokens += refill->answered[i];
    if (tokens == 0)
        return 0;
    int64_t sample_interval_ns = (last - first + 1) * rest_ns / tokens;
    return sample_interval_ns < TOKEN_NS ? TOKEN_NS : sample_interval_ns;
}

int64_t refill_wait_ns(const struct refill *refill, int64_t rest_ns)
{
    int longest = 0, gap = 0;

    if (keeps_up(refill))
        return TOKEN_NS;
    for (int i = 0; i < refill->bursts; i++) {
        gap = refill->answered[i] == 0 ? gap + 1 : 0;
        longest = gap > longest ? gap : longest;
    }
    return longest > 0 ? (longest + 2) * rest_ns : TOKEN_NS;
}

int64_t refill_spacing_ns(const struct refill *refill, int64_t rest_ns)
{
    assert(refill_is_done(refill));
    if (keeps_up(refill))
        return TOKEN_NS;
    return has_gap(refill) ? sparse_ns(refill, rest_ns) : steady_ns(refill, rest_ns);
}
