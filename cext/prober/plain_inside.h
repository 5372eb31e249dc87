/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the plain*.c files only. */
#ifndef MTR_PROBER_PLAIN_INSIDE_H
#define MTR_PROBER_PLAIN_INSIDE_H

#include "prober/plain.h"
#include "wire/rebuild.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    PLAIN_BUCKETS = 1024,
    PLAIN_SENT = 128, /* latest probes of a socket, kept until their transmit timestamps arrive */
    PLAIN_HEAD = 96,  /* bytes kept of each probe: all headers and the cookie */
    PLAIN_READY = 1024,
    PLAIN_CONNECTS = 4096, /* TCP probes in flight */
};

struct plain_sent {
    uint32_t id; /* number in the kernel's transmit timestamps (SOF_TIMESTAMPING_OPT_ID) */
    uint16_t kept;
    uint16_t length; /* of the whole packet; 0: none */
    uint8_t head[PLAIN_HEAD];
};

/* The data of an epoll event: the kind of a socket that is readable. */
struct plain_source {
    bool is_connect;
    int fd;
};

struct plain_socket {
    struct plain_source source; /* the first member */
    struct plain_socket *next;  /* in its bucket */
    struct plain_flow flow;
    int64_t used_ns;
    uint64_t pass; /* number of the pass that read it last */
    int pass_read;
    uint32_t next_id;
    uint32_t label; /* IPv6 flow label that the kernel has granted; 0: none */
    bool label_refused;
    int df, hops, tos; /* current options of the socket; -1: unknown */
    struct plain_sent sent[PLAIN_SENT];
};

/* One TCP probe. */
struct plain_connect {
    struct plain_source source; /* the first member */
    struct plain_connect *older, *newer;
    int64_t wall_ns, since_ns; /* before connect(): CLOCK_REALTIME, CLOCK_MONOTONIC */
    bool refused;              /* connect() itself returned ECONNREFUSED */
    uint16_t kept;
    uint8_t syn[PLAIN_HEAD];
};

struct plain {
    pthread_mutex_t lock;
    int epoll;
    uint64_t drops;
    uint64_t pass; /* number of the current pass */
    bool passing;
    int64_t pass_ns, swept_ns;
    struct plain_socket *buckets[PLAIN_BUCKETS];
    struct plain_connect *oldest, *newest,
        *not_emitted; /* not_emitted: the oldest probe not reported as sent */
    int connects;
    struct epoll_event ready[PLAIN_READY];
};

/* The fields of a packet to be sent. */
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

/* The state of a plain_read. */
struct plain_reading {
    struct plain *plain;
    capture_handler *handler;
    void *context;
    int left; /* packets that may still be passed to the handler */
    uint8_t packet[REBUILD_ROOM];
};

/* A received message with its control messages. */
struct plain_message {
    int64_t stamp_ns; /* CLOCK_REALTIME */
    uint8_t ttl, tos;
    bool has_error;
    uint8_t origin, type, code;
    uint32_t info, data;
    uint16_t extension_at;
    struct ipaddr error_from;
    struct ipaddr peer; /* source address; in an error, the probe's target */
    uint16_t peer_port;
    uint8_t *bytes;
    size_t length;
};

/* ---- plain_socket.c ---- */

int64_t plain_clock_ns(clockid_t id);

/* Sets an option; returns 0 or errno, like the following functions. */
int plain_set(int fd, int level, int option, int value);

/* Sets the options that all sockets need; `stamps` are flags of SO_TIMESTAMPING. */
int plain_prepare(int fd, uint8_t version, const struct egress_binding *binding, int stamps);

/* Port 0: any. */
int plain_bind(int fd, const struct ipaddr *source, uint16_t port, uint32_t scope);

int plain_watch(const struct plain *plain, struct plain_source *source, uint32_t events);

/* Reads one message into `room`, which has REBUILD_ROOM bytes; false if there is none. */
bool plain_receive(int fd, bool errors, uint8_t *room, struct plain_message *out);

/* Passes the packet in r->packet to the handler. */
void plain_emit(struct plain_reading *r, size_t length, int64_t stamp_ns, bool outgoing);

/* ---- plain_connect.c ---- */

int plain_connect_send(struct plain *plain, const struct egress_binding *binding,
                       const struct plain_packet *packet, uint32_t scope);
void plain_connect_emit_sent(struct plain_reading *r); /* reports the SYNs sent */
void plain_connect_read(struct plain_reading *r, struct plain_connect *c);

/* Closes sockets whose SYN the kernel would soon retransmit. */
void plain_connect_expire(struct plain *plain, int64_t now_ns);
int64_t plain_connect_due(const struct plain *plain);
void plain_connect_close(struct plain *plain, struct plain_connect *c);

#endif
