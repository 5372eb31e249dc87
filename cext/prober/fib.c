/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/fib.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REPLY_BYTES = 8192,
    STALE_REPLIES = 8, /* replies to earlier requests that are skipped */
};

struct request {
    struct nlmsghdr header;
    struct rtmsg route;
    uint8_t attributes[128];
};

int fib_open(struct fib *fib)
{
    fib->serial = 0;
    fib->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    return fib->fd < 0 ? -1 : 0;
}

void fib_close(struct fib *fib)
{
    if (fib->fd >= 0)
        close(fib->fd);
    fib->fd = -1;
}

static void put(struct request *r, unsigned short type, const void *value, size_t length)
{
    struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(length);
    memcpy(RTA_DATA(a), value, length);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void put_port(struct request *r, unsigned short type, uint16_t port)
{
    const uint8_t bytes[] = { (uint8_t)(port >> 8), (uint8_t)port };
    put(r, type, bytes, sizeof bytes);
}

static void write_request(struct request *r, const struct fib_query *q, uint32_t serial,
                          unsigned flags)
{
    const struct ipaddr_family *family = ipaddr_family(q->target.version);
    uint8_t bits = (uint8_t)(family->address_length * 8);

    *r = (struct request){
        .header = { .nlmsg_len = NLMSG_LENGTH(sizeof r->route),
                    .nlmsg_type = RTM_GETROUTE,
                    .nlmsg_flags = NLM_F_REQUEST,
                    .nlmsg_seq = serial },
        .route = { .rtm_family = (unsigned char)family->af,
                   .rtm_dst_len = bits,
                   .rtm_tos = q->tos,
                   .rtm_flags = flags },
    };
    put(r, RTA_DST, q->target.bytes, family->address_length);
    if (q->source.version != 0) {
        r->route.rtm_src_len = bits;
        put(r, RTA_SRC, q->source.bytes, family->address_length);
    }
    if (q->interface != 0)
        put(r, RTA_OIF, &q->interface, sizeof q->interface);
    if (q->mark != 0)
        put(r, RTA_MARK, &q->mark, sizeof q->mark);
    if (q->ip_protocol != 0)
        put(r, RTA_IP_PROTO, &q->ip_protocol, sizeof q->ip_protocol);
    if (q->source_port != 0)
        put_port(r, RTA_SPORT, q->source_port);
    if (q->target_port != 0)
        put_port(r, RTA_DPORT, q->target_port);
}

/* The next hops of a multipath route are in one attribute, which the reply to a look-up of the
 * whole route (RTM_F_FIB_MATCH) has only. */
static void read_attribute(unsigned type, const uint8_t *value, size_t size, uint8_t version,
                           struct fib_route *out)
{
    bool address = size >= ipaddr_family(version)->address_length;

    if (type == RTA_GATEWAY && address)
        out->gateway = ipaddr_from_bytes(version, value);
    else if (type == RTA_PREFSRC && address)
        out->source = ipaddr_from_bytes(version, value);
    else if (type == RTA_OIF && size >= sizeof out->interface)
        memcpy(&out->interface, value, sizeof out->interface);
    else if (type == RTA_VIA || type == RTA_ENCAP)
        out->indirect = true;
    else if (type == RTA_MULTIPATH || type == RTA_NH_ID) /* the nexthop object may be a group */
        out->several = true;
}

static void read_attributes(const uint8_t *at, size_t left, uint8_t version, struct fib_route *out)
{
    struct rtattr a;

    while (left >= sizeof a) {
        memcpy(&a, at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > left)
            return;
        read_attribute(a.rta_type, at + RTA_LENGTH(0), a.rta_len - RTA_LENGTH(0), version, out);
        size_t step = RTA_ALIGN(a.rta_len);
        step = step < left ? step : left;
        at += step;
        left -= step;
    }
}

/* Returns 0, the kernel's error, or EAGAIN for the reply to another request. */
static int read_reply(const uint8_t *message, size_t size, uint32_t serial, uint8_t version,
                      struct fib_route *out)
{
    struct nlmsghdr header;
    struct nlmsgerr error;

    if (size < NLMSG_LENGTH(sizeof error))
        return EBADMSG;
    memcpy(&header, message, sizeof header);
    if (header.nlmsg_seq != serial)
        return EAGAIN;
    if (header.nlmsg_type == NLMSG_ERROR) {
        memcpy(&error, message + NLMSG_HDRLEN, sizeof error);
        return error.error < 0 ? -error.error : EBADMSG;
    }
    size_t body = NLMSG_SPACE(sizeof(struct rtmsg));
    if (header.nlmsg_type != RTM_NEWROUTE || header.nlmsg_len < body || header.nlmsg_len > size)
        return EBADMSG;
    struct rtmsg route;
    memcpy(&route, message + NLMSG_HDRLEN, sizeof route);
    *out = (struct fib_route){ .broadcast = route.rtm_type == RTN_BROADCAST };
    read_attributes(message + body, header.nlmsg_len - body, version, out);
    return 0;
}

/* Sends a request and reads its reply, which rtnetlink queues before send() returns. */
static int exchange(struct fib *fib, const struct fib_query *query, unsigned flags,
                    struct fib_route *out)
{
    uint8_t reply[REPLY_BYTES];
    struct request request;

    write_request(&request, query, ++fib->serial, flags);
    if (send(fib->fd, &request, request.header.nlmsg_len, 0) < 0)
        return errno;
    for (int i = 0; i < STALE_REPLIES; i++) {
        ssize_t size = recv(fib->fd, reply, sizeof reply, 0);
        if (size < 0)
            return errno;
        int rc = read_reply(reply, (size_t)size, fib->serial, query->target.version, out);
        if (rc != EAGAIN)
            return rc;
    }
    return EBADMSG;
}

int fib_look_up(struct fib *fib, const struct fib_query *query, struct fib_route *out)
{
    struct fib_route chosen = { 0 }, whole = { 0 };
    int rc = exchange(fib, query, 0, &chosen);

    if (rc != 0)
        return rc;
    /* Kernels before 4.13 (IPv6: 5.5) ignore this flag. */
    if (exchange(fib, query, RTM_F_FIB_MATCH, &whole) == 0)
        chosen.several = whole.several;
    *out = chosen;
    return 0;
}
