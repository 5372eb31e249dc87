/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/fingerprint.h"

#include "base/units.h"
#include "engine/match.h"

#include <string.h>

static const int64_t gap_ns = 20 * MS;           /* between probes */
static const int64_t permit_wait_ns = 5000 * MS; /* then the others go without UDP */
static const int64_t recheck_ns = 100 * MS;      /* how soon a held probe is looked at again */

enum { ACK_SIZE = 20, ID_STEP = 0x6a09 };

/* Probe n is of protocol n % 3, so they go in turns; in a row of their own where only echoes are
 * wanted. */
static enum wire_protocol protocol_of(size_t n)
{
    static const enum wire_protocol turns[] = { WIRE_ICMP, WIRE_TCP, WIRE_UDP };
    return turns[n % ASK_OF_A_KIND];
}

bool ask_is_udp(size_t number)
{
    return protocol_of(number) == WIRE_UDP;
}

static bool is_wanted(const struct ask *ask, size_t n)
{
    return ask->active || protocol_of(n) == WIRE_ICMP;
}

void ask_init(struct ask *ask, const struct ask_config *config, bool active, int64_t now_ns)
{
    *ask = (struct ask){ .config = *config, .created_ns = now_ns, .begun_ns = now_ns };
    for (size_t n = 0; n < ASK_PROBES; n++)
        ask->probes[n].state = ASK_LEFT_OUT;
    ask_renew(ask, active, now_ns);
}

void ask_fini(struct ask *ask)
{
    evidence_fini(&ask->answers);
}

void ask_renew(struct ask *ask, bool active, int64_t now_ns)
{
    if (active && !ask->active) {
        ask->active = true;
        ask->created_ns = now_ns;
        ask->begun_ns = INT64_MAX;
    }
    for (size_t n = 0; n < ASK_PROBES; n++) {
        bool spent = ask_is_udp(n) && ask->rate_limits;
        if (ask->probes[n].state == ASK_LEFT_OUT && is_wanted(ask, n) && !spent)
            ask->probes[n].state = ASK_WAITING;
    }
}

void ask_abandon(struct ask *ask)
{
    for (size_t n = 0; n < ASK_PROBES; n++)
        if (ask->probes[n].state == ASK_WAITING)
            ask->probes[n].state = ASK_LEFT_OUT;
}

/* ---- probes out ---------------------------------------------------------------------------- */

/* Identifications lie far apart: repeating one is told from counting. */
static uint16_t id_of(const struct ask *ask, size_t n)
{
    uint16_t id = (uint16_t)(ask->config.first_id + n * ID_STEP);
    return id != 0 ? id : ID_STEP / 2; /* the kernel would replace 0 */
}

static struct wire_spec spec_of(const struct ask *ask, size_t n)
{
    const struct ask_config *config = &ask->config;
    uint16_t header = ipaddr_family(config->target.version)->header_length;
    bool ip4 = config->target.version == 4;
    struct wire_spec spec = { .protocol = protocol_of(n),
                              .source = config->source,
                              .target = config->target,
                              .ident = config->ident,
                              .first_index = config->first_index,
                              .cookie = config->cookie,
                              .key = config->key,
                              .tcp_base = config->tcp_base,
                              .tos = config->tos,
                              .ip_id = ip4 ? id_of(ask, n) : 0 };

    switch (spec.protocol) {
    case WIRE_ICMP:
        spec.size = (uint16_t)(header + 8 + ASK_ECHO_PAYLOAD);
        spec.df = ip4 && n / ASK_OF_A_KIND == 1;
        spec.code = ip4 && n / ASK_OF_A_KIND == 2 ? ASK_CODE : 0;
        return spec;
    case WIRE_TCP:
        spec.ack = true;
        spec.size = (uint16_t)(header + ACK_SIZE);
        break;
    case WIRE_UDP:
    case WIRE_PROTOCOL_COUNT:
        spec.size = wire_size_default(WIRE_UDP, config->target.version);
        break;
    }
    spec.source_port = config->source_port; /* the flow is added */
    spec.target_port = WIRE_PORT_UDP;
    return spec;
}

