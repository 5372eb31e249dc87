/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/wire.h"

#include <assert.h>
#include <dumbnet.h>
#include <string.h>

enum { ICMP6_ECHO_REQUEST = 128 };
enum { UDP_HEADER = 8, ECHO_HEADER = 8, TCP_HEADER = 20, TCP_MSS_OPTION = 4 };
enum { TCP_FLAGS_AT = 13 }; /* byte 12 has the data offset and AE */
enum { TCP_TIMESTAMPS = 12 /* two NOPs included */, SESSION_PAYLOAD = 1, CHECK_TTL = 64 };

static const struct {
    uint8_t header; /* bytes of the transport header, options included */
    uint8_t payload_min;
    uint8_t payload_default;
} protocol_info[] = {
    [WIRE_ICMP] = { ECHO_HEADER, WIRE_PAYLOAD_MIN, 36 },
    /* 12 bytes of payload, so that a quote's length reveals the vendor: some quote 8 bytes (RFC
       792), others the whole datagram (RFC 1812 section 4.3.2.3). */
    [WIRE_UDP] = { UDP_HEADER, WIRE_PAYLOAD_MIN, 12 },
    [WIRE_TCP] = { TCP_HEADER + TCP_MSS_OPTION, 0, 0 },
};
_Static_assert(sizeof protocol_info / sizeof *protocol_info == WIRE_PROTOCOL_COUNT, "a row each");

uint16_t wire_size_min(enum wire_protocol protocol, uint8_t version)
{
    return (uint16_t)(ipaddr_family(version)->header_length + protocol_info[protocol].header +
                      protocol_info[protocol].payload_min);
}

uint16_t wire_size_default(enum wire_protocol protocol, uint8_t version)
{
    return (uint16_t)(wire_size_min(protocol, version) - protocol_info[protocol].payload_min +
                      protocol_info[protocol].payload_default);
}

uint16_t wire_size_tcp_random_max(uint8_t version)
{
    return (uint16_t)(wire_size_min(WIRE_TCP, version) + WIRE_TCP_STEP - 1);
}

/* A service's request has the length of its template: zeros after it would invalidate most
 * requests. */
static bool is_service_request(const struct wire_spec *spec)
{
    return spec->protocol == WIRE_UDP && spec->payload != PAYLOAD_PLAIN;
}

static uint16_t request_size(const struct wire_spec *spec)
{
    return (uint16_t)(ipaddr_family(spec->target.version)->header_length + UDP_HEADER +
                      payload_template(spec->payload, spec->file)->length);
}

uint16_t wire_size_least(const struct wire_spec *spec)
{
    return is_service_request(spec) ? request_size(spec)
                                    : wire_size_min(spec->protocol, spec->target.version);
}

uint16_t wire_size_usual(const struct wire_spec *spec)
{
    return is_service_request(spec) ? request_size(spec)
                                    : wire_size_default(spec->protocol, spec->target.version);
}

const struct ipaddr *wire_source(const struct wire_spec *spec, uint16_t flow)
{
    const struct wire_sources *sources = spec->sources;
    return sources == NULL ? &spec->source : &sources->list[sources->of[flow % WIRE_FLOWS]];
}

uint8_t wire_ip_protocol(enum wire_protocol protocol, uint8_t version)
{
    if (protocol == WIRE_ICMP)
        return ipaddr_family(version)->icmp_protocol;
    return protocol == WIRE_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

uint8_t wire_echo_type(uint8_t version)
{
    return version == 4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}

uint16_t wire_index(const struct wire_spec *spec, uint32_t number)
{
    return (uint16_t)((spec->first_index + (uint64_t)number) % WIRE_INDEXES + 1);
}

/* A keyed hash of a number: the finaliser of MurmurHash3, twice. */
static uint64_t keyed(uint64_t key, uint64_t number)
{
    uint64_t x = key ^ number * UINT64_C(0x9e3779b97f4a7c15);

    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
        x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
        x = (x ^ x >> 33) + key;
    }
    return x;
}

/* ---- sizes --------------------------------------------------------------------------------- */

static uint16_t session_size(const struct wire_session *session, uint8_t version)
{
    int options = session->timestamps ? TCP_TIMESTAMPS : 0;
    return (uint16_t)(ipaddr_family(version)->header_length + TCP_HEADER + options +
                      SESSION_PAYLOAD);
}

uint16_t wire_size(const struct wire_spec *spec, uint32_t number)
{
    /* Numbers from 2^32 up are hashed for sizes only; tags hash numbers below. */
    static const uint64_t size_domain = UINT64_C(1) << 32;

    const struct wire_session *session = wire_session_of(spec, number);

    if (session != NULL)
        return session_size(session, spec->target.version);
    if (!spec->random_size)
        return spec->size;
    uint16_t least = wire_size_least(spec);
    uint64_t sizes = (uint64_t)spec->size - least + 1;
    return (uint16_t)(least + (keyed(spec->key, size_domain | number) >> 16) % sizes);
}

