/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets and sending. Each flow has a socket: a flow is one UDP source port or ICMP identifier of
 * one source address. The socket is not connected, so that all targets of the flow share it. */
#include "prober/plain_inside.h"

#include "base/units.h"

#include <errno.h>
#include <linux/in6.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* From <linux/in6.h>, which conflicts with <netinet/in.h>. */
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

enum {
    TRIES = 4, /* of a send, which may fail with the pending error of an earlier probe */
    DGRAM_STAMPS = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                   SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED |
                   SOF_TIMESTAMPING_OPT_TSONLY,
};
static const int64_t idle_ns = 60 * SECOND, sweep_every_ns = 5 * SECOND, evict_ns = 2 * SECOND;

/* ---- opening ------------------------------------------------------------------------------- */

static int open_socket(enum wire_protocol protocol, uint8_t version)
{
    const struct ipaddr_family *family = ipaddr_family(version);
    int number = protocol == WIRE_ICMP ? family->icmp_protocol : IPPROTO_UDP;

    return socket(family->af, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, number);
}

/* Makes the kernel count transmit timestamps (SOF_TIMESTAMPING_OPT_ID) from 0 again. */
static int restart_count(struct plain_socket *s)
{
    int error = plain_set(s->source.fd, SOL_SOCKET, SO_TIMESTAMPING, DGRAM_STAMPS);

    if (error == 0)
        error = plain_set(s->source.fd, SOL_SOCKET, SO_TIMESTAMPING,
                          DGRAM_STAMPS | SOF_TIMESTAMPING_OPT_ID);
    s->next_id = 0;
    for (int i = 0; i < PLAIN_SENT; i++)
        s->sent[i].length = 0;
    return error;
}

static void close_socket(struct plain_socket *s)
{
    if (s->source.fd >= 0)
        close(s->source.fd);
    free(s);
}

static int start(const struct plain *plain, struct plain_socket *s)
{
    const struct plain_flow *flow = &s->flow;
    uint8_t version = flow->source.version;

    s->source.fd = open_socket(flow->protocol, version);
    if (s->source.fd < 0)
        return errno;
    int error = plain_prepare(s->source.fd, version, &flow->binding, 0);
    if (error == 0)
        error = restart_count(s);
    if (error == 0)
        error = plain_bind(s->source.fd, &flow->source, flow->port, flow->scope);
    if (error == 0 && version == 6)
        error = plain_set(s->source.fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1);
    return error == 0 ? plain_watch(plain, &s->source, EPOLLIN) : error;
}

/* ---- the table ----------------------------------------------------------------------------- */

static bool same_flow(const struct plain_flow *a, const struct plain_flow *b)
{
    return a->protocol == b->protocol && a->port == b->port && a->scope == b->scope &&
           a->binding.mark == b->binding.mark &&
           strcmp(a->binding.device, b->binding.device) == 0 &&
           ipaddr_equal(&a->source, &b->source);
}

static struct plain_socket **place_of(struct plain *plain, const struct plain_flow *flow)
{
    uint32_t hash = ipaddr_hash(&flow->source) + flow->port * 31u + (uint32_t)flow->protocol;
    struct plain_socket **link = &plain->buckets[(hash ^ hash >> 16) % PLAIN_BUCKETS];

    while (*link != NULL && !same_flow(&(*link)->flow, flow))
        link = &(*link)->next;
    return link;
}

static void remove_at(struct plain_socket **link)
{
    struct plain_socket *s = *link;

    *link = s->next;
    close_socket(s);
}

/* Closes sockets that have not been used for `unused_ns`. */
static bool sweep(struct plain *plain, int64_t now_ns, int64_t unused_ns)
{
    bool any = false;

    for (int i = 0; i < PLAIN_BUCKETS; i++) {
        struct plain_socket **link = &plain->buckets[i];
        while (*link != NULL) {
            if (now_ns - (*link)->used_ns < unused_ns) {
                link = &(*link)->next;
                continue;
            }
            remove_at(link);
            any = true;
        }
    }
    return any;
}

static int add(struct plain *plain, const struct plain_flow *flow, struct plain_socket **out)
{
    struct plain_socket *s = calloc(1, sizeof *s);

    if (s == NULL)
        return ENOMEM;
    s->flow = *flow;
    s->source.fd = s->df = s->hops = s->tos = -1;
    int error = start(plain, s);
    if (error != 0) {
        close_socket(s);
        return error;
    }
    struct plain_socket **link = place_of(plain, flow);
    s->next = *link;
    *link = s;
    *out = s;
    return 0;
}

/* Finds the flow's socket, opened at its first use; returns 0 or errno. */
static int find(struct plain *plain, const struct plain_flow *flow, struct plain_socket **out)
{
    int64_t now_ns = plain_clock_ns(CLOCK_MONOTONIC);
    int error = 0;

    if (now_ns - plain->swept_ns > sweep_every_ns) {
        sweep(plain, now_ns, idle_ns);
        plain->swept_ns = now_ns;
    }
    *out = *place_of(plain, flow);
    if (*out == NULL)
        error = add(plain, flow, out);
    if (error == EMFILE && sweep(plain, now_ns, evict_ns))
        error = add(plain, flow, out);
    if (error == 0)
        (*out)->used_ns = now_ns;
    return error;
}

