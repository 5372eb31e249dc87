/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/match.h"

#include "base/units.h"

#include <assert.h>

/* No router is known to take longer. */
static const int64_t longest_ns = 5 * SECOND;

/* The probe whose index is `distance` below the newest one's. */
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
    struct probe *p = before_newest(probes, (newest + WIRE_INDEXES - index) % WIRE_INDEXES);
    assert(p == NULL || wire_index(spec, p->number) == index);
    return p;
}

static uint32_t tcp_payload(const struct wire_spec *spec, uint16_t size)
{
    return (uint32_t)(size - wire_size_min(WIRE_TCP, spec->target.version));
}

/* Payloads of random sizes are shorter than the step between two probes. */
static struct probe *by_varied_tcp_seq(const struct probes *probes, const struct wire_spec *spec,
                                       uint32_t seq)
{
    uint32_t step = wire_tcp_step(spec);
    uint32_t distance = wire_tcp_seq(spec, probes->next - 1) + step - 1 - seq;
    uint32_t carried = step - 1 - distance % step;
    struct probe *p = before_newest(probes, distance / step);

    if (p == NULL || (carried != 0 && carried != tcp_payload(spec, wire_size(spec, p->number))))
        return NULL;
    return p;
}

/* The newest probe of a session with this number; those from `end` on are of the next one. */
static struct probe *by_number_in(const struct probes *probes, const struct wire_session *session,
                                  uint32_t end, uint32_t seq)
{
    uint32_t distance = session->syn - seq, numbers = session->numbers;

    if (distance % 2 != 0 || distance == 0 || distance / 2 > numbers || end <= session->first)
        return NULL;
    uint32_t newest = end - 1 - session->first;
    uint32_t back = (newest + distance / 2) % numbers;
    assert(end <= probes->next);
    return back <= newest ? probes_get(probes, session->first + newest - back) : NULL;
}

static struct probe *by_session(const struct probes *probes, const struct wire_spec *spec,
                                uint32_t seq)
{
    const struct wire_session *now = &spec->sessions[0], *before = &spec->sessions[1];
    struct probe *p = NULL;

    if (now->numbers > 0)
        p = by_number_in(probes, now, probes->next, seq);
    if (p == NULL && before->numbers > 0)
        p = by_number_in(probes, before, now->first, seq);
    return p;
}

/* A SYN's answer acknowledges its payload too, where the stack takes data on a SYN. */
static struct probe *by_syn(const struct probes *probes, const struct wire_spec *spec, uint32_t seq)
{
    uint32_t payload = tcp_payload(spec, spec->size);

    if (probes->next == 0)
        return NULL;
    if (spec->random_size)
        return by_varied_tcp_seq(probes, spec, seq);
    uint32_t newest = wire_tcp_seq(spec, probes->next - 1), step = wire_tcp_step(spec);
    for (uint32_t carried = 0; carried <= payload; carried += payload > 0 ? payload : 1) {
        uint32_t distance = newest - (seq - carried);
        struct probe *p = distance % step == 0 ? before_newest(probes, distance / step) : NULL;
        if (p != NULL)
            return p;
    }
    return NULL;
}

/* Probes in a session, and those that are SYNs from some number on. */
static struct probe *by_tcp_seq(const struct probes *probes, const struct wire_spec *spec,
                                uint32_t seq)
{
    struct probe *p = spec->in_session ? by_session(probes, spec, seq) : NULL;

    if (p != NULL || (spec->in_session && spec->sessions[0].numbers > 0))
        return p;
    p = by_syn(probes, spec, seq);
    if (p == NULL || wire_session_of(spec, p->number) != NULL)
        return NULL;
    assert(seq - wire_tcp_seq(spec, p->number) <= tcp_payload(spec, spec->size));
    return p;
}

static bool has_cookie(const struct wire_ids *ids)
{
    return ids->cookie_bytes == WIRE_COOKIE;
}

