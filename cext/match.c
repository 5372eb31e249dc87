/* SPDX-License-Identifier: BSD-2-Clause */
#include "match.h"

/* The probe whose index was `distance` before the newest one's. */
static struct probe *before_newest(const struct probes *probes, uint32_t distance)
{
    return probes_get(probes, probes->next - 1 - distance);
}

static struct probe *by_index(const struct probes *probes, const struct wire_spec *spec,
                              uint16_t index)
{
    if (index == 0 || probes->next == 0)
        return NULL;
    uint32_t newest = wire_index(spec, probes->next - 1);
    return before_newest(probes, (newest + WIRE_INDEXES - index) % WIRE_INDEXES);
}

/* A SYN's answer acknowledges its payload too, where the stack takes data on a SYN. */
static struct probe *by_tcp_seq(const struct probes *probes, const struct wire_spec *spec,
                                uint32_t seq)
{
    uint32_t payload = spec->size - wire_size_min(WIRE_TCP, spec->source.version);

    if (probes->next == 0)
        return NULL;
    uint32_t newest = wire_tcp_seq(spec, probes->next - 1), step = wire_tcp_step(spec);
    for (uint32_t carried = 0; carried <= payload; carried += payload > 0 ? payload : 1) {
        uint32_t distance = newest - (seq - carried);
        struct probe *p = distance % step == 0 ? before_newest(probes, distance / step) : NULL;
        if (p != NULL)
            return p;
    }
    return NULL;
}

/* A UDP checksum changes when NAT rewrites an address; where the IPv4 identification then names
 * another probe, it is right, but only beside our cookie. */
static struct probe *by_udp(const struct probes *probes, const struct wire_spec *spec,
                            const struct wire_ids *ids)
{
    struct probe *p = NULL;

    if (ids->cookie != 0 && ids->ip_id != ids->index)
        p = by_index(probes, spec, ids->ip_id);
    return p != NULL ? p : by_index(probes, spec, ids->index);
}

struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids)
{
    struct probe *p;

    if (ids->protocol != spec->protocol || !ipaddr_equal(&ids->source, &spec->source))
        return NULL;
    if (ids->cookie != 0 && spec->protocol != WIRE_TCP && ids->cookie != spec->cookie)
        return NULL;
    if (!ipaddr_equal(&ids->target, &spec->target) && ids->cookie == 0)
        return NULL; /* rewritten by NAT at best, and nothing else proves it ours */
    if (spec->protocol == WIRE_ICMP)
        return ids->ident == spec->ident ? by_index(probes, spec, ids->index) : NULL;
    if (ids->target_port != spec->target_port)
        return NULL;
    p = spec->protocol == WIRE_UDP ? by_udp(probes, spec, ids)
                                   : by_tcp_seq(probes, spec, ids->tcp_seq);
    if (p == NULL || (uint16_t)(ids->source_port - spec->source_port) != p->flow)
        return NULL;
    return p;
}