/* Each probe but the echoes has a source port of its own, so a RST names the one it answers. */
static struct wire_probe probe_of(size_t n)
{
    return (struct wire_probe){ .number = (uint32_t)n,
                                .flow = protocol_of(n) == WIRE_ICMP ? 0 : (uint16_t)n,
                                .ttl = ASK_TTL };
}

static int64_t turn_ns(const struct ask *ask, size_t n)
{
    size_t place = ask->active ? n : n / ASK_OF_A_KIND;

    if (ask->begun_ns == INT64_MAX)
        return INT64_MAX;
    int64_t turn = ask->begun_ns + (int64_t)place * gap_ns;
    return ask_is_udp(n) && turn < ask->udp_ns ? ask->udp_ns : turn;
}

bool ask_needs_permit(const struct ask *ask, int64_t now_ns)
{
    if (ask->active && ask->begun_ns == INT64_MAX)
        return true;
    for (size_t n = 0; n < ASK_PROBES; n++)
        if (ask->probes[n].state == ASK_WAITING && ask_is_udp(n) && turn_ns(ask, n) <= now_ns)
            return true;
    return false;
}

/* It gives no more: what is still waiting is not asked. */
static void spend_rate_limit(struct ask *ask)
{
    ask->rate_limits = true;
    for (size_t n = 0; n < ASK_PROBES; n++)
        if (ask_is_udp(n) && ask->probes[n].state == ASK_WAITING)
            ask->probes[n].state = ASK_LEFT_OUT;
}

static void begin(struct ask *ask, enum ask_permit permit, int64_t now_ns)
{
    if (ask->begun_ns == INT64_MAX &&
        (permit != ASK_HOLD || now_ns - ask->created_ns >= permit_wait_ns))
        ask->begun_ns = now_ns;
}

size_t ask_next(struct ask *ask, enum ask_permit permit, int64_t now_ns, uint8_t *packet,
                size_t *number)
{
    begin(ask, permit, now_ns);
    for (size_t n = 0; n < ASK_PROBES; n++) {
        struct ask_probe *p = &ask->probes[n];
        bool held = ask_is_udp(n) && permit == ASK_HOLD;
        if (p->state != ASK_WAITING || turn_ns(ask, n) > now_ns || held)
            continue;
        struct wire_spec spec = spec_of(ask, n);
        struct wire_probe probe = probe_of(n);
        p->state = ASK_OPEN;
        p->sent_ns = now_ns;
        if (ask_is_udp(n))
            ask->udp_ns = now_ns + ASK_OF_A_KIND * gap_ns;
        if (ask_is_udp(n) && permit == ASK_ONE)
            spend_rate_limit(ask);
        *number = n;
        return wire_build(&spec, &probe, packet);
    }
    return 0;
}

void ask_send_failed(struct ask *ask, size_t number)
{
    ask->probes[number].state = ASK_LEFT_OUT;
}

/* ---- answers in ---------------------------------------------------------------------------- */

static bool is_direct(enum wire_kind kind)
{
    return kind == WIRE_ECHO_REPLY || kind == WIRE_SYN_ACK || kind == WIRE_RST ||
           kind == WIRE_BARE_RST;
}

/* RFC 793: a RST to an ACK has the number that was acknowledged; some stacks answer with an
 * acknowledgement of their own, one more or not. */
static bool fits_tcp(const struct wire_packet *packet, uint32_t seq)
{
    uint32_t got = packet->probe.tcp_seq;
    bool less = is_direct(packet->kind) && packet->kind != WIRE_BARE_RST;

    return got == seq || (less && got == seq - 1);
}

/* To another source address than the probe's, which this host's own NAT has given it, with
 * another port or identifier perhaps: the whole cookie must prove the answer, or the number of a
 * TCP ACK. */
static bool is_translated(const struct ask *ask, const struct wire_spec *spec,
                          const struct wire_packet *packet)
{
    bool proven = packet->probe.protocol == WIRE_TCP || !match_is_bare(spec, packet);
    return proven && !ipaddr_equal(&packet->probe.source, &ask->config.source);
}

