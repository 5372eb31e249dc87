/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes to bytes and captured bytes to records, for both families and every protocol. Pure: no
 * socket, no clock. Which header field carries what is drawn in cext/README.md. */
#ifndef MTR_WIRE_WIRE_H
#define MTR_WIRE_WIRE_H

#include "base/ipaddr.h"
#include "wire/payload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_protocol { WIRE_ICMP, WIRE_UDP, WIRE_TCP, WIRE_PROTOCOL_COUNT };

enum {
    WIRE_PORT_UDP = 33434,       /* traceroute's first port, which firewalls know */
    WIRE_PORT_TCP = 80,          /* what mtr and tcptraceroute ask by default */
    WIRE_SOURCE_PORT = 28672,    /* of flow 0; below Linux's range for connections */
    WIRE_ICMP_CHECKSUM = 0x6d74, /* of flow 0: what balancers hash in place of ports */
    WIRE_FLOW_LABEL = 0x6d000,   /* of flow 0 */
    WIRE_FLOW_LABEL_MASK = 0xff000,
    WIRE_FLOWS = 4096,    /* flows that have a label of their own */
    WIRE_FILE_FLOWS = 64, /* of a file, whose packets are told by their ports alone */
    WIRE_INDEXES = 65535, /* distinct probe indexes: 1 to 65535 */
    WIRE_TCP_STEP = 256,  /* sequence numbers from one TCP probe to the next */
    WIRE_COOKIE = 4,      /* bytes */
    WIRE_PAYLOAD_MIN = 6, /* two bytes of balance, then the cookie */
    WIRE_PACKET_MAX = 65535,
    WIRE_EXTENSION_HEADERS = 8,   /* of IPv6, in a row; a packet with more is not read */
    WIRE_SESSION_NUMBERS = 16384, /* sequence numbers of probes in a TCP session, at most */
    WIRE_SESSION_CHECKS = 8,      /* and of the segments that test it */
};

/* What a SYN offers: ECN (RFC 3168), or accurate ECN (RFC 9768). */
enum wire_ecn { WIRE_ECN_NONE, WIRE_ECN_CLASSIC, WIRE_ECN_ACCURATE };

/* Flags of TCP, the reserved bits before them included (RFC 9293 section 3.1). */
enum {
    WIRE_TCP_FIN = 0x001,
    WIRE_TCP_SYN = 0x002,
    WIRE_TCP_RST = 0x004,
    WIRE_TCP_ACK = 0x010,
    WIRE_TCP_ECE = 0x040,
    WIRE_TCP_CWR = 0x080,
    WIRE_TCP_AE = 0x100,
    WIRE_TCP_ECN = WIRE_TCP_ECE | WIRE_TCP_CWR | WIRE_TCP_AE,
    WIRE_TCP_ECN_SHIFT = 6,
};

/* The source address of each flow, where this host has several uplinks. */
enum { WIRE_SOURCES = 8 };
struct wire_sources {
    struct ipaddr list[WIRE_SOURCES];
    uint8_t of[WIRE_FLOWS]; /* its place in the list */
};

/* What probes inside a TCP connection repeat of it. Their sequence numbers are the even
 * distances in front of the SYN's number, so the peer has them all behind it and its application
 * sees no data. */
struct wire_session {
    uint32_t first;             /* number of the first probe in it */
    uint32_t syn;               /* sequence number of its SYN */
    uint32_t ack;               /* what its probes acknowledge */
    uint32_t ts_value, ts_echo; /* with `timestamps` */
    uint16_t window;            /* ours, as the kernel's own segments state it */
    uint16_t numbers; /* distinct sequence numbers of probes; 0: no connection, probes are SYNs */
    bool timestamps;
    bool bare; /* the peer's acknowledgements do not tell one probe from another */
};

/* What all probes of a trace share. */
struct wire_spec {
    enum wire_protocol protocol;
    struct ipaddr source, target;
    const struct wire_sources *sources;  /* NULL: all flows have `source` */
    uint16_t source_port, target_port;   /* UDP and TCP; the source port is flow 0's */
    uint16_t ident;                      /* ICMP identifier, unique to the trace in this process */
    uint16_t first_index;                /* index of probe 0, random */
    uint16_t cookie;                     /* random: the trace's half of its probes' cookies */
    uint64_t key;                        /* random: of the tags, see wire_tag */
    uint32_t tcp_base;                   /* sequence number of probe 0, random */
    uint16_t size;                       /* length of the IP packet in bytes */
    bool random_size;                    /* `size` is the largest: see wire_size */
    uint8_t tos;                         /* TOS or traffic class */
    enum wire_payload payload;           /* UDP: the service that is asked */
    const struct payload_template *file; /* of PAYLOAD_FILE: lives as long as the spec */
    enum wire_ecn ecn;                   /* TCP: of the SYN */
    bool in_session;                     /* TCP: probes are sent inside these connections: */
    struct wire_session sessions[2];     /* the present one, and the one before */
    /* direct probes: */
    uint16_t ip_id; /* IPv4; 0: the probe's tag */
    bool df;        /* IPv4 */
    uint8_t code;   /* ICMP: of the echo request */
    bool ack;       /* TCP: an ACK of 20 bytes in place of a SYN, acknowledging its own number */
};

