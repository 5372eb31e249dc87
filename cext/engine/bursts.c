/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/bursts.h"

#include "base/bound.h"
#include "base/units.h"

#include <stdlib.h>

enum {
    PASSES = 4,              /* bursts without a rate limit after which no other is needed */
    CONTRADICTING = 2,       /* one may find a bucket that was refilled at once */
    SLOTS = BOUND(1024, 16), /* by hash; responders that share one wait for each other */
};

static const int64_t fresh_ns = 60 * SECOND;
/* Refills the tokens of the longest burst at 1,000/s, in Linux's steps of 20 ms. */
static const int64_t rest_ns = 40 * MS;

struct slot {
    int64_t free_ns;
    struct ipaddr responder; /* that all below is about: the last one whose burst passed */
    int64_t passed_ns[PASSES];
    uint64_t passes, in_a_row; /* in_a_row: since the last one that did not pass */
};

struct bursts {
    struct slot slots[SLOTS];
};

struct bursts *bursts_new(void)
{
    return calloc(1, sizeof(struct bursts));
}

void bursts_free(struct bursts *bursts)
{
    free(bursts);
}

static size_t slot_of(const struct ipaddr *responder)
{
    return ipaddr_hash(responder) % SLOTS;
}

int64_t bursts_free_ns(const struct bursts *bursts, const struct ipaddr *responder)
{
    return bursts->slots[slot_of(responder)].free_ns;
}

int64_t bursts_last_ns(const struct bursts *bursts, const struct ipaddr *responder)
{
    return bursts->slots[slot_of(responder)].free_ns - rest_ns;
}

void bursts_sent(struct bursts *bursts, const struct ipaddr *responder, int64_t now_ns)
{
    bursts->slots[slot_of(responder)].free_ns = now_ns + rest_ns;
}

void bursts_passed(struct bursts *bursts, const struct ipaddr *responder, int64_t now_ns)
{
    struct slot *slot = &bursts->slots[slot_of(responder)];

    if (!ipaddr_equal(&slot->responder, responder)) {
        slot->responder = *responder;
        slot->passes = slot->in_a_row = 0;
    }
    slot->passed_ns[slot->passes++ % PASSES] = now_ns;
    slot->in_a_row++;
}

void bursts_failed(struct bursts *bursts, const struct ipaddr *responder)
{
    struct slot *slot = &bursts->slots[slot_of(responder)];

    if (ipaddr_equal(&slot->responder, responder))
        slot->in_a_row = 0;
}

bool bursts_have_passed(const struct bursts *bursts, const struct ipaddr *responder,
                        int64_t since_ns)
{
    const struct slot *slot = &bursts->slots[slot_of(responder)];

    if (slot->passes < PASSES || !ipaddr_equal(&slot->responder, responder))
        return false;
    int64_t oldest_ns = slot->passed_ns[slot->passes % PASSES]; /* of the last ones */
    int64_t newest_ns = slot->passed_ns[(slot->passes - 1) % PASSES];
    if (slot->in_a_row >= PASSES && oldest_ns > since_ns - fresh_ns)
        return newest_ns > since_ns;
    return oldest_ns > since_ns;
}

bool bursts_contradict(const struct bursts *bursts, const struct ipaddr *responder,
                       int64_t since_ns)
{
    const struct slot *slot = &bursts->slots[slot_of(responder)];

    if (slot->passes < CONTRADICTING || !ipaddr_equal(&slot->responder, responder))
        return false;
    return slot->passed_ns[(slot->passes - CONTRADICTING) % PASSES] > since_ns;
}
