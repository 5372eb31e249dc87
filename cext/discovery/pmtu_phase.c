/* SPDX-License-Identifier: BSD-2-Clause */
/* What the phase of a path MTU search implies for its probes. */
#include "discovery/pmtu_inside.h"

bool pmtu_is_sweep(const struct pmtu *m)
{
    return m->phase >= LAST_HOP;
}

bool pmtu_is_narrow(const struct pmtu *m)
{
    return m->ttl != PMTU_FULL_TTL || m->config.spec.protocol == WIRE_UDP;
}

bool pmtu_is_held(const struct pmtu *m)
{
    return m->config.hold && !m->released && (pmtu_is_sweep(m) || pmtu_is_narrow(m));
}
