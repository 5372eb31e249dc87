/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/capture.h"

#include "base/cursor.h"
#include "base/units.h"
#include "wire/filter.h"

#include <fcntl.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SNAP_LENGTH = 1500,      /* an ICMP error with its quote and extensions */
    BUFFER_BYTES = 32 << 20, /* holds 0.1 s of a flood of 200,000 packets/s */
    SLL2_OUTGOING = 4,       /* LINKTYPE_LINUX_SLL2, packet type */
    WATCHED_FDS = 1024,
};

struct capture {
    pcap_t *pcap;
    uint64_t drops;
    uint32_t last_kernel_drops;
    capture_handler *handler; /* of the current capture_read */
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
    struct bpf_insn instructions[FILTER_MAX];
    struct bpf_program program = { .bf_insns = instructions };

    program.bf_len = (u_int)filter_write(instructions);
    int status = pcap_setfilter(pcap, &program);
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

/* ---- descriptors --------------------------------------------------------------------------- */

static void note_open(bool open[WATCHED_FDS])
{
    for (int fd = 0; fd < WATCHED_FDS; fd++)
        open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* Marks libpcap's descriptors close-on-exec, so that programs started by the host program do not
 * inherit them. libpcap has no function that returns its eventfd, so it is found among the
 * descriptors that were not open before: fstat() reports no file type for an eventfd. */
static void close_on_exec(pcap_t *pcap, const bool before[WATCHED_FDS])
{
    struct stat about;

    fcntl(pcap_fileno(pcap), F_SETFD, FD_CLOEXEC);
    for (int fd = 0; fd < WATCHED_FDS; fd++)
        if (!before[fd] && fstat(fd, &about) == 0 && (about.st_mode & S_IFMT) == 0)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* ---- opening and closing ------------------------------------------------------------------- */

struct capture *capture_open(struct err *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    bool before[WATCHED_FDS];
    struct capture *capture = calloc(1, sizeof *capture);

    if (capture == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a capture");
        return NULL;
    }
    note_open(before);
    capture->pcap = pcap_create("any", text);
    if (capture->pcap == NULL)
        fail(err, PCAP_ERROR, text);
    if (capture->pcap == NULL || activate(capture->pcap, err) < 0) {
        capture_close(capture);
        return NULL;
    }
    close_on_exec(capture->pcap, before);
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
    struct capture_packet packet = { 0 };

    cur_take(&c, 4);
    packet.link = cur_u32be(&c);
    packet.loopback = cur_u16be(&c) == ARPHRD_LOOPBACK;
    packet.outgoing = cur_u8(&c) == SLL2_OUTGOING;
    cur_take(&c, 9);
    if (!c.ok)
        return;
    packet.bytes = c.at;
    packet.captured = cur_left(&c);
    /* pcap_set_tstamp_precision(3PCAP): with nanosecond precision, tv_usec holds nanoseconds. */
    packet.stamp_ns = (int64_t)header->ts.tv_sec * SECOND + header->ts.tv_usec;
    capture->handler(capture->context, &packet);
}

int capture_read(struct capture *capture, int most, capture_handler *handler, void *context)
{
    capture->handler = handler;
    capture->context = context;
    int read = pcap_dispatch(capture->pcap, most, on_packet, (u_char *)capture);
    return read > 0 ? read : 0;
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
