/* SPDX-License-Identifier: BSD-2-Clause */
/* Rebuilds packets as a capture would have shown them from the data that sockets provide, so that
 * one parser reads both. Fields that sockets do not provide are 0. Pure. */
#ifndef MTR_WIRE_REBUILD_H
#define MTR_WIRE_REBUILD_H

#include "wire/wire.h"

enum { REBUILD_ROOM = 1600 }; /* largest length in bytes; longer packets are cut */

/* The known fields of a received packet's IP header. */
struct rebuild_header {
    struct ipaddr from, to;
    uint8_t ttl, tos; /* ttl 0: unknown */
};

/* The known parts of an ICMP error. `quote` has the probe's IP header and those bytes of its
 * transport header that the socket does not provide; `data` has the bytes after it that the socket
 * provides. */
struct rebuild_error {
    uint8_t type, code;
    uint32_t mtu;
    size_t extension_at; /* offset of an RFC 4884 structure in `data`; 0: there is none */
    const uint8_t *quote;
    size_t quote_length;
    const uint8_t *data;
    size_t data_length;
};

/* Writes into `out`, which has REBUILD_ROOM bytes; returns the length. */
size_t rebuild_error(const struct rebuild_header *header, const struct rebuild_error *error,
                     uint8_t *out);

/* Writes another packet, whose payload is `bytes`: a transport header and what follows. */
size_t rebuild_message(const struct rebuild_header *header, uint8_t protocol, const uint8_t *bytes,
                       size_t length, uint8_t *out);

/* The addresses and ports of a datagram, and the length of its payload as sent. */
struct rebuild_udp {
    struct ipaddr source, target;
    uint16_t source_port, target_port;
    size_t payload_length;
};

/* The IP header and the UDP header of a datagram whose payload begins with `data`, with the
 * checksum that it had if zeros followed. Returns the length of the two headers. */
size_t rebuild_udp(const struct rebuild_udp *udp, const uint8_t *data, size_t length, uint8_t *out);

/* Writes the reply to one of our SYNs: RST-ACK with `reset`, else SYN-ACK. Returns its length. */
size_t rebuild_syn_reply(const uint8_t *syn, bool reset, uint8_t *out);

#endif
