/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports of this host that services reply to. The probes are sent by raw sockets, so nobody listens
 * there, and the kernel would answer each reply by a port unreachable: a socket at the port takes
 * the replies, and a filter drops them. The capture sees them before. */
#ifndef MTR_PROBER_HOLD_H
#define MTR_PROBER_HOLD_H

#include <stdint.h>

struct hold; /* one port, of all that use it */

/* Takes the port, or joins who has it. NULL without memory. Where the port is another program's,
 * that program gets the replies. */
struct hold *hold_take(struct hold **list, uint8_t version, uint16_t port);
void hold_leave(struct hold **list, struct hold *hold); /* accepts NULL */

#endif
