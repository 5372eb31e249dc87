/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies of the path MTU search: what they show about sizes and hops. */
#include "discovery/pmtu_inside.h"

#include "base/units.h"
#include "engine/match.h"

#include <errno.h>

static const int64_t full_queue_ns = 5 * MS;

static uint16_t size_of(const struct probe *p)
{
    return (uint16_t)p->place;
}

/* The trial that a probe belongs to; NULL if its batch has ended. */
static struct trial *trial_of(struct pmtu *m, const struct probe *p)
{
    int i = (int)(p->place >> 16 & 0xffff);
    return p->place >> 32 == (int64_t)m->batch && i < m->count ? &m->trials[i] : NULL;
}

static struct probe *match(const struct pmtu *m, const struct wire_spec *spec,
                           const struct wire_packet *packet, int64_t now_ns)
{
    return match_reply(&m->probes, spec, packet, now_ns, m->config.timeout_ns);
}

/* The fields that identify a UDP probe depend on its size, which differs here. */
static struct probe *find_udp(const struct pmtu *m, const struct wire_packet *packet,
                              int64_t now_ns)
{
    struct wire_spec spec = m->config.spec;

    for (uint32_t n = m->probes.next; n-- != m->probes.oldest;) {
        struct probe *candidate = probes_get(&m->probes, n);
        spec.size = size_of(candidate);
        if (match(m, &spec, packet, now_ns) == candidate)
            return candidate;
    }
    return NULL;
}

/* A reply to a SYN acknowledges its payload, too, if the stack takes data on a SYN. */
static struct probe *find_probe(const struct pmtu *m, const struct wire_packet *packet,
                                int64_t now_ns)
{
    const struct wire_spec *spec = &m->config.spec;

    if (spec->protocol == WIRE_UDP)
        return find_udp(m, packet, now_ns);
    struct probe *p = match(m, spec, packet, now_ns);
    if (spec->protocol != WIRE_TCP || packet->quote.length > 0 || (p && p->state == PROBE_OPEN))
        return p;
    struct wire_packet less = *packet;
    for (uint32_t n = m->probes.next; n-- != m->probes.oldest;) {
        struct probe *candidate = probes_get(&m->probes, n);
        less.probe.tcp_seq = packet->probe.tcp_seq - (size_of(candidate) - spec->size);
        if (candidate->state == PROBE_OPEN && match(m, spec, &less, now_ns) == candidate)
            return candidate;
    }
    return p;
}

/* For TCP, a probe has to be seen leaving; other replies contain the cookie. */
bool pmtu_seen(struct pmtu *m, const struct wire_packet *packet)
{
    struct probe *p = match_probe(&m->probes, &m->config.spec, &packet->probe);

    if (p == NULL || p->ttl != packet->ttl)
        return false;
    match_note_form(p, &m->config.spec, &packet->probe);
    return true;
}

static bool is_port_unreachable(const struct wire_packet *packet)
{
    bool four = packet->from.version == 4;
    return packet->kind == WIRE_UNREACHABLE && packet->type == (four ? 3 : 1) &&
           packet->code == (four ? 3 : 4);
}

static bool is_from_target(const struct pmtu *m, const struct wire_packet *packet)
{
    return packet->quote.length == 0 || ipaddr_equal(&packet->from, &m->config.spec.target) ||
           is_port_unreachable(packet);
}

/* The TTL of the hop by the quoted TTL; 0: impossible. */
static uint8_t hop_of(const struct probe *p, const struct wire_packet *packet)
{
    uint8_t left = packet->probe.ttl;
    return left == 0 || left > p->ttl ? 0 : (uint8_t)(p->ttl - left + 1);
}

static void note_told(struct pmtu *m, const struct pmtu_reduction *reported)
{
    struct pmtu_report *found = &m->found;
    int i = 0;

    while (i < found->reduction_count &&
           !(found->reductions[i].from == reported->from &&
             ipaddr_equal(&found->reductions[i].address, &reported->address)))
        i++;
    if (i == PMTU_REDUCTIONS) {
        found->unlisted++;
        return;
    }
    struct pmtu_reduction *s = &found->reductions[i];
    if (i == found->reduction_count) {
        *s = *reported;
        found->reduction_count++;
        return;
    }
    if (reported->refused < s->refused)
        s->refused = reported->refused;
    if (reported->mtu != 0 && (s->mtu == 0 || reported->mtu < s->mtu))
        s->mtu = reported->mtu;
}

