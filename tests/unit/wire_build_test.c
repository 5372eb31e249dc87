/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of probes, read by independent code: only the round trip uses wire_parse. */
#include "check.h"
#include "engine/match.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum { ICMP4 = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

static const struct variant {
    const char *name;
    enum wire_protocol protocol;
    uint8_t version, number;   /* number: protocol number in the IP header */
    uint8_t ip_header, header; /* bytes */
    uint16_t size_min, size_default;
} variants[] = {
    { "icmp4", WIRE_ICMP, 4, ICMP4, 20, 8, 34, 64 },
    { "icmp6", WIRE_ICMP, 6, ICMP6, 40, 8, 54, 84 },
    { "udp4", WIRE_UDP, 4, UDP, 20, 8, 34, 40 },
    { "udp6", WIRE_UDP, 6, UDP, 40, 8, 54, 60 },
    { "tcp4", WIRE_TCP, 4, TCP, 20, 24, 44, 44 },
    { "tcp6", WIRE_TCP, 6, TCP, 40, 24, 64, 64 },
};

static uint8_t packet[WIRE_PACKET_MAX];

static struct wire_spec spec_for(const struct variant *v, uint16_t size)
{
    struct wire_spec spec = {
        .protocol = v->protocol,
        .source_port = v->protocol == WIRE_ICMP ? 0 : WIRE_SOURCE_PORT,
        .target_port = v->protocol == WIRE_UDP   ? WIRE_PORT_UDP
                       : v->protocol == WIRE_TCP ? WIRE_PORT_TCP
                                                 : 0,
        .ident = v->protocol == WIRE_ICMP ? 0x1234 : 0,
        .first_index = 65500,
        .cookie = 0xc001,
        .key = 0xfedcba9876543210,
        .tcp_base = 0xffffff00u,
        .size = size,
        .tos = 0xb8,
    };
    ipaddr_from_text(&spec.source, v->version == 4 ? "10.1.2.3" : "2001:db8:1::3");
    ipaddr_from_text(&spec.target, v->version == 4 ? "192.0.2.77" : "2001:db8:ffff:1:2:3:4:5");
    return spec;
}

static unsigned u16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)u16(at) << 16 | u16(at + 2);
}

/* The checksum of RFC 1071, over bytes in network order; a 0 follows an odd one. */
static uint64_t sum_of(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (unsigned)bytes[i] << 8 : bytes[i];
    return sum;
}

static unsigned fold(uint64_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned)sum;
}

/* Returns 0xffff if the transport checksum is correct (RFC 768, 792, 4443, 9293). */
static unsigned transport_sum(const struct variant *v, size_t size)
{
    size_t length = size - v->ip_header;
    uint64_t sum = sum_of(packet + v->ip_header, length);

    if (v->number != ICMP4) {
        sum += v->version == 4 ? sum_of(packet + 12, 8) : sum_of(packet + 8, 32);
        sum += v->number + length;
    }
    return fold(sum);
}

static void check_header4(const struct wire_spec *spec, const struct wire_probe *probe,
                          const struct variant *v)
{
    check_int("version and header length", packet[0], 0x45);
    check_int("TOS", packet[1], spec->tos);
    check_int("total length", u16(packet + 2), spec->size);
    check_int("identification", u16(packet + 4), wire_tag(spec, probe->number));
    check_that(u16(packet + 4) != 0, "the identification is 0: the kernel would replace it");
    check_int("fragment offset", u16(packet + 6) & 0x1fff, 0);
    check_int("TTL", packet[8], probe->ttl);
    check_int("protocol", packet[9], v->number);
    check_int("sum over the header", fold(sum_of(packet, 20)), 0xffff);
    check_bytes("source", packet + 12, spec->source.bytes, 4);
    check_bytes("target", packet + 16, spec->target.bytes, 4);
}

static void check_header6(const struct wire_spec *spec, const struct wire_probe *probe,
                          const struct variant *v)
{
    check_int("version", packet[0] >> 4, 6);
    check_int("traffic class", u32(packet) >> 20 & 0xff, spec->tos);
    check_int("flow label", u32(packet) & 0xfffff, WIRE_FLOW_LABEL + probe->flow);
    check_int("payload length", u16(packet + 4), spec->size - 40);
    check_int("next header", packet[6], v->number);
    check_int("hop limit", packet[7], probe->ttl);
    check_bytes("source", packet + 8, spec->source.bytes, 16);
    check_bytes("target", packet + 24, spec->target.bytes, 16);
}

