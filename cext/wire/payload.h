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
    PAYLOAD_FILE, /* bytes of the user's, in which he has named where an identifier is */
    PAYLOAD_COUNT
};

enum {
    PAYLOAD_WRITTEN = 64, /* bytes of a request that are not 0, at most */
    PAYLOAD_SEEN = 56,    /* bytes of a request, from its first, that tell whose it is */
    PAYLOAD_DNS_LETTERS = 8,
    PAYLOAD_FILE_MOST = 8972, /* bytes of a file: an IPv4 packet of 9,000 */
    PAYLOAD_ID_LEAST = 4,     /* bytes of its identifier: fewer can be guessed */
    PAYLOAD_ID_MOST = 8,
    PAYLOAD_ID_USUAL = 6, /* balance and cookie */
};

enum { PAYLOAD_FIELDS = 4 };

/* A field that a template leaves open. */
struct payload_field {
    uint8_t kind, at;
};

/* A request: bytes that are always the same, and fields that are not. */
struct payload_template {
    const char *name;
    uint16_t port, length;
    bool grows; /* longer ones are as good: the rest is padding */
    const uint8_t *bytes;
    uint16_t written;
    struct payload_field fields[PAYLOAD_FIELDS];
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

/* The template of a payload; `file` is that of PAYLOAD_FILE. */
const struct payload_template *payload_template(enum wire_payload payload,
                                                const struct payload_template *file);

/* A template of the bytes of a file, which stay the caller's; its identifier is the `length` bytes
 * at `at`. NULL, or what is wrong with these, without the name of the file. */
const char *payload_from_file(const uint8_t *bytes, size_t count, size_t at, size_t length,
                              struct payload_template *out);

/* Whether the identifier has 32 bits alone, with no room for a whole cookie. */
bool payload_is_short(const struct payload_template *its);

/* E.g. "dns"; the port where the service is by default, 0 for PAYLOAD_PLAIN and PAYLOAD_FILE. */
const char *payload_name(enum wire_payload payload);
uint16_t payload_port(enum wire_payload payload);

/* True if longer requests are as good: the rest is padding. */
bool payload_grows(enum wire_payload payload);

/* The service at this port by default, or PAYLOAD_PLAIN. */
enum wire_payload payload_at_port(uint16_t port);

/* A name for people, e.g. "DNS reply, REFUSED". */
const char *payload_reply_name(enum wire_payload payload, uint8_t code);

/* The first half of the cookie as the service's request can carry it. */
uint16_t payload_cookie(const struct payload_template *its, uint16_t cookie);

/* Writes a request, with 0 for the balance bytes; the buffer is zeros, as long as a request.
 * Returns how many bytes it wrote: `written`, at most PAYLOAD_WRITTEN where it is no file's. */
size_t payload_write(const struct payload_template *its, uint32_t cookie, uint8_t *at);

/* Where the balance bytes are: of a file maybe at an odd offset. */
size_t payload_balance_at(const struct payload_template *its);

/* Reads a request of which the first n bytes are there; false if it is none of this template. */
bool payload_read(const struct payload_template *its, const uint8_t *bytes, size_t n,
                  struct payload_marks *out);

/* Reads an answer that repeats the identifier of a file where it was; the other bytes may be any.
 * False if it does not reach so far. */
bool payload_read_echo(const struct payload_template *its, const uint8_t *bytes, size_t n,
                       struct payload_marks *out);

/* Reads a datagram's payload; false if it is no answer to any request above. */
bool payload_read_reply(struct cur payload, struct payload_reply *out);

#endif