/* ---- tags ---------------------------------------------------------------------------------- */

enum { TAG_ROUNDS = 6 };

static uint8_t tag_round(uint64_t key, unsigned round, uint8_t half)
{
    return (uint8_t)(keyed(key, (uint64_t)(round + 1) << 8 | half) >> 24);
}

/* A Feistel network over two bytes: a permutation of all 16-bit numbers, chosen by the key. */
static uint16_t permute(uint64_t key, uint16_t number)
{
    uint8_t left = (uint8_t)(number >> 8), right = (uint8_t)number;

    for (unsigned round = 0; round < TAG_ROUNDS; round++) {
        uint8_t next = left ^ tag_round(key, round, right);
        left = right;
        right = next;
    }
    return (uint16_t)(left << 8 | right);
}

static uint16_t permute_back(uint64_t key, uint16_t number)
{
    uint8_t left = (uint8_t)(number >> 8), right = (uint8_t)number;

    for (unsigned round = TAG_ROUNDS; round-- > 0;) {
        uint8_t before = right ^ tag_round(key, round, left);
        right = left;
        left = before;
    }
    return (uint16_t)(left << 8 | right);
}

/* A tag is never 0. As no probe has index 0, the index that the permutation maps to 0 gets the tag
 * to which 0 is mapped. */
uint16_t wire_tag(const struct wire_spec *spec, uint32_t number)
{
    uint16_t tag = permute(spec->key, wire_index(spec, number));
    return tag != 0 ? tag : permute(spec->key, 0);
}

uint16_t wire_tagged_index(const struct wire_spec *spec, uint16_t tag)
{
    if (tag == 0)
        return 0;
    uint16_t index = permute_back(spec->key, tag);
    return index != 0 ? index : permute_back(spec->key, 0);
}

uint32_t wire_cookie(const struct wire_spec *spec, uint32_t number)
{
    const struct payload_template *its = payload_template(spec->payload, spec->file);

    return (uint32_t)payload_cookie(its, spec->cookie) << 16 | wire_tag(spec, number);
}

uint16_t wire_ip_id(const struct wire_spec *spec, uint32_t number)
{
    return spec->ip_id != 0 ? spec->ip_id : wire_tag(spec, number);
}

/* ---- TCP ----------------------------------------------------------------------------------- */

uint32_t wire_tcp_step(const struct wire_spec *spec)
{
    int payload = spec->size - wire_size_min(WIRE_TCP, spec->target.version);
    return payload > 0 && payload % WIRE_TCP_STEP == 0 ? WIRE_TCP_STEP + 1 : WIRE_TCP_STEP;
}

const struct wire_session *wire_session_of(const struct wire_spec *spec, uint32_t number)
{
    if (!spec->in_session)
        return NULL;
    const struct wire_session *session = &spec->sessions[number < spec->sessions[0].first];
    return session->numbers > 0 ? session : NULL;
}

uint32_t wire_check_seq(const struct wire_spec *spec, unsigned i)
{
    const struct wire_session *session = &spec->sessions[0];
    return session->syn - 2 * (session->numbers + 1 + i % WIRE_SESSION_CHECKS);
}

uint32_t wire_tcp_seq(const struct wire_spec *spec, uint32_t number)
{
    const struct wire_session *session = wire_session_of(spec, number);

    if (session != NULL)
        return session->syn - 2 * (session->numbers - (number - session->first) % session->numbers);
    return spec->tcp_base + number * wire_tcp_step(spec);
}

/* ---- checksums ----------------------------------------------------------------------------- */

/* One's complement sum of the pseudo-header (RFC 768, RFC 8200 section 8.1). */
static int pseudo_sum(const struct wire_spec *spec, uint8_t protocol, size_t length)
{
    size_t n = ipaddr_family(spec->source.version)->address_length;
    uint8_t tail[] = { 0, protocol, (uint8_t)(length >> 8), (uint8_t)length };
    int sum = ip_cksum_add(spec->source.bytes, n, 0);

    sum = ip_cksum_add(spec->target.bytes, n, sum);
    return ip_cksum_add(tail, sizeof tail, sum);
}

static uint16_t fold(int sum)
{
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)(sum + (sum >> 16));
}

/* Puts `checksum` into its field and sets the two balance bytes, which are still 0, so that the
 * checksum is correct: all 16-bit words then add up to 0xffff. Sums are in memory order, so balance
 * bytes at an odd offset are swapped. */