static void check_transport(const struct wire_spec *spec, const struct wire_probe *probe,
                            const struct variant *v)
{
    const uint8_t *at = packet + v->ip_header;
    uint16_t index = wire_index(spec, probe->number);

    check_int("sum over the transport", transport_sum(v, spec->size), 0xffff);
    switch (spec->protocol) {
    case WIRE_ICMP:
        check_int("type", at[0], v->version == 4 ? 8 : 128);
        check_int("code", at[1], 0);
        check_int("checksum of the flow", u16(at + 2), WIRE_ICMP_CHECKSUM + probe->flow);
        check_int("identifier", u16(at + 4), spec->ident);
        check_int("sequence", u16(at + 6), index);
        break;
    case WIRE_UDP:
        check_int("source port", u16(at), spec->source_port + probe->flow);
        check_int("target port", u16(at + 2), spec->target_port);
        check_int("UDP length", u16(at + 4), spec->size - v->ip_header);
        check_int("UDP checksum is the index", u16(at + 6), index);
        check_that(u16(at + 6) != 0, "the UDP checksum is 0");
        break;
    case WIRE_TCP:
        check_int("source port", u16(at), spec->source_port + probe->flow);
        check_int("target port", u16(at + 2), spec->target_port);
        check_int("sequence number", u32(at + 4), wire_tcp_seq(spec, probe->number));
        check_int("acknowledgment", u32(at + 8), 0);
        check_int("data offset", at[12] >> 4, 6);
        check_int("flags", at[13], 0x02);
        check_int("urgent pointer", u16(at + 18), 0);
        check_int("MSS option", at[20] << 8 | at[21], 0x0204);
        return;
    case WIRE_PROTOCOL_COUNT:
        return;
    }
    check_int("cookie", u32(at + 10), wire_cookie(spec, probe->number));
}

static void check_round_trip(const struct wire_spec *spec, const struct wire_probe *probe)
{
    struct wire_packet read;

    if (!check_int("verdict", wire_parse(packet, spec->size, &read), WIRE_OK))
        return;
    const struct wire_ids *ids = &read.probe;
    uint16_t index = wire_index(spec, probe->number);
    bool icmp = spec->protocol == WIRE_ICMP, tcp = spec->protocol == WIRE_TCP;
    check_int("kind", read.kind, WIRE_PROBE);
    check_int("length", read.length, spec->size);
    check_int("ttl", read.ttl, probe->ttl);
    check_int("tos", read.tos, spec->tos);
    check_that(ipaddr_equal(&read.from, &spec->source), "from is not the source");
    check_int("protocol", ids->protocol, spec->protocol);
    check_that(ipaddr_equal(&ids->source, &spec->source), "another source");
    check_that(ipaddr_equal(&ids->target, &spec->target), "another target");
    check_int("source port", ids->source_port, icmp ? 0 : spec->source_port + probe->flow);
    check_int("target port", ids->target_port, icmp ? 0 : spec->target_port);
    check_int("ident", ids->ident, icmp ? spec->ident : 0);
    check_int("index", ids->index, tcp ? 0 : index);
    check_int("tcp_seq", ids->tcp_seq, tcp ? wire_tcp_seq(spec, probe->number) : 0);
    check_int("ip_id", ids->ip_id, spec->source.version == 4 ? wire_ip_id(spec, probe->number) : 0);
    check_int("cookie", ids->cookie, tcp ? 0 : wire_cookie(spec, probe->number));
    check_int("bytes of the cookie", ids->cookie_bytes, tcp ? 0 : WIRE_COOKIE);
    check_int("probe ttl", ids->ttl, probe->ttl);
    check_int("probe tos", ids->tos, spec->tos);
}

static void check_packet(const struct variant *v, const struct wire_spec *spec,
                         const struct wire_probe *probe)
{
    if (v->version == 4)
        check_header4(spec, probe, v);
    else
        check_header6(spec, probe, v);
    check_transport(spec, probe, v);
    check_round_trip(spec, probe);
}

static void test_size(const struct variant *v, const char *name, uint16_t size)
{
    static const struct wire_probe probes[] = {
        { 0, 0, 1 },      { 1, 0, 2 }, { 34, 0, 64 },  { 35, 0, 255 },
        { 70000, 0, 30 }, { 7, 1, 3 }, { 8, 4095, 4 },
    };
    struct wire_spec spec = spec_for(v, size);

    check_case("%s_of_%s_size_%u_is_right_and_read_back", v->name, name, size);
    for (size_t i = 0; i < COUNT(probes); i++) {
        memset(packet, 0xa5, sizeof packet);
        check_int("size", (int64_t)wire_build(&spec, &probes[i], packet), size);
        check_packet(v, &spec, &probes[i]);
        check_that(size == WIRE_PACKET_MAX || packet[size] == 0xa5, "bytes behind the packet");
    }
}

