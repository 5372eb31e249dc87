/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts probes to bytes and captured bytes to records, for both families and every protocol.
 * Pure: no socket, no clock. cext/README.md has drawings of the header fields and their use. */
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
    WIRE_PORT_TCP = 80,          /* default of mtr and tcptraceroute */
    WIRE_SOURCE_PORT = 28672,    /* of flow 0; below Linux's ephemeral ports (32768 and up) */
    WIRE_ICMP_CHECKSUM = 0x6d74, /* of flow 0: load balancers hash the checksum, as ICMP has no
                                    ports (Augustin et al. 2006) */
    WIRE_FLOW_LABEL = 0x6d000,   /* of flow 0 */
    WIRE_FLOW_LABEL_MASK = 0xff000,
    WIRE_FLOWS = 4096,    /* flows that have a label of their own */
    WIRE_FILE_FLOWS = 64, /* with a file, whose packets are recognised by port alone */
    WIRE_INDEXES = 65535, /* distinct probe indexes: 1 to 65535 */
    WIRE_TCP_STEP = 256,  /* sequence numbers from one TCP probe to the next */
    WIRE_COOKIE = 4,      /* bytes */
    WIRE_PAYLOAD_MIN = 6, /* two bytes of balance, then the cookie */
    WIRE_PACKET_MAX = 65535,
    WIRE_EXTENSION_HEADERS = 8,   /* of IPv6; a packet with more is ignored */
    WIRE_SESSION_NUMBERS = 16384, /* most sequence numbers of probes in a TCP session */
    WIRE_SESSION_CHECKS = 8,      /* sequence numbers of its test segments */
};

/* The ECN that a SYN requests: RFC 3168, or accurate ECN (RFC 9768). */
enum wire_ecn { WIRE_ECN_NONE, WIRE_ECN_CLASSIC, WIRE_ECN_ACCURATE };

/* TCP flags (RFC 9293 section 3.1), with AE (RFC 9768) among the formerly reserved bits. */
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
    uint8_t of[WIRE_FLOWS]; /* index in `list` */
};

/* The fields that probes inside a TCP connection take from it. Their sequence numbers lie before
 * the SYN's number, at even distances, so the peer treats the segments as duplicates and its
 * application receives no data. */
struct wire_session {
    uint32_t first;             /* number of the first probe in it */
    uint32_t syn;               /* sequence number of its SYN */
    uint32_t ack;               /* acknowledgement number of its probes */
    uint32_t ts_value, ts_echo; /* with `timestamps` */
    uint16_t window;            /* ours, as the kernel's own segments state it */
    uint16_t numbers; /* distinct sequence numbers of probes; 0: no connection, probes are SYNs */
    bool timestamps;
    bool bare; /* the peer's acknowledgements do not identify a probe */
};

/* The fields that all probes of a trace share. */
struct wire_spec {
    enum wire_protocol protocol;
    struct ipaddr source, target;
    const struct wire_sources *sources;  /* NULL: all flows have `source` */
    uint16_t source_port, target_port;   /* UDP and TCP; the source port is flow 0's */
    uint16_t ident;                      /* ICMP identifier, unique to the trace in this process */
    uint16_t first_index;                /* index of probe 0, random */
    uint16_t cookie;                     /* random: the trace's half of its probes' cookies */
    uint64_t key;                        /* random: makes the tags, see wire_tag */
    uint32_t tcp_base;                   /* sequence number of probe 0, random */
    uint16_t size;                       /* length of the IP packet in bytes */
    bool random_size;                    /* `size` is the largest: see wire_size */
    uint8_t tos;                         /* TOS or traffic class */
    enum wire_payload payload;           /* UDP: the service's request */
    const struct payload_template *file; /* of PAYLOAD_FILE; must outlive the spec */
    enum wire_ecn ecn;                   /* TCP: of the SYN */
    bool in_session;                     /* TCP: probes are sent inside these connections: */
    struct wire_session sessions[2];     /* the current one, and the previous one */
    /* of fingerprinting probes: */
    uint16_t ip_id; /* IPv4; 0: the probe's tag */
    bool df;        /* IPv4 */
    uint8_t code;   /* ICMP: of the echo request */
    bool ack;       /* TCP: an ACK of 20 bytes in place of a SYN, acknowledging its own number */
};