static void force_checksum(uint8_t *transport, size_t length, uint8_t *field, uint8_t *balance,
                           uint16_t checksum, int pseudo)
{
    bool odd = (balance - transport) % 2 != 0;

    field[0] = (uint8_t)(checksum >> 8);
    field[1] = (uint8_t)checksum;
    uint16_t missing = (uint16_t)~fold(ip_cksum_add(transport, length, pseudo));
    if (odd)
        missing = (uint16_t)(missing << 8 | missing >> 8);
    memcpy(balance, &missing, sizeof missing);
}

/* ---- packets ------------------------------------------------------------------------------- */

static void put_cookie(const struct wire_spec *spec, uint32_t number, uint8_t *payload)
{
    uint32_t cookie = htonl(wire_cookie(spec, number));
    memcpy(payload + 2, &cookie, sizeof cookie);
}

static void build_icmp(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *at,
                       size_t length)
{
    const struct ipaddr_family *family = ipaddr_family(spec->source.version);
    int pseudo = family->icmp_pseudo ? pseudo_sum(spec, family->icmp_protocol, length) : 0;

    icmp_pack_hdr_echo(at, wire_echo_type(family->version), spec->code, spec->ident,
                       wire_index(spec, probe->number), "", 0);
    put_cookie(spec, probe->number, at + ECHO_HEADER);
    force_checksum(at, length, at + 2, at + ECHO_HEADER,
                   (uint16_t)(WIRE_ICMP_CHECKSUM + probe->flow), pseudo);
}

/* Writes the header and the part of the payload that is not 0, of a datagram of `length` bytes. */
static void put_udp(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *at,
                    size_t length)
{
    const struct payload_template *its = payload_template(spec->payload, spec->file);

    udp_pack_hdr(at, (uint16_t)(spec->source_port + probe->flow), spec->target_port,
                 (uint16_t)length);
    size_t written = payload_write(its, wire_cookie(spec, probe->number), at + UDP_HEADER);
    assert(UDP_HEADER + written <= length);
    force_checksum(at, UDP_HEADER + written, at + 6, at + UDP_HEADER + payload_balance_at(its),
                   wire_index(spec, probe->number), pseudo_sum(spec, IPPROTO_UDP, length));
}

uint16_t wire_udp_balance(const struct wire_spec *spec, uint32_t number, uint16_t flow)
{
    const struct wire_probe probe = { .number = number, .flow = flow };
    struct wire_spec its = *spec;
    uint8_t at[UDP_HEADER + PAYLOAD_FILE_MOST];

    its.source = *wire_source(spec, flow);
    memset(at, 0, UDP_HEADER + PAYLOAD_WRITTEN); /* only a file's payload is longer, and full */
    put_udp(&its, &probe, at,
            (size_t)(wire_size(spec, number) - ipaddr_family(its.source.version)->header_length));
    const uint8_t *balance =
        at + UDP_HEADER + payload_balance_at(payload_template(spec->payload, spec->file));
    return (uint16_t)(balance[0] << 8 | balance[1]);
}

uint16_t wire_tcp_flags(const struct wire_spec *spec)
{
    static const uint16_t offers[] = { [WIRE_ECN_NONE] = 0,
                                       [WIRE_ECN_CLASSIC] = WIRE_TCP_ECE | WIRE_TCP_CWR,
                                       [WIRE_ECN_ACCURATE] = WIRE_TCP_ECN };

    return spec->ack ? WIRE_TCP_ACK : (uint16_t)(WIRE_TCP_SYN | offers[spec->ecn]);
}

static void put_tcp_checksum(const struct wire_spec *spec, uint8_t *at, size_t length)
{
    int sum = ip_cksum_add(at, length, pseudo_sum(spec, IPPROTO_TCP, length));
    uint16_t checksum = (uint16_t)~fold(sum);
    memcpy(at + 16, &checksum, sizeof checksum);
}

/* The fields in which the segments of a session differ. */
struct segment {
    uint32_t seq;
    uint16_t flow;
    uint8_t flags;
};

/* Requires a packet filled with zeros, which are the payload of a segment that has one. */
static void put_session_segment(const struct wire_spec *spec, const struct wire_session *session,
                                const struct segment *its, uint8_t *at, size_t length)
{
    size_t options = session->timestamps ? TCP_TIMESTAMPS : 0;

    tcp_pack_hdr(at, (uint16_t)(spec->source_port + its->flow), spec->target_port, its->seq,
                 session->ack, its->flags, session->window, 0);
    ((struct tcp_hdr *)at)->th_off = (TCP_HEADER + options) / 4 & 0xf;
    if (session->timestamps) {
        static const uint8_t kind[] = { 1, 1, 8, 10 };
        uint32_t values[] = { htonl(session->ts_value), htonl(session->ts_echo) };
        memcpy(at + TCP_HEADER, kind, sizeof kind);
        memcpy(at + TCP_HEADER + sizeof kind, values, sizeof values);
    }
    put_tcp_checksum(spec, at, length);
}

