/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw answers, kept as plain fields for those who judge what a hop is and what the path does to a
 * packet. A reader of the event stream keeps the first few of each kind and every one that shows
 * something new; a direct question keeps all it got. Judges nothing. Pure. */
#ifndef MTR_RESULTS_EVIDENCE_H
#define MTR_RESULTS_EVIDENCE_H

#include "base/bound.h"
#include "wire/icmpext.h"
#include "engine/trace.h"

enum {
    EVIDENCE_FIRST = 4, /* answers kept per flow, responder and kind, whatever they show */
    EVIDENCE_MOST = BOUND(256, 16), /* per TTL */
    EVIDENCE_EXTENSION = 512,       /* bytes of an extension structure that are kept */
};

/* What was asked. */
enum evidence_probe { EVIDENCE_TRACE, EVIDENCE_ECHO, EVIDENCE_UDP, EVIDENCE_TCP };
enum { EVIDENCE_PROBES = EVIDENCE_TCP + 1 };

/* "trace", "echo", "udp", "tcp". */
extern const char *const evidence_probe_names[EVIDENCE_PROBES];

/* The fingerprinting probe of a protocol. */
enum evidence_probe evidence_probe_of(enum wire_protocol protocol);

/* The probe as it left; what its protocol or family does not have is 0. */
struct evidence_sent {
    enum evidence_probe probe;
    enum wire_protocol protocol;
    uint8_t ttl, tos, code; /* the last: ICMP */
    bool df;
    uint16_t ip_id, size;
    uint16_t source_port, target_port, ident, checksum, tcp_flags;
    struct ipaddr source, target;
};

struct evidence_sent evidence_sent_of(enum evidence_probe kind, const struct wire_spec *spec,
                                      const struct wire_probe *probe);

struct evidence_answer {
    struct evidence_sent sent;
    uint32_t index; /* the probe's number in send order */
    uint16_t flow;
    int64_t at_ns; /* when it came, monotonic */
    struct wire_packet reply;
    uint16_t quoted; /* bytes in front of an extension, without padding that is known as such */
    bool has_extension, compliant;
    size_t extension_at; /* in the list's bytes */
    size_t extension_length;
};

/* Answers in the order in which they came. {0} is a valid empty list. */
struct evidence_list {
    struct evidence_answer *answers;
    size_t count, capacity;
    uint8_t *bytes; /* of extensions */
    size_t used, bytes_capacity;
};

/* Adds an answer; `packet` are the bytes it was read from. Without memory it is left out. What the
 * answer says of its extension is filled in here. */
void evidence_add(struct evidence_list *list, const struct evidence_answer *answer,
                  const uint8_t *packet);
/* Appends the answers of another list; -1 without memory: those that found room are there. */
int evidence_append(struct evidence_list *to, const struct evidence_list *from);
int evidence_copy(struct evidence_list *to, const struct evidence_list *from); /* -1: no memory */
void evidence_fini(struct evidence_list *list);

/* The answers of one trace, by TTL. */
struct evidence {
    struct evidence_list *hops; /* hops[0] is unused */
    size_t hop_count;           /* so far: of TTLs from here on there is none */
    uint8_t max_hops;
    bool extended; /* set by whoever wants no answers but those with an extension */
};

struct evidence *evidence_new(uint8_t max_hops); /* NULL without memory */
void evidence_free(struct evidence *evidence);   /* accepts NULL */

/* The answers of this TTL; holds until the next event. */
const struct evidence_list *evidence_at(const struct evidence *evidence, size_t ttl);
struct evidence *evidence_snapshot(const struct evidence *evidence);

/* Appends the answers of another flow's trace, TTL by TTL. */
int evidence_merge(struct evidence *into, const struct evidence *from);

/* The captured packet that an answer was read from. */
struct evidence_capture {
    const uint8_t *bytes; /* from the IP header on */
    int64_t at_ns;        /* its stamp, as a monotonic time */
};

/* A trace_sink's body; `capture` is what caused the event, NULL where nothing was captured. */
void evidence_event(struct evidence *evidence, const struct wire_spec *spec,
                    const struct trace_event *event, const struct evidence_capture *capture);

#endif
