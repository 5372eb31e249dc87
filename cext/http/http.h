/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTP(S) request to a given address, timed by libcurl on a thread of its own. Knows no Lua.
 * A thread for each request, because handshakes on one thread would be in each other's times. */
#ifndef MTR_HTTP_HTTP_H
#define MTR_HTTP_HTTP_H

#include "base/err.h"
#include "http/outcome.h"
#include "http/trust.h"
#include "http/turn.h"

#include <stdbool.h>
#include <stdint.h>

struct http;

/* Texts are copied; those marked may be NULL. */
struct http_request {
    const char *url;       /* absolute, of scheme http or https */
    const char *address;   /* numeric, the only one that is connected to; may bear %zone */
    const char *interface; /* NULL: any */
    const char *source;    /* numeric; NULL: any */
    const char *ca_file;   /* certificates to trust; NULL: libcurl's own */
    const char *ca_dir;    /* NULL: libcurl's own */
    const char *agent;
    uint16_t port;
    int64_t timeout_ms;         /* for all of it */
    int64_t connect_timeout_ms; /* for TCP alone: a handshake of TLS may take what is left */
    bool http11;                /* no HTTP/2 */
    bool head;                  /* HEAD in place of GET */
    bool unverified;            /* bears a certificate that is not trusted */
    /* Of all requests of the scheme; used by http_start and http_close alone. NULL: at once. */
    struct httpturn *turn;
    struct httptrust *trust; /* outlives the request; NULL: libcurl reads its certificates */
};

/* Times are microseconds since the start of the request, 0 where it has not got so far. The first
 * byte is that of the final response: those of status 1xx are interim (RFC 9110 section 15.2). */
struct http_report {
    bool done;
    enum http_phase phase;
    enum http_failure failure;
    int64_t connect_us, tls_us, first_byte_us, total_us;
    int64_t interim_us;       /* first byte of the first interim response */
    int64_t cost_us;          /* of CPU, once it is done */
    uint32_t retransmissions; /* of our packets, by the kernel, until the first byte */
    long status;              /* of the final response; 0: none yet */
    long interim;             /* status of the first interim response; 0: none */
    long verify;              /* OpenSSL's X509_V_ERR code */
    char version[8];          /* "1.1", "2"; "" where there was no answer */
    char tls[16];             /* "TLSv1.3"; "" where there is none or it is not known */
    char location[2048];
    char peer[64];  /* address that was connected to */
    char text[256]; /* libcurl's or the system's words about the failure */
};

/* Starts a request, or lets it wait for its turn. NULL with *err where this host refuses. */
struct http *http_start(const struct http_request *request, struct err *err);

/* What is known so far. */
void http_read(struct http *h, struct http_report *out);

/* Ends the request wherever it is and waits for its thread. Bears NULL. */
void http_close(struct http *h);

/* "connecting", "tls", ...; "refused", ... */
const char *http_phase_name(enum http_phase phase);
const char *http_failure_name(enum http_failure failure);

#endif