static void test_sizes(const struct variant *v)
{
    check_case("%s_sizes_are_as_documented", v->name);
    check_int("smallest", wire_size_min(v->protocol, v->version), v->size_min);
    check_int("default", wire_size_default(v->protocol, v->version), v->size_default);
    test_size(v, "smallest", v->size_min);
    test_size(v, "odd", (uint16_t)(v->size_min + 1));
    test_size(v, "default", v->size_default);
    test_size(v, "odd", 577);
    test_size(v, "ethernet", 1500);
    test_size(v, "jumbo_odd", 9001);
    test_size(v, "largest", WIRE_PACKET_MAX);
}

/* Copies the bytes that a load balancer may hash (Augustin et al. 2006): not TTL, identification
 * and IPv4 checksum. */
static size_t flow_bytes(const struct variant *v, uint8_t out[64])
{
    size_t n = 0, ports = v->protocol == WIRE_ICMP ? 0 : 4;
    const uint8_t *at = packet + v->ip_header;

    if (v->version == 4) {
        memcpy(out, packet, 4); /* version, TOS, length */
        out[4] = packet[9];
        memcpy(out + 5, packet + 12, 8);
        n = 13;
    } else {
        memcpy(out, packet, 7); /* version, class, label, length, next header */
        memcpy(out + 7, packet + 8, 32);
        n = 39;
    }
    memcpy(out + n, at, 4); /* ports; ICMP type, code and checksum */
    n += 4;
    if (ports == 0) {
        memcpy(out + n, at + 4, 2); /* identifier: some hash it as a port */
        n += 2;
    }
    return n;
}

static void test_flow(const struct variant *v)
{
    struct wire_spec spec = spec_for(v, v->size_default);
    uint32_t last = check_quick() ? 200 : 70000;
    uint8_t first[64] = { 0 }, other[64];
    struct wire_probe probe = { .ttl = 1 };

    check_case("%s_flow_bytes_are_the_same_for_every_probe", v->name);
    wire_build(&spec, &probe, packet);
    size_t n = flow_bytes(v, first);
    for (uint32_t number = 1; number <= last; number++) {
        probe = (struct wire_probe){ .number = number, .ttl = (uint8_t)(number % 255 + 1) };
        wire_build(&spec, &probe, packet);
        flow_bytes(v, other);
        if (!check_bytes("flow bytes", other, first, n) ||
            !check_int("sum over the transport", transport_sum(v, spec.size), 0xffff))
            break;
    }

    check_case("%s_flow_bytes_do_not_depend_on_what_is_random", v->name);
    struct wire_spec another = spec;
    another.first_index = 7;
    another.cookie = 0x0102;
    another.key = 0x1122334455667788;
    another.tcp_base = 99;
    wire_build(&another, &probe, packet);
    flow_bytes(v, other);
    check_bytes("flow bytes", other, first, n);

    check_case("%s_flows_differ", v->name);
    probe = (struct wire_probe){ .flow = 1, .ttl = 1 };
    wire_build(&spec, &probe, packet);
    flow_bytes(v, other);
    check_that(memcmp(first, other, n) != 0, "flows 0 and 1 have the same bytes");
}

static void test_index(void)
{
    static const uint16_t firsts[] = { 0, 1, 65533, 65534, 65535 };

    for (size_t i = 0; i < COUNT(firsts); i++) {
        struct wire_spec spec = { .first_index = firsts[i] };
        uint8_t *used = calloc(65536, 1);
        if (used == NULL)
            abort();

        check_case("index_from_%u_rises_by_one_and_skips_0", firsts[i]);
        uint16_t before = wire_index(&spec, 0);
        for (uint32_t n = 1; n < 3 * WIRE_INDEXES; n++) {
            uint16_t index = wire_index(&spec, n);
            if (!check_int("index", index, before == 65535 ? 1 : before + 1))
                break;
            before = index;
        }
        check_case("index_from_%u_names_65535_probes_in_a_row", firsts[i]);
        for (uint32_t n = 1000; n < 1000 + WIRE_INDEXES; n++) {
            uint16_t index = wire_index(&spec, n);
            check_that(used[index]++ == 0, "index %u is used twice", index);
        }
        free(used);
    }
}

