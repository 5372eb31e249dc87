/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP probes of an unprivileged process: connect() with the probe's TTL. Two sockets cannot have
 * one 5-tuple, so each probe has its own source port. The SYN that the engine built is reported as
 * sent. An established connection is reset at once. */
#include "prober/plain_inside.h"

#include "base/units.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* The kernel retransmits a SYN after one second (RFC 6298). A later reply could be to either
 * SYN. */
static const int64_t longest_ns = 950 * MS;

enum { TCP_STAMPS = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE, TCP_HEAD = 8 };
enum { TCP_FLAGS = 13, TCP_SYN = 0x02 }; /* offset of the flags; SYN without other flags */

/* ---- the list, oldest first ---------------------------------------------------------------- */

static void append(struct plain *plain, struct plain_connect *c)
{
    c->older = plain->newest;
    *(c->older != NULL ? &c->older->newer : &plain->oldest) = c;
    plain->newest = c;
    if (plain->not_emitted == NULL)
        plain->not_emitted = c;
    plain->connects++;
}

void plain_connect_close(struct plain *plain, struct plain_connect *c)
{
    *(c->older != NULL ? &c->older->newer : &plain->oldest) = c->newer;
    *(c->newer != NULL ? &c->newer->older : &plain->newest) = c->older;
    if (plain->not_emitted == c)
        plain->not_emitted = c->newer;
    plain->connects--;
    close(c->source.fd);
    free(c);
}

void plain_connect_expire(struct plain *plain, int64_t now_ns)
{
    while (plain->oldest != NULL && now_ns - plain->oldest->since_ns >= longest_ns) {
        assert(plain->oldest->older == NULL);
        plain_connect_close(plain, plain->oldest);
    }
}

int64_t plain_connect_due(const struct plain *plain)
{
    return plain->oldest != NULL ? plain->oldest->since_ns + longest_ns : INT64_MAX;
}

/* ---- sending ------------------------------------------------------------------------------- */

static int prepare(int fd, const struct egress_binding *binding, const struct plain_packet *p,
                   uint32_t scope)
{
    const struct linger reset = { .l_onoff = 1 };
    bool four = p->family->version == 4;
    int level = four ? IPPROTO_IP : IPPROTO_IPV6;
    int error = plain_prepare(fd, p->family->version, binding, TCP_STAMPS);

    if (error == 0)
        error = plain_set(fd, level, four ? IP_TTL : IPV6_UNICAST_HOPS, p->ttl);
    if (error == 0)
        error = plain_set(fd, level, four ? IP_TOS : IPV6_TCLASS, p->tos);
    if (error == 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0)
        error = errno;
    (void)plain_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (error == 0)
        error = plain_bind(fd, &p->source, 0, ipaddr_is_link_local6(&p->source) ? scope : 0);
    return error;
}

