/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw replies, kept as plain fields for the OS guess and for verdicts on how the path changes
 * packets. A reader of the event stream keeps the first few replies of each kind, and every reply
 * whose fields differ from those; fingerprinting keeps all replies. Draws no conclusions. Pure. */
#ifndef MTR_RESULTS_EVIDENCE_H
#define MTR_RESULTS_EVIDENCE_H

#include "base/bound.h"
#include "wire/icmpext.h"
#include "engine/trace.h"

enum {
    EVIDENCE_FIRST = 4,             /* replies always kept per flow, responder and kind */
    EVIDENCE_MOST = BOUND(256, 16), /* per TTL */
    EVIDENCE_EXTENSION = 512,       /* bytes of an extension structure that are kept */
};

/* The kinds of probe: of a trace, or fingerprinting probes. */
enum evidence_probe { EVIDENCE_TRACE, EVIDENCE_ECHO, EVIDENCE_UDP, EVIDENCE_TCP };
enum { EVIDENCE_PROBES = EVIDENCE_TCP + 1 };

/* "trace", "echo", "udp", "tcp". */
extern const char *const evidence_probe_names[EVIDENCE_PROBES];

/* The fingerprinting probe of a protocol. */
enum evidence_probe evidence_probe_of(enum wire_protocol protocol);

/* The probe as sent; fields that its protocol or family does not have are 0. */
struct evidence_sent {
    enum evidence_probe probe;
    enum wire_protocol protocol;
    uint8_t ttl, tos;
    uint8_t code; /* ICMP */
    bool df;
    uint16_t ip_id, size;
    uint16_t source_port, target_port, ident, checksum, tcp_flags;
    struct ipaddr source, target;
};

struct evidence_sent evidence_sent_of(enum evidence_probe kind, const struct wire_spec *spec,
                                      const struct wire_probe *probe);

struct evidence_reply {
    struct evidence_sent sent;
    uint32_t index; /* the probe's number in send order */
    uint16_t flow;
    int64_t at_ns; /* arrival, monotonic */
    struct wire_packet packet;
    uint16_t quoted; /* bytes of the quote, without an extension and its padding */
    bool has_extension, compliant;
    size_t extension_at; /* offset in the list's bytes */
    size_t extension_length;
};

/* Replies in the order of arrival. {0} is a valid empty list. */
struct evidence_list {
    struct evidence_reply *replies;
    size_t count, capacity;
    uint8_t *bytes; /* the extension structures */
    size_t used, bytes_capacity;
};

/* Adds a reply that was read from the bytes `packet`, and sets its fields on the quote and the
 * extension. Adds nothing if out of memory. */
void evidence_add(struct evidence_list *list, const struct evidence_reply *reply,
                  const uint8_t *packet);
/* Appends the replies of another list; returns -1, and appends nothing, if out of memory. */
int evidence_append(struct evidence_list *to, const struct evidence_list *from);
int evidence_copy(struct evidence_list *to, const struct evidence_list *from); /* -1: no memory */
void evidence_fini(struct evidence_list *list);

/* The replies of one trace, by TTL. */
struct evidence {
    struct evidence_list *hops; /* hops[0] is unused */
    size_t hop_count;           /* larger than any TTL that has had a reply */
    uint8_t max_hops;
    bool extensions_only; /* set by a caller that needs replies with an extension only */
};

struct evidence *evidence_new(uint8_t max_hops); /* NULL if out of memory */
void evidence_free(struct evidence *evidence);   /* accepts NULL */

/* The replies at this TTL. The pointer is valid until the next event. */
const struct evidence_list *evidence_at(const struct evidence *evidence, size_t ttl);
struct evidence *evidence_snapshot(const struct evidence *evidence);

/* Appends the replies of another flow's trace, TTL by TTL; -1 if out of memory. */
int evidence_merge(struct evidence *into, const struct evidence *from);

/* The captured packet from which a reply was read. */
struct evidence_capture {
    const uint8_t *bytes; /* from the IP header on */
    int64_t at_ns;        /* receive timestamp, as a monotonic time */
};

/* Keeps the reply of an event, if it has one; called by a trace_sink. `capture` is the packet that
 * caused the event, or NULL. */
void evidence_event(struct evidence *evidence, const struct wire_spec *spec,
                    const struct trace_event *event, const struct evidence_capture *capture);

#endif