static void test_tags(void)
{
    static const uint64_t keys[] = { 0, 1, UINT64_MAX, 0x0123456789abcdef, 0x8000000000000000 };
    uint16_t first[COUNT(keys)];

    for (size_t i = 0; i < COUNT(keys); i++) {
        struct wire_spec spec = { .first_index = 9, .key = keys[i], .cookie = 0xaaaa };
        uint8_t *used = calloc(65536, 1);
        uint32_t in_a_row = 0;
        if (used == NULL)
            abort();

        check_case("tags_of_key_%zu_are_all_different_never_0_and_lead_back", i);
        first[i] = wire_tag(&spec, 0);
        for (uint32_t n = 0; n < WIRE_INDEXES; n++) {
            uint16_t tag = wire_tag(&spec, n);
            check_that(tag != 0 && used[tag]++ == 0, "tag %u of probe %u", tag, n);
            if (!check_int("index", wire_tagged_index(&spec, tag), wire_index(&spec, n)))
                break;
            in_a_row += (uint16_t)(wire_tag(&spec, n + 1) - tag) == 1;
        }
        check_int("index of tag 0", wire_tagged_index(&spec, 0), 0);
        check_that(in_a_row < 10, "%u tags are followed by the next number", in_a_row);
        check_int("cookie", wire_cookie(&spec, 0), (int64_t)0xaaaa << 16 | first[i]);
        free(used);
        for (size_t k = 0; k < i; k++)
            check_that(first[k] != first[i], "keys %zu and %zu have the same first tag", k, i);
    }
}

static void test_tcp_seq(void)
{
    static const uint16_t sizes[] = { 44, 144, 300, 1500, 65535 };

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct wire_spec spec = spec_for(&variants[4], sizes[i]);
        check_case("tcp_sequence_of_size_%u_rises_in_small_steps_over_the_wrap", sizes[i]);
        for (uint32_t n = 0; n < 200000; n++) {
            int32_t step = (int32_t)(wire_tcp_seq(&spec, n + 1) - wire_tcp_seq(&spec, n));
            if (!check_that(step > 0 && step < 32768, "step %d after probe %u", step, n))
                break;
        }
    }
}

/* Each flow has the source address of its uplink: in the header, in the checksum, and in the
 * matching of replies. */
static void test_sources(const struct variant *v)
{
    static struct wire_sources sources;
    struct wire_spec spec = spec_for(v, v->size_default), plain = spec;
    struct wire_packet read;
    struct probes probes = { 0 };

    sources.list[0] = sources.list[1] = spec.source;
    sources.list[1].bytes[1] ^= 0x7f;
    sources.of[1] = 1;
    spec.sources = &sources;
    for (uint16_t flow = 0; flow < 2; flow++) {
        struct probe *p = probes_add(&probes, 0, 1);
        const struct wire_probe probe = { .number = p->number, .flow = flow, .ttl = 9 };
        static uint8_t wanted[WIRE_PACKET_MAX];
        p->flow = flow;
        check_case("%s_source_of_flow_%u", v->name, flow);
        plain.source = sources.list[flow];
        size_t length = wire_build(&spec, &probe, packet);
        wire_build(&plain, &probe, wanted);
        check_bytes("packet", packet, wanted, length);
        check_int("read", wire_parse(packet, length, &read), WIRE_OK);
        check_that(match_probe(&probes, &spec, &read.probe) == p, "not matched");
    }
    probes_fini(&probes);
}

/* Random sizes are uniform from the smallest to the largest, and the same probe has always the same
 * size. */
static void test_random_sizes(const struct variant *v)
{
    struct wire_spec spec = spec_for(v, (uint16_t)(v->size_min + 59));
    uint32_t seen[60] = { 0 };

    spec.random_size = true;
    check_case("%s_random_sizes_are_even_from_the_smallest_to_the_largest", v->name);
    for (uint32_t n = 0; n < 60000; n++) {
        unsigned more = (unsigned)wire_size(&spec, n) - v->size_min;
        if (!check_that(more < COUNT(seen), "size %u", more + v->size_min))
            return;
        seen[more]++;
    }
    for (size_t i = 0; i < COUNT(seen); i++)
        check_that(seen[i] > 800 && seen[i] < 1200, "%u of 60000 of size %zu", seen[i],
                   i + v->size_min);
    spec.size = v->size_min;
    check_int("the smallest alone", wire_size(&spec, 7), v->size_min);
}

