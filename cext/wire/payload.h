/* SPDX-License-Identifier: BSD-2-Clause */
/* What UDP probes carry where they ask a service: the smallest request that it answers, with room
 * for the balance bytes and the cookie, and how its reply shows them. One row per service. Pure. */
#ifndef MTR_WIRE_PAYLOAD_H
#define MTR_WIRE_PAYLOAD_H

#include "base/cursor.h"

enum wire_payload {
    PAYLOAD_PLAIN, /* asks no service: balance, cookie, zeros */
    PAYLOAD_DNS,
    PAYLOAD_QUIC,
    PAYLOAD_NTP,
    PAYLOAD_STUN,
    PAYLOAD_SNMP,
    PAYLOAD_COUNT
};

enum {
    PAYLOAD_WRITTEN = 64, /* bytes of a request that are not 0, at most */
    PAYLOAD_SEEN = 56,    /* bytes of a request, from its first, that tell whose it is */
    PAYLOAD_DNS_LETTERS = 8,
};

/* Words that a capture's filter tells requests and replies by, at these offsets. */
#define PAYLOAD_STUN_MAGIC UINT32_C(0x2112a442)
#define PAYLOAD_QUIC_VERSION UINT32_C(0x1a2a3a4a) /* reserved: RFC 9000 section 15 */
#define PAYLOAD_DNS_ZONE UINT32_C(0x07696e76)     /* the length and first letters of "invalid" */
#define PAYLOAD_DNS_CASE UINT32_C(0x00202020)     /* case is no part of a name */
#define PAYLOAD_SNMP_VERSION UINT32_C(0x020103)   /* INTEGER 3, in three bytes */
enum {
    PAYLOAD_STUN_MAGIC_AT = 4,
    PAYLOAD_QUIC_VERSION_AT = 1,
    PAYLOAD_QUIC_REQUEST_AT = 8, /* the cookie in the first identifier of a request */
    PAYLOAD_QUIC_FIRST_AT = 6,   /* of a reply: the cookie in the first identifier */
    PAYLOAD_QUIC_SECOND_AT = 17, /* and in the second one */
    PAYLOAD_DNS_ZONE_AT = 21,
    PAYLOAD_SNMP_VERSION_AT = 2, /* or one or two bytes later */
    PAYLOAD_NTP_SENT_AT = 40,    /* transmit timestamp; of a reply the originate timestamp: */
    PAYLOAD_NTP_ORIGIN_AT = 24,
    PAYLOAD_NTP_TAG = 4, /* in these timestamps: the tag, twice */
};

/* What a request or a reply shows of the probe: as much of the cookie as is there. */
struct payload_marks {
    uint32_t cookie;
    uint8_t cookie_bytes;
    bool has_balance;
    uint16_t balance;
};

/* The answer of a service. */
struct payload_reply {
    enum wire_payload payload;
    uint8_t code; /* DNS: the response code; else 0 */
    struct payload_marks marks;
};

/* E.g. "dns"; the port where the service is by default; the shortest request, bytes. PAYLOAD_PLAIN
 * has neither: "plain", 0, 0. */
const char *payload_name(enum wire_payload payload);
uint16_t payload_port(enum wire_payload payload);
uint16_t payload_length(enum wire_payload payload);

/* True if longer requests are as good: the rest is padding. */
bool payload_grows(enum wire_payload payload);

/* The service at this port by default, or PAYLOAD_PLAIN. */
enum wire_payload payload_at_port(uint16_t port);

/* A name for people, e.g. "DNS reply, REFUSED". */
const char *payload_reply_name(enum wire_payload payload, uint8_t code);

/* The first half of the cookie as the service's request can carry it. */
uint16_t payload_cookie(enum wire_payload payload, uint16_t cookie);

/* Writes a request of a service, with 0 for the balance bytes; the buffer is zeros, as long as a
 * request. Returns how many bytes it wrote, at most PAYLOAD_WRITTEN. */
size_t payload_write(enum wire_payload payload, uint32_t cookie, uint8_t *at);

/* Where the balance bytes are: an even offset. */
size_t payload_balance_at(enum wire_payload payload);

/* Reads a request of which the first n bytes are there; false if it is none of this service. */
bool payload_read(enum wire_payload payload, const uint8_t *bytes, size_t n,
                  struct payload_marks *out);

/* Reads a datagram's payload; false if it is no answer to any request above. */
bool payload_read_reply(struct cur payload, struct payload_reply *out);

#endif
