/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes without the right to raw sockets: UDP sockets, ping sockets (icmp(7)) and TCP connects,
 * which take the packets that the engine builds, and the kernel's error queues, which give the
 * replies and the time stamps. What goes out and what comes back is told in the form of captured
 * packets, so that the rest of the prober knows no difference.
 *
 * Every function may be called from any thread; none waits. */
#ifndef MTR_PROBER_PLAIN_H
#define MTR_PROBER_PLAIN_H

#include "prober/capture.h"
#include "prober/egress.h"
#include "wire/wire.h"

struct plain;

/* By what the sockets of a flow are told apart. */
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

/* Readable when there is something to read. */
int plain_fd(const struct plain *plain);

/* Opens the socket of a flow ahead of its first probe, so that a failure can be told: 0 or errno,
 * which is EADDRINUSE where another program has the port. */
int plain_reserve(struct plain *plain, const struct plain_flow *flow);

/* Says why plain_reserve failed. Returns -1. */
int plain_refuse(const struct plain_flow *flow, int error, struct err *err);

/* A trace has ended: the socket of its ICMP identifier is closed. */
void plain_release(struct plain *plain, const struct plain_flow *flow);

/* Whether a process without rights may send echo requests. */
bool plain_has_icmp(uint8_t version);

/* Sends one packet that wire_build has built; 0 or errno, as egress_send. What the kernel does not
 * let be chosen is its own: the IPv4 identification, and of TCP all but addresses, target port, TTL
 * and TOS. */
int plain_send(struct plain *plain, const struct egress_binding *binding, const uint8_t *packet,
               size_t length, uint32_t scope);

/* Hands over at most so many packets. Returns a monotonic time: all that had come before it has
 * been handed over; 0 where there may be more. */
int64_t plain_read(struct plain *plain, int most, capture_handler *handler, void *context);

/* When plain_read is to be called though nothing is readable; INT64_MAX for never. */
int64_t plain_due(struct plain *plain);

/* Rises where the kernel may have had no room for something to read. */
uint64_t plain_drops(struct plain *plain);

#endif
