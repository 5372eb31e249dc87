/* SPDX-License-Identifier: BSD-2-Clause */
/* The phase that a request reached, and the reason of its end. */
#ifndef MTR_HTTP_OUTCOME_H
#define MTR_HTTP_OUTCOME_H

/* The current or the last phase of a request. */
enum http_phase { HTTP_CONNECTING, HTTP_TLS, HTTP_WAITING, HTTP_HEADER, HTTP_BODY, HTTP_PHASES };

enum http_failure {
    HTTP_FINE,
    HTTP_REFUSED,
    HTTP_UNREACHABLE,
    HTTP_TIMED_OUT,
    HTTP_NO_CONNECTION, /* for a reason other than those above */
    HTTP_NO_TLS,
    HTTP_CERTIFICATE, /* not trusted */
    HTTP_NO_CA,       /* no CA certificates could be read */
    HTTP_NOT_HTTP,
    HTTP_CLOSED, /* by the server, before its response */
    HTTP_TOO_LONG,
    HTTP_ONLY_1_1, /* the server requires HTTP/1.1 (RFC 9113 section 7): retry with it */
    HTTP_LOCAL,    /* an error of this host: interface, source address, libcurl */
    HTTP_FAILURES
};

#endif
