/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTP(S) request to a given address, timed by libcurl. Each request has its own thread,
 * because the handshakes of several requests on one thread would delay each other. Knows no Lua. */
#ifndef MTR_HTTP_HTTP_H
#define MTR_HTTP_HTTP_H

#include "base/err.h"
#include "http/outcome.h"
#include "http/trust.h"
#include "http/turn.h"

#include <stdbool.h>
#include <stdint.h>

struct http;

/* http_start copies the strings. */
struct http_request {
    const char *url;       /* absolute, of scheme http or https */
    const char *address;   /* of the server, numeric; may have a %zone */
    const char *interface; /* NULL: any */
    const char *source;    /* numeric; NULL: any */
    const char *ca_file;   /* certificates to trust; NULL: libcurl's default */
    const char *ca_dir;    /* NULL: libcurl's default */
    const char *agent;
    uint16_t port;
    int64_t timeout_ms;         /* for the whole request */
    int64_t connect_timeout_ms; /* for the TCP handshake; TLS may take the rest of timeout_ms */
    bool http11;                /* no HTTP/2 */
    bool head;                  /* HEAD in place of GET */
    bool unverified;            /* accept an untrusted certificate */
    /* Shared by all requests of the scheme; used by http_start and http_close only, on the caller's
     * thread. NULL: start at once. */
    struct httpturn *turn;
    struct httptrust *trust; /* must outlive the request; NULL: libcurl reads the certificates */
};

/* Times are microseconds since the start of the request, 0 for phases not reached. The first byte
 * is that of the final response: responses with status 1xx are interim (RFC 9110 section 15.2). */
struct http_report {
    bool done;
    enum http_phase phase;
    enum http_failure failure;
    int64_t connect_us, tls_us, first_byte_us, total_us;
    int64_t interim_us;       /* first byte of the first interim response */
    int64_t cost_us;          /* CPU time, once the request is done */
    uint32_t retransmissions; /* by this host's TCP, until the first byte */
    long status;              /* of the final response; 0: none yet */
    long interim;             /* status of the first interim response; 0: none */
    long verify;              /* OpenSSL's X509_V_ERR code */
    char version[8];          /* "1.1", "2"; "" without a response */
    char tls[16];             /* "TLSv1.3"; "" without TLS or if unknown */
    char location[2048];
    char peer[64];  /* address of the server */
    char text[256]; /* error message of libcurl or the system */
};

/* Starts a request, at the time that `turn` assigns. Returns NULL with *err set on failure. */
struct http *http_start(const struct http_request *request, struct err *err);

/* Copies the current report. */
void http_read(struct http *h, struct http_report *out);

/* Ends the request in any phase and waits for its thread. Accepts NULL. */
void http_close(struct http *h);

/* Names for programs: "connecting", "tls", ...; "refused", ... */
const char *http_phase_name(enum http_phase phase);
const char *http_failure_name(enum http_failure failure);

#endif
