/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads sockets and reports captured packets: transmit timestamps and ICMP errors from the error
 * queues, echo replies and datagrams from the receive queues. */
#include "prober/plain_inside.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

enum {
    /* More messages than fit into a queue, so all that waited at the start of a pass are read. */
    PASS_MOST = 4096,
    UDP_HEADER = 8,
    ICMP_HEADER = 8,
    UDP_SHOWN = 6, /* bytes of payload that identify a probe: balance and cookie */
    ECHO_REPLY_4 = 0,
    ECHO_REPLY_6 = 129,
    FRAGMENTATION_NEEDED = 4,
    UNREACHABLE_4 = 3,
    TOO_BIG_6 = 2,
};

/* ---- datagram sockets ---------------------------------------------------------------------- */

static void emit_sent(struct plain_reading *r, const struct plain_socket *s,
                      const struct plain_message *message)
{
    const struct plain_sent *sent = &s->sent[message->data % PLAIN_SENT];

    if (sent->length == 0 || sent->id != message->data) {
        r->plain->drops++; /* too late: a newer probe has replaced the entry */
        return;
    }
    memcpy(r->packet, sent->head, sent->kept);
    plain_emit(r, sent->kept, message->stamp_ns, true);
}

static bool is_to(const struct plain_sent *sent, const struct ipaddr *target)
{
    size_t length = ipaddr_family(target->version)->address_length;
    size_t at = target->version == 4 ? 16 : 24;

    return memcmp(sent->head + at, target->bytes, length) == 0;
}

/* Returns the only kept probe to this target whose payload begins like the message; NULL if there
 * is none or more than one. */