int plain_reserve(struct plain *plain, const struct plain_flow *flow)
{
    struct plain_socket *s;
    int error = 0;

    pthread_mutex_lock(&plain->lock);
    if (flow->protocol != WIRE_TCP)
        error = find(plain, flow, &s);
    pthread_mutex_unlock(&plain->lock);
    return error;
}

void plain_release(struct plain *plain, const struct plain_flow *flow)
{
    if (flow->protocol != WIRE_ICMP)
        return; /* other traces may use the port */
    pthread_mutex_lock(&plain->lock);
    struct plain_socket **link = place_of(plain, flow);
    if (*link != NULL)
        remove_at(link);
    pthread_mutex_unlock(&plain->lock);
}

int plain_refuse(const struct plain_flow *flow, int error, struct err *err)
{
    bool refused = error == EACCES || error == EPERM;

    if (flow->protocol == WIRE_ICMP && refused)
        return err_set(err, ERR_PERMISSION,
                       "cannot send ICMP echo requests: %s (needs root or CAP_NET_RAW, or this "
                       "user's group in net.ipv4.ping_group_range; UDP and TCP need neither)",
                       strerror(error));
    if (flow->binding.mark != 0 && refused)
        return err_set(err, ERR_PERMISSION, "cannot mark packets: %s", strerror(error));
    if (error == EADDRINUSE)
        return err_set(err, ERR_SYSTEM, "source port %u is another program's: a free one expected",
                       flow->port);
    if (error == ENODEV)
        return err_set(err, ERR_NODEVICE, "no such interface: %s", flow->binding.device);
    return err_set(err, ERR_SYSTEM, "cannot open a socket: %s", strerror(error));
}

