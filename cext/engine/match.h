/* SPDX-License-Identifier: BSD-2-Clause */
/* Which probe of a trace an identity belongs to: every field must fit (cext/README.md). Pure.
 *
 * Who does not see the probes knows their addresses, ports, lengths and rates, and has to guess:
 * the whole cookie and the index, 48 bits; or, where a router quotes too little of the probe to
 * show the cookie, the identifier and the sequence number (ICMP), the checksum and the IPv4
 * identification (UDP), or the sequence number (TCP): 32 bits, of which each probe on its way
 * makes one value right. So without the cookie a reply counts only while its probe may still be
 * answered. Over IPv6 every quote is long enough (RFC 4443, 2.4 c), and one without the cookie
 * never counts. */
#ifndef MTR_ENGINE_MATCH_H
#define MTR_ENGINE_MATCH_H

#include "engine/probes.h"
#include "wire/wire.h"

/* The probe that the identity fits in every field, or NULL: for packets that this host sends. */
struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids);

/* The probe that the captured reply belongs to, or NULL. One without the whole cookie must come
 * within the timeout, or 5 s where that is shorter, and be the first to its probe, or come from the
 * same responder as the first, which had none either. */
struct probe *match_reply(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_packet *packet, int64_t now_ns, int64_t timeout_ns);

/* The ICMP identifier of an echo request of a flow, as the checksum of its quote tells it, whatever
 * identifier a NAT has put in its place. */
uint16_t match_sent_ident(const struct wire_packet *packet, uint16_t flow);

/* True if the packet shows no whole cookie of such a probe; of TCP none does. */
bool match_is_bare(const struct wire_spec *spec, const struct wire_packet *packet);

/* True if the identity shows as much as is needed of what only the probe itself tells: the cookie;
 * over IPv4, without a whole one, the identification of a UDP probe, and nothing of ICMP. True for
 * TCP, whose sequence number is all. */
bool match_secret(const struct wire_spec *spec, const struct wire_ids *ids, uint32_t number);

/* Keeps how the probe, as it left this host, differs from how it was sent: a direct answer comes to
 * the rewritten address and port. */
void match_note_form(struct probe *p, const struct wire_spec *spec, const struct wire_ids *ids);

#endif
