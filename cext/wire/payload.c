/* SPDX-License-Identifier: BSD-2-Clause */
/* Each request is a template: constant bytes, and fields that differ from probe to probe. */
#include "wire/payload.h"

#include <assert.h>
#include <string.h>

/* The fields of templates. */
enum field_kind {
    FIELD_END,
    FIELD_BALANCE, /* two bytes */
    FIELD_COOKIE,  /* four bytes */
    FIELD_TAG,     /* two bytes: the second half of the cookie again */
    FIELD_LETTERS, /* eight letters from a to p: the cookie, four bits each */
    FIELD_HALF,    /* two bytes: the second half of the cookie, whose first half is 0 */
};

static const uint8_t field_bytes[] = { [FIELD_BALANCE] = 2,
                                       [FIELD_COOKIE] = 4,
                                       [FIELD_TAG] = 2,
                                       [FIELD_LETTERS] = PAYLOAD_DNS_LETTERS,
                                       [FIELD_HALF] = 2 };

/* A query for the address of LETTERS.invalid, recursion desired. Servers do not forward queries for
 * "invalid." (RFC 6761 section 6.4). A reply repeats the identifier and the question. */
static const uint8_t dns[] = { 0, 0, 0x01, 0, 0, 1,   0,   0,   0,   0,   0,   0,   8, 0, 0, 0, 0,
                               0, 0, 0,    0, 7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0, 0, 1, 0, 1 };

/* A long header with a version that no server supports, and two connection identifiers of eight
 * bytes (RFC 8999 section 5.1). The version negotiation repeats them in exchanged order. */
static const uint8_t quic[] = { 0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 0, 0, 0, 0, 0, 0,
                                0,    0,    8,    0,    0,    0, 0, 0, 0, 0, 0 };
enum { QUIC_LEAST = 1200 }; /* RFC 9000 section 14.1: a shorter datagram gets no reply */

/* A client's request of version 4 (RFC 5905). All but the transmit timestamp is zero, which the
 * reply repeats as its originate timestamp. */
static const uint8_t ntp[48] = { 0x23 };

/* A binding request without attributes (RFC 8489). The response repeats the transaction ID. */
static const uint8_t stun[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0,
                                0, 0, 0, 0, 0,    0,    0,    0,    0, 0 };

/* SNMPv3 discovery (RFC 3414 section 4): a request without a user, to which every SNMPv3 agent
 * replies with a report that has the same msgID. The request-id holds the balance bytes. */
static const uint8_t snmp[] = {
    0x30, 0x3e, 0x02, 0x01, 0x03,                         /* version 3 */
    0x30, 0x11, 0x02, 0x04, 0,    0,    0,    0,          /* msgID */
    0x02, 0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04,       /* largest message; reportable */
    0x02, 0x01, 0x03,                                     /* user-based security */
    0x04, 0x10, 0x30, 0x0e, 0x04, 0x00, 0x02, 0x01, 0x00, /* no engine, boots 0 */
    0x02, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00, 0x04, 0x00, /* time 0, no user */
    0x30, 0x14, 0x04, 0x00, 0x04, 0x00,                   /* no context */
    0xa0, 0x0e, 0x02, 0x04, 0x40, 0x00, 0,    0,          /* get, request-id */
    0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x00,       /* nothing */
};