/* What tells one probe from the others. */
struct wire_probe {
    uint32_t number; /* rises by one with each probe sent */
    uint16_t flow;
    uint8_t ttl;
};

enum wire_kind {
    WIRE_PROBE, /* a packet that looks like one of our own probes */
    WIRE_ECHO_REPLY,
    WIRE_SYN_ACK,
    WIRE_RST,
    WIRE_BARE_RST, /* without an ACK: the answer to an ACK, and to no probe of a trace */
    WIRE_SERVICE,  /* the answer of a UDP service; its `type` is an enum wire_payload */
    WIRE_ACK,      /* any other segment of a TCP connection to a port of our range */
    WIRE_TIME_EXCEEDED,
    WIRE_UNREACHABLE, /* destination unreachable and parameter problem */
    WIRE_TOO_BIG,     /* fragmentation needed, packet too big */
    WIRE_KIND_COUNT
};

/* The target answers the probe itself, not by an ICMP error. */
static inline bool wire_is_direct(enum wire_kind kind)
{
    return kind == WIRE_ECHO_REPLY || kind == WIRE_SYN_ACK || kind == WIRE_RST ||
           kind == WIRE_ACK || kind == WIRE_SERVICE;
}

/* The identity of a probe as it was read: from itself, from a quote, or turned round from a direct
 * answer. Fields that the protocol or a short quote does not have are 0. */
struct wire_ids {
    enum wire_protocol protocol;
    struct ipaddr source, target;
    uint16_t source_port, target_port;
    uint16_t ident;      /* ICMP */
    uint16_t index;      /* ICMP sequence or UDP checksum; TCP: 0 */
    uint16_t tcp_flags;  /* TCP, as quoted; 0 where the quote ends before them */
    uint32_t tcp_seq;    /* TCP sequence number of the probe; WIRE_BARE_RST: its acknowledgement;
                            WIRE_ACK: where the duplicate SACK begins, else acknowledgement - 1 */
    uint16_t ip_id;      /* IPv4, as quoted; 0 in direct answers */
    bool id_swapped;     /* the quoted header's checksum is of an ip_id with its bytes swapped */
    uint32_t flow_label; /* IPv6, likewise */
    uint32_t cookie;     /* ICMP and UDP: as much of it as is there, 0 for the rest */
    uint8_t cookie_bytes;
    uint16_t balance; /* ICMP and UDP: the payload's first two bytes; 0 without a whole cookie */
    bool has_balance;
    enum wire_payload service; /* WIRE_SERVICE: whose answer it is */
    uint8_t ttl, tos;
    uint8_t payload_bytes; /* UDP: how much of its payload is kept, see wire_ids_of */
    uint8_t payload[PAYLOAD_SEEN];
};

/* What an ICMP error shows of the datagram it quotes, beyond whose it was. */
struct wire_quote {
    uint16_t at;       /* where the quote begins in the packet, bytes */
    uint16_t length;   /* bytes behind the ICMP header: the quote, padding, extensions */
    uint16_t size;     /* length that the quoted IP header states */
    uint16_t checksum; /* of UDP and ICMP; 0 for TCP */
    bool df;
    bool header_ok; /* IPv4: the quoted header's checksum is right */
};

/* A TCP segment that is no quote. */
struct wire_segment {
    uint32_t seq, ack;
    uint32_t ts_value, ts_echo; /* with `timestamps` */
    uint16_t window, payload;   /* as the header states it; bytes */
    uint8_t scale;              /* of windows, with `scaled` */
    bool fin, scaled, timestamps;
    bool dsack; /* a duplicate SACK (RFC 2883) of one byte: its beginning is probe.tcp_seq */
};

struct wire_packet {
    enum wire_kind kind;
    struct ipaddr from;
    uint8_t ttl, tos;
    bool df;
    uint16_t ip_id;
    uint16_t length;         /* of the whole IP packet, bytes */
    uint8_t type, code;      /* ICMP; WIRE_SERVICE: see there, and struct payload_reply;
                                WIRE_SYN_ACK: the code is AE, CWR and ECE */
    uint16_t mtu;            /* WIRE_TOO_BIG: next-hop MTU, 0 if the router named none */
    uint32_t rest;           /* second word of an ICMP error's header */
    bool rebuilt;            /* of its own header TTL and TOS alone were seen, 0: not either; of a
                                quoted one nothing: see wire/rebuild.h */
    struct wire_quote quote; /* ICMP errors */
    struct wire_segment tcp; /* segments */
    struct wire_ids probe;
};

enum wire_verdict {
    WIRE_OK,
    WIRE_FOREIGN,   /* a packet we have no use for */
    WIRE_TRUNCATED, /* ends before what we need */
    WIRE_MALFORMED, /* contradicts itself, or was damaged on its way */
};

/* Smallest and default length of a probe packet, bytes, where it asks no service. */
uint16_t wire_size_min(enum wire_protocol protocol, uint8_t version);
uint16_t wire_size_default(enum wire_protocol protocol, uint8_t version);

