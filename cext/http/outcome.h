/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a request got, and why it ended. */
#ifndef MTR_HTTP_OUTCOME_H
#define MTR_HTTP_OUTCOME_H

/* Where a request is, or ended. */
enum http_phase { HTTP_CONNECTING, HTTP_TLS, HTTP_WAITING, HTTP_HEADER, HTTP_BODY, HTTP_PHASES };

enum http_failure {
    HTTP_FINE,
    HTTP_REFUSED,
    HTTP_UNREACHABLE,
    HTTP_TIMED_OUT,
    HTTP_NO_CONNECTION, /* for another reason */
    HTTP_NO_TLS,
    HTTP_CERTIFICATE, /* not trusted */
    HTTP_NO_CA,       /* nothing to trust by could be read */
    HTTP_NOT_HTTP,
    HTTP_CLOSED, /* by the server, before its answer */
    HTTP_TOO_LONG,
    HTTP_ONLY_1_1, /* the server wants HTTP/1.1 (RFC 9113 section 7): ask again */
    HTTP_LOCAL,    /* this host refused: interface, source, libcurl itself */
    HTTP_FAILURES
};

#endif
