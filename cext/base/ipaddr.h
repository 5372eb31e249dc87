/* SPDX-License-Identifier: BSD-2-Clause */
/* An IP address as a value, and the two families as rows of one table. No look-ups, no sockets. */
#ifndef MTR_BASE_IPADDR_H
#define MTR_BASE_IPADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_storage;

enum { IPADDR_TEXT = 46 }; /* room for the longest text and its NUL */

struct ipaddr {
    uint8_t version;   /* 4, 6, or 0 for "none" */
    uint8_t bytes[16]; /* network order; unused ones are 0 */
};

/* What differs between IPv4 and IPv6: data, so that code has one path. */
struct ipaddr_family {
    int af;
    uint8_t version;
    uint8_t address_length; /* bytes */
    uint8_t header_length;  /* bytes, without options or extension headers */
    uint8_t icmp_protocol;  /* protocol or next-header number of its ICMP */
    uint8_t icmp_pseudo;    /* 1 where the ICMP checksum covers the pseudo-header (RFC 4443) */
};

/* The row for version 4 or 6. */
const struct ipaddr_family *ipaddr_family(uint8_t version);

/* Reads numeric text without a zone; -1 if it is not an address. */
int ipaddr_from_text(struct ipaddr *address, const char *text);

/* Writes the text, or "*" for "none"; returns `text`. */
const char *ipaddr_to_text(const struct ipaddr *address, char text[IPADDR_TEXT]);

/* Copies the bytes of an address of `version` from a packet. */
struct ipaddr ipaddr_from_bytes(uint8_t version, const uint8_t *bytes);

/* Returns a hash of the address, the same in every run, and never 0. */
uint32_t ipaddr_hash(const struct ipaddr *address);

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);

/* True for fe80::/10, which means nothing without a zone (RFC 4007). */
bool ipaddr_is_link_local6(const struct ipaddr *address);

/* True for 127.0.0.0/8 and ::1. */
bool ipaddr_is_loopback(const struct ipaddr *address);

/* Turns an IPv4-mapped address (::ffff:0:0/96, RFC 4291) into its IPv4 one; false for others. */
bool ipaddr_unmap(struct ipaddr *address);

/* Returns NULL for the address of a host, else what kind it is, such as "a multicast address". */
const char *ipaddr_misfit(const struct ipaddr *address);

/* Fills a socket address; `scope` is the zone of a link-local address or 0. Returns its length. */
unsigned ipaddr_to_sockaddr(const struct ipaddr *address, uint16_t port, uint32_t scope,
                            struct sockaddr_storage *out);

/* The address in a socket address; "none" for other families. */
struct ipaddr ipaddr_from_sockaddr(const struct sockaddr_storage *in);

#endif