/* True if the part of the cookie that the packet contains fits. */
static bool fits_cookie(const struct wire_spec *spec, const struct wire_ids *ids, uint32_t number)
{
    unsigned missing = 8u * (unsigned)(WIRE_COOKIE - ids->cookie_bytes);
    uint64_t cookie = wire_cookie(spec, number);

    return ids->cookie == cookie >> missing << missing;
}

/* Whether the quoted IPv4 identification is the probe's; some routers turn its bytes round. */
static bool has_id(const struct wire_spec *spec, const struct wire_ids *ids, uint32_t number)
{
    uint16_t id = ids->ip_id;

    if (ids->id_swapped)
        id = (uint16_t)(id << 8 | id >> 8);
    return id == wire_ip_id(spec, number);
}

bool match_secret(const struct wire_spec *spec, const struct wire_ids *ids, uint32_t number)
{
    if (spec->protocol == WIRE_TCP)
        return true;
    if (!fits_cookie(spec, ids, number))
        return false;
    if (has_cookie(ids))
        return true;
    return spec->source.version == 4 && (spec->protocol == WIRE_ICMP || has_id(spec, ids, number));
}

/* True if no NAT has rewritten the packet; the source port tells the flow. */
static bool is_as_sent(const struct wire_spec *spec, const struct wire_ids *ids,
                       const struct probe *p)
{
    if (!ipaddr_equal(&ids->source, wire_source(spec, p->flow)) ||
        !ipaddr_equal(&ids->target, &spec->target))
        return false;
    if (spec->protocol == WIRE_ICMP)
        return ids->ident == spec->ident;
    return ids->target_port == spec->target_port &&
           (uint16_t)(ids->source_port - spec->source_port) == p->flow;
}

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a, 64 bits */
    return hash;
}

/* The fields of a probe that a NAT may rewrite, as a hash of 64 bits, never 0. It is no secret: it
 * only shows whether a SYN whose number fits came from this host. */
static uint64_t form_of(const struct wire_ids *ids)
{
    const uint16_t ports[] = { ids->source_port, ids->target_port };
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    hash = add_bytes(hash, ids->source.bytes, sizeof ids->source.bytes);
    hash = add_bytes(hash, ids->target.bytes, sizeof ids->target.bytes);
    return add_bytes(hash, ports, sizeof ports) | 1;
}

/* True if the fields are as this host's own NAT wrote them. */
static bool is_as_seen(const struct wire_ids *ids, const struct probe *p)
{
    return p->form != 0 && p->form == form_of(ids);
}

void match_note_form(struct probe *p, const struct wire_spec *spec, const struct wire_ids *ids)
{
    if (!is_as_sent(spec, ids, p))
        p->form = form_of(ids);
}

/* With the cookie in the quote, a NAT may have rewritten addresses and the identifier. */
static struct probe *match_icmp(const struct probes *probes, const struct wire_spec *spec,
                                const struct wire_ids *ids)
{
    struct probe *p = by_index(probes, spec, ids->index);

    if (p == NULL || !match_secret(spec, ids, p->number))
        return NULL;
    return has_cookie(ids) || is_as_sent(spec, ids, p) ? p : NULL;
}

/* A NAT that rewrites addresses or ports changes the checksum, some the IPv4 identification, too.
 * No NAT changes the payload: its cookie shows the index, and its balance bytes must be those of
 * this index and flow. A quote may end between the two, and SNMP repeats only the cookie: then
 * nothing may have been rewritten. */
static struct probe *match_udp(const struct probes *probes, const struct wire_spec *spec,
                               const struct wire_ids *read)
{
    struct wire_ids ids = *read;

    if (!wire_ids_of(spec->payload, spec->file, &ids))
        return NULL;
    bool whole = has_cookie(&ids);
    uint16_t index = whole ? wire_tagged_index(spec, (uint16_t)ids.cookie) : ids.index;
    struct probe *p = by_index(probes, spec, index);

    if (p == NULL || !match_secret(spec, &ids, p->number))
        return NULL;
    bool fits = whole && ids.has_balance ? ids.balance == wire_udp_balance(spec, p->number, p->flow)
                                         : is_as_sent(spec, &ids, p);
    if (spec->payload == PAYLOAD_FILE && ids.service != PAYLOAD_PLAIN && !is_as_sent(spec, &ids, p))
        return NULL;
    return fits ? p : NULL;
}

