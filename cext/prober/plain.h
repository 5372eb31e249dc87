/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes without privileges: plain sockets in place of raw ones. UDP sockets, ping sockets
 * (icmp(7)) and connect() send the packets that the engine builds; the kernel's error queues
 * (ip(7)) provide replies and timestamps. Sent and received packets are reported like captured
 * packets, so the rest of the prober needs no special case.
 *
 * Every function may be called from any thread; none waits. */
#ifndef MTR_PROBER_PLAIN_H
#define MTR_PROBER_PLAIN_H

#include "prober/capture.h"
#include "prober/egress.h"
#include "wire/wire.h"

struct plain;

/* The key of a flow's socket. */
struct plain_flow {
    enum wire_protocol protocol;
    struct ipaddr source;
    uint16_t port; /* the source port, or the ICMP identifier */
    uint32_t scope;
    struct egress_binding binding;
};

/* NULL with *err set on failure. */
struct plain *plain_open(struct err *err);
void plain_close(struct plain *plain); /* accepts NULL */

/* Returns a descriptor that is readable when plain_read has work to do. */
int plain_fd(const struct plain *plain);

/* Opens the socket of a flow before its first probe, so that the trace can be refused. Returns 0 or
 * errno, EADDRINUSE if another program has the port. */
int plain_reserve(struct plain *plain, const struct plain_flow *flow);

/* Sets *err to the error of plain_reserve. Returns -1. */
int plain_refuse(const struct plain_flow *flow, int error, struct err *err);

/* Closes the socket of an ended trace's ICMP identifier. */
void plain_release(struct plain *plain, const struct plain_flow *flow);

/* Returns whether an unprivileged process may send echo requests (net.ipv4.ping_group_range). */
bool plain_has_icmp(uint8_t version);

/* Sends one packet that wire_build made; returns 0 or errno, as egress_send. The kernel chooses the
 * IPv4 identification, and for TCP all fields but addresses, target port, TTL and TOS. */
int plain_send(struct plain *plain, const struct egress_binding *binding, const uint8_t *packet,
               size_t length, uint32_t scope);

/* Passes at most `most` packets to the handler. Returns 0 if there may be more packets, else a
 * monotonic time: all packets that arrived before it have been passed on. */
int64_t plain_read(struct plain *plain, int most, capture_handler *handler, void *context);

/* Returns when plain_read must be called even if its descriptor is not readable; INT64_MAX for
 * never. */
int64_t plain_due(struct plain *plain);

/* Returns the number of times that the kernel may have dropped a packet for lack of buffer. */
uint64_t plain_drops(struct plain *plain);

#endif
