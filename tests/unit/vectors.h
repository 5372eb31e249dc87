/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets made from plain bytes, for tests of the parser and as seeds of its fuzzer. */
#ifndef MTR_VECTORS_H
#define MTR_VECTORS_H

#include "engine/probes.h"
#include "wire/wire.h"

enum { VECTOR_MAX = 2048 };

struct vector {
    uint8_t bytes[VECTOR_MAX];
    size_t length;
};

/* An ICMP error with a quoted probe. Fields that are 0 have no effect. */
struct vector_error {
    uint8_t version, type, code;
    uint32_t rest;             /* the second word of the ICMP header */
    uint8_t outer_options;     /* words of IPv4 options in the outer header */
    const char *outer_headers; /* IPv6: as inner_headers */
    uint8_t inner_options;     /* words of IPv4 options in the quote */
    const char *inner_headers; /* IPv6: one letter each, see vectors.c */
    enum wire_protocol protocol;
    size_t quote;    /* quoted bytes of the probe's transport; 0: all */
    size_t pad_to;   /* length of the quote with padding */
    size_t ethernet; /* bytes of 0xee after the packet */
};

/* The trace and the probe of all vectors. */
struct wire_spec vector_spec(enum wire_protocol protocol, uint8_t version);
extern const struct wire_probe vector_probe;

/* Adds probes of a flow in flight: one to each TTL from 1 on, sent at 0. */
void vector_open_probes(struct probes *probes, uint8_t count, uint16_t flow, int64_t deadline_ns);

/* The source address of the errors. */
struct ipaddr vector_router(uint8_t version);

void vector_put(struct vector *v, const void *bytes, size_t length);
void vector_put16(struct vector *v, unsigned value);
void vector_fill(struct vector *v, uint8_t byte, size_t length);

/* Appends an IP header for `payload` bytes that the caller appends afterwards. */
void vector_ip(struct vector *v, const struct ipaddr *from, const struct ipaddr *to,
               uint8_t protocol, uint8_t option_words, const char *headers, size_t payload);

/* Corrects the checksums of the IPv4 header and of ICMP in any bytes. */
void vector_seal(uint8_t *bytes, size_t length);

void vector_build_error(struct vector *v, const struct vector_error *error);

/* Builds a direct reply: an echo reply, or TCP with these flags. */
void vector_build_echo_reply(struct vector *v, uint8_t version);
void vector_build_tcp(struct vector *v, uint8_t version, uint8_t flags, uint32_t acknowledged);

/* Builds a service's reply to a probe, as its RFC specifies. vector_service_least is the length of
 * the shortest readable part. */
void vector_build_service(struct vector *v, enum wire_payload payload, const struct vector *probe,
                          uint8_t version);
size_t vector_service_least(enum wire_payload payload);

/* Writes the vector as a seed of the parser's fuzzer to the folder that WIRE_SEEDS in the
 * environment names, if it is set. */
void vector_save(const char *name, const struct vector *v);

#endif
