/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/units.h"
#include "network.h"

static const int64_t token_ns = 1000 * MS, slow_ns = 1300 * MS;

enum { BUCKET = 6, GROUPS = 4 };

void network_choose(struct network *net, struct source *source, int hops)
{
    static const uint16_t mtus[] = { 68, 576, 1279, 1280, 1281, 1400, 1492, 1499 };

    *net = (struct network){ .hops = hops,
                             .target_ttl = 1 + (int)source_below(source, (unsigned)hops + 2) };
    uint8_t timing = source_byte(source);
    net->rtt_ns = (timing & 3) == 0 ? 40 * MS : (timing & 3) * MS;
    net->short_quotes = (timing & 12) == 12;
    for (int ttl = 1; ttl <= hops; ttl++) {
        uint8_t byte = source_byte(source);
        bool special = byte >= 128; /* every other router is a plain one */
        net->kinds[ttl] = special ? (enum router_kind)(byte % ROUTER_KIND_COUNT) : ROUTER_PLAIN;
        net->mtus[ttl] = mtus[byte / 16 % (sizeof mtus / sizeof *mtus)];
    }
}

static struct ipaddr address_of(const struct wire_packet *sent, int ttl, unsigned group)
{
    struct ipaddr address = sent->probe.target;

    address.bytes[1] = 50;
    address.bytes[2] = (uint8_t)(ttl + 1);
    address.bytes[3] = (uint8_t)(group + 1);
    return address;
}

struct ipaddr network_fresh(struct network *net, const struct ipaddr *like)
{
    struct ipaddr address = *like;

    net->fresh++;
    address.bytes[1] = (uint8_t)(60 + net->fresh / 65536 % 64);
    address.bytes[2] = (uint8_t)(net->fresh / 256);
    address.bytes[3] = (uint8_t)net->fresh;
    return address;
}

static bool is_error(enum wire_kind kind)
{
    return kind == WIRE_TIME_EXCEEDED || kind == WIRE_UNREACHABLE || kind == WIRE_TOO_BIG;
}

struct wire_packet network_reply(const struct wire_packet *sent, enum wire_kind kind,
                                 const struct ipaddr *from, int hop)
{
    static const uint8_t types[2][WIRE_KIND_COUNT] = {
        { [WIRE_TIME_EXCEEDED] = 11, [WIRE_UNREACHABLE] = 3, [WIRE_TOO_BIG] = 3 },
        { [WIRE_TIME_EXCEEDED] = 3, [WIRE_UNREACHABLE] = 1, [WIRE_TOO_BIG] = 2 },
    };
    struct wire_packet reply = *sent;

    reply.kind = kind;
    reply.from = *from;
    reply.ttl = (uint8_t)(64 - hop);
    if (!is_error(kind)) {
        reply.quote = (struct wire_quote){ 0 };
        reply.probe.ip_id = 0;
        reply.probe.ttl = reply.probe.tos = 0;
        return reply;
    }
    reply.type = types[from->version == 6][kind];
    reply.code = kind == WIRE_UNREACHABLE ? 1 : kind == WIRE_TOO_BIG ? 4 : 0;
    reply.quote = (struct wire_quote){ .at = 28, .size = sent->length, .header_ok = true };
    reply.quote.length = sent->length < 1400 ? sent->length : 1400;
    reply.probe.ttl = (uint8_t)(hop > 0 && hop <= sent->ttl ? sent->ttl - hop + 1 : 1);
    return reply;
}

static bool has_token(struct network *net, int ttl, int64_t now_ns)
{
    int64_t full_ns = net->tokens_ns[ttl] > now_ns ? net->tokens_ns[ttl] : now_ns;

    if (full_ns - now_ns > (BUCKET - 1) * token_ns)
        return false;
    net->tokens_ns[ttl] = full_ns + token_ns;
    return true;
}

unsigned network_flow(const struct wire_packet *sent)
{
    return sent->probe.source_port - WIRE_SOURCE_PORT;
}

