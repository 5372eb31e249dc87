/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks up the route of one flow in the kernel (RTM_GETROUTE) with protocol and ports, which the
 * kernel's look-up for a raw socket lacks. Routing rules by port, and equal-cost multipath hashed
 * by port (fib_multipath_hash_policy 1), depend on them. No routing table is read here. */
#ifndef MTR_PROBER_FIB_H
#define MTR_PROBER_FIB_H

#include "base/ipaddr.h"

struct fib_query {
    struct ipaddr target, source; /* source version 0: any */
    uint32_t interface;           /* index, 0: any */
    uint32_t mark;
    uint8_t tos;
    /* 0: ignore protocol and ports: */
    uint8_t ip_protocol;
    uint16_t source_port, target_port; /* ICMP: 0, and type * 256 + code, which the kernel hashes */
};

struct fib_route {
    struct ipaddr gateway; /* version 0: the target is on the link */
    struct ipaddr source;  /* preferred by the kernel; version 0: none */
    uint32_t interface;
    bool broadcast; /* the target is a broadcast address */
    bool several;   /* the route has several next hops */
    bool indirect;  /* the gateway is of the other family, or the route encapsulates */
};

/* A netlink socket. */
struct fib {
    int fd;
    uint32_t serial; /* of the last request */
};

/* -1 with errno set. */
int fib_open(struct fib *fib);
void fib_close(struct fib *fib);

/* Returns 0, or the kernel's errno if there is no usable route. Writes *out only for 0. */
int fib_look_up(struct fib *fib, const struct fib_query *query, struct fib_route *out);

#endif
