/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/filter.h"

#include "wire/payload.h"
#include "wire/wire.h"

#include <assert.h>
#include <netinet/in.h>

/* Offsets in a captured packet. The IP header follows the SLL2 header. Offsets in the transport
 * layer are relative to X, which holds the length of the IP headers. */
enum {
    IP = 20,
    IP4_ID = IP + 4,
    IP4_FRAGMENT = IP + 6,
    IP4_PROTOCOL = IP + 9,
    IP6_NEXT = IP + 6,
    IP6_LENGTH = 40,
    AT_X = IP, /* with BPF_IND: the first byte after the X bytes of IP headers */
    TCP_FLAGS = 13,
    UDP_COOKIE_END = 8 + 2 + 2, /* second half of the cookie: header, balance, first half */
};
enum { ETHER_IP4 = 0x0800, ETHER_IP6 = 0x86dd };
enum { ACCEPT = 262144, REJECT = 0 };
enum { TCP_SYN_RST = 0x06, IP4_OFFSET = 0x1fff, IP6_OFFSET = 0xfff8 };
/* Words of scratch memory. */
enum {
    NEXT = 0,  /* protocol number of the following header */
    FRONT = 1, /* length of the IP headers, while X holds an operand */
    OTHER = 2, /* the operand to compare with the accumulator */
};
enum { UDP_PAYLOAD = AT_X + 8 };
enum { NTP_MODE = 7, NTP_CLIENT = 3, NTP_SERVER = 4 };

struct program {
    struct bpf_insn *insns;
    size_t length;
};

static void add(struct program *p, unsigned code, uint32_t k, unsigned yes, unsigned no)
{
    assert(p->length < FILTER_MAX && yes <= 255 && no <= 255);
    p->insns[p->length++] = (struct bpf_insn){
        .code = (unsigned short)code, .k = k, .jt = (unsigned char)yes, .jf = (unsigned char)no
    };
}

static void load(struct program *p, unsigned code, uint32_t k)
{
    add(p, BPF_LD | code, k, 0, 0);
}

static void compute(struct program *p, unsigned code, uint32_t k)
{
    add(p, BPF_ALU | code | BPF_K, k, 0, 0);
}

