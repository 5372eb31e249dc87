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

/* A NAT that rewrites addresses or ports changes the checksum, some change the IPv4 identification
 * too; nobody changes the balance bytes, which tell the index once the flow is known. */
static struct probe *by_balance(const struct probes *probes, const struct wire_spec *spec,
                                const struct wire_ids *ids, uint16_t flow)
{
    struct probe *p = by_index(probes, spec, wire_udp_index(spec, flow, ids->balance));
    return p != NULL && p->flow == flow ? p : NULL;
}

/* Where the source port was rewritten, the flow is the newest probe's, as in a trace of one flow;
 * in a search of many only the identification is left. */
static struct probe *by_udp(const struct probes *probes, const struct wire_spec *spec,
                            const struct wire_ids *ids)
{
    const struct probe *newest = probes->next != 0 ? before_newest(probes, 0) : NULL;

    if (ids->cookie == 0)
        return by_index(probes, spec, ids->index);
    struct probe *p =
        by_balance(probes, spec, ids, (uint16_t)(ids->source_port - spec->source_port));
    if (p == NULL && newest != NULL)
        p = by_balance(probes, spec, ids, newest->flow);
    return p != NULL ? p : by_index(probes, spec, ids->ip_id);
}

/* Whether nothing that a NAT rewrites was rewritten; flows are told apart by the source port. */
static bool is_as_sent(const struct wire_spec *spec, const struct wire_ids *ids,
                       const struct probe *p)
{
    if (!ipaddr_equal(&ids->source, &spec->source) || !ipaddr_equal(&ids->target, &spec->target))
        return false;
    if (spec->protocol == WIRE_ICMP)
        return ids->ident == spec->ident;
    return ids->target_port == spec->target_port &&
           (uint16_t)(ids->source_port - spec->source_port) == p->flow;
}

/* What remains where addresses, ports or the identifier were rewritten: the cookie. A SYN has
 * none; its sequence number together with the IPv4 identification, or the flow label of IPv6, is as
 * rare, and no NAT changes these. */
static bool is_proven(const struct wire_spec *spec, const struct wire_ids *ids,
                      const struct probe *p)
{
    if (spec->protocol != WIRE_TCP)
        return ids->cookie != 0;
    bool marked = spec->source.version == 6
                      ? ids->flow_label == (WIRE_FLOW_LABEL | (uint32_t)p->flow)
                      : ids->ip_id != 0 && ids->ip_id == wire_index(spec, p->number);
    return marked && ids->tcp_seq == wire_tcp_seq(spec, p->number);
}

struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids)
{
    struct probe *p = NULL;

    if (ids->protocol != spec->protocol || ids->source.version != spec->source.version)
        return NULL;
    if (ids->cookie != 0 && spec->protocol != WIRE_TCP && ids->cookie != spec->cookie)
        return NULL;
    switch (spec->protocol) {
    case WIRE_ICMP:
        p = by_index(probes, spec, ids->index);
        break;
    case WIRE_UDP:
        p = by_udp(probes, spec, ids);
        break;
    case WIRE_TCP:
        p = by_tcp_seq(probes, spec, ids->tcp_seq);
        break;
    case WIRE_PROTOCOL_COUNT:
        break;
    }
    return p != NULL && (is_as_sent(spec, ids, p) || is_proven(spec, ids, p)) ? p : NULL;
}
