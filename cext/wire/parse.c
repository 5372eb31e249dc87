/* SPDX-License-Identifier: BSD-2-Clause */
/* Captured bytes are untrusted: no assert depends on them, and a length that a packet states can
 * only shorten the captured bytes. */
#include "base/cursor.h"
#include "wire/icmpext.h"
#include "wire/wire.h"

#include <netinet/in.h>
#include <string.h>

/* ICMP numbers: RFC 792, RFC 1191, RFC 4443. */
enum {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_FRAGMENTATION_NEEDED = 4, /* code of destination unreachable */
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12,
    ICMP6_DESTINATION_UNREACHABLE = 1,
    ICMP6_PACKET_TOO_BIG = 2,
    ICMP6_HOP_LIMIT_EXCEEDED = 3,
    ICMP6_BAD_PARAMETER = 4,
    ICMP6_ECHO_REQUEST = 128,
    ICMP6_ECHO_ANSWERED = 129,
    TTL_CODE = 0, /* code 1, reassembly time exceeded, does not come from a hop */
};
enum { OPTION_END, OPTION_NOP, OPTION_SCALE = 3, OPTION_SACK = 5, OPTION_TIMESTAMPS = 8 };
enum { IP4_DF = 0x4000, IP4_MORE = 0x2000, IP4_OFFSET = 0x1fff };
enum { ICMP_HEADER = 8, UDP_HEADER = 8 };
enum { PADDED = 128 }; /* RFC 4884 section 5.1: a quote is padded with zeros to this length */

/* The fields of an IP header and its extension headers. */
struct ip_view {
    struct ipaddr source, target;
    uint8_t protocol, ttl, tos;
    uint16_t id, length;
    bool df, fragment;   /* fragment: a later one, without a transport header */
    bool more;           /* fragments follow */
    size_t padded;       /* a quote: payload bytes up to PADDED; 0: no padding is possible */
    uint16_t header_sum; /* IPv4: see sum_words */
    uint32_t flow_label;
};