static struct ipaddr hop_address(struct network *net, struct source *source,
                                 const struct wire_packet *sent, int ttl)
{
    switch (net->kinds[ttl]) {
    case ROUTER_PER_FLOW:
        return address_of(sent, ttl, network_flow(sent) * 7 / 4 % GROUPS);
    case ROUTER_PER_PACKET:
        return address_of(sent, ttl, source_below(source, GROUPS));
    case ROUTER_FEW_FLOWS:
        return address_of(sent, ttl, network_flow(sent) % 2);
    case ROUTER_EVER_NEW:
        return network_fresh(net, &sent->probe.target);
    default:
        return address_of(sent, ttl, 0);
    }
}

static struct wire_packet target_answer(const struct wire_packet *sent)
{
    static const enum wire_kind kinds[] = {
        [WIRE_ICMP] = WIRE_ECHO_REPLY, [WIRE_UDP] = WIRE_UNREACHABLE, [WIRE_TCP] = WIRE_RST
    };
    struct wire_packet answer =
        network_reply(sent, kinds[sent->probe.protocol], &sent->probe.target, 1);

    if (answer.kind == WIRE_UNREACHABLE)
        answer.code = sent->from.version == 4 ? 3 : 4;
    return answer;
}

/* What the router at this TTL does with a packet that it does not pass on. */
static bool router_answer(struct network *net, struct source *source,
                          const struct wire_packet *sent, int ttl, int64_t now_ns,
                          struct wire_packet *answer)
{
    enum router_kind kind = net->kinds[ttl];
    bool too_big = (kind == ROUTER_SMALL || kind == ROUTER_SMALL_MUTE) &&
                   sent->length > net->mtus[ttl] && ttl < sent->ttl;

    unsigned flow = network_flow(sent);

    if (kind == ROUTER_SILENT || (kind == ROUTER_SMALL_MUTE && too_big) ||
        (kind == ROUTER_BUCKET && !has_token(net, ttl, now_ns)) ||
        (kind == ROUTER_FEW_FLOWS && (flow < 1 || flow > 5)))
        return false;
    enum wire_kind says = too_big                                         ? WIRE_TOO_BIG
                          : kind == ROUTER_UNREACHABLE && ttl < sent->ttl ? WIRE_UNREACHABLE
                                                                          : WIRE_TIME_EXCEEDED;
    struct ipaddr from = hop_address(net, source, sent, ttl);
    *answer = network_reply(sent, says, &from, ttl);
    if (too_big)
        answer->mtu = net->mtus[ttl];
    return true;
}

static bool lets_through(const struct network *net, const struct wire_packet *sent, int ttl)
{
    enum router_kind kind = net->kinds[ttl];
    bool is_small = kind == ROUTER_SMALL || kind == ROUTER_SMALL_MUTE;

    return kind != ROUTER_UNREACHABLE && !(is_small && sent->length > net->mtus[ttl]);
}

bool network_answer(struct network *net, struct source *source, const struct wire_packet *sent,
                    int64_t now_ns, struct wire_packet *answer, int64_t *after_ns)
{
    int ttl = 1;

    while (ttl < sent->ttl && ttl < net->target_ttl && ttl < net->hops &&
           lets_through(net, sent, ttl))
        ttl++;
    *after_ns = ttl * net->rtt_ns + source_byte(source) * MS / 256;
    if (ttl >= net->target_ttl)
        *answer = target_answer(sent);
    else if (!router_answer(net, source, sent, ttl, now_ns, answer))
        return false;
    if (ttl <= net->hops && net->kinds[ttl] == ROUTER_FEW_FLOWS && network_flow(sent) % 2 == 0)
        *after_ns += slow_ns;
    if (net->short_quotes && answer->quote.length > 28) {
        answer->quote.length = 28;
        answer->probe.cookie = 0;
        answer->probe.cookie_bytes = 0;
        answer->probe.balance = 0;
    }
    return true;
}
