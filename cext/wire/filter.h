/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture's filter as a classic BPF program over packets of DLT_LINUX_SLL2. The filter passes
 * the packets that the parser can read and the engine can use, after as many IPv6 extension headers
 * as the parser skips. The filter language of libpcap needs a loop for extension headers
 * (protochain), which the kernel refuses. Pure. */
#ifndef MTR_WIRE_FILTER_H
#define MTR_WIRE_FILTER_H

#include <pcap/pcap.h>
#include <stddef.h>

enum { FILTER_MAX = 512 }; /* instructions */

/* Writes the program and returns its length in instructions. */
size_t filter_write(struct bpf_insn program[FILTER_MAX]);

#endif
