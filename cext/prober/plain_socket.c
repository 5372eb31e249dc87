/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options, and receiving messages with their control messages, for UDP, ping and TCP
 * sockets. */
#include "prober/plain_inside.h"

#include "base/units.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif

enum {
    RECEIVE_BYTES = 4 << 20, /* limited by net.core.rmem_max */
    TRIES = 4,
    CONTROL_BYTES = 512,
};

int64_t plain_clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return ns_of_timespec(&t);
}

int plain_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
}

int plain_prepare(int fd, uint8_t version, const struct egress_binding *binding, int stamps)
{
    bool four = version == 4;
    int level = four ? IPPROTO_IP : IPPROTO_IPV6;
    struct err err;
    int error = plain_set(fd, level, four ? IP_RECVERR : IPV6_RECVERR, 1);

    if (error == 0)
        error = plain_set(fd, level, four ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
    if (error == 0)
        error = plain_set(fd, level, four ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
    if (error == 0)
        error = plain_set(fd, SOL_SOCKET, SO_TIMESTAMPING, stamps);
    /* Since Linux 5.9; without it, extensions are found at byte 128 only. */
    (void)plain_set(fd, level, four ? IP_RECVERR_RFC4884 : IPV6_RECVERR_RFC4884, 1);
    (void)plain_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
    if (error == 0 && egress_apply(fd, binding, &err) < 0)
        error = errno;
    return error;
}

int plain_bind(int fd, const struct ipaddr *source, uint16_t port, uint32_t scope)
{
    struct sockaddr_storage address;
    socklen_t length = ipaddr_to_sockaddr(source, port, scope, &address);

    return bind(fd, (struct sockaddr *)&address, length) < 0 ? errno : 0;
}

int plain_watch(const struct plain *plain, struct plain_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    return epoll_ctl(plain->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? errno : 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

static void read_error(const struct cmsghdr *c, struct plain_message *out)
{
    struct sock_extended_err error;
    struct sockaddr_storage error_from = { 0 };
    size_t length = c->cmsg_len - CMSG_LEN(0);

    if (length < sizeof error)
        return;
    memcpy(&error, CMSG_DATA(c), sizeof error);
    length -= sizeof error;
    memcpy(&error_from, CMSG_DATA(c) + sizeof error,
           length < sizeof error_from ? length : sizeof error_from);
    out->has_error = true;
    out->origin = error.ee_origin;
    out->type = error.ee_type;
    out->code = error.ee_code;
    out->info = error.ee_info;
    out->data = error.ee_data;
    if ((error.ee_rfc4884.flags & SO_EE_RFC4884_FLAG_INVALID) == 0)
        out->extension_at = error.ee_rfc4884.len;
    out->error_from = ipaddr_from_sockaddr(&error_from);
}

static uint8_t small_of(const struct cmsghdr *c)
{
    int value = 0;

    if (c->cmsg_len >= CMSG_LEN(sizeof value))
        memcpy(&value, CMSG_DATA(c), sizeof value);
    else if (c->cmsg_len > CMSG_LEN(0))
        value = *CMSG_DATA(c); /* IP_TOS has one byte */
    return (uint8_t)value;
}

static void read_control(const struct cmsghdr *c, struct plain_message *out)
{
    struct scm_timestamping stamps;
    int type = c->cmsg_type;

    if (c->cmsg_level == SOL_SOCKET && type == SO_TIMESTAMPING &&
        c->cmsg_len >= CMSG_LEN(sizeof stamps)) {
        memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
        out->stamp_ns = ns_of_timespec(&stamps.ts[0]);
    } else if (c->cmsg_level == IPPROTO_IP) {
        if (type == IP_TTL)
            out->ttl = small_of(c);
        else if (type == IP_TOS)
            out->tos = small_of(c);
        else if (type == IP_RECVERR)
            read_error(c, out);
    } else if (c->cmsg_level == IPPROTO_IPV6) {
        if (type == IPV6_HOPLIMIT)
            out->ttl = small_of(c);
        else if (type == IPV6_TCLASS)
            out->tos = small_of(c);
        else if (type == IPV6_RECVERR)
            read_error(c, out);
    }
}

bool plain_receive(int fd, bool errors, uint8_t *room, struct plain_message *out)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct sockaddr_storage peer = { 0 };
    struct iovec part = { .iov_base = room, .iov_len = REBUILD_ROOM };
    struct msghdr message = { .msg_name = &peer,
                              .msg_namelen = sizeof peer,
                              .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t length = -1;

    *out = (struct plain_message){ .bytes = room };
    /* recvmsg() returns a pending error of an earlier probe once; the error queue has it, too. */
    for (int tries = 0; tries < TRIES && length < 0 && (tries == 0 || errno != EAGAIN); tries++)
        length = recvmsg(fd, &message, MSG_DONTWAIT | (errors ? MSG_ERRQUEUE : 0));
    if (length < 0)
        return false;
    out->length = (size_t)length;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
        read_control(c, out);
    if (out->stamp_ns == 0)
        out->stamp_ns = plain_clock_ns(CLOCK_REALTIME);
    out->peer = ipaddr_from_sockaddr(&peer);
    /* The port has the same offset in both families. */
    out->peer_port = ntohs(((const struct sockaddr_in *)&peer)->sin_port);
    return true;
}

void plain_emit(struct plain_reading *r, size_t length, int64_t stamp_ns, bool outgoing)
{
    const struct capture_packet packet = { .bytes = r->packet,
                                           .captured = length,
                                           .stamp_ns = stamp_ns,
                                           .outgoing = outgoing,
                                           .rebuilt = true };

    r->left--;
    r->handler(r->context, &packet);
}