static const struct payload_template info[] = {
    [PAYLOAD_PLAIN] = { .name = "plain",
                        .written = 6,
                        .fields = { { FIELD_BALANCE, 0 }, { FIELD_COOKIE, 2 } } },
    [PAYLOAD_DNS] = { .name = "dns",
                      .port = 53,
                      .length = sizeof dns,
                      .bytes = dns,
                      .written = sizeof dns,
                      .fields = { { FIELD_BALANCE, 0 }, { FIELD_LETTERS, 13 } } },
    [PAYLOAD_QUIC] = { .name = "quic",
                       .port = 443,
                       .length = QUIC_LEAST,
                       .grows = true,
                       .bytes = quic,
                       .written = sizeof quic,
                       .fields = { { FIELD_BALANCE, 6 },
                                   { FIELD_COOKIE, PAYLOAD_QUIC_REQUEST_AT },
                                   { FIELD_COOKIE, 15 } } },
    [PAYLOAD_NTP] = { .name = "ntp",
                      .port = 123,
                      .length = sizeof ntp,
                      .bytes = ntp,
                      .written = sizeof ntp,
                      .fields = { { FIELD_BALANCE, PAYLOAD_NTP_SENT_AT },
                                  { FIELD_COOKIE, PAYLOAD_NTP_SENT_AT + 2 },
                                  { FIELD_TAG, PAYLOAD_NTP_SENT_AT + 6 } } },
    [PAYLOAD_STUN] = { .name = "stun",
                       .port = 3478,
                       .length = sizeof stun,
                       .bytes = stun,
                       .written = sizeof stun,
                       .fields = { { FIELD_BALANCE, 8 }, { FIELD_COOKIE, 10 } } },
    [PAYLOAD_SNMP] = { .name = "snmp",
                       .port = 161,
                       .length = sizeof snmp,
                       .bytes = snmp,
                       .written = sizeof snmp,
                       .fields = { { FIELD_COOKIE, 9 }, { FIELD_BALANCE, 54 } } },
    [PAYLOAD_FILE] = { .name = "file" }, /* see payload_from_file */
};
_Static_assert(sizeof info / sizeof *info == PAYLOAD_COUNT, "a row each");
_Static_assert(sizeof snmp <= PAYLOAD_WRITTEN, "the longest one");

const struct payload_template *payload_template(enum wire_payload payload,
                                                const struct payload_template *file)
{
    assert(payload != PAYLOAD_FILE || file != NULL);
    return payload == PAYLOAD_FILE ? file : &info[payload];
}

const char *payload_from_file(const uint8_t *bytes, size_t count, size_t at, size_t length,
                              struct payload_template *out)
{
    bool whole = length >= 2 + sizeof(uint32_t);

    if (count == 0 || count > PAYLOAD_FILE_MOST)
        return "from 1 to 8972 bytes expected";
    if (length < PAYLOAD_ID_LEAST || length > PAYLOAD_ID_MOST)
        return "an identifier of 4 to 8 bytes expected: fewer can be guessed";
    if (at + length > PAYLOAD_SEEN)
        return "the identifier expected within the first 56 bytes, which hops quote";
    if (at + length > count)
        return "the identifier expected within the file";
    *out = info[PAYLOAD_FILE];
    out->bytes = bytes;
    out->length = out->written = (uint16_t)count;
    out->fields[0] = (struct payload_field){ FIELD_BALANCE, (uint8_t)at };
    out->fields[1] = (struct payload_field){ whole ? FIELD_COOKIE : FIELD_HALF, (uint8_t)(at + 2) };
    return NULL;
}

bool payload_is_short(const struct payload_template *its)
{
    return its->fields[1].kind == FIELD_HALF;
}

const char *payload_name(enum wire_payload payload)
{
    return info[payload].name;
}

uint16_t payload_port(enum wire_payload payload)
{
    return info[payload].port;
}

bool payload_grows(enum wire_payload payload)
{
    return info[payload].grows;
}

enum wire_payload payload_at_port(uint16_t port)
{
    for (int payload = PAYLOAD_PLAIN + 1; payload < PAYLOAD_FILE; payload++)
        if (info[payload].port == port)
            return (enum wire_payload)payload;
    return PAYLOAD_PLAIN;
}

const char *payload_reply_name(enum wire_payload payload, uint8_t code)
{
    /* RFC 1035 section 4.1.1 */
    static const char *const dns_codes[] = { "DNS reply",           "DNS reply, FORMERR",
                                             "DNS reply, SERVFAIL", "DNS reply, NXDOMAIN",
                                             "DNS reply, NOTIMP",   "DNS reply, REFUSED" };
    static const char *const names[] = {
        [PAYLOAD_PLAIN] = "UDP reply",
        [PAYLOAD_DNS] = "DNS reply, another error",
        [PAYLOAD_QUIC] = "QUIC version negotiation",
        [PAYLOAD_NTP] = "NTP reply",
        [PAYLOAD_STUN] = "STUN response",
        [PAYLOAD_SNMP] = "SNMP report",
        [PAYLOAD_FILE] = "UDP reply",
    };

    if (payload == PAYLOAD_DNS && code < sizeof dns_codes / sizeof *dns_codes)
        return dns_codes[code];
    return payload < PAYLOAD_COUNT ? names[payload] : names[PAYLOAD_PLAIN];
}

