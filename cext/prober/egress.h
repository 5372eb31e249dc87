/* SPDX-License-Identifier: BSD-2-Clause */
/* The egress of probes: the source address, interface and MTU that the kernel would use, and raw
 * sockets that send whole IP packets over the route that an application's packets would take. The
 * kernel chooses the route; no routing table is read here. */
#ifndef MTR_PROBER_EGRESS_H
#define MTR_PROBER_EGRESS_H

#include "base/err.h"
#include "base/ipaddr.h"

#include <net/if.h>

/* The user's options that fix the egress. */
struct egress_binding {
    char device[IF_NAMESIZE]; /* "" for any */
    uint32_t mark;            /* SO_MARK, for firewall and routing rules; 0: none */
    bool source;              /* the source address is the user's choice */
};

/* The fields of a packet by which routing rules and equal-cost multipath choose its route. */
struct egress_request {
    struct ipaddr target, source; /* source version 0: the kernel's choice */
    uint32_t scope;               /* zone of a link-local target */
    struct egress_binding binding;
    uint8_t tos, ip_protocol;
    uint16_t source_port, target_port; /* see struct fib_query */
};

struct egress_route {
    struct ipaddr source;
    uint32_t scope;              /* zone of a link-local target, else 0 */
    int mtu;                     /* of the path, from the kernel's PMTU cache */
    int link_mtu;                /* of the interface, for packets of this family */
    char interface[IF_NAMESIZE]; /* "" if unknown */
    bool several;                /* this host has several next hops to the target */
    bool split;                  /* raw packets cannot be sent over the next hop, of several, that
                                    an application's packets take */
};

/* Binds a socket to the interface and sets the mark; -1 with *err and errno set on failure. */
int egress_apply(int fd, const struct egress_binding *binding, struct err *err);

/* Finds the route that `ip route get` prints for the same values; -1 with *err set on failure. */
int egress_find(const struct egress_request *request, struct egress_route *out, struct err *err);

/* Finds the source address that the kernel chooses for packets of an unbound socket, for each of
 * `count` source ports from the request's on. `of` gets an index into `list` per port. The caller
 * sets list[0], which also stands for addresses beyond `room` and for ports without a result.
 * Returns the number of addresses in `list`. */
size_t egress_sources(const struct egress_request *request, size_t count, uint8_t *of,
                      struct ipaddr *list, size_t room);

/* A raw socket, with a cache of next hops by flow. */
struct egress;

/* Opens a raw socket that sends packets with their IP header, bound as given. The link's MTU limits
 * packets, the kernel's PMTU cache does not. Returns NULL with *err set on failure. */
struct egress *egress_open(uint8_t version, const struct egress_binding *binding, struct err *err);
void egress_close(struct egress *egress); /* accepts NULL */

/* Sends one packet from its source address over the next hop that an application's packet with the
 * same ports would take. Returns 0 or errno; ENOBUFS means that this host's queue is full. */
int egress_send(struct egress *egress, const uint8_t *packet, size_t length, uint32_t scope,
                int64_t now_ns);

/* Reads the hardware address of an IPv4 neighbour from the kernel's ARP table; sends nothing. */
bool egress_neighbour(const struct ipaddr *address, uint8_t mac[6]);

struct egress_interface {
    const char *name;
    const char *address; /* "192.0.2.1/24", or "" */
    unsigned mtu;
    bool up, loopback;
};

/* Calls `each` for every interface until `each` returns non-zero; -1 if they cannot be listed. */
int egress_interfaces(int (*each)(void *context, const struct egress_interface *entry),
                      void *context);

#endif
