/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ipaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const struct ipaddr_family families[] = {
    { .af = AF_INET,
      .version = 4,
      .address_length = 4,
      .header_length = 20,
      .icmp_protocol = IPPROTO_ICMP,
      .icmp_pseudo = 0 },
    { .af = AF_INET6,
      .version = 6,
      .address_length = 16,
      .header_length = 40,
      .icmp_protocol = IPPROTO_ICMPV6,
      .icmp_pseudo = 1 },
};

const struct ipaddr_family *ipaddr_family(uint8_t version)
{
    return &families[version == 6];
}

int ipaddr_from_text(struct ipaddr *address, const char *text)
{
    struct ipaddr result = { 0 };

    if (inet_pton(AF_INET, text, result.bytes) == 1)
        result.version = 4;
    else if (inet_pton(AF_INET6, text, result.bytes) == 1)
        result.version = 6;
    else
        return -1;
    *address = result;
    return 0;
}

const char *ipaddr_to_text(const struct ipaddr *address, char text[IPADDR_TEXT])
{
    if (address->version == 0)
        memcpy(text, "*", 2);
    else
        inet_ntop(ipaddr_family(address->version)->af, address->bytes, text, IPADDR_TEXT);
    return text;
}

struct ipaddr ipaddr_from_bytes(uint8_t version, const uint8_t *bytes)
{
    struct ipaddr result = { .version = version };

    memcpy(result.bytes, bytes, ipaddr_family(version)->address_length);
    return result;
}

uint32_t ipaddr_hash(const struct ipaddr *address)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = (hash ^ address->bytes[i]) * 16777619u;
    return hash != 0 ? hash : 1;
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool ipaddr_is_link_local6(const struct ipaddr *address)
{
    return address->version == 6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

bool ipaddr_is_loopback(const struct ipaddr *address)
{
    static const uint8_t one[16] = { [15] = 1 };

    if (address->version == 4)
        return address->bytes[0] == 127;
    return address->version == 6 && memcmp(address->bytes, one, sizeof one) == 0;
}

bool ipaddr_unmap(struct ipaddr *address)
{
    static const uint8_t mapped[12] = { [10] = 255, [11] = 255 };

    if (address->version != 6 || memcmp(address->bytes, mapped, sizeof mapped) != 0)
        return false;
    *address = ipaddr_from_bytes(4, address->bytes + sizeof mapped);
    return true;
}

const char *ipaddr_misfit(const struct ipaddr *address)
{
    static const uint8_t zeros[16] = { 0 }, ones[4] = { 255, 255, 255, 255 };
    const uint8_t *bytes = address->bytes;

    if (memcmp(bytes, zeros, sizeof zeros) == 0)
        return "the unspecified address";
    if (address->version == 4) {
        if (memcmp(bytes, ones, sizeof ones) == 0)
            return "the broadcast address";
        return bytes[0] >> 4 == 14 ? "a multicast address" : NULL;
    }
    return bytes[0] == 255 ? "a multicast address" : NULL;
}

unsigned ipaddr_to_sockaddr(const struct ipaddr *address, uint16_t port, uint32_t scope,
                            struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (address->version == 4) {
        struct sockaddr_in *in4 = (struct sockaddr_in *)out;
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        memcpy(&in4->sin_addr, address->bytes, 4);
        return sizeof *in4;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    in6->sin6_scope_id = ipaddr_is_link_local6(address) ? scope : 0;
    memcpy(&in6->sin6_addr, address->bytes, 16);
    return sizeof *in6;
}

struct ipaddr ipaddr_from_sockaddr(const struct sockaddr_storage *in)
{
    struct ipaddr none = { 0 };

    if (in->ss_family == AF_INET)
        return ipaddr_from_bytes(4, (const uint8_t *)&((const struct sockaddr_in *)in)->sin_addr);
    if (in->ss_family == AF_INET6)
        return ipaddr_from_bytes(6, (const uint8_t *)&((const struct sockaddr_in6 *)in)->sin6_addr);
    return none;
}
