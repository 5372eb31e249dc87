/* SPDX-License-Identifier: BSD-2-Clause */
/* The one packet capture of the process: every interface, kernel nanosecond stamps. Its filter is
 * set when it opens and never changed, and nothing is ever sent through it. */
#ifndef MTR_PROBER_CAPTURE_H
#define MTR_PROBER_CAPTURE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct capture_packet {
    const uint8_t *bytes; /* from the IP header on; valid during the call */
    size_t captured;      /* bytes that are there */
    int64_t stamp_ns;     /* CLOCK_REALTIME, by the kernel */
    uint32_t link;        /* interface index */
    bool outgoing;        /* leaving this host */
    bool loopback;        /* to this host itself: shown once, as incoming */
    bool rebuilt;         /* made of what a socket showed: see wire/rebuild.h */
};

typedef void capture_handler(void *context, const struct capture_packet *packet);

/* NULL with *err set on failure. */
struct capture *capture_open(struct err *err);
void capture_close(struct capture *capture); /* accepts NULL */

/* Readable when packets wait. */
int capture_fd(const struct capture *capture);

/* Hands over at most so many packets of what has been captured so far, without waiting; returns how
 * many. */
int capture_read(struct capture *capture, int most, capture_handler *handler, void *context);

/* Packets that the kernel dropped because the buffer was full. */
uint64_t capture_drops(struct capture *capture);

#endif
