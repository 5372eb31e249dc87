/* SPDX-License-Identifier: BSD-2-Clause */
/* How a trace uses the sending rate of the process: see budget.h. */
#include "engine/budget.h"
#include "engine/trace_inside.h"

#include <assert.h>

static uint64_t who(const struct trace *t, int ttl)
{
    return t->rules.trace << 8 | (uint64_t)ttl;
}

int64_t trace_budget_due(const struct trace *t, int ttl)
{
    return t->config.budget != NULL ? budget_due(t->config.budget, who(t, ttl)) : INT64_MIN;
}

void trace_budget_take(struct trace *t, struct probe *p, int64_t now_ns)
{
    bool more = hop_in_burst(&t->ttls[p->ttl].hop);
    uint16_t size = wire_size(&t->config.spec, p->number);

    assert(now_ns >= trace_budget_due(t, p->ttl)); /* nobody sends while another has the turn */
    if (t->config.budget != NULL)
        p->mark = budget_take(t->config.budget, who(t, p->ttl), size, more, now_ns);
}

/* Only the last three hops are used, as probes to nearer hops may not cross the narrowest link. All
 * probes to the target take the same path, whatever their TTL. */
void trace_budget_learn(struct trace *t, const struct probe *p, bool direct, int64_t rtt_ns)
{
    struct paired *before = direct ? &t->paired : &t->ttls[p->ttl].paired;

    if (t->config.budget == NULL || rtt_ns < 0)
        return;
    if (p->ttl + 2 > t->farthest) {
        budget_answered(t->config.budget, p->mark);
        if (before->known)
            budget_pair(t->config.budget, before->mark, p->mark, rtt_ns - before->rtt_ns);
    }
    *before = (struct paired){ .known = true, .mark = p->mark, .rtt_ns = rtt_ns };
}

/* On a faster link no burst waits long. */
static const double narrow_rate = 250e3;

double trace_budget_link(const struct trace *t)
{
    double rate = t->config.budget != NULL ? t->config.budget->link_rate : 0;
    return rate < narrow_rate ? rate : 0;
}
