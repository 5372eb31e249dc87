/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the kernel for the route of one flow (RTM_GETROUTE), with the ports and the protocol that
 * a look-up for a raw socket lacks: routing rules by port, and equal-cost paths hashed by port
 * (fib_multipath_hash_policy 1), are followed only with these. Reads no table and decides
 * nothing. */
#ifndef MTR_PROBER_FIB_H
#define MTR_PROBER_FIB_H

#include "base/ipaddr.h"

struct fib_query {
    struct ipaddr target, source; /* source version 0: any */
    uint32_t interface;           /* index, 0: any */
    uint32_t mark;
    uint8_t tos;
    /* 0 where the protocol and the ports are not to be looked at: */
    uint8_t ip_protocol;
    uint16_t source_port, target_port; /* ICMP: 0, and type * 256 + code, which the kernel hashes */
};

struct fib_answer {
    struct ipaddr gateway; /* version 0: the target is on the link */
    struct ipaddr source;  /* that the kernel prefers; version 0: none named */
    uint32_t interface;
    bool broadcast; /* the target is all hosts of a link */
    bool several;   /* the route has several next hops */
    bool indirect; /* the gateway cannot be given as an address of the target's family, or the route
                      encapsulates */
};

/* A netlink socket. */
struct fib {
    int fd;
    uint32_t serial; /* of the last question */
};

/* -1 with errno set. */
int fib_open(struct fib *fib);
void fib_close(struct fib *fib);

/* 0, or the errno with which the kernel refuses the route. *out is written only for 0. */
int fib_look_up(struct fib *fib, const struct fib_query *query, struct fib_answer *out);

#endif