static void build_tcp(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *at,
                      size_t length)
{
    static const uint8_t mss_1440[TCP_MSS_OPTION] = { 2, 4, 1440 >> 8, 1440 & 0xff };
    uint32_t seq = wire_tcp_seq(spec, probe->number);
    uint16_t flags = wire_tcp_flags(spec);
    const struct wire_session *session = wire_session_of(spec, probe->number);

    if (session != NULL) {
        const struct segment its = { .seq = seq, .flow = probe->flow, .flags = TH_ACK };
        put_session_segment(spec, session, &its, at, length);
        return;
    }
    tcp_pack_hdr(at, (uint16_t)(spec->source_port + probe->flow), spec->target_port, seq,
                 spec->ack ? seq : 0, (uint8_t)flags, 65535, 0);
    if (!spec->ack) {
        ((struct tcp_hdr *)at)->th_off = (TCP_HEADER + TCP_MSS_OPTION) / 4;
        memcpy(at + TCP_HEADER, mss_1440, sizeof mss_1440);
    }
    at[TCP_FLAGS_AT - 1] |= (uint8_t)(flags >> 8);
    put_tcp_checksum(spec, at, length);
}

static void build_ip(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t protocol,
                     uint8_t *packet)
{
    if (spec->source.version == 6) {
        ip6_addr_t source, target;
        uint32_t label = (WIRE_FLOW_LABEL | probe->flow) & 0xfffff;
        memcpy(&source, spec->source.bytes, sizeof source);
        memcpy(&target, spec->target.bytes, sizeof target);
        ip6_pack_hdr(packet, spec->tos, label, spec->size - IP6_HDR_LEN, protocol, probe->ttl,
                     source, target);
        return;
    }
    uint32_t source, target;
    uint16_t id = wire_ip_id(spec, probe->number);
    memcpy(&source, spec->source.bytes, sizeof source);
    memcpy(&target, spec->target.bytes, sizeof target);
    ip_pack_hdr(packet, spec->tos, spec->size, id, spec->df ? IP_DF : 0, probe->ttl, protocol,
                source, target);
    uint16_t checksum = (uint16_t)~fold(ip_cksum_add(packet, IP_HDR_LEN, 0));
    memcpy(packet + 10, &checksum, sizeof checksum);
}

size_t wire_build(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *packet)
{
    const struct ipaddr_family *family = ipaddr_family(spec->source.version);
    struct wire_spec its = *spec;
    uint8_t *transport = packet + family->header_length;

    its.size = wire_size(spec, probe->number);
    its.source = *wire_source(spec, probe->flow);
    size_t length = (size_t)(its.size - family->header_length);
    memset(packet, 0, its.size);
    build_ip(&its, probe, wire_ip_protocol(spec->protocol, family->version), packet);
    switch (spec->protocol) {
    case WIRE_ICMP:
        build_icmp(&its, probe, transport, length);
        break;
    case WIRE_UDP:
        put_udp(&its, probe, transport, length);
        break;
    case WIRE_TCP:
        build_tcp(&its, probe, transport, length);
        break;
    case WIRE_PROTOCOL_COUNT:
        break;
    }
    return its.size;
}

/* Builds a segment of the current session that is no probe. `number` is the number of a probe that
 * is never sent, from which the IPv4 identification is made. */
static size_t build_other_segment(const struct wire_spec *spec, const struct segment *segment,
                                  uint32_t number, uint16_t payload, uint8_t *packet)
{
    const struct ipaddr_family *family = ipaddr_family(spec->source.version);
    const struct wire_probe probe = { .number = number, .flow = segment->flow, .ttl = CHECK_TTL };
    struct wire_spec its = *spec;

    its.size =
        (uint16_t)(session_size(&spec->sessions[0], family->version) - SESSION_PAYLOAD + payload);
    its.source = *wire_source(spec, segment->flow);
    memset(packet, 0, its.size);
    build_ip(&its, &probe, IPPROTO_TCP, packet);
    put_session_segment(&its, &spec->sessions[0], segment, packet + family->header_length,
                        (size_t)(its.size - family->header_length));
    return its.size;
}

size_t wire_build_check(const struct wire_spec *spec, uint16_t flow, unsigned i, uint8_t *packet)
{
    const struct segment its = { .seq = wire_check_seq(spec, i), .flow = flow, .flags = TH_ACK };

    return build_other_segment(spec, &its, UINT32_MAX - i, SESSION_PAYLOAD, packet);
}

size_t wire_build_reset(const struct wire_spec *spec, uint16_t flow, uint8_t *packet)
{
    const struct segment its = { .seq = spec->sessions[0].syn + 1,
                                 .flow = flow,
                                 .flags = TH_RST | TH_ACK };

    return build_other_segment(spec, &its, UINT32_MAX - WIRE_SESSION_CHECKS, 0, packet);
}