/* SNMP: a msgID is a positive INTEGER of four bytes (RFC 3412 section 6), so its first byte has a
 * fixed value. */
uint16_t payload_cookie(const struct payload_template *its, uint16_t cookie)
{
    if (payload_is_short(its))
        return 0;
    return its == &info[PAYLOAD_SNMP] ? (uint16_t)((cookie & 0x3fff) | 0x4000) : cookie;
}

size_t payload_balance_at(const struct payload_template *its)
{
    const struct payload_field *field = its->fields;

    while (field->kind != FIELD_BALANCE)
        field++;
    return field->at;
}

/* ---- requests ------------------------------------------------------------------------------ */

static uint8_t cookie_byte(uint32_t cookie, size_t n)
{
    return (uint8_t)(cookie >> (24 - 8 * n));
}

static void put_field(const struct payload_field *field, uint32_t cookie, uint8_t *at)
{
    for (size_t n = 0; n < field_bytes[field->kind]; n++) {
        switch ((enum field_kind)field->kind) {
        case FIELD_COOKIE:
            at[n] = cookie_byte(cookie, n);
            break;
        case FIELD_TAG:
        case FIELD_HALF:
            at[n] = cookie_byte(cookie, n + 2);
            break;
        case FIELD_LETTERS:
            at[n] = (uint8_t)('a' + (cookie >> (28 - 4 * n) & 0xf));
            break;
        case FIELD_END:
        case FIELD_BALANCE:
            break;
        }
    }
}