/* Packets of random size are correct, and are found by their quotes, whole or cut. */
static void test_random_packets(const struct variant *v)
{
    uint16_t most = wire_size_tcp_random_max(v->version);
    struct wire_spec spec = spec_for(v, v->protocol == WIRE_TCP ? most : 1500), its = spec;
    struct probes probes = { 0 };
    struct wire_packet read;

    spec.random_size = true;
    check_case("%s_of_random_size_is_right_and_matched", v->name);
    for (uint32_t n = 0; n < 300; n++) {
        struct probe *p = probes_add(&probes, 0, 1);
        const struct wire_probe probe = { .number = p->number, .flow = 1, .ttl = 9 };
        p->flow = 1;
        its.size = wire_size(&spec, n);
        check_int("size", (int64_t)wire_build(&spec, &probe, packet), its.size);
        check_packet(v, &its, &probe);
        check_int("read", wire_parse(packet, its.size, &read), WIRE_OK);
        check_that(match_probe(&probes, &spec, &read.probe) == p, "probe %u is not matched", n);
    }
    probes_fini(&probes);
}

/* A reply that acknowledges a SYN, with or without its payload, matches only this SYN. */
static void test_random_tcp(const struct variant *v)
{
    struct wire_spec spec = spec_for(v, wire_size_tcp_random_max(v->version));
    struct wire_ids ids = { .protocol = WIRE_TCP,
                            .source = spec.source,
                            .target = spec.target,
                            .source_port = spec.source_port,
                            .target_port = spec.target_port };
    struct probes probes = { 0 };

    spec.random_size = true;
    for (int i = 0; i < 300; i++)
        probes_add(&probes, 0, 1);
    check_case("%s_of_random_size_is_found_by_what_is_acknowledged", v->name);
    for (uint32_t n = 0; n < 300; n++) {
        uint32_t payload = (uint32_t)(wire_size(&spec, n) - v->size_min);
        for (uint32_t more = 0; more < WIRE_TCP_STEP; more++) {
            ids.tcp_seq = wire_tcp_seq(&spec, n) + more;
            const struct probe *p = match_probe(&probes, &spec, &ids);
            bool named = more == 0 || more == payload;
            if (!check_that(p == (named ? probes_get(&probes, n) : NULL), "probe %u + %u", n, more))
                break;
        }
    }
    ids.tcp_seq = wire_tcp_seq(&spec, 300);
    check_that(match_probe(&probes, &spec, &ids) == NULL, "one that was not sent");
    ids.tcp_seq = wire_tcp_seq(&spec, 0) - 1;
    check_that(match_probe(&probes, &spec, &ids) == NULL, "one before the first");
    probes_fini(&probes);
}

/* RFC 3168 section 6.1.1; RFC 9768 section 3.1.1. */
static void test_ecn(const struct variant *v)
{
    static const struct {
        enum wire_ecn ecn;
        const char *name;
        unsigned flags; /* nine flags; the first is in the byte before the others */
    } offers[] = { { WIRE_ECN_NONE, "no_ecn", 0x002 },
                   { WIRE_ECN_CLASSIC, "ecn", 0x0c2 },
                   { WIRE_ECN_ACCURATE, "accurate_ecn", 0x1c2 } };
    const struct wire_probe probe = { .number = 5, .flow = 1, .ttl = 3 };
    struct wire_spec spec = spec_for(v, v->size_default);
    struct wire_packet read;

    for (size_t i = 0; i < COUNT(offers); i++) {
        check_case("%s_syn_offers_%s", v->name, offers[i].name);
        spec.ecn = offers[i].ecn;
        wire_build(&spec, &probe, packet);
        check_int("flags", u16(packet + v->ip_header + 12) & 0xfff, offers[i].flags);
        check_int("told", wire_tcp_flags(&spec), offers[i].flags);
        check_int("sum over the transport", transport_sum(v, spec.size), 0xffff);
        check_int("read", wire_parse(packet, spec.size, &read), WIRE_OK);
        check_int("flags as read", read.probe.tcp_flags, offers[i].flags);
    }
}

int main(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        test_sizes(&variants[i]);
        test_flow(&variants[i]);
        test_sources(&variants[i]);
        test_random_sizes(&variants[i]);
        test_random_packets(&variants[i]);
        if (variants[i].protocol == WIRE_TCP)
            test_random_tcp(&variants[i]);
        if (variants[i].protocol == WIRE_TCP)
            test_ecn(&variants[i]);
    }
    test_index();
    test_tags();
    test_tcp_seq();
    return check_done();
}