/* A SYN has no cookie. If addresses or ports were rewritten, the sequence number has to fit
 * together with the IPv4 identification or the IPv6 flow label, which no NAT changes. */
static struct probe *match_tcp(const struct probes *probes, const struct wire_spec *spec,
                               const struct wire_ids *ids)
{
    struct probe *p = by_tcp_seq(probes, spec, ids->tcp_seq);

    if (p == NULL || is_as_sent(spec, ids, p) || is_as_seen(ids, p))
        return p;
    bool marked = spec->source.version == 6
                      ? ids->flow_label == (WIRE_FLOW_LABEL | (uint32_t)p->flow)
                      : has_id(spec, ids, p->number);
    return marked && ids->tcp_seq == wire_tcp_seq(spec, p->number) ? p : NULL;
}

struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids)
{
    if (ids->protocol != spec->protocol || ids->source.version != spec->source.version)
        return NULL;
    switch (spec->protocol) {
    case WIRE_ICMP:
        return match_icmp(probes, spec, ids);
    case WIRE_UDP:
        return match_udp(probes, spec, ids);
    case WIRE_TCP:
        return match_tcp(probes, spec, ids);
    case WIRE_PROTOCOL_COUNT:
        break;
    }
    return NULL;
}

/* ---- quotes that a NAT rewrote and that are too short for the cookie ----------------------- */

