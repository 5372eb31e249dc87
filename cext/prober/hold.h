/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds ports of this host to which services reply. Probes are sent by raw sockets, so no socket
 * has the port, and the kernel would send port unreachable for each reply. A socket bound to the
 * port prevents this; its filter drops the replies, which the capture has seen before. */
#ifndef MTR_PROBER_HOLD_H
#define MTR_PROBER_HOLD_H

#include <stdint.h>

struct hold; /* one port, shared by all traces that use it */

/* Takes the port, or shares it with an earlier user. Returns NULL if out of memory. If another
 * program has the port, that program receives the replies. */
struct hold *hold_take(struct hold **list, uint8_t version, uint16_t port);
void hold_leave(struct hold **list, struct hold *hold); /* accepts NULL */

#endif