/* The same of a spec's protocol, family and payload. */
uint16_t wire_size_least(const struct wire_spec *spec);
uint16_t wire_size_usual(const struct wire_spec *spec);

/* The identity of a UDP probe, read as one that asks this service: cookie and balance are where its
 * requests have them. False if it is none. Answers of a service are as they were read; whatever
 * answers a file has the identifier where the file has it. `file`: of PAYLOAD_FILE. */
bool wire_ids_of(enum wire_payload payload, const struct payload_template *file,
                 struct wire_ids *ids);

/* What a datagram is that comes to a port of ours and looks like no answer of a known service:
 * maybe the answer to a file. Turns its identity round; false if it cannot be one. */
bool wire_turn_round(struct wire_packet *packet);

/* Random sizes of TCP SYNs are at most this: the payload is shorter than the step from one sequence
 * number to the next, so that an answer which acknowledges it names one probe. */
uint16_t wire_size_tcp_random_max(uint8_t version);

/* The length of the IP packet of probe `number`: spec->size, or with `random_size` anything from
 * the smallest to that, chosen by the key. */
uint16_t wire_size(const struct wire_spec *spec, uint32_t number);

/* The source address of a flow's probes. */
const struct ipaddr *wire_source(const struct wire_spec *spec, uint16_t flow);

/* The flags of a TCP probe. */
uint16_t wire_tcp_flags(const struct wire_spec *spec);

/* The number of the protocol in IP headers, and the type of an echo request. */
uint8_t wire_ip_protocol(enum wire_protocol protocol, uint8_t version);
uint8_t wire_echo_type(uint8_t version);

/* The 16-bit index, 1 to 65535, that probe `number` carries. */
uint16_t wire_index(const struct wire_spec *spec, uint32_t number);

/* 16 bits, never 0, that are different for each index and that nobody can tell who has not seen the
 * probe: the second half of its cookie, and its IPv4 identification. An eight-byte quote shows no
 * more of a UDP probe than this and the index. */
uint16_t wire_tag(const struct wire_spec *spec, uint32_t number);

/* The index of the probe with this tag; 0 for tag 0. */
uint16_t wire_tagged_index(const struct wire_spec *spec, uint16_t tag);

/* The cookie that probe `number` carries: the trace's half, then the tag. */
uint32_t wire_cookie(const struct wire_spec *spec, uint32_t number);

/* The IPv4 identification that probe `number` carries. */
uint16_t wire_ip_id(const struct wire_spec *spec, uint32_t number);

/* From one TCP probe's sequence number to the next: not a divisor of the payload, so that an answer
 * which acknowledges the payload is none to a later probe. */
uint32_t wire_tcp_step(const struct wire_spec *spec);

/* The balance bytes of a UDP probe: of the flow with this number. */
uint16_t wire_udp_balance(const struct wire_spec *spec, uint32_t number, uint16_t flow);

/* The connection that TCP probe `number` is sent in; NULL: it is a SYN. */
const struct wire_session *wire_session_of(const struct wire_spec *spec, uint32_t number);

/* Whether a port is one of those that our probes are sent from. */
static inline bool wire_is_own_port(uint16_t port)
{
    return port >= WIRE_SOURCE_PORT && port < WIRE_SOURCE_PORT + WIRE_FLOWS;
}

/* The same of probes that carry a file. */
static inline bool wire_is_file_port(uint16_t port)
{
    return port >= WIRE_SOURCE_PORT && port < WIRE_SOURCE_PORT + WIRE_FILE_FLOWS;
}

/* The sequence number of the segment that tests the present connection for the i-th time. */
uint32_t wire_check_seq(const struct wire_spec *spec, unsigned i);

/* The sequence number that TCP probe `number` carries. */
uint32_t wire_tcp_seq(const struct wire_spec *spec, uint32_t number);

/* Writes the probe with its IP header; returns its wire_size. The buffer holds at least that. */
size_t wire_build(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *packet);

/* The same of the segment that tests the present connection for the i-th time. */
size_t wire_build_check(const struct wire_spec *spec, uint16_t flow, unsigned i, uint8_t *packet);

/* And of the one that resets it. */
size_t wire_build_reset(const struct wire_spec *spec, uint16_t flow, uint8_t *packet);

/* Reads an IP packet, of which the first `captured` bytes are there. *out is written only for
 * WIRE_OK. Says nothing about whose probe it was: see match_reply.
 *
 * A reply is malformed where a checksum is wrong: the IPv4 header's, and ICMP's where the whole
 * message is there, since no device leaves these to be filled in later. TCP's is not looked at: on
 * its way from a process of this host, a container's too, it may not have been filled in yet. */
enum wire_verdict wire_parse(const uint8_t *packet, size_t captured, struct wire_packet *out);

/* The same in two steps, for who has to look at very many packets: all but the checksums, and these
 * of a reply. */
enum wire_verdict wire_read(const uint8_t *packet, size_t captured, struct wire_packet *out);
bool wire_is_damaged(const uint8_t *packet, size_t captured);

#endif