static const struct plain_sent *sent_with(const struct plain_socket *s,
                                          const struct plain_message *message, size_t length)
{
    const struct plain_sent *found = NULL;
    size_t ahead = (size_t)ipaddr_family(s->flow.source.version)->header_length + UDP_HEADER;

    for (uint32_t i = 1; i <= PLAIN_SENT; i++) {
        const struct plain_sent *sent = &s->sent[(s->next_id - i) % PLAIN_SENT];
        size_t there = sent->kept > ahead ? sent->kept - ahead : 0;
        if (sent->length == 0 || !is_to(sent, &message->peer) ||
            memcmp(sent->head + ahead, message->bytes, there < length ? there : length) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = sent;
    }
    return found;
}

/* Writes the headers of the quoted datagram, which the socket does not provide. */
static size_t head_of_udp(const struct plain_socket *s, const struct plain_message *message,
                          size_t quoted, uint8_t *head)
{
    const struct plain_sent *sent = sent_with(s, message, quoted);
    size_t ahead = (size_t)ipaddr_family(s->flow.source.version)->header_length + UDP_HEADER;
    struct rebuild_udp udp = { .source = s->flow.source,
                               .target = message->peer,
                               .source_port = s->flow.port,
                               .target_port = message->peer_port,
                               .payload_length = quoted };

    if (sent == NULL)
        return rebuild_udp(&udp, message->bytes, quoted, head);
    memcpy(head, sent->head, ahead);
    head[s->flow.source.version == 4 ? 8 : 7] = 0; /* the socket does not provide it */
    return ahead;
}

/* Writes the IP header of the quoted echo request; the socket provides the rest. */
static size_t head_of_echo(const struct plain_socket *s, const struct plain_message *message,
                           size_t quoted, uint8_t *head)
{
    const struct rebuild_header ip = { .from = s->flow.source, .to = message->peer };
    const struct ipaddr_family *family = ipaddr_family(ip.from.version);
    uint8_t whole[REBUILD_ROOM];

    rebuild_message(&ip, family->icmp_protocol, message->bytes, quoted, whole);
    memcpy(head, whole, family->header_length);
    return family->header_length;
}

static bool is_too_big(uint8_t version, uint8_t type, uint8_t code)
{
    return version == 4 ? type == UNREACHABLE_4 && code == FRAGMENTATION_NEEDED : type == TOO_BIG_6;
}

static void emit_error(struct plain_reading *r, const struct plain_socket *s,
                       const struct plain_message *message)
{
    bool udp = s->flow.protocol == WIRE_UDP;
    uint8_t version = s->flow.source.version, head[PLAIN_HEAD];
    size_t quoted = message->extension_at != 0 ? message->extension_at : message->length;
    const struct rebuild_header header = {
        .from = message->error_from, .to = s->flow.source, .ttl = message->ttl, .tos = message->tos
    };
    struct rebuild_error error = { .type = message->type,
                                   .code = message->code,
                                   .quote = head,
                                   .extension_at = message->extension_at,
                                   .data = message->bytes,
                                   .data_length = message->length };

    if (message->error_from.version != version || quoted > message->length ||
        quoted < (udp ? (size_t)UDP_SHOWN : (size_t)ICMP_HEADER))
        return; /* the quote does not identify the probe */
    if (is_too_big(version, message->type, message->code))
        error.mtu = message->info;
    error.quote_length =
        udp ? head_of_udp(s, message, quoted, head) : head_of_echo(s, message, quoted, head);
    plain_emit(r, rebuild_error(&header, &error, r->packet), message->stamp_ns, false);
}

static void emit_reply(struct plain_reading *r, const struct plain_socket *s,
                       const struct plain_message *message)
{
    const struct rebuild_header header = {
        .from = message->peer, .to = s->flow.source, .ttl = message->ttl, .tos = message->tos
    };
    const struct ipaddr_family *family = ipaddr_family(s->flow.source.version);
    struct rebuild_udp udp = { .source = message->peer,
                               .target = s->flow.source,
                               .source_port = message->peer_port,
                               .target_port = s->flow.port,
                               .payload_length = message->length };
    uint8_t head[PLAIN_HEAD], datagram[REBUILD_ROOM + UDP_HEADER];

    if (message->peer.version != family->version)
        return;
    if (s->flow.protocol == WIRE_ICMP) {
        uint8_t wanted = family->version == 4 ? ECHO_REPLY_4 : ECHO_REPLY_6;
        if (message->length >= ICMP_HEADER && message->bytes[0] == wanted)
            plain_emit(r,
                       rebuild_message(&header, family->icmp_protocol, message->bytes,
                                       message->length, r->packet),
                       message->stamp_ns, false);
        return;
    }
    rebuild_udp(&udp, message->bytes, message->length, head);
    memcpy(datagram, head + family->header_length, UDP_HEADER);
    memcpy(datagram + UDP_HEADER, message->bytes, message->length);
    plain_emit(
        r, rebuild_message(&header, IPPROTO_UDP, datagram, message->length + UDP_HEADER, r->packet),
        message->stamp_ns, false);
}

static bool read_error_queue(struct plain_reading *r, struct plain_socket *s)
{
    uint8_t room[REBUILD_ROOM];
    struct plain_message message;
    bool any = false;

    while (r->left > 1 && s->pass_read < PASS_MOST &&
           plain_receive(s->source.fd, true, room, &message)) {
        any = true;
        s->pass_read++;
        if (!message.has_error)
            continue;
        if (message.origin == SO_EE_ORIGIN_TIMESTAMPING)
            emit_sent(r, s, &message);
        else if (message.origin == SO_EE_ORIGIN_ICMP || message.origin == SO_EE_ORIGIN_ICMP6)
            emit_error(r, s, &message);
    }
    return any;
}

/* The kernel does not report drops from an error queue. A queue that is more than three quarters
 * full is counted as a drop. */
static void watch_room(struct plain *plain, const struct plain_socket *s)
{
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t length = sizeof memory;

    if (getsockopt(s->source.fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0 &&
        memory[SK_MEMINFO_RMEM_ALLOC] > memory[SK_MEMINFO_RCVBUF] / 4 * 3)
        plain->drops++;
}

/* Reads a socket while packets may be passed on. Returns false if the socket had no message, or all
 * that waited at the start of the pass are read. The error queue is read before each reply, so that
 * the transmit timestamp of the probe precedes it. */
static bool read_socket(struct plain_reading *r, struct plain_socket *s)
{
    uint8_t room[REBUILD_ROOM];
    struct plain_message message;

    if (s->pass != r->plain->pass) {
        s->pass = r->plain->pass;
        s->pass_read = 0;
        watch_room(r->plain, s);
    }
    bool any = read_error_queue(r, s);
    while (r->left > 1 && s->pass_read < PASS_MOST &&
           plain_receive(s->source.fd, false, room, &message)) {
        any = true;
        s->pass_read++;
        read_error_queue(r, s);
        emit_reply(r, s, &message);
    }
    return any;
}

/* ---- passes -------------------------------------------------------------------------------- */

static bool read_source(struct plain_reading *r, struct plain_source *source)
{
    if (!source->is_connect)
        return read_socket(r, (struct plain_socket *)source);
    plain_connect_read(r, (struct plain_connect *)source);
    return true;
}

/* A pass ends when all messages that waited at its start have been read; it may take several
 * calls. */
static int64_t read_pass(struct plain_reading *r)
{
    struct plain *plain = r->plain;

    if (!plain->passing) {
        plain->passing = true;
        plain->pass++;
        plain->pass_ns = plain_clock_ns(CLOCK_MONOTONIC);
        plain_connect_emit_sent(r);
        if (plain->not_emitted == NULL)
            plain_connect_expire(plain, plain->pass_ns);
    }
    plain_connect_emit_sent(r);
    while (r->left > 1) {
        int count = epoll_wait(plain->epoll, plain->ready, PLAIN_READY, 0);
        bool any = false;
        for (int i = 0; i < count && r->left > 1; i++)
            any |= read_source(r, plain->ready[i].data.ptr);
        if (!any) {
            plain->passing = false;
            return plain->pass_ns;
        }
    }
    return 0;
}

int64_t plain_read(struct plain *plain, int most, capture_handler *handler, void *context)
{
    struct plain_reading reading;

    reading.plain = plain;
    reading.handler = handler;
    reading.context = context;
    reading.left = most;
    pthread_mutex_lock(&plain->lock);
    int64_t until_ns = read_pass(&reading);
    pthread_mutex_unlock(&plain->lock);
    return until_ns;
}