/* The fields in which the probes of a trace differ. */
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
    WIRE_BARE_RST, /* RST without ACK: the reply to an ACK, which only fingerprinting sends */
    WIRE_SERVICE,  /* the reply of a UDP service; its `type` is an enum wire_payload */
    WIRE_ACK,      /* any other segment of a TCP connection to one of our ports */
    WIRE_TIME_EXCEEDED,
    WIRE_UNREACHABLE, /* destination unreachable and parameter problem */
    WIRE_TOO_BIG,     /* fragmentation needed, packet too big */
    WIRE_KIND_COUNT
};

/* True for replies of the target that are no ICMP errors. */
static inline bool wire_is_direct(enum wire_kind kind)
{
    return kind == WIRE_ECHO_REPLY || kind == WIRE_SYN_ACK || kind == WIRE_RST ||
           kind == WIRE_ACK || kind == WIRE_SERVICE;
}

/* The identity of a probe as read from the probe, from a quote, or from a direct reply with source
 * and target exchanged. Fields that the protocol or a short quote does not have are 0. */
struct wire_ids {
    enum wire_protocol protocol;
    struct ipaddr source, target;
    uint16_t source_port, target_port;
    uint16_t ident;      /* ICMP */
    uint16_t index;      /* ICMP sequence or UDP checksum; TCP: 0 */
    uint16_t tcp_flags;  /* TCP, as quoted; 0 where the quote ends before them */
    uint32_t tcp_seq;    /* TCP sequence number of the probe; WIRE_BARE_RST: its acknowledgement;
                            WIRE_ACK: start of the duplicate SACK, else acknowledgement - 1 */
    uint16_t ip_id;      /* IPv4, as quoted; 0 in direct replies */
    bool id_swapped;     /* the quoted header's checksum fits ip_id with its bytes swapped */
    uint32_t flow_label; /* IPv6, as quoted; 0 in direct replies */
    uint32_t cookie;     /* ICMP and UDP: the first cookie_bytes of it, the rest 0 */
    uint8_t cookie_bytes;
    uint16_t balance; /* ICMP and UDP: the payload's first two bytes; 0 without a whole cookie */
    bool has_balance;
    enum wire_payload service; /* WIRE_SERVICE: the service that replied */
    uint8_t ttl, tos;
    uint8_t payload_bytes; /* UDP: length of `payload`, see wire_ids_of */
    uint8_t payload[PAYLOAD_SEEN];
};

/* The fields of an ICMP error's quote that do not identify the probe. */
struct wire_quote {
    uint16_t at;       /* offset of the quote in the packet, bytes */
    uint16_t length;   /* bytes after the ICMP header: the quote, padding, extensions */
    uint16_t size;     /* length that the quoted IP header states */
    uint16_t checksum; /* of UDP and ICMP; 0 for TCP */
    bool df;
    bool header_ok; /* IPv4: the quoted header's checksum is correct */
};

/* The fields of a received TCP segment. */
struct wire_segment {
    uint32_t seq, ack;
    uint32_t ts_value, ts_echo; /* with `timestamps` */
    uint16_t window, payload;   /* the window unscaled; bytes */
    uint8_t scale;              /* of windows, with `scaled` */
    bool fin, scaled, timestamps;
    bool dsack; /* has a duplicate SACK (RFC 2883) of one byte, whose start is probe.tcp_seq */
};

struct wire_packet {
    enum wire_kind kind;
    struct ipaddr from;
    uint8_t ttl, tos;
    bool df;
    uint16_t ip_id;
    uint16_t length;         /* of the whole IP packet, bytes */
    uint8_t type, code;      /* ICMP; WIRE_SERVICE: enum wire_payload, struct payload_reply;
                                WIRE_SYN_ACK: the code is AE, CWR and ECE */
    uint16_t mtu;            /* WIRE_TOO_BIG: next-hop MTU, 0 if the router named none */
    uint32_t rest;           /* second word of an ICMP error's header */
    bool rebuilt;            /* from socket data, see wire/rebuild.h: of the IP header, only TTL
                                (0: unknown) and TOS are real; of a quoted IP header, nothing */
    struct wire_quote quote; /* ICMP errors */
    struct wire_segment tcp; /* segments */
    struct wire_ids probe;
};

enum wire_verdict {
    WIRE_OK,
    WIRE_FOREIGN,   /* neither a probe nor a reply */
    WIRE_TRUNCATED, /* ends before the fields that identify a probe */
    WIRE_MALFORMED, /* contradicts itself, or has a wrong checksum */
};

/* Smallest and default length of a probe packet in bytes, for PAYLOAD_PLAIN. */
uint16_t wire_size_min(enum wire_protocol protocol, uint8_t version);
uint16_t wire_size_default(enum wire_protocol protocol, uint8_t version);