static bool fits(const struct ask *ask, size_t n, const struct wire_packet *packet)
{
    const struct wire_ids *ids = &packet->probe;
    struct wire_spec spec = spec_of(ask, n);
    struct wire_probe probe = probe_of(n);
    bool translated = is_translated(ask, &spec, packet);

    if (ids->protocol != spec.protocol || ids->service != spec.payload ||
        !match_secret(&spec, ids, probe.number))
        return false;
    if (!translated && !ipaddr_equal(&ids->source, &spec.source))
        return false;
    if (spec.protocol == WIRE_ICMP)
        return (translated || ids->ident == spec.ident) &&
               ids->index == wire_index(&spec, probe.number);
    if (ids->target_port != spec.target_port ||
        (!translated && ids->source_port != spec.source_port + probe.flow))
        return false;
    if (spec.protocol == WIRE_TCP)
        return fits_tcp(packet, wire_tcp_seq(&spec, probe.number));
    return translated || ids->index == wire_index(&spec, probe.number);
}

static void keep(struct ask *ask, size_t n, const struct wire_packet *packet,
                 const struct evidence_capture *capture)
{
    struct wire_spec spec = spec_of(ask, n);
    struct wire_probe probe = probe_of(n);
    struct evidence_answer answer = {
        .sent = evidence_sent_of(evidence_probe_of(spec.protocol), &spec, &probe),
        .index = (uint32_t)n,
        .at_ns = capture->at_ns,
        .reply = *packet,
    };

    evidence_add(&ask->answers, &answer, capture->bytes);
}

bool ask_reply(struct ask *ask, const struct wire_packet *packet,
               const struct evidence_capture *capture)
{
    const struct wire_ids *ids = &packet->probe;

    if (packet->kind == WIRE_PROBE || !ipaddr_equal(&ids->target, &ask->config.target))
        return false;
    for (size_t n = 0; n < ASK_PROBES; n++) {
        struct ask_probe *p = &ask->probes[n];
        bool sent = p->state != ASK_WAITING && p->state != ASK_LEFT_OUT;
        const struct wire_spec spec = spec_of(ask, n);
        bool in_time = p->state == ASK_OPEN || !match_is_bare(&spec, packet); /* see match.h */
        if (!sent || !in_time || !fits(ask, n, packet))
            continue;
        if (p->state != ASK_ANSWERED && ipaddr_equal(&packet->from, &ask->config.target))
            keep(ask, n, packet, capture);
        p->state = ASK_ANSWERED;
        return true;
    }
    return false;
}

/* ---- time ---------------------------------------------------------------------------------- */

void ask_expire(struct ask *ask, int64_t now_ns)
{
    for (size_t n = 0; n < ASK_PROBES; n++) {
        struct ask_probe *p = &ask->probes[n];
        if (p->state == ASK_OPEN && now_ns - p->sent_ns >= ask->config.timeout_ns)
            p->state = ASK_UNANSWERED;
    }
}

static int64_t due_of(const struct ask *ask, size_t n, int64_t now_ns)
{
    const struct ask_probe *p = &ask->probes[n];

    if (p->state == ASK_OPEN)
        return p->sent_ns + ask->config.timeout_ns;
    if (p->state != ASK_WAITING)
        return INT64_MAX;
    int64_t turn = turn_ns(ask, n);
    return turn > now_ns && turn != INT64_MAX ? turn : now_ns + recheck_ns;
}

int64_t ask_due(const struct ask *ask, int64_t now_ns)
{
    int64_t due = INT64_MAX;

    for (size_t n = 0; n < ASK_PROBES; n++) {
        int64_t at = due_of(ask, n, now_ns);
        due = at < due ? at : due;
    }
    return due;
}

bool ask_done(const struct ask *ask)
{
    for (size_t n = 0; n < ASK_PROBES; n++)
        if (ask->probes[n].state == ASK_WAITING || ask->probes[n].state == ASK_OPEN)
            return false;
    return true;
}

int ask_sent(const struct ask *ask, enum wire_protocol protocol)
{
    int sent = 0;

    for (size_t n = 0; n < ASK_PROBES; n++)
        sent += protocol_of(n) == protocol && ask->probes[n].state != ASK_WAITING &&
                ask->probes[n].state != ASK_LEFT_OUT;
    return sent;
}
