/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP server for a few pages, by libmicrohttpd, without a thread: the caller polls one file
 * descriptor and calls httpd_run. Requests wait in a queue until they are answered, so an answer
 * may take its time. Every amount that a client can make grow has a bound here. Connections that
 * take too long are closed, however slowly they go on sending or reading. */
#ifndef MTR_HTTPD_HTTPD_H
#define MTR_HTTPD_HTTPD_H

#include "base/err.h"
#include "base/ipaddr.h"
#include "httpd/body.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTPD_URI = 2048,  /* longer ones are refused: 414 */
    HTTPD_FIELD = 512, /* of a header field that is kept; the rest of it is cut off */
    HTTPD_METHOD = 8,  /* room for GET and HEAD; others are refused: 405 */
    HTTPD_MOST = 1024, /* connections that can be asked for */
    HTTPD_EXTRA = 4,   /* further header fields of an answer */
};

struct httpd;

struct httpd_config {
    struct ipaddr address;
    uint16_t port;        /* 0: any that is free */
    unsigned connections; /* at once, in all */
    unsigned per_address; /* at once, of one client's address */
    int64_t limit_ns;     /* for a request to arrive, or an answer to be read */
    size_t most_held;     /* bytes of answers that are not read yet, in all */
};

struct httpd_request {
    uint64_t id;
    char method[HTTPD_METHOD];
    char uri[HTTPD_URI]; /* as sent: path and query, not decoded */
    char accept[HTTPD_FIELD], accept_encoding[HTTPD_FIELD], timeout[HTTPD_FIELD];
};

struct httpd_answer {
    unsigned status;
    const char *type;                                     /* content type */
    const char *names[HTTPD_EXTRA], *values[HTTPD_EXTRA]; /* up to the first NULL */
    const struct body_piece *pieces;
    size_t count;
    bool gzip;
};

/* Listens; NULL on failure. */
struct httpd *httpd_open(const struct httpd_config *config, int64_t now_ns, struct err *err);

/* Readable when there is something to do. */
int httpd_fd(const struct httpd *h);
uint16_t httpd_port(const struct httpd *h);

/* Does what can be done without waiting. Returns for how many ns the next call can be put off
 * while the descriptor is not readable. */
int64_t httpd_run(struct httpd *h, int64_t now_ns);

/* The next request that nobody has taken; false: there is none. */
bool httpd_take(struct httpd *h, struct httpd_request *out);

/* Answers a request that was taken; httpd_run is to be called behind it. False: its client has
 * gone, or there is no memory for the answer, and the connection is closed. */
bool httpd_answer(struct httpd *h, uint64_t id, const struct httpd_answer *answer);

/* Connections there are now. */
unsigned httpd_connections(const struct httpd *h);
void httpd_close(struct httpd *h);

#endif
