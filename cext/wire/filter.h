/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture's filter as a program for the kernel, over packets of DLT_LINUX_SLL2. It lets through
 * whatever the parser can read and the engine can use, behind any chain of IPv6 extension headers
 * that the parser walks; pcap's language can say neither without a loop (protochain), which the
 * kernel refuses. Pure. */
#ifndef MTR_WIRE_FILTER_H
#define MTR_WIRE_FILTER_H

#include <pcap/pcap.h>
#include <stddef.h>

enum { FILTER_MAX = 512 }; /* instructions */

/* Writes the program; how long it is. */
size_t filter_write(struct bpf_insn program[FILTER_MAX]);

#endif
