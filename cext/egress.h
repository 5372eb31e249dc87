/* SPDX-License-Identifier: BSD-2-Clause */
/* The way out: which source address, interface and MTU the kernel would use, and raw sockets that
 * send whole IP packets. The kernel decides; nothing here reads a routing table. */
#ifndef MTR_EGRESS_H
#define MTR_EGRESS_H

#include "err.h"
#include "ipaddr.h"

#include <net/if.h>

/* What the user pins of it. */
struct egress_pin {
    char device[IF_NAMESIZE]; /* "" for any */
    uint32_t mark;            /* for firewall and routing rules; 0: none */
};

struct egress_route {
    struct ipaddr source;
    uint32_t scope;              /* zone of a link-local target, else 0 */
    int mtu;                     /* of the way, as far as the kernel has learnt it */
    int link_mtu;                /* of the interface */
    char interface[IF_NAMESIZE]; /* "" if unknown */
};

/* Asks the kernel. `source` (version 0 for "any") and `pin` limit the choice. */
int egress_find(const struct ipaddr *target, uint32_t scope, const struct ipaddr *source,
                const struct egress_pin *pin, struct egress_route *out, struct err *err);

/* A raw socket for packets with their header, pinned as said. What the kernel has
 * learnt of path MTUs does not hold it back, only the link's. -1 on failure. */
int egress_open(uint8_t version, const struct egress_pin *pin, struct err *err);

/* Sends one packet; 0 or errno. ENOBUFS is this host's full queue. */
int egress_send(int fd, const uint8_t *packet, size_t length, const struct ipaddr *target,
                uint32_t scope);

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
