/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets as a capture would have shown them, made of what sockets say about them, so that one
 * parser reads both. Fields that sockets do not show are 0. Pure. */
#ifndef MTR_WIRE_REBUILD_H
#define MTR_WIRE_REBUILD_H

#include "wire/wire.h"

enum { REBUILD_ROOM = 1600 }; /* bytes of a rebuilt packet at most; what is longer is cut */

/* What is known of the IP header of a packet that came in. */
struct rebuild_header {
    struct ipaddr from, to;
    uint8_t ttl, tos; /* ttl 0: not known */
};

/* What is known of an ICMP error: `quote` is the IP header and the transport header of the probe
 * as far as the socket does not show it, `data` what it shows behind that. */
struct rebuild_error {
    uint8_t type, code;
    uint32_t mtu;
    size_t extension_at; /* where an RFC 4884 structure begins in `data`; 0: there is none */
    const uint8_t *quote;
    size_t quote_length;
    const uint8_t *data;
    size_t data_length;
};

/* Writes into `out`, which has REBUILD_ROOM bytes; returns the length. */
size_t rebuild_error(const struct rebuild_header *header, const struct rebuild_error *error,
                     uint8_t *out);

/* The same for a message of another kind: `bytes` begin with its transport header. */
size_t rebuild_message(const struct rebuild_header *header, uint8_t protocol, const uint8_t *bytes,
                       size_t length, uint8_t *out);

/* A datagram's ends, and the length of its payload when it was sent. */
struct rebuild_udp {
    struct ipaddr source, target;
    uint16_t source_port, target_port;
    size_t payload_length;
};

/* The IP header and the UDP header of a datagram whose payload begins with `data`, with the
 * checksum that it had if zeros followed. Returns the length of the two headers. */
size_t rebuild_udp(const struct rebuild_udp *udp, const uint8_t *data, size_t length, uint8_t *out);

/* The answer to a SYN of ours, with (`reset`) or without RST. Returns its length. */
size_t rebuild_syn_answer(const uint8_t *syn, bool reset, uint8_t *out);

#endif
