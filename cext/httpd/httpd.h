/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP server for a few pages, made with libmicrohttpd. The server has no thread: the caller
 * polls one file descriptor and calls httpd_run. Requests are queued until the caller responds,
 * which may take time. All memory and work that clients can cause is bounded. Connections that
 * exceed the time limit are closed, even if they keep sending or reading slowly. */
#ifndef MTR_HTTPD_HTTPD_H
#define MTR_HTTPD_HTTPD_H

#include "base/err.h"
#include "base/ipaddr.h"
#include "httpd/body.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTPD_URI = 2048,  /* room for a URI; 414 if it is longer */
    HTTPD_FIELD = 512, /* room for a header field, which is cut if longer */
    HTTPD_METHOD = 8,  /* room for GET and HEAD; 405 for other methods */
    HTTPD_MOST = 1024, /* upper bound of httpd_config.connections */
    HTTPD_EXTRA = 4,   /* further header fields of a response */
};

struct httpd;

struct httpd_config {
    struct ipaddr address;
    uint16_t port;        /* 0: any free port */
    unsigned connections; /* most connections at once */
    unsigned per_address; /* most connections at once from one address */
    int64_t limit_ns;     /* time for a request to arrive, or for a response to be read */
    size_t most_held;     /* most bytes of unread responses, in all */
};

struct httpd_request {
    uint64_t id;
    char method[HTTPD_METHOD];
    char uri[HTTPD_URI]; /* as sent: path and query, not decoded */
    char accept[HTTPD_FIELD], accept_encoding[HTTPD_FIELD], timeout[HTTPD_FIELD];
};

struct httpd_response {
    unsigned status;
    const char *type;                                     /* content type */
    const char *names[HTTPD_EXTRA], *values[HTTPD_EXTRA]; /* up to the first NULL */
    const struct body_piece *pieces;
    size_t count;
    bool gzip;
};

/* Opens a listening server; NULL with *err set on failure. */
struct httpd *httpd_open(const struct httpd_config *config, int64_t now_ns, struct err *err);

/* Returns a descriptor that is readable when httpd_run has work to do. */
int httpd_fd(const struct httpd *h);
uint16_t httpd_port(const struct httpd *h);

/* Does all work that needs no waiting. Returns the time in ns after which httpd_run must be called
 * again even if the descriptor is not readable. */
int64_t httpd_run(struct httpd *h, int64_t now_ns);

/* Takes the oldest queued request; false if there is none. */
bool httpd_take(struct httpd *h, struct httpd_request *out);

/* Responds to a request that was taken. The caller then calls httpd_run. Returns false if the
 * client has gone, or if there is no memory for the response; the connection is then closed. */
bool httpd_respond(struct httpd *h, uint64_t id, const struct httpd_response *response);

/* Returns the number of open connections. */
unsigned httpd_connections(const struct httpd *h);
void httpd_close(struct httpd *h);

#endif