/* Sums of one's complement, in which 0 and 0xffff are one number. */
static uint16_t ones_add(uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;

    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static bool ones_equal(uint16_t a, uint16_t b)
{
    return a % 0xffff == b % 0xffff;
}

static uint16_t add_address(uint16_t sum, const struct ipaddr *address)
{
    for (size_t i = 0; i + 1 < ipaddr_family(address->version)->address_length; i += 2)
        sum = ones_add(sum, (uint32_t)address->bytes[i] << 8 | address->bytes[i + 1]);
    return sum;
}

/* Undoes a NAT's update of a checksum (RFC 1624): words that add up to `before` were replaced by
 * words that add up to `after`. Never 0, which UDP does not use. */
static uint16_t sum_before(uint16_t checksum, uint16_t before, uint16_t after)
{
    uint16_t words = ones_add(ones_add((uint16_t)~checksum, (uint16_t)~after),
                              before); /* the sum of the original words */
    uint16_t original = (uint16_t)~words;

    return original != 0 ? original : 0xffff;
}

/* The checksum is the index, and a NAT that writes other addresses and ports updates it. So the
 * sent checksum can be computed; an attacker has to guess the identification, too. */
static struct probe *translated_udp(const struct probes *probes, const struct wire_spec *spec,
                                    const struct wire_ids *ids)
{
    const struct probe *newest = before_newest(probes, 0);
    if (newest == NULL)
        return NULL;
    uint16_t flow = newest->flow; /* a trace has one flow */
    uint16_t before = add_address(add_address(0, wire_source(spec, flow)), &spec->target);
    uint16_t after = add_address(add_address(0, &ids->source), &ids->target);

    before = ones_add(ones_add(before, (uint32_t)spec->source_port + flow), spec->target_port);
    after = ones_add(ones_add(after, ids->source_port), ids->target_port);
    struct probe *p = by_index(probes, spec, sum_before(ids->index, before, after));
    return p != NULL && p->flow == flow && has_id(spec, ids, p->number) ? p : NULL;
}

uint16_t match_sent_ident(const struct wire_packet *packet, uint16_t flow)
{
    uint16_t sent = (uint16_t)(WIRE_ICMP_CHECKSUM + flow);
    return ones_add(ones_add((uint16_t)~sent, packet->quote.checksum), packet->probe.ident);
}

/* A NAT that writes another identifier updates the checksum, whose sent value is known: so the sent
 * identifier can be computed. If the source address is ours, that would give an attacker a second
 * guess, so the identification has to fit as well. A quote with another target belongs to another
 * ping. */
static struct probe *translated_icmp(const struct probes *probes, const struct wire_spec *spec,
                                     const struct wire_packet *packet)
{
    const struct wire_ids *ids = &packet->probe;
    struct probe *p = by_index(probes, spec, ids->index);

    if (p == NULL || !ipaddr_equal(&ids->target, &spec->target))
        return NULL;
    uint16_t ident = match_sent_ident(packet, p->flow);
    bool moved = !ipaddr_equal(&ids->source, wire_source(spec, p->flow));
    bool same_ident = ones_equal(ident, spec->ident), marked = has_id(spec, ids, p->number);
    return (same_ident && (moved || marked)) || (ids->ident == spec->ident && marked) ? p : NULL;
}

/* Matches an error that no rule above takes, by what its quote contains: NATs of clouds and
 * carriers do not restore what they wrote, and many routers quote eight bytes. Each error is still
 * one guess of 32 bits. Quotes of IPv6 are long enough for the cookie; for a SYN see match_tcp. */
static struct probe *match_translated(const struct probes *probes, const struct wire_spec *spec,
                                      const struct wire_packet *packet)
{
    struct wire_ids ids = packet->probe;

    if (packet->quote.length == 0 || packet->rebuilt || ids.protocol != spec->protocol ||
        ids.source.version != spec->source.version)
        return NULL;
    if (spec->protocol == WIRE_TCP || spec->source.version == 6 ||
        (spec->protocol == WIRE_UDP && !wire_ids_of(spec->payload, spec->file, &ids)) ||
        ids.cookie_bytes != 0)
        return NULL;
    return spec->protocol == WIRE_UDP ? translated_udp(probes, spec, &ids)
                                      : translated_icmp(probes, spec, packet);
}

bool match_is_bare(const struct wire_spec *spec, const struct wire_packet *packet)
{
    struct wire_ids ids = packet->probe;

    (void)wire_ids_of(spec->payload, spec->file, &ids);
    return !has_cookie(&ids) || payload_is_short(payload_template(spec->payload, spec->file));
}

/* Matches a SYN-ACK or RST from another address of the target: ports and acknowledgement show that
 * the sender has the SYN. */
static struct probe *match_other_address(const struct probes *probes, const struct wire_spec *spec,
                                         const struct wire_packet *packet)
{
    struct wire_ids ids = packet->probe;

    if (spec->protocol != WIRE_TCP || packet->kind == WIRE_ACK || !wire_is_direct(packet->kind))
        return NULL;
    ids.target = spec->target;
    return match_probe(probes, spec, &ids);
}

/* Inside a session the target acknowledges the SYN and names the probe as a duplicate. A reset
 * belongs to the socket, not to a probe. Other TCP probes get no such segment. */
static bool fits_session(const struct wire_spec *spec, const struct wire_packet *packet,
                         uint32_t number)
{
    const struct wire_session *session = wire_session_of(spec, number);

    if (session == NULL)
        return packet->kind != WIRE_ACK;
    return packet->kind == WIRE_ACK && packet->tcp.dsack && packet->tcp.ack == session->syn + 1;
}

struct probe *match_reply(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_packet *packet, int64_t now_ns, int64_t timeout_ns)
{
    int64_t wait_ns = timeout_ns > longest_ns ? timeout_ns : longest_ns;
    struct probe *p = match_probe(probes, spec, &packet->probe);

    if (p == NULL)
        p = match_other_address(probes, spec, packet);
    if (p == NULL)
        p = match_translated(probes, spec, packet);
    if (p != NULL && wire_is_direct(packet->kind) && !fits_session(spec, packet, p->number))
        return NULL;
    if (p == NULL || !match_is_bare(spec, packet))
        return p;
    assert(probes_get(probes, p->number) == p && p->left_ns >= p->sent_ns);
    bool answered = p->state == PROBE_ANSWERED || p->state == PROBE_LATE;
    bool first = !answered || p->bare_from == ipaddr_hash(&packet->from);
    return first && now_ns - p->left_ns <= wait_ns ? p : NULL;
}
