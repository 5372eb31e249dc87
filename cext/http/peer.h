/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of a warm-up (see warm.h), on an abstract socket of this host, in the thread of
 * its client. Answers one request, never waits, and is no server for anything else. */
#ifndef MTR_HTTP_PEER_H
#define MTR_HTTP_PEER_H

#include <stdbool.h>

enum {
    HTTPPEER_STATUS = 204, /* what it answers */
    HTTPPEER_NAME = 32,
};

struct httppeer;

/* NULL where that cannot be done: without memory, or without an OpenSSL that serves libcurl. */
struct httppeer *httppeer_open(bool tls);

/* Of the socket, without the zero byte in front; lives as long as the server. */
const char *httppeer_name(const struct httppeer *p);

/* Goes on with what has come in. */
void httppeer_step(struct httppeer *p);

/* Bears NULL. */
void httppeer_close(struct httppeer *p);

#endif