bool plain_has_icmp(uint8_t version)
{
    int fd = open_socket(WIRE_ICMP, version);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

struct plain *plain_open(struct err *err)
{
    struct plain *plain = calloc(1, sizeof *plain);

    if (plain == NULL) {
        err_set(err, ERR_NOMEM, "no memory for sockets");
        return NULL;
    }
    pthread_mutex_init(&plain->lock, NULL);
    plain->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (plain->epoll < 0) {
        err_set(err, ERR_SYSTEM, "cannot open an epoll: %s", strerror(errno));
        plain_close(plain);
        return NULL;
    }
    return plain;
}

void plain_close(struct plain *plain)
{
    if (plain == NULL)
        return;
    sweep(plain, INT64_MAX, 0);
    while (plain->oldest != NULL)
        plain_connect_close(plain, plain->oldest);
    if (plain->epoll >= 0)
        close(plain->epoll);
    pthread_mutex_destroy(&plain->lock);
    free(plain);
}

int plain_fd(const struct plain *plain)
{
    return plain->epoll;
}

int64_t plain_due(struct plain *plain)
{
    pthread_mutex_lock(&plain->lock);
    int64_t due_ns = plain_connect_due(plain);
    pthread_mutex_unlock(&plain->lock);
    return due_ns;
}

uint64_t plain_drops(struct plain *plain)
{
    pthread_mutex_lock(&plain->lock);
    uint64_t drops = plain->drops;
    pthread_mutex_unlock(&plain->lock);
    return drops;
}

/* ---- sending ------------------------------------------------------------------------------- */

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Reads a packet that wire_build made, so its IP header has no options. */
static struct plain_packet parse_packet(const uint8_t *bytes, size_t length)
{
    struct plain_packet p = { .bytes = bytes, .length = length };

    p.family = ipaddr_family(bytes[0] >> 4);
    bool four = p.family->version == 4;
    const uint8_t *addresses = bytes + (four ? 12 : 8);
    p.source = ipaddr_from_bytes(p.family->version, addresses);
    p.target = ipaddr_from_bytes(p.family->version, addresses + p.family->address_length);
    p.protocol = bytes[four ? 9 : 6];
    p.ttl = bytes[four ? 8 : 7];
    p.tos = four ? bytes[1] : (uint8_t)(u16_at(bytes) >> 4);
    p.df = !four || (bytes[6] & 0x40) != 0;
    p.label = four ? 0 : (uint32_t)(bytes[1] & 0x0f) << 16 | u16_at(bytes + 2);
    p.transport = bytes + p.family->header_length;
    if (p.protocol != p.family->icmp_protocol) {
        p.source_port = u16_at(p.transport);
        p.target_port = u16_at(p.transport + 2);
    }
    return p;
}

/* Sets a socket option unless it has the value already. */
static int settle(struct plain_socket *s, int *as_set, int level, int option, int value)
{
    if (*as_set == value)
        return 0;
    int error = plain_set(s->source.fd, level, option, value);
    *as_set = error == 0 ? value : -1;
    return error;
}

/* Sets the options for which there is no control message, or which IPv6 ping sockets read from
 * control messages since Linux 5.19 only. Without DF, the kernel's PMTU cache is ignored, too. */
static int settle_options(struct plain_socket *s, const struct plain_packet *p)
{
    if (p->family->version == 4)
        return settle(s, &s->df, IPPROTO_IP, IP_MTU_DISCOVER,
                      p->df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_INTERFACE);
    int error = settle(s, &s->df, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    if (error == 0)
        error = settle(s, &s->hops, IPPROTO_IPV6, IPV6_UNICAST_HOPS, p->ttl);
    return error != 0 ? error : settle(s, &s->tos, IPPROTO_IPV6, IPV6_TCLASS, p->tos);
}

/* Requests an IPv6 flow label, which the kernel requires before sending with it. If the request
 * fails, the kernel chooses a label for the flow. */
static uint32_t label_of(struct plain_socket *s, const struct plain_packet *p)
{
    struct in6_flowlabel_req request = { .flr_label = htonl(p->label),
                                         .flr_action = IPV6_FL_A_GET,
                                         .flr_share = IPV6_FL_S_ANY,
                                         .flr_flags = IPV6_FL_F_CREATE };

    if (s->label == p->label || s->label_refused)
        return s->label_refused ? 0 : s->label;
    memcpy(&request.flr_dst, p->target.bytes, sizeof request.flr_dst);
    s->label_refused =
        setsockopt(s->source.fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof request) < 0;
    s->label = s->label_refused ? 0 : p->label;
    return s->label;
}

static void add_control(struct msghdr *message, int type, int value)
{
    struct cmsghdr *c = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);

    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
    message->msg_controllen += CMSG_SPACE(sizeof value);
}

static void note_sent(struct plain_socket *s, const struct plain_packet *p)
{
    struct plain_sent *sent = &s->sent[s->next_id % PLAIN_SENT];

    sent->id = s->next_id++;
    sent->length = (uint16_t)p->length;
    sent->kept = (uint16_t)(p->length < PLAIN_HEAD ? p->length : PLAIN_HEAD);
    memcpy(sent->head, p->bytes, sent->kept);
}

/* Reads and so clears the pending error of an earlier probe, with which the next send would
 * fail. */
static void forget_error(int fd)
{
    int error;
    socklen_t length = sizeof error;

    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
}

static bool may_be_old(int error)
{
    return error != EPERM && error != EAGAIN && error != ENOBUFS && error != EMSGSIZE;
}

static int send_message(struct plain_socket *s, const struct plain_packet *p,
                        const struct msghdr *message)
{
    int error = 0;

    for (int tries = 0; tries < TRIES; tries++) {
        forget_error(s->source.fd);
        note_sent(s, p);
        if (sendmsg(s->source.fd, message, 0) >= 0)
            return 0;
        error = errno;
        (void)restart_count(s); /* some kernels count a failed send, others do not */
        if (!may_be_old(error))
            break;
    }
    return error == EAGAIN ? ENOBUFS : error;
}

static int send_datagram(struct plain_socket *s, const struct plain_packet *p, uint32_t scope)
{
    _Alignas(struct cmsghdr) char control[2 * CMSG_SPACE(sizeof(int))] = { 0 };
    size_t header = s->flow.protocol == WIRE_UDP ? 8 : 0;
    size_t ahead = (size_t)(p->transport - p->bytes) + header;
    struct sockaddr_storage address;
    struct iovec part = { .iov_base = (void *)(uintptr_t)(p->bytes + ahead),
                          .iov_len = p->length - ahead };
    struct msghdr message = {
        .msg_name = &address, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control
    };
    int error = settle_options(s, p);

    if (error != 0)
        return error;
    message.msg_namelen = ipaddr_to_sockaddr(&p->target, p->target_port, scope, &address);
    if (p->family->version == 4) {
        add_control(&message, IP_TTL, p->ttl);
        add_control(&message, IP_TOS, p->tos);
    } else {
        message.msg_control = NULL;
        ((struct sockaddr_in6 *)&address)->sin6_flowinfo = htonl(label_of(s, p));
    }
    return send_message(s, p, &message);
}

int plain_send(struct plain *plain, const struct egress_binding *binding, const uint8_t *packet,
               size_t length, uint32_t scope)
{
    struct plain_packet p = parse_packet(packet, length);
    struct plain_flow flow = { .protocol = WIRE_UDP,
                               .source = p.source,
                               .port = p.source_port,
                               .scope = ipaddr_is_link_local6(&p.source) ? scope : 0,
                               .binding = *binding };
    struct plain_socket *s;
    int error;

    if (p.protocol == p.family->icmp_protocol) {
        flow.protocol = WIRE_ICMP;
        flow.port = u16_at(p.transport + 4);
    }
    pthread_mutex_lock(&plain->lock);
    if (p.protocol == IPPROTO_TCP)
        error = plain_connect_send(plain, binding, &p, scope);
    else
        error = find(plain, &flow, &s);
    if (error == 0 && p.protocol != IPPROTO_TCP)
        error = send_datagram(s, &p, scope);
    pthread_mutex_unlock(&plain->lock);
    return error;
}