/* Packet Too Big is not rate-limited (Linux), so the next probe is sent at once. */
static void refuse(struct pmtu *m, const struct probe *p, const struct pmtu_reduction *reported)
{
    struct trial *q = trial_of(m, p);

    m->send_due_ns = m->sent_ns + burst_ns;

    if (q != NULL)
        q->answer = REFUSED;
    note_told(m, reported);
    pmtu_fail(m, reported->refused);
    if (reported->refused < m->reported_hi)
        m->reported_hi = reported->refused;
    if (reported->mtu != 0 && (m->named == 0 || reported->mtu < m->named)) {
        m->named = reported->mtu;
        m->renamed = true;
    }
}

/* An impossible Packet Too Big is ignored: the probe stays unanswered. */
static void on_too_big(struct pmtu *m, const struct probe *p, const struct wire_packet *packet)
{
    uint16_t size = size_of(p), mtu = packet->mtu;
    bool unnamed = mtu == 0 && packet->from.version == 4;
    uint8_t hop = hop_of(p, packet);
    uint16_t least = packet->from.version == 4 ? PMTU_LEAST_4 : PMTU_LEAST_6;

    if (mtu >= size || (mtu < least && !unnamed)) {
        pmtu_note_invalid(m, &packet->from);
        return;
    }
    const struct pmtu_reduction reported = { .reported = true,
                                             .from = hop,
                                             .to = hop == 0 ? 0 : (uint8_t)(hop + 1),
                                             .address = packet->from,
                                             .mtu = mtu,
                                             .refused = size };
    refuse(m, p, &reported);
}

/* A reply of a hop counts for this hop. */
static void on_hop(struct pmtu *m, const struct probe *p, const struct wire_packet *packet)
{
    uint8_t ttl = p->ttl, hop = hop_of(p, packet);
    struct trial *q = trial_of(m, p);

    if (packet->kind == WIRE_UNREACHABLE && !is_from_target(m, packet) && hop != 0)
        ttl = hop;
    m->hops[ttl] = packet->from;
    if (q == NULL)
        return;
    q->answer = ttl == p->ttl ? PASSED : SILENT;
    for (int i = 0; i < m->count; i++)
        if (m->trials[i].ttl == ttl && m->trials[i].size == size_of(p))
            m->trials[i].answer = PASSED;
}

static void on_size(struct pmtu *m, const struct probe *p, const struct wire_packet *packet)
{
    struct trial *q = trial_of(m, p);

    if (p->ttl != m->ttl || (m->ttl == PMTU_FULL_TTL && !is_from_target(m, packet)))
        return;
    if (q != NULL)
        q->answer = PASSED;
    pmtu_pass(m, size_of(p));
}

bool pmtu_reply(struct pmtu *m, const struct wire_packet *packet, int64_t now_ns)
{
    struct probe *p = find_probe(m, packet, now_ns);

    if (p == NULL)
        return false;
    if (m->phase == DONE || p->state == PROBE_ANSWERED)
        return true;
    p->state = PROBE_ANSWERED;
    if (quantiles_add(&m->rtts, now_ns - p->sent_ns) == 0) /* out of memory: the timeout stays */
        m->p95_ns = (int64_t)quantiles_get(&m->rtts, 0.95);
    if (packet->kind == WIRE_TOO_BIG)
        on_too_big(m, p, packet);
    else if (pmtu_is_sweep(m) && p->ttl != PMTU_FULL_TTL)
        on_hop(m, p, packet);
    else
        on_size(m, p, packet);
    return true;
}

/* EMSGSIZE of this host's own link counts like a Packet Too Big. */
void pmtu_send_failed(struct pmtu *m, uint32_t number, int error, int64_t now_ns)
{
    struct probe *p = probes_get(&m->probes, number);

    m->found.last_error = error;
    if (p == NULL || p->state != PROBE_OPEN)
        return;
    p->state = PROBE_SEND_ERROR;
    if (error == EMSGSIZE) {
        const struct pmtu_reduction reported = {
            .reported = true, .to = 1, .address = m->config.spec.source, .refused = size_of(p)
        };
        refuse(m, p, &reported);
        return;
    }
    struct trial *q = trial_of(m, p);
    if (error == ENOBUFS)
        m->send_due_ns = now_ns + full_queue_ns;
    if (error == ENOBUFS && q != NULL && q->answer == OPEN)
        q->tries--;
}