static int connect_to(struct plain_connect *c, const struct plain_packet *p, uint32_t scope)
{
    struct sockaddr_storage address;
    socklen_t length = ipaddr_to_sockaddr(&p->target, p->target_port, scope, &address);

    c->since_ns = plain_clock_ns(CLOCK_MONOTONIC);
    c->wall_ns = plain_clock_ns(CLOCK_REALTIME);
    if (connect(c->source.fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS)
        return 0;
    c->refused = errno == ECONNREFUSED;
    return c->refused ? 0 : errno;
}

int plain_connect_send(struct plain *plain, const struct egress_binding *binding,
                       const struct plain_packet *packet, uint32_t scope)
{
    if (packet->transport[TCP_FLAGS] != TCP_SYN)
        return EOPNOTSUPP;
    if (plain->connects >= PLAIN_CONNECTS)
        return ENOBUFS;
    struct plain_connect *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ENOMEM;
    c->source.is_connect = true;
    c->kept = (uint16_t)(packet->length < PLAIN_HEAD ? packet->length : PLAIN_HEAD);
    memcpy(c->syn, packet->bytes, c->kept);
    c->source.fd =
        socket(packet->family->af, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    int error = c->source.fd < 0 ? errno : prepare(c->source.fd, binding, packet, scope);
    if (error == 0)
        error = connect_to(c, packet, scope);
    if (error == 0)
        error = plain_watch(plain, &c->source, EPOLLIN | EPOLLOUT);
    if (error == 0) {
        append(plain, c);
        return 0;
    }
    if (c->source.fd >= 0)
        close(c->source.fd);
    free(c);
    return error;
}

/* ---- reading ------------------------------------------------------------------------------- */

void plain_connect_emit_sent(struct plain_reading *r)
{
    struct plain *plain = r->plain;

    for (; plain->not_emitted != NULL && r->left > 1;
         plain->not_emitted = plain->not_emitted->newer) {
        const struct plain_connect *c = plain->not_emitted;
        memcpy(r->packet, c->syn, c->kept);
        plain_emit(r, c->kept, c->wall_ns, true);
    }
}

/* Reports the error with the SYN that the engine built as its quote: the kernel has matched the
 * received quote to the socket's own SYN. */
static void emit_error(struct plain_reading *r, const struct plain_connect *c,
                       const struct plain_message *message)
{
    const struct ipaddr_family *family = ipaddr_family(c->syn[0] >> 4);
    size_t quoted = (size_t)family->header_length + TCP_HEAD;
    uint8_t head[PLAIN_HEAD];
    const uint8_t *source = c->syn + (family->version == 4 ? 12 : 8);
    const struct rebuild_header header = { .from = message->error_from,
                                           .to = ipaddr_from_bytes(family->version, source),
                                           .ttl = message->ttl,
                                           .tos = message->tos };
    struct rebuild_error error = {
        .type = message->type, .code = message->code, .quote = head, .quote_length = quoted
    };

    if (message->error_from.version != family->version)
        return;
    memcpy(head, c->syn, quoted);
    head[family->version == 4 ? 8 : 7] = 0; /* the socket does not provide the quoted TTL */
    if (message->extension_at > TCP_HEAD && message->extension_at < message->length) {
        error.data = message->bytes + TCP_HEAD;
        error.data_length = message->length - TCP_HEAD;
        error.extension_at = (size_t)message->extension_at - TCP_HEAD;
    }
    plain_emit(r, rebuild_error(&header, &error, r->packet), message->stamp_ns, false);
}

static void emit_syn_reply(struct plain_reading *r, const struct plain_connect *c)
{
    int64_t after_ns = plain_clock_ns(CLOCK_REALTIME) - c->wall_ns;
    struct tcp_info info = { 0 };
    socklen_t length = sizeof info;
    int error = 0;

    if (getsockopt(c->source.fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return;
    bool accepted = info.tcpi_state == TCP_ESTABLISHED;
    length = sizeof error;
    if (getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ||
        (!accepted && !c->refused && error != ECONNREFUSED))
        return;
    if (accepted && info.tcpi_rtt != 0) /* the kernel's RTT is that of the handshake */
        after_ns = (int64_t)info.tcpi_rtt * 1000;
    plain_emit(r, rebuild_syn_reply(c->syn, !accepted, r->packet), c->wall_ns + after_ns, false);
}

void plain_connect_read(struct plain_reading *r, struct plain_connect *c)
{
    uint8_t room[REBUILD_ROOM];
    struct plain_message message;
    bool has_icmp_error = false;

    while (!has_icmp_error && plain_receive(c->source.fd, true, room, &message))
        has_icmp_error = message.has_error && (message.origin == SO_EE_ORIGIN_ICMP ||
                                               message.origin == SO_EE_ORIGIN_ICMP6);
    if (has_icmp_error)
        emit_error(r, c, &message);
    else
        emit_syn_reply(r, c);
    plain_connect_close(r->plain, c);
}
