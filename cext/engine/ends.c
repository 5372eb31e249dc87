/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/ends.h"

#include <stdlib.h>

struct kept {
    struct end end;
    int64_t seen_ns; /* when it was last noted */
};

struct ends {
    size_t next;                 /* ends noted so far */
    struct kept kept[ENDS_KEPT]; /* a ring */
};

struct ends *ends_new(void)
{
    return calloc(1, sizeof(struct ends));
}

void ends_free(struct ends *all)
{
    free(all);
}

/* The number of places in the ring that were used, from 0; place 0 is not used at first. */
static size_t used(const struct ends *all)
{
    return all->next < ENDS_KEPT ? all->next + 1 : ENDS_KEPT;
}

void ends_note(struct ends *all, const struct end *end, size_t *place, int64_t now_ns)
{
    struct kept *kept = &all->kept[*place % ENDS_KEPT];

    if (*place == 0 || kept->end.serial != end->serial) {
        *place = ++all->next;
        kept = &all->kept[*place % ENDS_KEPT];
        *kept = (struct kept){ 0 };
    }
    kept->end = *end;
    kept->seen_ns = now_ns;
}

void ends_before(uint32_t before[ENDS_BEFORE], const uint32_t *path_hashes, uint8_t ttl)
{
    for (int i = 0; i < ENDS_BEFORE; i++)
        before[i] = ttl > i + 1 ? path_hashes[ttl - i - 1] : 0;
}

/* True if one hop before is the same, or none is known of both. Several paths to one host may
 * differ in the others. */
static bool same_before(const uint32_t a[ENDS_BEFORE], const uint32_t b[ENDS_BEFORE])
{
    bool known = false;

    for (int i = 0; i < ENDS_BEFORE; i++) {
        if (a[i] != 0 && a[i] == b[i])
            return true;
        known = known || (a[i] != 0 && b[i] != 0);
    }
    return !known;
}

static bool same_place(const struct end *a, const struct end *b)
{
    if (a->ttl == b->ttl)
        return same_before(a->before, b->before);
    return a->before[0] != 0 && a->before[0] == b->before[0];
}

/* The end of a trace to another target, from the same source address, noted since then. */
static bool is_other(const struct kept *kept, const struct end *end, int64_t since_ns)
{
    return kept->end.serial != 0 && kept->end.serial != end->serial && kept->seen_ns >= since_ns &&
           ipaddr_equal(&kept->end.source, &end->source) &&
           !ipaddr_equal(&kept->end.address, &end->address);
}

bool ends_has_sharer(const struct ends *all, const struct end *end, enum end_limit limit,
                     int64_t since_ns)
{
    for (size_t i = 0; i < used(all); i++) {
        const struct kept *kept = &all->kept[i];
        if ((kept->end.limit >= limit || end->limit >= limit) && is_other(kept, end, since_ns) &&
            same_place(&kept->end, end))
            return true;
    }
    return false;
}

uint8_t ends_sharer_beyond(const struct ends *all, const struct end *end, enum end_limit limit,
                           uint8_t farthest, const uint32_t *path_hashes, int64_t since_ns)
{
    uint32_t before[ENDS_BEFORE];

    for (size_t i = 0; i < used(all); i++) {
        const struct kept *kept = &all->kept[i];
        if (kept->end.limit < limit || kept->end.ttl <= farthest ||
            kept->end.protocol != end->protocol || !is_other(kept, end, since_ns))
            continue;
        ends_before(before, path_hashes, kept->end.ttl);
        if (same_before(kept->end.before, before))
            return kept->end.ttl;
    }
    return 0;
}