/* Smallest and default length for a spec's protocol, family and payload. */
uint16_t wire_size_least(const struct wire_spec *spec);
uint16_t wire_size_usual(const struct wire_spec *spec);

/* Reads cookie and balance of a UDP probe from the bytes kept in `ids`, at the offsets of this
 * payload. A service's reply has been read already; a reply to a file repeats the identifier at its
 * offset in the file. Returns false if the packet is not of this payload. `file`: the template of
 * PAYLOAD_FILE. */
bool wire_ids_of(enum wire_payload payload, const struct payload_template *file,
                 struct wire_ids *ids);

/* Turns a datagram that was read as a probe into the reply to a probe that carries a file, by
 * exchanging source and target: the parser cannot recognise these replies, whose bytes may be any.
 * Returns false unless the datagram was sent to one of our ports for files. */
bool wire_to_file_reply(struct wire_packet *packet);

/* The largest random size of a TCP SYN. The payload is shorter than the step between the sequence
 * numbers of two probes, so that a reply which acknowledges the payload identifies one probe. */
uint16_t wire_size_tcp_random_max(uint8_t version);

/* The length of the IP packet of probe `number`: spec->size, or with `random_size` a length from
 * the smallest to spec->size, chosen by the key. */
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

/* The tag of probe `number`: 16 bits, never 0, different for each index, and secret to all hosts
 * that have not seen the probe. The tag is the second half of the cookie and the IPv4
 * identification, so a quote of eight bytes identifies a UDP probe by index and tag. */
uint16_t wire_tag(const struct wire_spec *spec, uint32_t number);

/* The index of the probe with this tag; 0 for tag 0. */
uint16_t wire_tagged_index(const struct wire_spec *spec, uint16_t tag);

/* The cookie that probe `number` carries: the trace's half, then the tag. */
uint32_t wire_cookie(const struct wire_spec *spec, uint32_t number);

/* The IPv4 identification that probe `number` carries. */
uint16_t wire_ip_id(const struct wire_spec *spec, uint32_t number);

/* The step between the sequence numbers of two TCP probes. The payload's length is no multiple of
 * the step, so that a reply which acknowledges the payload matches no later probe. */
uint32_t wire_tcp_step(const struct wire_spec *spec);

/* The balance bytes of UDP probe `number` sent in this flow. */
uint16_t wire_udp_balance(const struct wire_spec *spec, uint32_t number, uint16_t flow);

/* The connection in which TCP probe `number` is sent; NULL if the probe is a SYN. */
const struct wire_session *wire_session_of(const struct wire_spec *spec, uint32_t number);

/* True for the source ports of our probes. */
static inline bool wire_is_own_port(uint16_t port)
{
    return port >= WIRE_SOURCE_PORT && port < WIRE_SOURCE_PORT + WIRE_FLOWS;
}

/* True for the source ports of probes that carry a file. */
static inline bool wire_is_file_port(uint16_t port)
{
    return port >= WIRE_SOURCE_PORT && port < WIRE_SOURCE_PORT + WIRE_FILE_FLOWS;
}

/* The sequence number of the i-th test segment of the current connection. */
uint32_t wire_check_seq(const struct wire_spec *spec, unsigned i);

/* The sequence number that TCP probe `number` carries. */
uint32_t wire_tcp_seq(const struct wire_spec *spec, uint32_t number);

/* Writes the probe with its IP header and returns its wire_size, for which the buffer has room. */
size_t wire_build(const struct wire_spec *spec, const struct wire_probe *probe, uint8_t *packet);

/* Writes the i-th test segment of the current connection. */
size_t wire_build_check(const struct wire_spec *spec, uint16_t flow, unsigned i, uint8_t *packet);

/* Writes the segment that resets the current connection. */
size_t wire_build_reset(const struct wire_spec *spec, uint16_t flow, uint8_t *packet);

/* Reads the first `captured` bytes of an IP packet. Writes *out only for WIRE_OK. match_reply finds
 * the probe that the packet belongs to.
 *
 * A reply is malformed if the checksum of the IPv4 header is wrong, or that of an ICMP message that
 * was captured whole: no device offloads these two. TCP checksums are not verified, because a
 * segment from this host or one of its containers is captured before an offload computes them. */
enum wire_verdict wire_parse(const uint8_t *packet, size_t captured, struct wire_packet *out);

/* wire_parse in two steps, for a caller that discards most packets before their checksums need to
 * be verified: wire_is_damaged does only that. */
enum wire_verdict wire_read(const uint8_t *packet, size_t captured, struct wire_packet *out);
bool wire_is_damaged(const uint8_t *packet, size_t captured);

#endif
