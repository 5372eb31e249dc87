/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture.h"

#include "cur.h"
#include "wire.h"

#include <net/if_arp.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SNAP_LENGTH = 1500,     /* an ICMP error with its quote and extensions */
    BUFFER_BYTES = 4 << 20, /* a second of replies at 1,000 a second, twice over */
    SLL2_OUTGOING = 4,      /* LINKTYPE_LINUX_SLL2, packet type */
    BATCH = 512,
};

/* What a trace may need to see. UDP probes are told from all other UDP by marks that cost nothing,
 * and that a NAT of this host leaves as they are: the IPv4 identification is the second half of the
 * cookie, and the IPv6 flow label is from our range. A large echo's reply may come in
 * fragments. */
static const char filter_format[] =
    "(ip and (icmp[0] = 0 or icmp[0] = 3 or icmp[0] = 8 or icmp[0] = 11 or icmp[0] = 12"
    " or tcp[13] & 6 != 0 or (udp and ip[4:2] = udp[12:2])))"
    " or (ip6 and ((ip6[6] = 58 and (ip6[40] < 5 or ip6[40] = 128 or ip6[40] = 129))"
    " or (ip6[6] = 44 and ip6[40] = 58 and ip6[42:2] & 0xfff8 = 0 and ip6[48] = 129)"
    " or (ip6[6] = 6 and ip6[53] & 6 != 0)"
    " or (ip6[6] = 17 and ip6[0:4] & 0x%x = 0x%x)))";

struct capture {
    pcap_t *pcap;
    uint64_t drops;
    uint32_t last_kernel_drops;
    capture_handler *handler; /* of the read under way */
    void *context;
};

static int fail(struct err *err, int status, const char *detail)
{
    bool refused = status == PCAP_ERROR_PERM_DENIED;
    return err_set(err, refused ? ERR_PERMISSION : ERR_SYSTEM, "cannot capture packets: %s%s",
                   detail, refused ? " (needs root or CAP_NET_RAW)" : "");
}

static int set_filter(pcap_t *pcap, struct err *err)
{
    char text[sizeof filter_format + 32];
    struct bpf_program program;

    snprintf(text, sizeof text, filter_format, WIRE_FLOW_LABEL_MASK, WIRE_FLOW_LABEL);
    if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
        return fail(err, PCAP_ERROR, pcap_geterr(pcap));
    int status = pcap_setfilter(pcap, &program);
    pcap_freecode(&program);
    return status < 0 ? fail(err, status, pcap_geterr(pcap)) : 0;
}

static int activate(pcap_t *pcap, struct err *err)
{
    char text[PCAP_ERRBUF_SIZE];

    pcap_set_snaplen(pcap, SNAP_LENGTH);
    pcap_set_buffer_size(pcap, BUFFER_BYTES);
    pcap_set_immediate_mode(pcap, 1);
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    int status = pcap_activate(pcap);
    if (status < 0)
        return fail(err, status,
                    status == PCAP_ERROR ? pcap_geterr(pcap) : pcap_statustostr(status));
    status = pcap_set_datalink(pcap, DLT_LINUX_SLL2);
    if (status < 0)
        return fail(err, status, pcap_geterr(pcap));
    if (set_filter(pcap, err) < 0)
        return -1;
    return pcap_setnonblock(pcap, 1, text) < 0 ? fail(err, PCAP_ERROR, text) : 0;
}

struct capture *capture_open(struct err *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    struct capture *capture = calloc(1, sizeof *capture);

    if (capture == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a capture");
        return NULL;
    }
    capture->pcap = pcap_create("any", text);
    if (capture->pcap == NULL)
        fail(err, PCAP_ERROR, text);
    if (capture->pcap == NULL || activate(capture->pcap, err) < 0) {
        capture_close(capture);
        return NULL;
    }
    return capture;
}

void capture_close(struct capture *capture)
{
    if (capture == NULL)
        return;
    if (capture->pcap != NULL)
        pcap_close(capture->pcap);
    free(capture);
}

int capture_fd(const struct capture *capture)
{
    return pcap_get_selectable_fd(capture->pcap);
}

/* LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address. */
static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct capture *capture = (struct capture *)user;
    struct cur c = cur_over(bytes, header->caplen);
    struct capture_packet packet;

    cur_take(&c, 4);
    packet.link = cur_u32be(&c);
    packet.loopback = cur_u16be(&c) == ARPHRD_LOOPBACK;
    packet.outgoing = cur_u8(&c) == SLL2_OUTGOING;
    cur_take(&c, 9);
    if (!c.ok)
        return;
    packet.bytes = c.at;
    packet.captured = cur_left(&c);
    /* with nanosecond precision tv_usec holds nanoseconds */
    packet.stamp_ns = (int64_t)header->ts.tv_sec * 1000000000 + header->ts.tv_usec;
    capture->handler(capture->context, &packet);
}

void capture_read(struct capture *capture, capture_handler *handler, void *context)
{
    capture->handler = handler;
    capture->context = context;
    while (pcap_dispatch(capture->pcap, BATCH, on_packet, (u_char *)capture) == BATCH)
        continue;
}

uint64_t capture_drops(struct capture *capture)
{
    struct pcap_stat stat;

    if (pcap_stats(capture->pcap, &stat) == 0) {
        capture->drops += stat.ps_drop - capture->last_kernel_drops; /* a 32-bit counter */
        capture->last_kernel_drops = stat.ps_drop;
    }
    return capture->drops;
}
