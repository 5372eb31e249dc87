/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets put together from plain bytes, for tests of the parser and as seeds of its fuzzer. */
#ifndef MTR_VECTORS_H
#define MTR_VECTORS_H

#include "engine/probes.h"
#include "wire/wire.h"

enum { VECTOR_MAX = 2048 };

struct vector {
    uint8_t bytes[VECTOR_MAX];
    size_t length;
};

/* An ICMP error around a quoted probe. Zero means: nothing special. */
struct vector_error {
    uint8_t version, type, code;
    uint32_t rest;             /* the second word of the ICMP header */
    uint8_t outer_options;     /* words of IPv4 options outside */
    const char *outer_headers; /* IPv6: as inner_headers */
    uint8_t inner_options;     /* words of IPv4 options in the quote */
    const char *inner_headers; /* IPv6: one letter each, see vectors.c */
    enum wire_protocol protocol;
    size_t quote;    /* bytes of the probe's transport that are quoted; 0: all */
    size_t pad_to;   /* the quote's length with zeros behind it */
    size_t ethernet; /* bytes of 0xee behind the packet */
};

/* What all vectors are about. */
struct wire_spec vector_spec(enum wire_protocol protocol, uint8_t version);
extern const struct wire_probe vector_probe;

/* Probes of a flow under way: one to each TTL from 1 on, sent at 0. */
void vector_open_probes(struct probes *probes, uint8_t count, uint16_t flow, int64_t deadline_ns);

/* The address that the errors come from. */
struct ipaddr vector_router(uint8_t version);

void vector_put(struct vector *v, const void *bytes, size_t length);
void vector_put16(struct vector *v, unsigned value);
void vector_fill(struct vector *v, uint8_t byte, size_t length);

/* An IP header before `payload` bytes that are still to come. */
void vector_ip(struct vector *v, const struct ipaddr *from, const struct ipaddr *to,
               uint8_t protocol, uint8_t option_words, const char *headers, size_t payload);

/* Makes the IPv4 header's and ICMP's checksums right, of whatever bytes these are. */
void vector_seal(uint8_t *bytes, size_t length);

void vector_build_error(struct vector *v, const struct vector_error *error);

/* A direct answer: echo reply, or TCP with these flags. */
void vector_build_echo_reply(struct vector *v, uint8_t version);
void vector_build_tcp(struct vector *v, uint8_t version, uint8_t flags, uint32_t acknowledged);

/* The answer of a service to a probe, by its RFC; the shortest part of it that is one. */
void vector_build_service(struct vector *v, enum wire_payload payload, const struct vector *probe,
                          uint8_t version);
size_t vector_service_least(enum wire_payload payload);

/* Writes it as a seed of the parser's fuzzer into the folder WIRE_SEEDS of the environment, if that
 * is there. */
void vector_save(const char *name, const struct vector *v);

#endif
