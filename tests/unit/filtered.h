/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the capture's filter to a packet, for tests. */
#ifndef MTR_FILTERED_H
#define MTR_FILTERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTERED_MOST = 4096 }; /* bytes of a packet */

/* True if the filter (wire/filter.h) passes an IP packet, as libpcap runs it. */
bool filtered_passes(const uint8_t *packet, size_t length);

#endif
