/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the plain sockets share; nobody else includes it. */
#ifndef MTR_PROBER_PLAIN_INSIDE_H
#define MTR_PROBER_PLAIN_INSIDE_H

#include "prober/plain.h"
#include "wire/rebuild.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    PLAIN_BUCKETS = 1024,
    PLAIN_SENT = 128, /* probes of a socket whose transmit stamps may still come */
    PLAIN_HEAD = 96,  /* bytes of each that are kept: all headers and the cookie */
    PLAIN_READY = 1024,
    PLAIN_CONNECTS = 4096, /* TCP probes under way */
};

struct plain_sent {
    uint32_t id; /* the kernel's, by which it tells the stamp */
    uint16_t kept;
    uint16_t length; /* of the whole packet; 0: none */
    uint8_t head[PLAIN_HEAD];
};

/* What epoll names: which kind of socket has something to read. */
struct plain_source {
    bool is_connect;
    int fd;
};

struct plain_socket {
    struct plain_source source; /* the first */
    struct plain_socket *next;  /* in its bucket */
    struct plain_flow flow;
    int64_t used_ns;
    uint64_t pass; /* in which it was read last */
    int pass_read;
    uint32_t next_id;
    uint32_t label; /* IPv6 flow label that the kernel has granted; 0: none */
    bool label_refused;
    int df, hops, tos; /* as the socket has them; -1: not known */
    struct plain_sent sent[PLAIN_SENT];
};

/* One TCP probe. */
struct plain_connect {
    struct plain_source source; /* the first */
    struct plain_connect *older, *newer;
    int64_t wall_ns, since_ns; /* before it was sent: CLOCK_REALTIME, CLOCK_MONOTONIC */
    bool refused;              /* at once */
    uint16_t kept;
    uint8_t syn[PLAIN_HEAD];
};

struct plain {
    pthread_mutex_t lock;
    int epoll;
    uint64_t drops;
    uint64_t pass; /* rises when a new one begins */
    bool passing;
    int64_t pass_ns, swept_ns;
    struct plain_socket *buckets[PLAIN_BUCKETS];
    struct plain_connect *oldest, *newest,
        *not_emitted; /* not_emitted: the first that was not told of */
    int connects;
    struct epoll_event ready[PLAIN_READY];
};

/* A packet that is to be sent, taken apart. */
struct plain_packet {
    const uint8_t *bytes;
    size_t length;
    const struct ipaddr_family *family;
    struct ipaddr source, target;
    uint8_t protocol, ttl, tos;
    bool df;
    uint32_t label;
    uint16_t source_port, target_port; /* UDP and TCP */
    const uint8_t *transport;
};

/* A read under way. */
struct plain_reading {
    struct plain *plain;
    capture_handler *handler;
    void *context;
    int left; /* packets that may still be handed over */
    uint8_t packet[REBUILD_ROOM];
};

/* What the kernel says beside a message. */
struct plain_message {
    int64_t stamp_ns; /* CLOCK_REALTIME */
    uint8_t ttl, tos;
    bool has_error;
    uint8_t origin, type, code;
    uint32_t info, data;
    uint16_t extension_at;
    struct ipaddr error_from;
    struct ipaddr peer; /* the message's own address */
    uint16_t peer_port;
    uint8_t *bytes;
    size_t length;
};

/* ---- plain_socket.c ---- */

int64_t plain_clock_ns(clockid_t id);

/* Sets an option; 0 or errno, as all of these. */
int plain_set(int fd, int level, int option, int value);

/* Sets what every socket needs; `stamps` as of SO_TIMESTAMPING. */
int plain_prepare(int fd, uint8_t version, const struct egress_binding *binding, int stamps);

/* Port 0: any. */
int plain_bind(int fd, const struct ipaddr *source, uint16_t port, uint32_t scope);

int plain_watch(const struct plain *plain, struct plain_source *source, uint32_t events);

/* Reads one message into `room`, which has REBUILD_ROOM bytes; false where there is none. */
bool plain_receive(int fd, bool errors, uint8_t *room, struct plain_message *out);

/* Hands over a packet in r->packet. */
void plain_emit(struct plain_reading *r, size_t length, int64_t stamp_ns, bool outgoing);

/* ---- plain_connect.c ---- */

int plain_connect_send(struct plain *plain, const struct egress_binding *binding,
                       const struct plain_packet *packet, uint32_t scope);
void plain_connect_emit_sent(struct plain_reading *r); /* tells what was sent */
void plain_connect_read(struct plain_reading *r, struct plain_connect *c);

/* Closes those whose SYN the kernel would soon send again. */
void plain_connect_expire(struct plain *plain, int64_t now_ns);
int64_t plain_connect_due(const struct plain *plain);
void plain_connect_close(struct plain *plain, struct plain_connect *c);

#endif