size_t payload_write(const struct payload_template *its, uint32_t cookie, uint8_t *at)
{
    const struct payload_field *field = its->fields;

    if (its->bytes != NULL)
        memcpy(at, its->bytes, its->written);
    for (int i = 0; i < PAYLOAD_FIELDS && field[i].kind != FIELD_END; i++) {
        if (field[i].kind == FIELD_BALANCE)
            memset(at + field[i].at, 0, field_bytes[FIELD_BALANCE]);
        put_field(&field[i], cookie, at + field[i].at);
    }
    return its->written;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Reads eight letters, or fewer from a short quote. Case is ignored, as in all DNS names. */
static bool take_letters(struct cur c, struct payload_marks *out)
{
    uint32_t cookie = 0;
    uint8_t letters = 0;

    cur_limit(&c, PAYLOAD_DNS_LETTERS);
    while (cur_left(&c) > 0) {
        uint8_t letter = (uint8_t)((cur_u8(&c) | 0x20) - 'a');
        if (letter > 15)
            return false;
        cookie |= (uint32_t)letter << (28 - 4 * letters++);
    }
    out->cookie_bytes = letters / 2;
    out->cookie = letters % 2 == 0 ? cookie : cookie & ~(UINT32_C(0xf) << (28 - 4 * (letters - 1)));
    return true;
}

static void take_cookie(struct cur c, struct payload_marks *out)
{
    cur_limit(&c, 4);
    while (cur_left(&c) > 0) {
        out->cookie |= (uint32_t)cur_u8(&c) << (24 - 8 * out->cookie_bytes);
        out->cookie_bytes++;
    }
}

/* A cursor over the bytes from an offset on. */
static struct cur cur_from(struct cur c, size_t at)
{
    if (at >= cur_left(&c))
        return cur_over(c.at, 0);
    cur_take(&c, at);
    return c;
}

static bool take_field(const struct payload_field *field, struct cur whole,
                       struct payload_marks *out)
{
    struct cur c = cur_from(whole, field->at);

    switch ((enum field_kind)field->kind) {
    case FIELD_BALANCE:
        out->has_balance = cur_left(&c) >= 2;
        out->balance = out->has_balance ? cur_u16be(&c) : 0;
        return true;
    case FIELD_LETTERS:
        return take_letters(c, out);
    case FIELD_COOKIE:
        if (out->cookie_bytes == 0)
            take_cookie(c, out);
        return true;
    case FIELD_HALF:
        out->cookie_bytes = cur_left(&c) >= 2 ? sizeof(uint32_t) : 0;
        out->cookie = out->cookie_bytes > 0 ? cur_u16be(&c) : 0;
        return true;
    case FIELD_TAG:
    case FIELD_END:
        break;
    }
    return true;
}

/* Returns whether the byte at `at` belongs to a field of the template. */
static bool is_open(const struct payload_template *its, size_t at)
{
    const struct payload_field *field = its->fields;

    for (int i = 0; i < PAYLOAD_FIELDS && field[i].kind != FIELD_END; i++)
        if (at >= field[i].at && at < (size_t)field[i].at + field_bytes[field[i].kind])
            return true;
    return false;
}

static bool take_fields(const struct payload_template *its, struct cur whole,
                        struct payload_marks *out)
{
    const struct payload_field *field = its->fields;
    struct payload_marks marks = { 0 };

    for (int i = 0; i < PAYLOAD_FIELDS && field[i].kind != FIELD_END; i++)
        if (!take_field(&field[i], whole, &marks))
            return false;
    *out = marks;
    return true;
}

bool payload_read(const struct payload_template *its, const uint8_t *bytes, size_t n,
                  struct payload_marks *out)
{
    for (size_t at = 0; its->bytes != NULL && at < n && at < its->written; at++)
        if (!is_open(its, at) && bytes[at] != its->bytes[at])
            return false;
    return take_fields(its, cur_over(bytes, n), out);
}

bool payload_read_echo(const struct payload_template *its, const uint8_t *bytes, size_t n,
                       struct payload_marks *out)
{
    return take_fields(its, cur_over(bytes, n), out) && out->has_balance &&
           out->cookie_bytes == sizeof out->cookie;
}

/* ---- replies ------------------------------------------------------------------------------- */

static uint16_t u16_at(struct cur c, size_t at)
{
    struct cur its = cur_from(c, at);
    return cur_u16be(&its);
}

static uint32_t u32_at(struct cur c, size_t at)
{
    struct cur its = cur_from(c, at);
    return cur_u32be(&its);
}

/* Sets cookie and balance from a reply that repeats both. */
static bool give(struct payload_reply *out, enum wire_payload payload, uint32_t cookie,
                 uint16_t balance)
{
    *out = (struct payload_reply){
        .payload = payload,
        .marks = { .cookie = cookie, .cookie_bytes = 4, .has_balance = true, .balance = balance }
    };
    return true;
}

/* Requires the question in the reply: the identifier alone has 16 bits, which an attacker can guess
 * (RFC 5452 section 4). */
static bool read_dns(struct cur c, struct payload_reply *out)
{
    enum { RESPONSE = 0x8000, OPCODE = 0x7800, RCODE = 0x000f, QUESTION = 12 };
    uint16_t flags = u16_at(c, 2);
    struct payload_marks marks = { 0 };
    struct cur rest = cur_from(c, QUESTION);

    if (cur_left(&c) < sizeof dns || (flags & (RESPONSE | OPCODE)) != RESPONSE || u16_at(c, 4) != 1)
        return false;
    for (size_t at = QUESTION; at < sizeof dns; at++) {
        uint8_t byte = cur_u8(&rest), its = dns[at];
        bool letter = its >= 'a' && its <= 'z';
        if (!is_open(&info[PAYLOAD_DNS], at) && (letter ? byte | 0x20 : byte) != its)
            return false;
    }
    if (!take_letters(cur_from(c, QUESTION + 1), &marks))
        return false;
    give(out, PAYLOAD_DNS, marks.cookie, u16_at(c, 0));
    out->code = flags & RCODE;
    return true;
}

/* RFC 8999 section 6. */
static bool read_quic(struct cur c, struct payload_reply *out)
{
    struct cur at = c;

    if ((cur_u8(&at) & 0x80) == 0 || cur_u32be(&at) != 0 || cur_u8(&at) != 8)
        return false;
    uint32_t cookie = cur_u32be(&at), zeros = cur_u32be(&at);
    if (cur_u8(&at) != 8)
        return false;
    uint16_t balance = cur_u16be(&at);
    bool same = cur_u32be(&at) == cookie && zeros == 0 && cur_u16be(&at) == 0;
    return at.ok && same && give(out, PAYLOAD_QUIC, cookie, balance);
}

/* A response, or an error response: both repeat the transaction ID. */
static bool read_stun(struct cur c, struct payload_reply *out)
{
    enum { SUCCESS = 0x0101, FAILURE = 0x0111 };
    uint16_t type = u16_at(c, 0);

    return cur_left(&c) >= sizeof stun && (type == SUCCESS || type == FAILURE) &&
           u32_at(c, PAYLOAD_STUN_MAGIC_AT) == PAYLOAD_STUN_MAGIC && u32_at(c, 14) == 0 &&
           u16_at(c, 18) == 0 && give(out, PAYLOAD_STUN, u32_at(c, 10), u16_at(c, 8));
}

static bool read_ntp(struct cur c, struct payload_reply *out)
{
    enum { MODE = 7, SERVER = 4 };
    struct cur first = c;
    uint8_t mode = cur_u8(&first) & MODE;
    uint32_t cookie = u32_at(c, PAYLOAD_NTP_ORIGIN_AT + 2);

    bool has_tag = (cookie & 0xffff) != 0; /* 0 in plain probes, which are filled with zeros */
    return cur_left(&c) >= sizeof ntp && mode == SERVER && has_tag &&
           u16_at(c, PAYLOAD_NTP_ORIGIN_AT + PAYLOAD_NTP_TAG + 2) == (cookie & 0xffff) &&
           give(out, PAYLOAD_NTP, cookie, u16_at(c, PAYLOAD_NTP_ORIGIN_AT));
}

/* ---- BER, as far as SNMP needs it ------------------------------------------------------------ */

enum {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_SEQUENCE = 0x30,
    SNMP_RESPONSE = 0xa2,
    SNMP_REPORT = 0xa8,
};

/* Returns the contents of the next value and moves *c past it; fails if its type differs. */
static struct cur take_ber(struct cur *c, uint8_t type)
{
    if (cur_u8(c) != type)
        c->ok = false;
    size_t length = cur_u8(c);
    if (length == 0x81)
        length = cur_u8(c);
    else if (length == 0x82)
        length = cur_u16be(c);
    else if (length > 0x82)
        c->ok = false;
    struct cur value = *c;
    cur_take(c, length);
    if (!c->ok)
        return (struct cur){ .ok = false };
    cur_limit(&value, length);
    return value;
}

static bool read_snmp(struct cur c, struct payload_reply *out)
{
    struct cur message = take_ber(&c, BER_SEQUENCE);
    struct cur version = take_ber(&message, BER_INTEGER);
    struct cur global = take_ber(&message, BER_SEQUENCE);
    struct cur id = take_ber(&global, BER_INTEGER);
    uint32_t cookie = cur_left(&id) == 4 ? cur_u32be(&id) : 0;

    if (cur_u8(&version) != 3 || cur_left(&version) != 0 || cookie == 0)
        return false;
    take_ber(&message, BER_OCTETS); /* security parameters */
    struct cur scoped = take_ber(&message, BER_SEQUENCE);
    take_ber(&scoped, BER_OCTETS); /* engine, context */
    take_ber(&scoped, BER_OCTETS);
    uint8_t pdu = cur_u8(&scoped);
    if (!scoped.ok || (pdu != SNMP_REPORT && pdu != SNMP_RESPONSE))
        return false;
    give(out, PAYLOAD_SNMP, cookie, 0);
    out->marks.has_balance = false;
    return true;
}

bool payload_read_reply(struct cur payload, struct payload_reply *out)
{
    return read_dns(payload, out) || read_quic(payload, out) || read_stun(payload, out) ||
           read_ntp(payload, out) || read_snmp(payload, out);
}