/* Adds the carries of a sum of 16-bit words, for one's complement. */
static uint16_t fold(uint32_t sum)
{
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* Adds 16-bit words, of at most 65,535 bytes, to `sum` in one's complement. The result is 0xffff if
 * the words include a correct checksum. */
static uint16_t sum_words(struct cur c, uint32_t sum)
{
    while (cur_left(&c) >= 2)
        sum += cur_u16be(&c);
    if (cur_left(&c) == 1)
        sum += (uint32_t)cur_u8(&c) << 8;
    return fold(sum);
}

static uint16_t swapped(uint16_t value)
{
    return (uint16_t)(value << 8 | value >> 8);
}

/* Some stacks quote the identification with swapped bytes, but with the checksum of the received
 * header, or with the checksum from before they decremented the TTL (0x0100). */
static bool is_id_swapped(const struct ip_view *ip)
{
    uint32_t sum = (uint32_t)ip->header_sum + (uint16_t)~ip->id + swapped(ip->id);

    return ip->header_sum != 0xffff && (fold(sum) == 0xffff || fold(sum + 0x0100) == 0xffff);
}

static enum wire_verdict read_ip4(struct cur *c, struct ip_view *ip)
{
    struct cur header = *c;
    uint8_t first = cur_u8(c);
    ip->tos = cur_u8(c);
    ip->length = cur_u16be(c);
    ip->id = cur_u16be(c);
    uint16_t offset = cur_u16be(c);
    ip->df = (offset & IP4_DF) != 0;
    ip->more = (offset & IP4_MORE) != 0;
    ip->fragment = (offset & IP4_OFFSET) != 0;
    ip->ttl = cur_u8(c);
    ip->protocol = cur_u8(c);
    cur_take(c, 2); /* checksum */
    const uint8_t *source = cur_take(c, 4);
    const uint8_t *target = cur_take(c, 4);
    unsigned words = first & 0x0f;
    if (c->ok && words < 5)
        return WIRE_MALFORMED;
    cur_take(c, (words - 5) * 4); /* options */
    if (!c->ok)
        return WIRE_TRUNCATED;
    cur_limit(&header, words * 4);
    ip->header_sum = sum_words(header, 0);
    ip->source = ipaddr_from_bytes(4, source);
    ip->target = ipaddr_from_bytes(4, target);
    return WIRE_OK;
}

/* Walks extension headers (RFC 8200 section 4) to the transport header. */
static enum wire_verdict skip_extensions(struct cur *c, struct ip_view *ip)
{
    for (int n = 0; n <= WIRE_EXTENSION_HEADERS; n++) {
        uint8_t here = ip->protocol;
        if (here != IPPROTO_HOPOPTS && here != IPPROTO_ROUTING && here != IPPROTO_DSTOPTS &&
            here != IPPROTO_FRAGMENT && here != IPPROTO_AH)
            return c->ok ? WIRE_OK : WIRE_TRUNCATED;
        ip->protocol = cur_u8(c);
        unsigned length = cur_u8(c);
        if (here == IPPROTO_FRAGMENT) {
            uint16_t offset = cur_u16be(c);
            ip->fragment = ip->fragment || (offset & 0xfff8) != 0;
            ip->more = ip->more || (offset & 1) != 0;
            cur_take(c, 4);
        } else if (here == IPPROTO_AH) {
            cur_take(c, (length + 2) * 4 - 2);
        } else {
            cur_take(c, (length + 1) * 8 - 2);
        }
    }
    return c->ok ? WIRE_MALFORMED : WIRE_TRUNCATED;
}

static enum wire_verdict read_ip6(struct cur *c, struct ip_view *ip)
{
    uint32_t first = cur_u32be(c);
    ip->tos = (uint8_t)(first >> 20);
    ip->flow_label = first & 0xfffff;
    uint16_t payload = cur_u16be(c);
    ip->length = (uint16_t)(payload + 40);
    ip->protocol = cur_u8(c);
    ip->ttl = cur_u8(c);
    const uint8_t *source = cur_take(c, 16);
    const uint8_t *target = cur_take(c, 16);
    if (!c->ok)
        return WIRE_TRUNCATED;
    ip->source = ipaddr_from_bytes(6, source);
    ip->target = ipaddr_from_bytes(6, target);
    return skip_extensions(c, ip);
}

static enum wire_verdict read_ip(struct cur *c, struct ip_view *ip)
{
    *ip = (struct ip_view){ 0 };
    if (cur_left(c) == 0)
        return WIRE_TRUNCATED;
    unsigned version = *c->at >> 4;
    return version == 4 ? read_ip4(c, ip) : version == 6 ? read_ip6(c, ip) : WIRE_FOREIGN;
}

static bool is_zeros(struct cur c)
{
    while (cur_left(&c) > 0)
        if (cur_u8(&c) != 0)
            return false;
    return true;
}

/* Reads the balance bytes and the cookie, of which a quote may have a part only. */
static void read_payload(struct cur *c, struct wire_ids *ids)
{
    uint16_t balance = cur_u16be(c);

    while (cur_left(c) > 0 && ids->cookie_bytes < WIRE_COOKIE)
        ids->cookie |= (uint32_t)cur_u8(c) << (8 * (3 - ids->cookie_bytes++));
    ids->has_balance = ids->cookie_bytes == WIRE_COOKIE;
    if (ids->has_balance)
        ids->balance = balance;
}

/* Keeps the first bytes for wire_ids_of: the parser does not know the payload of a trace, and only
 * the trace can find cookie and balance. */
static void keep_payload(struct cur c, struct wire_ids *ids)
{
    cur_limit(&c, PAYLOAD_SEEN);
    ids->payload_bytes = (uint8_t)cur_left(&c);
    for (size_t i = 0; i < ids->payload_bytes; i++)
        ids->payload[i] = cur_u8(&c);
}

bool wire_ids_of(enum wire_payload payload, const struct payload_template *file,
                 struct wire_ids *ids)
{
    bool is_reply = ids->service != PAYLOAD_PLAIN;
    struct payload_marks marks;

    if (payload == PAYLOAD_PLAIN || (is_reply && payload != PAYLOAD_FILE))
        return ids->service == payload;
    const struct payload_template *its = payload_template(payload, file);
    bool (*read_marks)(const struct payload_template *, const uint8_t *, size_t,
                       struct payload_marks *) = is_reply ? payload_read_echo : payload_read;
    if (!read_marks(its, ids->payload, ids->payload_bytes, &marks))
        return false;
    ids->cookie = marks.cookie;
    ids->cookie_bytes = marks.cookie_bytes;
    ids->balance = marks.balance;
    ids->has_balance = marks.has_balance;
    return true;
}

bool wire_to_file_reply(struct wire_packet *packet)
{
    struct wire_ids *ids = &packet->probe;

    if (packet->kind != WIRE_PROBE || ids->protocol != WIRE_UDP ||
        !wire_is_file_port(ids->target_port) || wire_is_file_port(ids->source_port))
        return false;
    struct wire_ids turned = { .protocol = WIRE_UDP,
                               .source = ids->target,
                               .target = ids->source,
                               .source_port = ids->target_port,
                               .target_port = ids->source_port,
                               .service = PAYLOAD_FILE,
                               .payload_bytes = ids->payload_bytes };
    memcpy(turned.payload, ids->payload, ids->payload_bytes);
    *ids = turned;
    packet->kind = WIRE_SERVICE;
    packet->type = PAYLOAD_FILE;
    packet->code = 0;
    return true;
}

/* Reads flags and reserved bits without the data offset; 0 if the quote ends before them. */
static uint16_t read_flags(struct cur *c)
{
    return cur_u16be(c) & 0x01ff;
}

/* Reads a probe's identity from its transport header, of which a quote has eight bytes at least
 * (RFC 792). */
static enum wire_verdict read_probe(struct cur c, const struct ip_view *ip, struct wire_ids *ids)
{
    uint8_t icmp = ipaddr_family(ip->source.version)->icmp_protocol;

    *ids = (struct wire_ids){ .source = ip->source,
                              .target = ip->target,
                              .ip_id = ip->id,
                              .id_swapped = is_id_swapped(ip),
                              .flow_label = ip->flow_label,
                              .ttl = ip->ttl,
                              .tos = ip->tos };
    if (ip->fragment)
        return WIRE_FOREIGN;
    if (cur_left(&c) < 8)
        return WIRE_TRUNCATED;
    struct cur padding = c;
    cur_limit(&padding, ip->padded);
    cur_take(&padding, 8);
    if (padding.ok && is_zeros(padding))
        cur_limit(&c, 8);
    if (ip->protocol == icmp) {
        ids->protocol = WIRE_ICMP;
        uint8_t type = cur_u8(&c);
        if (type != (icmp == IPPROTO_ICMP ? ICMP4_ECHO : ICMP6_ECHO_REQUEST))
            return WIRE_FOREIGN;
        cur_take(&c, 3); /* code, checksum */
        ids->ident = cur_u16be(&c);
        ids->index = cur_u16be(&c);
        read_payload(&c, ids);
        return WIRE_OK;
    }
    ids->source_port = cur_u16be(&c);
    ids->target_port = cur_u16be(&c);
    if (ip->protocol == IPPROTO_UDP) {
        ids->protocol = WIRE_UDP;
        cur_take(&c, 2); /* length */
        ids->index = cur_u16be(&c);
        keep_payload(c, ids);
        read_payload(&c, ids);
        return WIRE_OK;
    }
    if (ip->protocol == IPPROTO_TCP) {
        ids->protocol = WIRE_TCP;
        ids->tcp_seq = cur_u32be(&c);
        cur_take(&c, 4); /* acknowledgement */
        ids->tcp_flags = read_flags(&c);
        return WIRE_OK;
    }
    return WIRE_FOREIGN;
}

/* Requires eight bytes, which read_probe has checked. */
static uint16_t read_checksum(struct cur c, enum wire_protocol protocol)
{
    if (protocol == WIRE_TCP)
        return 0;
    cur_take(&c, protocol == WIRE_UDP ? 6 : 2);
    return cur_u16be(&c);
}

static enum wire_verdict read_quote(struct cur c, struct wire_packet *out)
{
    struct ip_view inner;

    size_t length = cur_left(&c);
    out->quote.length = (uint16_t)length;
    size_t own = icmpext_find(out->from.version, out->type, out->rest, c.at, length).quote_length;
    cur_limit(&c, own); /* the extension structure is no part of the quote */
    enum wire_verdict verdict = read_ip(&c, &inner);
    if (verdict != WIRE_OK)
        return verdict;
    size_t least = own - cur_left(&c) + 8 + WIRE_PAYLOAD_MIN;
    inner.padded = own >= PADDED && least <= PADDED ? PADDED - least + 8 + WIRE_PAYLOAD_MIN : 0;
    if (inner.source.version != out->from.version)
        return WIRE_FOREIGN;
    verdict = read_probe(c, &inner, &out->probe);
    if (verdict != WIRE_OK)
        return verdict;
    out->quote.size = inner.length;
    out->quote.df = inner.df;
    out->quote.header_ok = inner.header_sum == 0xffff;
    out->quote.checksum = read_checksum(c, out->probe.protocol);
    return WIRE_OK;
}

static enum wire_verdict read_echo_reply(struct cur c, const struct ip_view *ip,
                                         struct wire_packet *out)
{
    out->probe =
        (struct wire_ids){ .protocol = WIRE_ICMP, .source = ip->target, .target = ip->source };
    out->probe.ident = cur_u16be(&c);
    out->probe.index = cur_u16be(&c);
    if (!c.ok)
        return WIRE_TRUNCATED;
    read_payload(&c, &out->probe);
    out->kind = WIRE_ECHO_REPLY;
    return WIRE_OK;
}

/* Returns the kind of an ICMP message; WIRE_KIND_COUNT for messages that traces do not use. */
static enum wire_kind icmp_kind(uint8_t version, uint8_t type, uint8_t code)
{
    if (version == 4) {
        switch (type) {
        case ICMP4_ECHO_REPLY:
            return WIRE_ECHO_REPLY;
        case ICMP4_ECHO:
            return WIRE_PROBE;
        case ICMP4_TIME_EXCEEDED:
            return code == TTL_CODE ? WIRE_TIME_EXCEEDED : WIRE_KIND_COUNT;
        case ICMP4_UNREACHABLE:
            return code == ICMP4_FRAGMENTATION_NEEDED ? WIRE_TOO_BIG : WIRE_UNREACHABLE;
        case ICMP4_PARAMETER_PROBLEM:
            return WIRE_UNREACHABLE;
        default:
            return WIRE_KIND_COUNT;
        }
    }
    switch (type) {
    case ICMP6_ECHO_ANSWERED:
        return WIRE_ECHO_REPLY;
    case ICMP6_ECHO_REQUEST:
        return WIRE_PROBE;
    case ICMP6_HOP_LIMIT_EXCEEDED:
        return code == TTL_CODE ? WIRE_TIME_EXCEEDED : WIRE_KIND_COUNT;
    case ICMP6_DESTINATION_UNREACHABLE:
        return WIRE_UNREACHABLE;
    case ICMP6_PACKET_TOO_BIG:
        return WIRE_TOO_BIG;
    case ICMP6_BAD_PARAMETER:
        return WIRE_UNREACHABLE;
    default:
        return WIRE_KIND_COUNT;
    }
}

static enum wire_verdict read_icmp(struct cur c, const struct ip_view *ip, struct wire_packet *out)
{
    struct cur whole = c;

    out->type = cur_u8(&c);
    out->code = cur_u8(&c);
    cur_take(&c, 2); /* checksum */
    if (!c.ok)
        return WIRE_TRUNCATED;
    out->kind = icmp_kind(ip->source.version, out->type, out->code);
    if (out->kind == WIRE_KIND_COUNT)
        return WIRE_FOREIGN;
    if (out->kind == WIRE_PROBE)
        return read_probe(whole, ip, &out->probe);
    if (out->kind == WIRE_ECHO_REPLY)
        return read_echo_reply(c, ip, out);
    out->rest = cur_u32be(&c);
    if (out->kind == WIRE_TOO_BIG)
        out->mtu = out->rest > 0xffff && ip->source.version == 6 ? 0xffff : (uint16_t)out->rest;
    return read_quote(c, out);
}

/* RFC 2883 section 4: the first block reports a duplicate if it does not extend beyond the
 * acknowledgement. Our probes inside a connection have one byte, and so have their blocks. */
static void read_sack(struct cur c, struct wire_packet *out)
{
    uint32_t from = cur_u32be(&c), to = cur_u32be(&c);

    if (!c.ok || to - from != 1 || (int32_t)(out->tcp.ack - to) < 0)
        return;
    out->tcp.dsack = true;
    out->probe.tcp_seq = from;
}

static void read_option(uint8_t kind, struct cur c, struct wire_packet *out)
{
    size_t length = cur_left(&c);

    if (kind == OPTION_SCALE && length == 1) {
        out->tcp.scaled = true;
        out->tcp.scale = cur_u8(&c);
    } else if (kind == OPTION_SACK) {
        read_sack(c, out);
    } else if (kind == OPTION_TIMESTAMPS && length == 8) {
        out->tcp.timestamps = true;
        out->tcp.ts_value = cur_u32be(&c);
        out->tcp.ts_echo = cur_u32be(&c);
    }
}

/* RFC 9293 section 3.1. A malformed option ends the list. */
static void read_options(struct cur c, struct wire_packet *out)
{
    while (cur_left(&c) > 0) {
        uint8_t kind = cur_u8(&c);
        if (kind == OPTION_END)
            return;
        if (kind == OPTION_NOP)
            continue;
        uint8_t length = cur_u8(&c);
        struct cur option = c;
        cur_take(&c, length - 2U);
        if (length < 2 || !c.ok)
            return;
        cur_limit(&option, length - 2U);
        read_option(kind, option, out);
    }
}

/* Reads the window, at `c`, and the options. `whole` is the segment as captured; `length` is its
 * length as sent. */
static enum wire_verdict read_segment(struct cur c, struct cur whole, size_t length,
                                      struct wire_packet *out)
{
    struct cur options = whole, offset = whole;

    cur_take(&offset, 12);
    unsigned words = cur_u8(&offset) >> 4;
    if (words < 5 || length < words * 4)
        return WIRE_MALFORMED;
    if (cur_left(&whole) < words * 4)
        return WIRE_TRUNCATED;
    out->tcp.window = cur_u16be(&c);
    out->tcp.payload = (uint16_t)(length - words * 4);
    cur_limit(&options, words * 4);
    cur_take(&options, 20);
    read_options(options, out);
    return WIRE_OK;
}

/* Reads a segment inside a connection: a probe if it carries one byte from one of our ports. */
static enum wire_verdict read_inside(struct cur whole, const struct ip_view *ip, uint16_t from_port,
                                     struct wire_packet *out)
{
    if (wire_is_own_port(from_port) && out->tcp.payload == 1 && !out->tcp.fin) {
        out->kind = WIRE_PROBE;
        return read_probe(whole, ip, &out->probe);
    }
    out->kind = WIRE_ACK;
    return wire_is_own_port(out->probe.source_port) ? WIRE_OK : WIRE_FOREIGN;
}

/* Reads a probe, or a reply as the identity of its probe: source and target are exchanged, and a
 * reply acknowledges a SYN with its payload (RFC 9293 section 3.10.7). */
static enum wire_verdict read_tcp(struct cur c, const struct ip_view *ip, size_t length,
                                  struct wire_packet *out)
{
    struct cur whole = c;
    struct wire_ids *ids = &out->probe;

    *ids = (struct wire_ids){ .protocol = WIRE_TCP, .source = ip->target, .target = ip->source };
    ids->target_port = cur_u16be(&c);
    ids->source_port = cur_u16be(&c);
    out->tcp.seq = cur_u32be(&c);
    out->tcp.ack = cur_u32be(&c);
    ids->tcp_seq = out->tcp.ack - 1;
    uint16_t all = read_flags(&c), flags = all & (WIRE_TCP_SYN | WIRE_TCP_RST | WIRE_TCP_ACK);
    if (!c.ok)
        return WIRE_TRUNCATED;
    out->tcp.fin = (all & WIRE_TCP_FIN) != 0;
    /* RFC 9293 section 3.10.7.1: the RST for an ACK has the acknowledged number as sequence
     * number. */
    if (flags == WIRE_TCP_RST) {
        out->kind = WIRE_BARE_RST;
        ids->tcp_seq = out->tcp.seq;
        return WIRE_OK;
    }
    if (flags == (WIRE_TCP_RST | WIRE_TCP_ACK)) {
        out->kind = WIRE_RST;
        return WIRE_OK;
    }
    uint16_t from_port = ids->target_port;
    enum wire_verdict verdict = read_segment(c, whole, length, out);
    switch (flags) {
    case WIRE_TCP_SYN:
        out->kind = WIRE_PROBE;
        return read_probe(whole, ip, ids);
    case WIRE_TCP_SYN | WIRE_TCP_ACK:
        out->kind = WIRE_SYN_ACK;
        ids->tcp_seq = out->tcp.ack - 1;
        out->code = (uint8_t)((all & WIRE_TCP_ECN) >> WIRE_TCP_ECN_SHIFT);
        return WIRE_OK;
    case WIRE_TCP_ACK:
        return verdict != WIRE_OK ? verdict : read_inside(whole, ip, from_port, out);
    default:
        return WIRE_FOREIGN;
    }
}

/* Reads a probe, or a service's reply as the identity of its probe: source and target exchanged. */
static enum wire_verdict read_udp(struct cur c, const struct ip_view *ip, struct wire_packet *out)
{
    struct cur payload = c;
    struct payload_reply reply;

    cur_take(&payload, UDP_HEADER);
    if (!payload_read_reply(payload, &reply)) {
        out->kind = WIRE_PROBE;
        return read_probe(c, ip, &out->probe);
    }
    out->kind = WIRE_SERVICE;
    out->type = (uint8_t)reply.payload;
    out->code = reply.code;
    out->probe = (struct wire_ids){ .protocol = WIRE_UDP,
                                    .source = ip->target,
                                    .target = ip->source,
                                    .service = reply.payload,
                                    .cookie = reply.marks.cookie,
                                    .cookie_bytes = reply.marks.cookie_bytes,
                                    .balance = reply.marks.balance,
                                    .has_balance = reply.marks.has_balance };
    out->probe.target_port = cur_u16be(&c);
    out->probe.source_port = cur_u16be(&c);
    keep_payload(payload, &out->probe);
    return WIRE_OK;
}

static uint32_t pseudo_sum(const struct ip_view *ip, size_t length)
{
    uint32_t sum = sum_words(cur_over(ip->source.bytes, sizeof ip->source.bytes), 0);

    sum += sum_words(cur_over(ip->target.bytes, sizeof ip->target.bytes), 0);
    return sum + (uint32_t)length + ip->protocol;
}

/* Returns whether a checksum is wrong. `message` has the captured bytes of the `length` that were
 * sent; an ICMP checksum is verified only if the whole message was captured. */
static bool is_damaged(const struct ip_view *ip, struct cur message, size_t length)
{
    const struct ipaddr_family *family = ipaddr_family(ip->source.version);

    if (family->version == 4 && ip->header_sum != 0xffff)
        return true;
    if (ip->protocol != family->icmp_protocol || ip->more || cur_left(&message) < length)
        return false;
    return sum_words(message, family->icmp_pseudo ? pseudo_sum(ip, length) : 0) != 0xffff;
}

/* Reads the IP header and reduces *c to the captured part of its payload. */
static enum wire_verdict read_outer(struct cur *c, struct ip_view *ip)
{
    const uint8_t *packet = c->at;
    enum wire_verdict verdict = read_ip(c, ip);

    if (verdict != WIRE_OK)
        return verdict;
    if (ip->fragment)
        return WIRE_FOREIGN;
    size_t header = (size_t)(c->at - packet);
    if (ip->length < header)
        return WIRE_MALFORMED;
    cur_limit(c, ip->length - header); /* Ethernet pads short frames */
    return WIRE_OK;
}

bool wire_is_damaged(const uint8_t *packet, size_t captured)
{
    struct cur c = cur_over(packet, captured);
    struct ip_view ip;

    return read_outer(&c, &ip) != WIRE_OK ||
           is_damaged(&ip, c, ip.length - (size_t)(c.at - packet));
}

enum wire_verdict wire_read(const uint8_t *packet, size_t captured, struct wire_packet *out)
{
    struct cur c = cur_over(packet, captured);
    struct wire_packet result = { 0 };
    struct ip_view ip;
    enum wire_verdict verdict = read_outer(&c, &ip);

    if (verdict != WIRE_OK)
        return verdict;
    result.from = ip.source;
    result.ttl = ip.ttl;
    result.tos = ip.tos;
    result.df = ip.df;
    result.ip_id = ip.id;
    result.length = ip.length;
    if (ip.protocol == ipaddr_family(ip.source.version)->icmp_protocol) {
        verdict = read_icmp(c, &ip, &result);
        if (result.quote.length > 0)
            result.quote.at = (uint16_t)(c.at - packet + ICMP_HEADER);
    } else if (ip.protocol == IPPROTO_TCP) {
        verdict = read_tcp(c, &ip, ip.length - (size_t)(c.at - packet), &result);
    } else if (ip.protocol == IPPROTO_UDP) {
        verdict = read_udp(c, &ip, &result);
    } else {
        verdict = WIRE_FOREIGN;
    }
    if (verdict == WIRE_OK)
        *out = result;
    return verdict;
}

enum wire_verdict wire_parse(const uint8_t *packet, size_t captured, struct wire_packet *out)
{
    struct wire_packet result;
    enum wire_verdict verdict = wire_read(packet, captured, &result);

    if (verdict == WIRE_OK && result.kind != WIRE_PROBE && wire_is_damaged(packet, captured))
        verdict = WIRE_MALFORMED;
    if (verdict == WIRE_OK)
        *out = result;
    return verdict;
}
