/* SPDX-License-Identifier: BSD-2-Clause */
/* Which probe of a trace a packet belongs to: every field must fit (cext/README.md). Pure.
 *
 * An attacker who does not see the probes knows their addresses, ports, lengths and rates, and has
 * to guess: the cookie and the index, 48 bits; or, if a router quotes too little of the probe to
 * show the cookie, the identifier and the sequence number (ICMP), the checksum and the IPv4
 * identification (UDP), or the sequence number (TCP). These are 32 bits, of which each open probe
 * makes one value right. So a reply without the cookie counts only while its probe can still be
 * answered. Over IPv6 every quote is long enough (RFC 4443, 2.4 c), and a quote without the cookie
 * never counts. */
#ifndef MTR_ENGINE_MATCH_H
#define MTR_ENGINE_MATCH_H

#include "engine/probes.h"
#include "wire/wire.h"

/* The probe that the fields fit, or NULL: for packets that this host sends. */
struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids);

/* The probe that the captured reply belongs to, or NULL. A reply without the whole cookie must come
 * within the timeout, 5 s at most. It must be the first to its probe, or come from the same
 * responder as the first, which must have had no whole cookie either. */
struct probe *match_reply(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_packet *packet, int64_t now_ns, int64_t timeout_ns);

/* The ICMP identifier that an echo request of a flow was sent with, computed from the checksum in
 * its quote, whatever identifier a NAT wrote. */
uint16_t match_sent_ident(const struct wire_packet *packet, uint16_t flow);

/* True if the packet contains no whole cookie; a TCP packet never does. */
bool match_is_bare(const struct wire_spec *spec, const struct wire_packet *packet);

/* True if the packet contains enough of what only an observer of the probe knows: the cookie; over
 * IPv4 without a whole cookie, the identification of a UDP probe, and nothing of ICMP. Always true
 * for TCP, which has only the sequence number. */
bool match_secret(const struct wire_spec *spec, const struct wire_ids *ids, uint32_t number);

/* Records how the probe, as it left this host, differs from how it was built: its reply comes to
 * the rewritten address and port. */
void match_note_form(struct probe *p, const struct wire_spec *spec, const struct wire_ids *ids);

#endif
