/* SPDX-License-Identifier: BSD-2-Clause */
/* How probes leave this host: the source address, interface and MTU that the kernel would use, and
 * raw sockets that send whole IP packets as it would send an application's. The kernel decides;
 * nothing here reads a routing table. */
#ifndef MTR_PROBER_EGRESS_H
#define MTR_PROBER_EGRESS_H

#include "base/err.h"
#include "base/ipaddr.h"

#include <net/if.h>

/* What the user pins of it. */
struct egress_binding {
    char device[IF_NAMESIZE]; /* "" for any */
    uint32_t mark;            /* for firewall and routing rules; 0: none */
    bool source;              /* the source address is the user's choice */
};

/* A packet that is to be sent, as routing rules and the choice among equal-cost paths see it. */
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
    int mtu;                     /* of the path, as far as the kernel has learnt it */
    int link_mtu;                /* largest packet of the family that the interface takes */
    char interface[IF_NAMESIZE]; /* "" if unknown */
    bool several;                /* this host has several next hops to the target */
    bool split;                  /* this host has several next hops to the target, and raw sockets
                                    cannot be led over the one that an application's packet takes */
};

/* Makes a socket send as pinned: by that interface, with that mark. -1 with *err and errno set. */
int egress_apply(int fd, const struct egress_binding *binding, struct err *err);

/* Asks the kernel for the route that `ip route get` shows with the same values. */
int egress_find(const struct egress_request *request, struct egress_route *out, struct err *err);

/* The source address of an unbound application's packet, for source ports that rise from the
 * wish's: one place of `list` for each of `count`, in `of`. How many different ones there are, at
 * most `room`: the rest, and where the kernel names none, have the first one's, which is given. */
size_t egress_sources(const struct egress_request *request, size_t count, uint8_t *of,
                      struct ipaddr *list, size_t room);

/* A raw socket, and what the kernel said of the next hops of what was sent through it. */
struct egress;

/* A raw socket for packets with their header, pinned as said. What the kernel has
 * learnt of path MTUs does not hold it back, only the link's. NULL on failure. */
struct egress *egress_open(uint8_t version, const struct egress_binding *binding, struct err *err);
void egress_close(struct egress *egress); /* accepts NULL */

/* Sends one packet; 0 or errno. ENOBUFS is this host's full queue. It leaves from the packet's
 * source address, and over the next hop that an application's packet with its ports would take. */
int egress_send(struct egress *egress, const uint8_t *packet, size_t length, uint32_t scope,
                int64_t now_ns);

/* The hardware address of a host on a link of ours, if the kernel has it: nothing is sent. IPv4. */
bool egress_neighbour(const struct ipaddr *address, uint8_t mac[6]);

struct egress_interface {
    const char *name;
    const char *address; /* "192.0.2.1/24", or "" */
    unsigned mtu;
    bool up, loopback;
};

/* Calls `each` for every interface until it returns non-zero; -1 if they cannot be listed. */
int egress_interfaces(int (*each)(void *context, const struct egress_interface *entry),
                      void *context);

#endif
