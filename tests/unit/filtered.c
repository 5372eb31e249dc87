/* SPDX-License-Identifier: BSD-2-Clause */
#include "filtered.h"

#include "wire/filter.h"

#include <assert.h>
#include <string.h>

enum { SLL2 = 20 };

bool filtered_passes(const uint8_t *packet, size_t length)
{
    struct bpf_insn instructions[FILTER_MAX];
    struct bpf_program filter = { .bf_insns = instructions };
    uint8_t frame[SLL2 + FILTERED_MOST] = { 0 };
    struct pcap_pkthdr header = { .caplen = (bpf_u_int32)(SLL2 + length),
                                  .len = (bpf_u_int32)(SLL2 + length) };
    bool ip4 = length > 0 && packet[0] >> 4 == 4;

    assert(length <= FILTERED_MOST);
    filter.bf_len = (u_int)filter_write(instructions);
    frame[0] = ip4 ? 0x08 : 0x86;
    frame[1] = ip4 ? 0x00 : 0xdd;
    memcpy(frame + SLL2, packet, length);
    return pcap_offline_filter(&filter, &header, frame) != 0;
}
