/* SPDX-License-Identifier: BSD-2-Clause */
/* Quotes of eight bytes, as packets, that a NAT has rewritten and not restored: they are matched by
 * the fields that the NAT leaves unchanged, and only by these. */
#include "base/units.h"
#include "check.h"
#include "engine/match.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_NS (INT64_C(5000) * MS)

enum { OPEN = 6, OURS = 2, IP = 20, ERROR = 28, QUOTED = 28 };

/* The values that a NAT writes; 0 and NULL for unchanged fields. */
struct nat {
    const char *source, *target;
    uint16_t source_port, target_port, ident, id;
    bool keeps_sum; /* does not adjust the checksum */
};

struct scene {
    struct wire_spec spec;
    struct probes probes;
    uint16_t flow;
};

static void scene_open(struct scene *s, enum wire_protocol protocol, uint16_t flow)
{
    *s = (struct scene){ .spec = vector_spec(protocol, 4), .flow = flow };
    s->spec.key = 0x5ca1ab1e0ddba11f;
    vector_open_probes(&s->probes, OPEN, flow, 2 * TIMEOUT_NS);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Replaces a word, and adjusts the checksum at `sum` by RFC 1624, equation 3. */
static void put16(uint8_t *at, uint16_t value, uint8_t *sum)
{
    uint32_t words = (uint16_t)~get16(at) + (uint32_t)value;

    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    if (sum == NULL)
        return;
    words += (uint16_t)~get16(sum);
    words = (words & 0xffff) + (words >> 16);
    words = (words & 0xffff) + (words >> 16);
    words = ~words & 0xffff;
    sum[0] = (uint8_t)(words >> 8);
    sum[1] = (uint8_t)words;
}

static void put_address(uint8_t *at, const char *text, uint8_t *sum)
{
    struct ipaddr address;

    if (text == NULL || ipaddr_from_text(&address, text) < 0)
        return;
    put16(at, get16(address.bytes), sum);
    put16(at + 2, get16(address.bytes + 2), sum);
}

static void translate(uint8_t *ip, enum wire_protocol protocol, const struct nat *nat)
{
    uint8_t *sum = ip + IP + (protocol == WIRE_UDP ? 6 : 2);

    if (nat->keeps_sum || protocol == WIRE_TCP) /* the eight bytes do not have TCP's checksum */
        sum = NULL;
    put_address(ip + 12, nat->source, protocol == WIRE_UDP ? sum : NULL);
    put_address(ip + 16, nat->target, protocol == WIRE_UDP ? sum : NULL);
    if (nat->source_port != 0)
        put16(ip + IP, nat->source_port, sum);
    if (nat->target_port != 0)
        put16(ip + IP + 2, nat->target_port, sum);
    if (nat->ident != 0)
        put16(ip + IP + 4, nat->ident, sum);
    if (nat->id != 0)
        put16(ip + 4, nat->id, NULL);
}

/* Parses the time exceeded of a router that quotes the IP header and eight bytes. */
static bool read_error(const uint8_t *quoted, struct wire_packet *out)
{
    uint8_t bytes[ERROR + QUOTED] = { 0x45, 0,   0, ERROR + QUOTED, 0, 1, 0, 0, 60, 1, 0, 0, 198,
                                      51,   100, 9 };

    memcpy(bytes + 16, quoted + 12, 4);
    bytes[IP] = 11;
    memcpy(bytes + ERROR, quoted, QUOTED);
    return wire_read(bytes, sizeof bytes, out) == WIRE_OK;
}

static struct probe *match(const struct scene *s, const struct nat *nat)
{
    const struct wire_probe probe = { .number = OURS, .flow = s->flow, .ttl = OURS + 1 };
    uint8_t packet[256];
    struct wire_packet error;

    wire_build(&s->spec, &probe, packet);
    translate(packet, s->spec.protocol, nat);
    if (!read_error(packet, &error))
        return NULL;
    return match_reply(&s->probes, &s->spec, &error, 20 * MS, TIMEOUT_NS);
}

static const struct row {
    const char *name;
    enum wire_protocol protocol;
    struct nat nat;
    bool taken;
    uint16_t flow;
} rows[] = {
    { "icmp_source", WIRE_ICMP, { .source = "203.0.113.9" }, true, 0 },
    { "icmp_target", WIRE_ICMP, { .target = "203.0.113.9" }, false, 0 },
    { "icmp_source_and_identifier",
      WIRE_ICMP,
      { .source = "203.0.113.9", .ident = 4242 },
      true,
      0 },
    { "icmp_source_and_identifier_of_a_flow",
      WIRE_ICMP,
      { .source = "203.0.113.9", .ident = 4242 },
      true,
      7 },
    { "icmp_identifier", WIRE_ICMP, { .ident = 4242 }, true, 0 },
    { "icmp_identifier_and_identification", WIRE_ICMP, { .ident = 4242, .id = 77 }, false, 0 },
    { "icmp_source_identifier_and_identification",
      WIRE_ICMP,
      { .source = "203.0.113.9", .ident = 4242, .id = 77 },
      true,
      0 },
    { "icmp_source_and_identifier_with_the_old_checksum",
      WIRE_ICMP,
      { .source = "203.0.113.9", .ident = 4242, .keeps_sum = true },
      false,
      0 },
    { "udp_source", WIRE_UDP, { .source = "203.0.113.9" }, true, 0 },
    { "udp_source_and_port", WIRE_UDP, { .source = "203.0.113.9", .source_port = 61234 }, true, 0 },
    { "udp_source_and_port_of_a_flow",
      WIRE_UDP,
      { .source = "203.0.113.9", .source_port = 61234 },
      true,
      7 },
    { "udp_source_port", WIRE_UDP, { .source_port = 61234 }, true, 0 },
    { "udp_target_and_port", WIRE_UDP, { .target = "203.0.113.9", .target_port = 53 }, true, 0 },
    { "udp_source_and_identification", WIRE_UDP, { .source = "203.0.113.9", .id = 77 }, false, 0 },
    { "udp_source_with_the_old_checksum",
      WIRE_UDP,
      { .source = "203.0.113.9", .keeps_sum = true },
      false,
      0 },
    { "tcp_source", WIRE_TCP, { .source = "203.0.113.9" }, true, 0 },
    { "tcp_addresses_and_ports",
      WIRE_TCP,
      { .source = "203.0.113.9", .target = "203.0.113.8", .source_port = 61234, .target_port = 8 },
      true,
      0 },
    { "tcp_source_and_identification", WIRE_TCP, { .source = "203.0.113.9", .id = 77 }, false, 0 },
    { "icmp_target_and_identification",
      WIRE_ICMP,
      { .target = "203.0.113.9", .id = 77 },
      false,
      0 },
};

int main(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct scene s;

        scene_open(&s, row->protocol, row->flow);
        check_case("eight_bytes_with_another_%s_are_%s", row->name,
                   row->taken ? "taken" : "refused");
        const struct probe *p = match(&s, &row->nat);
        check_int("taken", p != NULL, row->taken);
        if (p != NULL)
            check_int("probe", p->number, OURS);
        probes_fini(&s.probes);
    }
    return check_done();
}
