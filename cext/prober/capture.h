/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet capture of the process, on all interfaces, with the kernel's nanosecond timestamps.
 * The filter is set on opening and never changed. Nothing is sent through the capture. */
#ifndef MTR_PROBER_CAPTURE_H
#define MTR_PROBER_CAPTURE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct capture_packet {
    const uint8_t *bytes; /* from the IP header on; valid during the call */
    size_t captured;      /* length of `bytes` */
    int64_t stamp_ns;     /* the kernel's timestamp, CLOCK_REALTIME */
    uint32_t link;        /* interface index */
    bool outgoing;        /* leaving this host */
    bool loopback;        /* from this host to itself: captured once, as incoming */
    bool rebuilt;         /* made from data of a socket, see wire/rebuild.h */
};

typedef void capture_handler(void *context, const struct capture_packet *packet);

/* NULL with *err set on failure. */
struct capture *capture_open(struct err *err);
void capture_close(struct capture *capture); /* accepts NULL */

/* Returns a descriptor that is readable when packets wait. */
int capture_fd(const struct capture *capture);

/* Passes at most `most` captured packets to the handler, without waiting; returns their number. */
int capture_read(struct capture *capture, int most, capture_handler *handler, void *context);

/* Returns the number of packets that the kernel dropped because the buffer was full. */
uint64_t capture_drops(struct capture *capture);

#endif