/* Ends the program with the verdict if the accumulator passes the test. */
static void decide_if(struct program *p, unsigned test, uint32_t k, uint32_t verdict)
{
    add(p, BPF_JMP | test, k, 0, 1);
    add(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Rejects the packet unless the accumulator is k. */
static void require(struct program *p, uint32_t k)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
    add(p, BPF_RET | BPF_K, REJECT, 0, 0);
}

static void end(struct program *p, uint32_t verdict)
{
    add(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Adds a test. land_yes or land_no later sets its jump to the instruction that is then next. */
static size_t branch(struct program *p, unsigned test, uint32_t k)
{
    add(p, BPF_JMP | test, k, 0, 0);
    return p->length - 1;
}

static unsigned char distance(const struct program *p, size_t from)
{
    assert(p->length - from - 1 <= 255);
    return (unsigned char)(p->length - from - 1);
}

static void land_yes(struct program *p, size_t from)
{
    p->insns[from].jt = distance(p, from);
}

static void land_no(struct program *p, size_t from)
{
    p->insns[from].jf = distance(p, from);
}

/* Accepts if the port at this offset is a source port of the first `flows` flows. */
static void accept_own_port(struct program *p, uint32_t at, uint32_t flows)
{
    load(p, BPF_H | BPF_IND, AT_X + at);
    compute(p, BPF_AND, ~(flows - 1) & 0xffff);
    decide_if(p, BPF_JEQ | BPF_K, WIRE_SOURCE_PORT, ACCEPT);
}

/* Accepts SYN, SYN-ACK, RST and RST-ACK. Probes inside a connection and their replies have none of
 * these flags and are recognised by our port. */
static void filter_tcp(struct program *p)
{
    _Static_assert(WIRE_SOURCE_PORT % WIRE_FLOWS == 0, "one mask finds our ports");
    accept_own_port(p, 0, WIRE_FLOWS);
    accept_own_port(p, 2, WIRE_FLOWS);
    load(p, BPF_B | BPF_IND, AT_X + TCP_FLAGS);
    decide_if(p, BPF_JSET | BPF_K, TCP_SYN_RST, ACCEPT);
    end(p, REJECT);
}

static void filter_types(struct program *p, const uint8_t *types, size_t count)
{
    load(p, BPF_B | BPF_IND, AT_X);
    for (size_t i = 0; i < count; i++)
        decide_if(p, BPF_JEQ | BPF_K, types[i], ACCEPT);
    end(p, REJECT);
}

/* Accepts if two fields of the payload are equal. Preserves X. */
static void accept_if_same(struct program *p, unsigned size, uint32_t one, uint32_t other)
{
    add(p, BPF_STX, FRONT, 0, 0);
    load(p, size | BPF_IND, UDP_PAYLOAD + one);
    add(p, BPF_ST, OTHER, 0, 0);
    load(p, size | BPF_IND, UDP_PAYLOAD + other);
    add(p, BPF_LDX | BPF_MEM, OTHER, 0, 0);
    decide_if(p, BPF_JEQ | BPF_X, 0, ACCEPT);
    add(p, BPF_LDX | BPF_MEM, FRONT, 0, 0);
}

/* Accepts a request, or a version negotiation that repeats the cookie in both connection
 * identifiers. */
static void filter_quic(struct program *p)
{
    load(p, BPF_W | BPF_IND, UDP_PAYLOAD + PAYLOAD_QUIC_VERSION_AT);
    decide_if(p, BPF_JEQ | BPF_K, PAYLOAD_QUIC_VERSION, ACCEPT);
    size_t none = branch(p, BPF_JEQ | BPF_K, 0);
    accept_if_same(p, BPF_W, PAYLOAD_QUIC_FIRST_AT, PAYLOAD_QUIC_SECOND_AT);
    land_no(p, none);
}

/* Accepts messages with SNMP version 3, which follows a BER length of one to three bytes. */
static void filter_snmp(struct program *p)
{
    for (uint32_t at = 0; at < 3; at++) {
        load(p, BPF_W | BPF_IND, UDP_PAYLOAD + PAYLOAD_SNMP_VERSION_AT + at);
        compute(p, BPF_RSH, 8);
        decide_if(p, BPF_JEQ | BPF_K, PAYLOAD_SNMP_VERSION, ACCEPT);
    }
}

/* Our requests contain the tag twice in the transmit timestamp, which the server repeats as the
 * originate timestamp. */
static void filter_ntp(struct program *p)
{
    static const uint32_t tags[] = { PAYLOAD_NTP_ORIGIN_AT + PAYLOAD_NTP_TAG,
                                     PAYLOAD_NTP_SENT_AT + PAYLOAD_NTP_TAG };
    static const uint32_t modes[] = { NTP_SERVER, NTP_CLIENT };

    for (int i = 0; i < 2; i++) {
        load(p, BPF_B | BPF_IND, UDP_PAYLOAD);
        compute(p, BPF_AND, NTP_MODE);
        size_t other = branch(p, BPF_JEQ | BPF_K, modes[i]);
        accept_if_same(p, BPF_H, tags[i], tags[i] + 2);
        land_no(p, other);
    }
}

/* Accepts requests to services and their replies by the bytes that our requests contain and replies
 * repeat. Ports are not enough, because a host may send and receive many other packets of these
 * services. A load beyond the packet's end rejects the packet, so the shortest requests are tested
 * first. */
static void filter_services(struct program *p)
{
    load(p, BPF_W | BPF_IND, UDP_PAYLOAD + PAYLOAD_STUN_MAGIC_AT);
    decide_if(p, BPF_JEQ | BPF_K, PAYLOAD_STUN_MAGIC, ACCEPT);
    filter_snmp(p);
    filter_quic(p);
    load(p, BPF_W | BPF_IND, UDP_PAYLOAD + PAYLOAD_DNS_ZONE_AT);
    compute(p, BPF_OR, PAYLOAD_DNS_CASE);
    decide_if(p, BPF_JEQ | BPF_K, PAYLOAD_DNS_ZONE | PAYLOAD_DNS_CASE, ACCEPT);
    filter_ntp(p);
    end(p, REJECT);
}

/* UDP probes are recognised by fields that a NAT of this host leaves unchanged: an IPv4
 * identification that equals the second half of the cookie, or an IPv6 flow label of our range.
 * Probes that carry a file, and their replies, are recognised by our port alone. */
static void filter_ip4(struct program *p)
{
    static const uint8_t types[] = { 0, 3, 8, 11, 12 };

    load(p, BPF_H | BPF_ABS, IP4_FRAGMENT);
    decide_if(p, BPF_JSET | BPF_K, IP4_OFFSET, REJECT);
    add(p, BPF_LDX | BPF_B | BPF_MSH, IP, 0, 0);
    load(p, BPF_B | BPF_ABS, IP4_PROTOCOL);
    size_t icmp = branch(p, BPF_JEQ | BPF_K, IPPROTO_ICMP);
    filter_types(p, types, sizeof types);
    land_no(p, icmp);
    size_t tcp = branch(p, BPF_JEQ | BPF_K, IPPROTO_TCP);
    filter_tcp(p);
    land_no(p, tcp);
    require(p, IPPROTO_UDP);
    accept_own_port(p, 0, WIRE_FILE_FLOWS);
    accept_own_port(p, 2, WIRE_FILE_FLOWS);
    load(p, BPF_H | BPF_IND, AT_X + UDP_COOKIE_END);
    add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
    load(p, BPF_H | BPF_ABS, IP4_ID);
    decide_if(p, BPF_JEQ | BPF_X, 0, ACCEPT);
    add(p, BPF_LDX | BPF_B | BPF_MSH, IP, 0, 0);
    filter_services(p);
}

/* Skips one extension header, whose protocol number is in A: puts the following header's number in
 * A and adds the length to X. Returns the place of the jump, still to be set, that is taken if A is
 * no extension header. */
static size_t walk_extension(struct program *p)
{
    size_t hop_by_hop = branch(p, BPF_JEQ | BPF_K, IPPROTO_HOPOPTS);
    size_t routing = branch(p, BPF_JEQ | BPF_K, IPPROTO_ROUTING);
    size_t options = branch(p, BPF_JEQ | BPF_K, IPPROTO_DSTOPTS);
    size_t fragment = branch(p, BPF_JEQ | BPF_K, IPPROTO_FRAGMENT);
    size_t authentication = branch(p, BPF_JEQ | BPF_K, IPPROTO_AH);
    size_t leave = p->length;

    add(p, BPF_JMP | BPF_JA, 0, 0, 0);
    land_yes(p, fragment); /* a later fragment has no transport header */
    load(p, BPF_H | BPF_IND, AT_X + 2);
    decide_if(p, BPF_JSET | BPF_K, IP6_OFFSET, REJECT);
    load(p, BPF_B | BPF_IND, AT_X);
    add(p, BPF_ST, NEXT, 0, 0);
    load(p, BPF_IMM, 8);
    size_t after_fragment = branch(p, BPF_JA, 0);
    land_yes(p, authentication);
    load(p, BPF_B | BPF_IND, AT_X);
    add(p, BPF_ST, NEXT, 0, 0);
    load(p, BPF_B | BPF_IND, AT_X + 1);
    compute(p, BPF_ADD, 2);
    compute(p, BPF_MUL, 4);
    size_t after_authentication = branch(p, BPF_JA, 0);
    land_yes(p, hop_by_hop);
    land_yes(p, routing);
    land_yes(p, options);
    load(p, BPF_B | BPF_IND, AT_X);
    add(p, BPF_ST, NEXT, 0, 0);
    load(p, BPF_B | BPF_IND, AT_X + 1);
    compute(p, BPF_ADD, 1);
    compute(p, BPF_MUL, 8);
    p->insns[after_fragment].k = distance(p, after_fragment);
    p->insns[after_authentication].k = distance(p, after_authentication);
    add(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
    add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
    load(p, BPF_MEM, NEXT);
    return leave;
}

static void filter_ip6(struct program *p)
{
    static const uint8_t types[] = { 1, 2, 3, 4, 128, 129 };
    size_t leave[WIRE_EXTENSION_HEADERS];

    add(p, BPF_LDX | BPF_IMM, IP6_LENGTH, 0, 0);
    load(p, BPF_B | BPF_ABS, IP6_NEXT);
    for (int i = 0; i < WIRE_EXTENSION_HEADERS; i++)
        leave[i] = walk_extension(p);
    for (int i = 0; i < WIRE_EXTENSION_HEADERS; i++)
        p->insns[leave[i]].k = (uint32_t)(p->length - leave[i] - 1);
    size_t icmp = branch(p, BPF_JEQ | BPF_K, IPPROTO_ICMPV6);
    filter_types(p, types, sizeof types);
    land_no(p, icmp);
    size_t tcp = branch(p, BPF_JEQ | BPF_K, IPPROTO_TCP);
    filter_tcp(p);
    land_no(p, tcp);
    size_t udp = branch(p, BPF_JEQ | BPF_K, IPPROTO_UDP);
    accept_own_port(p, 0, WIRE_FILE_FLOWS);
    accept_own_port(p, 2, WIRE_FILE_FLOWS);
    load(p, BPF_W | BPF_ABS, IP);
    compute(p, BPF_AND, WIRE_FLOW_LABEL_MASK);
    decide_if(p, BPF_JEQ | BPF_K, WIRE_FLOW_LABEL, ACCEPT);
    filter_services(p);
    land_no(p, udp);
    end(p, REJECT);
}

size_t filter_write(struct bpf_insn program[FILTER_MAX])
{
    struct program p = { .insns = program };

    load(&p, BPF_H | BPF_ABS, 0);
    size_t ip4 = branch(&p, BPF_JEQ | BPF_K, ETHER_IP4);
    filter_ip4(&p);
    land_no(&p, ip4);
    require(&p, ETHER_IP6);
    filter_ip6(&p);
    return p.length;
}
