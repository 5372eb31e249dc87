/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/rebuild.h"

#include <dumbnet.h>
#include <string.h>

enum { ICMP_HEADER = 8, UDP_HEADER = 8, TCP_HEADER = 20 };

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Writes the IP header of a packet that carries `length` bytes; returns the header's length. */
static size_t put_ip(const struct rebuild_header *header, uint8_t protocol, size_t length,
                     uint8_t *out)
{
    const struct ipaddr_family *family = ipaddr_family(header->from.version);
    bool four = family->version == 4;
    uint8_t *addresses = out + (four ? 12 : 8);

    memset(out, 0, family->header_length);
    if (four) {
        out[0] = 0x45;
        out[1] = header->tos;
        put_u16(out + 2, length + family->header_length);
        out[8] = header->ttl;
        out[9] = protocol;
    } else {
        put_u16(out, (size_t)(0x6000 | header->tos << 4));
        put_u16(out + 4, length);
        out[6] = protocol;
        out[7] = header->ttl;
    }
    memcpy(addresses, header->from.bytes, family->address_length);
    memcpy(addresses + family->address_length, header->to.bytes, family->address_length);
    return family->header_length;
}

/* Appends as many bytes as fit; returns how many. */
static size_t append(uint8_t *out, size_t at, const uint8_t *bytes, size_t length)
{
    size_t fits = length < REBUILD_ROOM - at ? length : REBUILD_ROOM - at;

    if (fits > 0)
        memcpy(out + at, bytes, fits);
    return fits;
}

/* Writes the second word of the ICMP header: an MTU, or the length of the quote before an extension
 * (RFC 4884 section 4: in units of 4 bytes, ICMPv6 8). */
static void put_rest(uint8_t version, const struct rebuild_error *error, uint8_t *at)
{
    bool four = version == 4;
    size_t quoted = error->quote_length + error->extension_at;

    if (error->mtu != 0)
        put_u32(at, error->mtu);
    else if (error->extension_at != 0)
        at[four ? 1 : 0] = (uint8_t)(quoted / (four ? 4 : 8));
}

size_t rebuild_error(const struct rebuild_header *header, const struct rebuild_error *error,
                     uint8_t *out)
{
    const struct ipaddr_family *family = ipaddr_family(header->from.version);
    size_t length = ICMP_HEADER + error->quote_length + error->data_length;
    size_t most = (size_t)REBUILD_ROOM - family->header_length;

    length = length < most ? length : most;
    size_t at = put_ip(header, family->icmp_protocol, length, out);
    memset(out + at, 0, ICMP_HEADER);
    out[at] = error->type;
    out[at + 1] = error->code;
    put_rest(family->version, error, out + at + 4);
    at += ICMP_HEADER;
    at += append(out, at, error->quote, error->quote_length);
    return at + append(out, at, error->data, error->data_length);
}

size_t rebuild_message(const struct rebuild_header *header, uint8_t protocol, const uint8_t *bytes,
                       size_t length, uint8_t *out)
{
    size_t at = put_ip(header, protocol, length, out);

    return at + append(out, at, bytes, length);
}

size_t rebuild_udp(const struct rebuild_udp *udp, const uint8_t *data, size_t length, uint8_t *out)
{
    const struct rebuild_header header = { .from = udp->source, .to = udp->target };
    size_t n = ipaddr_family(udp->source.version)->address_length;
    size_t whole = UDP_HEADER + udp->payload_length;
    size_t at = put_ip(&header, IPPROTO_UDP, whole, out);
    uint8_t tail[] = { 0, IPPROTO_UDP, (uint8_t)(whole >> 8), (uint8_t)whole }, *head = out + at;

    put_u16(head, udp->source_port);
    put_u16(head + 2, udp->target_port);
    put_u16(head + 4, whole);
    put_u16(head + 6, 0);
    int sum = ip_cksum_add(udp->source.bytes, n, 0);
    sum = ip_cksum_add(udp->target.bytes, n, sum);
    sum = ip_cksum_add(tail, sizeof tail, sum);
    sum = ip_cksum_add(head, UDP_HEADER, sum);
    sum = ip_cksum_add(data, length, sum);
    sum = (sum >> 16) + (sum & 0xffff);
    uint16_t checksum = (uint16_t) ~(sum + (sum >> 16));
    if (checksum == 0)
        checksum = 0xffff; /* RFC 768: 0 means "no checksum" */
    memcpy(head + 6, &checksum, sizeof checksum);
    return at + UDP_HEADER;
}

size_t rebuild_syn_reply(const uint8_t *syn, bool reset, uint8_t *out)
{
    const struct ipaddr_family *family = ipaddr_family(syn[0] >> 4);
    const uint8_t *addresses = syn + (family->version == 4 ? 12 : 8);
    const uint8_t *sent = syn + family->header_length;
    uint8_t segment[TCP_HEADER] = { 0 };
    struct rebuild_header header = { .to = ipaddr_from_bytes(family->version, addresses) };
    uint32_t next = ((uint32_t)u16_at(sent + 4) << 16 | u16_at(sent + 6)) + 1;

    header.from = ipaddr_from_bytes(family->version, addresses + family->address_length);
    memcpy(segment, sent + 2, 2);
    memcpy(segment + 2, sent, 2);
    put_u32(segment + 8, next);
    segment[12] = TCP_HEADER / 4 << 4;
    segment[13] = (uint8_t)(TH_ACK | (reset ? TH_RST : TH_SYN));
    return rebuild_message(&header, IPPROTO_TCP, segment, sizeof segment, out);
}
