/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/fingerprint.h"

#include "base/units.h"
#include "engine/match.h"

#include <string.h>

static const int64_t gap_ns = 20 * MS;           /* between probes */
static const int64_t permit_wait_ns = 5000 * MS; /* after this the other probes go first */
static const int64_t recheck_ns = 100 * MS;      /* between two checks of a probe held back */

enum { ACK_SIZE = 20, ID_STEP = 0x6a09 };

/* The protocols alternate: probe n has protocol n % 3. */
static enum wire_protocol protocol_of(size_t n)
{
    static const enum wire_protocol turns[] = { WIRE_ICMP, WIRE_TCP, WIRE_UDP };
    return turns[n % FINGERPRINT_OF_A_KIND];
}

bool fingerprint_is_udp(size_t number)
{
    return protocol_of(number) == WIRE_UDP;
}

static bool is_wanted(const struct fingerprint *f, size_t n)
{
    return f->active || protocol_of(n) == WIRE_ICMP;
}

void fingerprint_init(struct fingerprint *f, const struct fingerprint_config *config, bool active,
                      int64_t now_ns)
{
    *f = (struct fingerprint){ .config = *config, .created_ns = now_ns, .begun_ns = now_ns };
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        f->probes[n].state = FINGERPRINT_LEFT_OUT;
    fingerprint_renew(f, active, now_ns);
}

void fingerprint_fini(struct fingerprint *f)
{
    evidence_fini(&f->replies);
}

void fingerprint_renew(struct fingerprint *f, bool active, int64_t now_ns)
{
    if (active && !f->active) {
        f->active = true;
        f->created_ns = now_ns;
        f->begun_ns = INT64_MAX;
    }
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++) {
        bool spent = fingerprint_is_udp(n) && f->rate_limits;
        if (f->probes[n].state == FINGERPRINT_LEFT_OUT && is_wanted(f, n) && !spent)
            f->probes[n].state = FINGERPRINT_WAITING;
    }
}

void fingerprint_abandon(struct fingerprint *f)
{
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        if (f->probes[n].state == FINGERPRINT_WAITING)
            f->probes[n].state = FINGERPRINT_LEFT_OUT;
}

/* ---- probes out ---------------------------------------------------------------------------- */

/* Identifications lie far apart, so a host that repeats ours differs from one that counts. */
static uint16_t id_of(const struct fingerprint *f, size_t n)
{
    uint16_t id = (uint16_t)(f->config.first_id + n * ID_STEP);
    return id != 0 ? id : ID_STEP / 2; /* the kernel would replace 0 */
}

static struct wire_spec spec_of(const struct fingerprint *f, size_t n)
{
    const struct fingerprint_config *config = &f->config;
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
                              .ip_id = ip4 ? id_of(f, n) : 0 };

    switch (spec.protocol) {
    case WIRE_ICMP:
        spec.size = (uint16_t)(header + 8 + FINGERPRINT_ECHO_PAYLOAD);
        spec.df = ip4 && n / FINGERPRINT_OF_A_KIND == 1;
        spec.code = ip4 && n / FINGERPRINT_OF_A_KIND == 2 ? FINGERPRINT_CODE : 0;
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
                                .ttl = FINGERPRINT_TTL };
}

static int64_t turn_ns(const struct fingerprint *f, size_t n)
{
    size_t place = f->active ? n : n / FINGERPRINT_OF_A_KIND;

    if (f->begun_ns == INT64_MAX)
        return INT64_MAX;
    int64_t turn = f->begun_ns + (int64_t)place * gap_ns;
    return fingerprint_is_udp(n) && turn < f->udp_ns ? f->udp_ns : turn;
}

bool fingerprint_needs_permit(const struct fingerprint *f, int64_t now_ns)
{
    if (f->active && f->begun_ns == INT64_MAX)
        return true;
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        if (f->probes[n].state == FINGERPRINT_WAITING && fingerprint_is_udp(n) &&
            turn_ns(f, n) <= now_ns)
            return true;
    return false;
}

/* The responder has no further token: UDP probes that are still waiting are left out. */
static void spend_rate_limit(struct fingerprint *f)
{
    f->rate_limits = true;
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        if (fingerprint_is_udp(n) && f->probes[n].state == FINGERPRINT_WAITING)
            f->probes[n].state = FINGERPRINT_LEFT_OUT;
}

static void begin(struct fingerprint *f, enum fingerprint_permit permit, int64_t now_ns)
{
    if (f->begun_ns == INT64_MAX &&
        (permit != FINGERPRINT_HOLD || now_ns - f->created_ns >= permit_wait_ns))
        f->begun_ns = now_ns;
}

size_t fingerprint_next(struct fingerprint *f, enum fingerprint_permit permit, int64_t now_ns,
                        uint8_t *packet, size_t *number)
{
    begin(f, permit, now_ns);
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++) {
        struct fingerprint_probe *p = &f->probes[n];
        bool held = fingerprint_is_udp(n) && permit == FINGERPRINT_HOLD;
        if (p->state != FINGERPRINT_WAITING || turn_ns(f, n) > now_ns || held)
            continue;
        struct wire_spec spec = spec_of(f, n);
        struct wire_probe probe = probe_of(n);
        p->state = FINGERPRINT_OPEN;
        p->sent_ns = now_ns;
        if (fingerprint_is_udp(n))
            f->udp_ns = now_ns + FINGERPRINT_OF_A_KIND * gap_ns;
        if (fingerprint_is_udp(n) && permit == FINGERPRINT_ONE)
            spend_rate_limit(f);
        *number = n;
        return wire_build(&spec, &probe, packet);
    }
    return 0;
}

