/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads of UDP probes to a service: the smallest request that the service answers, with
 * fields for the balance bytes and the cookie, and a reader of its reply. One row per service.
 * Pure. */
#ifndef MTR_WIRE_PAYLOAD_H
#define MTR_WIRE_PAYLOAD_H

#include "base/cursor.h"

enum wire_payload {
    PAYLOAD_PLAIN, /* no request: balance, cookie, zeros */
    PAYLOAD_DNS,
    PAYLOAD_QUIC,
    PAYLOAD_NTP,
    PAYLOAD_STUN,
    PAYLOAD_SNMP,
    PAYLOAD_FILE, /* a file of the user's, with the offset and the length of an identifier */
    PAYLOAD_COUNT
};

enum {
    PAYLOAD_WRITTEN = 64, /* largest length of a request without the zeros at its end */
    PAYLOAD_SEEN = 56,    /* bytes from the start of a request or reply that identify its probe */
    PAYLOAD_DNS_LETTERS = 8,
    PAYLOAD_FILE_MOST = 8972, /* bytes of a file: fill an IPv4 packet of 9,000 */
    PAYLOAD_ID_LEAST = 4,     /* bytes of its identifier: fewer could be guessed */
    PAYLOAD_ID_MOST = 8,
    PAYLOAD_ID_USUAL = 6, /* balance and cookie */
};

enum { PAYLOAD_FIELDS = 4 };

/* A field of a template; payload.c has the kinds. */
struct payload_field {
    uint8_t kind, at;
};

/* A request: constant bytes, and fields that differ from probe to probe. */
struct payload_template {
    const char *name;
    uint16_t port, length;
    bool grows; /* padding may make the request longer */
    const uint8_t *bytes;
    uint16_t written;
    struct payload_field fields[PAYLOAD_FIELDS];
};

/* Constants, and their offsets, by which the capture's filter recognises requests and replies. */
#define PAYLOAD_STUN_MAGIC UINT32_C(0x2112a442)
#define PAYLOAD_QUIC_VERSION UINT32_C(0x1a2a3a4a) /* reserved: RFC 9000 section 15 */
#define PAYLOAD_DNS_ZONE UINT32_C(0x07696e76)     /* the length and first letters of "invalid" */
#define PAYLOAD_DNS_CASE UINT32_C(0x00202020)     /* to lower case: servers may change it */
#define PAYLOAD_SNMP_VERSION UINT32_C(0x020103)   /* INTEGER 3, in three bytes */
enum {
    PAYLOAD_STUN_MAGIC_AT = 4,
    PAYLOAD_QUIC_VERSION_AT = 1,
    PAYLOAD_QUIC_REQUEST_AT = 8, /* a request's cookie in the first identifier */
    PAYLOAD_QUIC_FIRST_AT = 6,   /* a reply's cookie in the first identifier, */
    PAYLOAD_QUIC_SECOND_AT = 17, /* and in the second one */
    PAYLOAD_DNS_ZONE_AT = 21,
    PAYLOAD_SNMP_VERSION_AT = 2, /* or one or two bytes later */
    PAYLOAD_NTP_SENT_AT = 40,    /* transmit timestamp; a reply's originate timestamp: */
    PAYLOAD_NTP_ORIGIN_AT = 24,
    PAYLOAD_NTP_TAG = 4, /* in these timestamps: the tag, twice */
};

/* The identity of a probe as read from a request or a reply. A short quote may have a part of the
 * cookie only. */
struct payload_marks {
    uint32_t cookie;
    uint8_t cookie_bytes;
    bool has_balance;
    uint16_t balance;
};

/* A service's reply. */
struct payload_reply {
    enum wire_payload payload;
    uint8_t code; /* DNS: the response code; else 0 */
    struct payload_marks marks;
};

/* The template of a payload; `file` is that of PAYLOAD_FILE. */
const struct payload_template *payload_template(enum wire_payload payload,
                                                const struct payload_template *file);

/* Makes a template from the bytes of a file, which the caller keeps. The identifier is the `length`
 * bytes at `at`. Returns NULL, or an error message without the name of the file. */
const char *payload_from_file(const uint8_t *bytes, size_t count, size_t at, size_t length,
                              struct payload_template *out);

/* Returns whether the identifier is too short for a whole cookie, and so has 32 bits only. */
bool payload_is_short(const struct payload_template *its);

/* The name, e.g. "dns", and the service's default port, 0 for PAYLOAD_PLAIN and PAYLOAD_FILE. */
const char *payload_name(enum wire_payload payload);
uint16_t payload_port(enum wire_payload payload);

/* True if padding may make the request longer. */
bool payload_grows(enum wire_payload payload);

/* The service whose default port this is, or PAYLOAD_PLAIN. */
enum wire_payload payload_at_port(uint16_t port);

/* A name for people, e.g. "DNS reply, REFUSED". */
const char *payload_reply_name(enum wire_payload payload, uint8_t code);

/* The first half of the cookie as the service's request can carry it. */
uint16_t payload_cookie(const struct payload_template *its, uint16_t cookie);

/* Writes a request whose balance bytes are 0. Requires a buffer of the request's length filled with
 * zeros. Returns the number of bytes written, without zeros at the end: at most PAYLOAD_WRITTEN,
 * except for a file. */
size_t payload_write(const struct payload_template *its, uint32_t cookie, uint8_t *at);

/* The offset of the balance bytes; it may be odd in a file. */
size_t payload_balance_at(const struct payload_template *its);

/* Reads the first n bytes of a request; false if they are not of this template. */
bool payload_read(const struct payload_template *its, const uint8_t *bytes, size_t n,
                  struct payload_marks *out);

/* Reads a reply that repeats the identifier of a file at the same offset; its other bytes are
 * ignored. Returns false if the reply ends before the identifier does. */
bool payload_read_echo(const struct payload_template *its, const uint8_t *bytes, size_t n,
                       struct payload_marks *out);

/* Reads a datagram's payload; false if it is no reply to any request above. */
bool payload_read_reply(struct cur payload, struct payload_reply *out);

#endif
