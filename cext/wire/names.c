/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/names.h"

const char *const wire_protocol_names[WIRE_TCP_SESSION + 2] = {
    [WIRE_ICMP] = "icmp",
    [WIRE_UDP] = "udp",
    [WIRE_TCP] = "tcp",
    [WIRE_TCP_SESSION] = "tcp-session",
};

const char *const wire_kind_names[WIRE_KIND_COUNT + 1] = {
    [WIRE_PROBE] = "probe",
    [WIRE_ECHO_REPLY] = "echo-reply",
    [WIRE_SYN_ACK] = "syn-ack",
    [WIRE_RST] = "rst",
    [WIRE_BARE_RST] = "bare-rst",
    [WIRE_SERVICE] = "service-reply",
    [WIRE_ACK] = "ack",
    [WIRE_TIME_EXCEEDED] = "time-exceeded",
    [WIRE_UNREACHABLE] = "unreachable",
    [WIRE_TOO_BIG] = "too-big",
};

/* IANA registries "ICMP Type Numbers" and "ICMPv6 Parameters". */
static const char *const unreachable4[] = {
    [0] = "network unreachable",
    [1] = "host unreachable",
    [2] = "protocol unreachable",
    [3] = "port unreachable",
    [4] = "fragmentation needed",
    [5] = "source route failed",
    [6] = "destination network unknown",
    [7] = "destination host unknown",
    [8] = "source host isolated",
    [9] = "network administratively prohibited",
    [10] = "host administratively prohibited",
    [11] = "network unreachable for TOS",
    [12] = "host unreachable for TOS",
    [13] = "communication administratively prohibited",
    [14] = "host precedence violation",
    [15] = "precedence cutoff in effect",
};

static const char *const unreachable6[] = {
    [0] = "no route to destination",
    [1] = "administratively prohibited",
    [2] = "beyond scope of source address",
    [3] = "address unreachable",
    [4] = "port unreachable",
    [5] = "source address failed policy",
    [6] = "reject route to destination",
    [7] = "error in source routing header",
    [8] = "headers too long",
};

enum { PARAMETER_PROBLEM4 = 12, PARAMETER_PROBLEM6 = 4 };

/* `code`: the flags AE, CWR and ECE of the SYN-ACK (RFC 9768 section 3.1.1). */
static const char *syn_ack(uint8_t code)
{
    static const char *const names[] = { "SYN-ACK",         "SYN-ACK, ECE",
                                         "SYN-ACK, CWR",    "SYN-ACK, CWR ECE",
                                         "SYN-ACK, AE",     "SYN-ACK, AE ECE",
                                         "SYN-ACK, AE CWR", "SYN-ACK, AE CWR ECE" };
    return names[code % (sizeof names / sizeof *names)];
}

static const char *unreachable(uint8_t version, uint8_t type, uint8_t code)
{
    if (type == (version == 4 ? PARAMETER_PROBLEM4 : PARAMETER_PROBLEM6))
        return "parameter problem";
    if (version == 4)
        return code < sizeof unreachable4 / sizeof *unreachable4 ? unreachable4[code]
                                                                 : "unreachable, unknown code";
    return code < sizeof unreachable6 / sizeof *unreachable6 ? unreachable6[code]
                                                             : "unreachable, unknown code";
}

const char *icmpname(uint8_t version, enum wire_kind kind, uint8_t type, uint8_t code)
{
    switch (kind) {
    case WIRE_PROBE:
        return "probe";
    case WIRE_ECHO_REPLY:
        return "echo reply";
    case WIRE_SYN_ACK:
        return syn_ack(code);
    case WIRE_RST:
    case WIRE_BARE_RST:
        return "RST";
    case WIRE_SERVICE:
        return payload_reply_name((enum wire_payload)type, code);
    case WIRE_ACK:
        return "ACK";
    case WIRE_TIME_EXCEEDED:
        return "time exceeded in transit";
    case WIRE_TOO_BIG:
        return version == 4 ? "fragmentation needed" : "packet too big";
    case WIRE_UNREACHABLE:
        return unreachable(version, type, code);
    case WIRE_KIND_COUNT:
        break;
    }
    return "unknown";
}