void fingerprint_send_failed(struct fingerprint *f, size_t number)
{
    f->probes[number].state = FINGERPRINT_LEFT_OUT;
}

/* ---- replies in ---------------------------------------------------------------------------- */

static bool is_direct(enum wire_kind kind)
{
    return kind == WIRE_ECHO_REPLY || kind == WIRE_SYN_ACK || kind == WIRE_RST ||
           kind == WIRE_BARE_RST;
}

/* RFC 793: a RST to an ACK has the acknowledged number as its sequence number. Some stacks send an
 * acknowledgement number in place of that, plus one or not. */
static bool fits_tcp(const struct wire_packet *packet, uint32_t seq)
{
    uint32_t got = packet->probe.tcp_seq;
    bool less = is_direct(packet->kind) && packet->kind != WIRE_BARE_RST;

    return got == seq || (less && got == seq - 1);
}

/* Whether the reply came to an address that this host's own NAT gave the probe, possibly with
 * another port or identifier: the whole cookie, or the number of a TCP ACK, must fit. */
static bool is_translated(const struct fingerprint *f, const struct wire_spec *spec,
                          const struct wire_packet *packet)
{
    bool proven = packet->probe.protocol == WIRE_TCP || !match_is_bare(spec, packet);
    return proven && !ipaddr_equal(&packet->probe.source, &f->config.source);
}

static bool fits(const struct fingerprint *f, size_t n, const struct wire_packet *packet)
{
    const struct wire_ids *ids = &packet->probe;
    struct wire_spec spec = spec_of(f, n);
    struct wire_probe probe = probe_of(n);
    bool translated = is_translated(f, &spec, packet);

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

static void keep(struct fingerprint *f, size_t n, const struct wire_packet *packet,
                 const struct evidence_capture *capture)
{
    struct wire_spec spec = spec_of(f, n);
    struct wire_probe probe = probe_of(n);
    struct evidence_reply reply = {
        .sent = evidence_sent_of(evidence_probe_of(spec.protocol), &spec, &probe),
        .index = (uint32_t)n,
        .at_ns = capture->at_ns,
        .packet = *packet,
    };

    evidence_add(&f->replies, &reply, capture->bytes);
}

bool fingerprint_reply(struct fingerprint *f, const struct wire_packet *packet,
                       const struct evidence_capture *capture)
{
    const struct wire_ids *ids = &packet->probe;

    if (packet->kind == WIRE_PROBE || !ipaddr_equal(&ids->target, &f->config.target))
        return false;
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++) {
        struct fingerprint_probe *p = &f->probes[n];
        bool sent = p->state != FINGERPRINT_WAITING && p->state != FINGERPRINT_LEFT_OUT;
        const struct wire_spec spec = spec_of(f, n);
        bool in_time =
            p->state == FINGERPRINT_OPEN || !match_is_bare(&spec, packet); /* see match.h */
        if (!sent || !in_time || !fits(f, n, packet))
            continue;
        if (p->state != FINGERPRINT_ANSWERED && ipaddr_equal(&packet->from, &f->config.target))
            keep(f, n, packet, capture);
        p->state = FINGERPRINT_ANSWERED;
        return true;
    }
    return false;
}

/* ---- time ---------------------------------------------------------------------------------- */

void fingerprint_expire(struct fingerprint *f, int64_t now_ns)
{
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++) {
        struct fingerprint_probe *p = &f->probes[n];
        if (p->state == FINGERPRINT_OPEN && now_ns - p->sent_ns >= f->config.timeout_ns)
            p->state = FINGERPRINT_UNANSWERED;
    }
}

static int64_t due_of(const struct fingerprint *f, size_t n, int64_t now_ns)
{
    const struct fingerprint_probe *p = &f->probes[n];

    if (p->state == FINGERPRINT_OPEN)
        return p->sent_ns + f->config.timeout_ns;
    if (p->state != FINGERPRINT_WAITING)
        return INT64_MAX;
    int64_t turn = turn_ns(f, n);
    return turn > now_ns && turn != INT64_MAX ? turn : now_ns + recheck_ns;
}

int64_t fingerprint_due(const struct fingerprint *f, int64_t now_ns)
{
    int64_t due = INT64_MAX;

    for (size_t n = 0; n < FINGERPRINT_PROBES; n++) {
        int64_t at = due_of(f, n, now_ns);
        due = at < due ? at : due;
    }
    return due;
}

bool fingerprint_done(const struct fingerprint *f)
{
    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        if (f->probes[n].state == FINGERPRINT_WAITING || f->probes[n].state == FINGERPRINT_OPEN)
            return false;
    return true;
}

int fingerprint_sent(const struct fingerprint *f, enum wire_protocol protocol)
{
    int sent = 0;

    for (size_t n = 0; n < FINGERPRINT_PROBES; n++)
        sent += protocol_of(n) == protocol && f->probes[n].state != FINGERPRINT_WAITING &&
                f->probes[n].state != FINGERPRINT_LEFT_OUT;
    return sent;
}
