/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/search.h"

size_t search_take(const struct search *s, int64_t now_ns, uint8_t *packet, uint32_t *number)
{
    if (budget_due(s->budget, s->who) > now_ns)
        return 0;
    size_t length = s->ops->next(s->state, now_ns, packet, number);
    if (length > 0)
        budget_take_single(s->budget, s->who, length, now_ns);
    return length;
}

int64_t search_when(const struct search *s)
{
    int64_t due_ns = s->ops->due(s->state), open_ns = budget_due(s->budget, s->who);
    return due_ns > open_ns ? due_ns : open_ns;
}
