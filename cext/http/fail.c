/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/fail.h"

#include <errno.h>

static const char *const phase_names[] = {
    [HTTP_CONNECTING] = "connecting", [HTTP_TLS] = "tls",   [HTTP_WAITING] = "waiting",
    [HTTP_HEADER] = "header",         [HTTP_BODY] = "body",
};
_Static_assert(sizeof phase_names / sizeof *phase_names == HTTP_PHASES, "a name for each");

static const char *const failure_names[] = {
    [HTTP_FINE] = "none",
    [HTTP_REFUSED] = "refused",
    [HTTP_UNREACHABLE] = "unreachable",
    [HTTP_TIMED_OUT] = "timeout",
    [HTTP_NO_CONNECTION] = "connect",
    [HTTP_NO_TLS] = "tls",
    [HTTP_CERTIFICATE] = "certificate",
    [HTTP_NO_CA] = "no_ca",
    [HTTP_NOT_HTTP] = "http",
    [HTTP_CLOSED] = "closed",
    [HTTP_TOO_LONG] = "header",
    [HTTP_ONLY_1_1] = "http11",
    [HTTP_LOCAL] = "local",
};
_Static_assert(sizeof failure_names / sizeof *failure_names == HTTP_FAILURES, "a name for each");

const char *http_phase_name(enum http_phase phase)
{
    return phase_names[phase];
}

const char *http_failure_name(enum http_failure failure)
{
    return failure_names[failure];
}

static enum http_failure connect_failure(CURL *easy)
{
    long number = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    switch (number) {
    case ECONNREFUSED:
        return HTTP_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
    case EPERM:
        return HTTP_UNREACHABLE;
    case ETIMEDOUT:
        return HTTP_TIMED_OUT;
    default:
        return HTTP_NO_CONNECTION;
    }
}

enum http_failure httpfail_of(CURL *easy, CURLcode code, enum http_phase phase)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return connect_failure(easy);
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
        return HTTP_NO_CA;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
        return HTTP_NO_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HTTP_NOT_HTTP;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return phase == HTTP_TLS ? HTTP_NO_TLS : HTTP_CLOSED;
    default:
        return HTTP_LOCAL;
    }
}
