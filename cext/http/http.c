/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread of a request waits in curl_multi_poll, which curl_multi_wakeup interrupts. Only this
 * thread uses the easy handle; other threads read a copy of the report under the lock. */
#include "http/http.h"

#include "base/thread.h"
#include "http/fail.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BODY_MOST = 64 * 1024,
    HEADER_MOST = 64 * 1024,
    POLL_MS = 1000,
    HEADER_POLL_MS = 20, /* libcurl 7.88 delivers decoded HTTP/2 headers at the next call only */
    BODY_WAIT_MS = 500,  /* all times are known before the body */
    TEXTS = 7,
    CONNECT_TO_MOST = 96,
    TOO_LARGE = 100, /* CURLE_TOO_LARGE, which headers before libcurl 8.6 do not define */
};

struct http {
    pthread_mutex_t lock;
    pthread_t thread;
    CURLM *multi;
    bool stop;                 /* under the lock */
    struct http_report report; /* under the lock */

    /* constant once the thread has started: */
    struct http_request request;
    char *texts[TEXTS]; /* copies of the request's strings */
    int texts_used;
    unsigned scope;
    struct sockaddr_storage source;
    socklen_t source_length; /* 0: none */
    int64_t start_us;        /* earliest start of the request */

    /* used by the thread only: */
    CURL *easy;
    int fd; /* of the connection; -1: none */
    int64_t began_us, connect_seen_us;
    struct curl_slist *connect_to;
    struct http_report now;
    size_t header_bytes, body_bytes;
    int64_t final_us; /* status line of the final response, if an interim one preceded it */
    int sockets;
    bool header_done, too_long;
    bool no_connection; /* within connect_timeout_ms */
    bool local;
    char curl_text[CURL_ERROR_SIZE];
};

/* ---- sockets ------------------------------------------------------------------------------- */

static curl_socket_t refuse_socket(struct http *h, int fd, const char *what, const char *name)
{
    h->local = true;
    snprintf(h->now.text, sizeof h->now.text, "%s %s: %s", what, name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return CURL_SOCKET_BAD;
}

/* Opens the socket with SOCK_CLOEXEC, so that children of the host program do not inherit it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http *h = context;
    const char *device = h->request.interface;

    (void)purpose;
    /* The request has one address, so libcurl opens a second connection only to retry with
     * HTTP/1.1. The times would then cover both connections. */
    if (h->sockets++ > 0)
        return CURL_SOCKET_BAD;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd < 0)
        return refuse_socket(h, fd, "no", "socket");
    if (device != NULL &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0)
        return refuse_socket(h, fd, "cannot use interface", device);
    if (h->source_length > 0 && bind(fd, (struct sockaddr *)&h->source, h->source_length) < 0)
        return refuse_socket(h, fd, "cannot send from", h->request.source);
    h->fd = fd;
    return fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct http *h = context;

    if (fd == h->fd)
        h->fd = -1;
    return close(fd);
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static int64_t time_us(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return us;
}

/* ---- received data ------------------------------------------------------------------------- */

/* Reads the TLS version from OpenSSL, if libcurl uses OpenSSL. The function is looked up in the
 * library that libcurl uses, because the host program may have loaded another OpenSSL. */
static void note_tls(struct http *h)
{
    struct curl_tlssessioninfo *info = NULL;

    if (curl_easy_getinfo(h->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
        return;
    const char *(*version)(const void *) = NULL;
    *(void **)&version = dlsym(RTLD_DEFAULT, "SSL_get_version");
    if (version != NULL)
        snprintf(h->now.tls, sizeof h->now.tls, "%s", version(info->internals));
}

static void note_retransmissions(struct http *h)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof info;

    if (h->fd >= 0 && getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
        h->now.retransmissions = info.tcpi_total_retrans;
}

static void note_location(struct http *h, const char *line, size_t length)
{
    static const char name[] = "location:";
    const size_t skip = sizeof name - 1;

    bool interim = h->now.interim != 0 && h->final_us == 0;
    if (interim || length <= skip || strncasecmp(line, name, skip) != 0)
        return;
    line += skip;
    length -= skip;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n'))
        length--;
    snprintf(h->now.location, sizeof h->now.location, "%.*s", (int)length, line);
}

/* Reads a status line, of an interim (1xx) response or of the final one. */
static void note_status(struct http *h, const char *line, size_t length)
{
    const char *blank = memchr(line, ' ', length);

    if (length < 5 || strncmp(line, "HTTP/", 5) != 0 || blank == NULL || line + length - blank < 4)
        return;
    h->now.location[0] = '\0';
    if (blank[1] != '1') {
        h->final_us = monotonic_us() - h->began_us;
    } else if (h->now.interim == 0) {
        h->now.interim = strtol(blank + 1, NULL, 10);
        h->now.interim_us = time_us(h->easy, CURLINFO_STARTTRANSFER_TIME_T);
    }
}

/* Called for each header line. An empty line ends a header; further headers follow that of a 1xx
 * response. */
static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct http *h = context;
    size_t length = size * count;

    if (h->header_bytes == 0) {
        note_tls(h);
        note_retransmissions(h);
    }
    h->header_bytes += length;
    if (h->header_bytes > HEADER_MOST) {
        h->too_long = true;
        return 0;
    }
    if (length > 0 && (line[0] == '\r' || line[0] == '\n')) {
        long status = 0;
        curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
        h->header_done = status >= 200;
    }
    note_status(h, line, length);
    note_location(h, line, length);
    return length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http *h = context;

    (void)bytes;
    h->body_bytes += size * count;
    return h->body_bytes >= BODY_MOST ? 0 : size * count;
}

/* ---- the report ---------------------------------------------------------------------------- */

static void note_response(struct http *h)
{
    static const struct {
        long number;
        const char *name;
    } versions[] = { { CURL_HTTP_VERSION_1_0, "1.0" },
                     { CURL_HTTP_VERSION_1_1, "1.1" },
                     { CURL_HTTP_VERSION_2_0, "2" },
                     { CURL_HTTP_VERSION_3, "3" } };
    long number = 0;

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &h->now.status);
    curl_easy_getinfo(h->easy, CURLINFO_HTTP_VERSION, &number);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (versions[i].number == number)
            snprintf(h->now.version, sizeof h->now.version, "%s", versions[i].name);
}

static bool is_https(const struct http_request *r)
{
    return strncmp(r->url, "https:", 6) == 0;
}

static enum http_phase phase_of(const struct http *h)
{
    const struct http_report *now = &h->now;

    if (h->header_done)
        return HTTP_BODY;
    if (now->first_byte_us > 0)
        return HTTP_HEADER;
    if (now->connect_us == 0)
        return HTTP_CONNECTING;
    return is_https(&h->request) && now->tls_us == 0 ? HTTP_TLS : HTTP_WAITING;
}

/* libcurl sets the connect time only after the TLS handshake. Until then, the time is taken here,
 * which is late by the first step of the handshake. */
static int64_t connect_us(struct http *h)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int64_t us = time_us(h->easy, CURLINFO_CONNECT_TIME_T);

    if (us == 0 && h->connect_seen_us == 0 && h->fd >= 0 &&
        getpeername(h->fd, (struct sockaddr *)&peer, &length) == 0)
        h->connect_seen_us = monotonic_us() - h->began_us;
    return us > 0 ? us : h->connect_seen_us;
}

static void note_times(struct http *h)
{
    struct http_report *now = &h->now;
    const char *peer = NULL;

    now->connect_us = connect_us(h);
    now->tls_us = time_us(h->easy, CURLINFO_APPCONNECT_TIME_T);
    now->first_byte_us =
        now->interim != 0 ? h->final_us : time_us(h->easy, CURLINFO_STARTTRANSFER_TIME_T);
    now->total_us = time_us(h->easy, CURLINFO_TOTAL_TIME_T);
    now->phase = phase_of(h);
    curl_easy_getinfo(h->easy, CURLINFO_PRIMARY_IP, &peer);
    snprintf(now->peer, sizeof now->peer, "%s", peer != NULL ? peer : "");
    if (now->first_byte_us > 0)
        note_response(h);
}

/* Publishes the report. Returns whether http_close has been called. */
static bool publish(struct http *h, bool done)
{
    h->now.done = done;
    pthread_mutex_lock(&h->lock);
    h->report = h->now;
    bool stop = h->stop;
    pthread_mutex_unlock(&h->lock);
    return stop;
}

/* RFC 9113 section 7: with HTTP_1_1_REQUIRED, a server ends a stream or the connection. libcurl
 * either retries with HTTP/1.1 on a second connection or reports an error. */
static bool wants_1_1(const struct http *h, CURLcode code)
{
    if (h->request.http11 || h->now.tls_us == 0 || h->header_bytes > 0)
        return false;
    return h->sockets > 1 || strstr(h->curl_text, "HTTP_1_1_REQUIRED") != NULL ||
           code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
}

/* libcurl limits the length of a header line and of all lines, nghttp2 that of a header block. */
static bool is_too_long(const struct http *h, CURLcode code)
{
    if (h->now.phase != HTTP_HEADER)
        return false;
    return code == CURLE_OUT_OF_MEMORY || (int)code == TOO_LARGE ||
           strstr(h->curl_text, "Too large response header") != NULL ||
           strstr(h->curl_text, "oo large header") != NULL;
}

static enum http_failure failure_of(const struct http *h, CURLcode code)
{
    if (h->no_connection) /* this module ended the request, so libcurl reports no error */
        return HTTP_TIMED_OUT;
    if (h->header_done || code == CURLE_OK)
        return HTTP_FINE; /* an error in the body does not affect the times */
    if (h->local)
        return HTTP_LOCAL;
    if (h->too_long)
        return HTTP_TOO_LONG;
    if (wants_1_1(h, code))
        return HTTP_ONLY_1_1;
    if (is_too_long(h, code))
        return HTTP_TOO_LONG;
    return httpfail_of(h->easy, code, h->now.phase);
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void set_limits(CURL *easy, const struct http_request *r)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     r->http11 ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_trust(CURL *easy, const struct http_request *r)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, r->unverified ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, r->unverified ? 0L : 2L);
    if (!r->unverified && httptrust_use(r->trust, easy, r->ca_file, r->ca_dir))
        return;
    if (r->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
    if (r->ca_dir != NULL)
        curl_easy_setopt(easy, CURLOPT_CAPATH, r->ca_dir);
}

/* CONNECT_TO changes the address of the connection, but not SNI, Host and the certificate's
 * name. */
static bool set_address(struct http *h)
{
    char text[CONNECT_TO_MOST];
    const struct http_request *r = &h->request;
    int length = (int)strcspn(r->address, "%");
    const char *pattern = strchr(r->address, ':') != NULL ? "::[%.*s]:%u" : "::%.*s:%u";

    snprintf(text, sizeof text, pattern, length, r->address, r->port);
    h->connect_to = curl_slist_append(NULL, text);
    if (h->scope != 0)
        curl_easy_setopt(h->easy, CURLOPT_ADDRESS_SCOPE, (long)h->scope);
    return h->connect_to != NULL &&
           curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, h->connect_to) == CURLE_OK;
}

static bool configure(struct http *h)
{
    const struct http_request *r = &h->request;

    h->easy = curl_easy_init();
    if (h->easy == NULL)
        return false;
    set_limits(h->easy, r);
    if (is_https(r))
        set_trust(h->easy, r);
    curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->curl_text);
    curl_easy_setopt(h->easy, CURLOPT_USERAGENT, r->agent);
    curl_easy_setopt(h->easy, CURLOPT_NOBODY, r->head ? 1L : 0L);
    curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(h->easy, CURLOPT_CLOSESOCKETDATA, h);
    return curl_easy_setopt(h->easy, CURLOPT_URL, r->url) == CURLE_OK && set_address(h);
}

/* Returns whether the body takes longer than the caller should wait. */
static bool body_is_slow(const struct http *h)
{
    return h->header_done && h->now.total_us - h->now.first_byte_us > BODY_WAIT_MS * INT64_C(1000);
}

static CURLcode result_of(struct http *h)
{
    int left = 0;
    CURLMsg *message;

    while ((message = curl_multi_info_read(h->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            return message->data.result;
    return CURLE_OK; /* this module ended the request */
}

/* Returns the time left for the TCP handshake. CURLOPT_CONNECTTIMEOUT_MS would limit TCP and TLS
 * together. */
static int64_t connect_left_ms(const struct http *h)
{
    return h->request.connect_timeout_ms - (monotonic_us() - h->began_us) / 1000;
}

static int poll_ms(struct http *h)
{
    if (h->header_done)
        return BODY_WAIT_MS / 2;
    if (h->now.phase == HTTP_HEADER)
        return HEADER_POLL_MS;
    int64_t left_ms = h->now.connect_us == 0 ? connect_left_ms(h) + 1 : POLL_MS;
    return left_ms < POLL_MS ? (int)left_ms : POLL_MS;
}

static void transfer(struct http *h)
{
    int running = 1;

    h->began_us = monotonic_us();
    while (curl_multi_perform(h->multi, &running) == CURLM_OK) {
        note_times(h);
        if (publish(h, false) || running == 0 || body_is_slow(h))
            break;
        h->no_connection = h->now.connect_us == 0 && connect_left_ms(h) <= 0;
        if (h->no_connection || curl_multi_poll(h->multi, NULL, 0, poll_ms(h), NULL) != CURLM_OK)
            break;
    }
    CURLcode code = result_of(h);
    note_times(h);
    h->now.failure = failure_of(h, code);
    if (h->now.failure == HTTP_TIMED_OUT) /* libcurl's total may be older */
        h->now.total_us = monotonic_us() - h->began_us;
    if (h->now.failure == HTTP_CLOSED &&
        h->header_bytes == 0) { /* some libcurls count EOF as a first byte */
        h->now.first_byte_us = 0;
        h->now.phase = phase_of(h);
    }
    if (h->now.failure != HTTP_FINE && !h->local)
        snprintf(h->now.text, sizeof h->now.text, "%s",
                 h->curl_text[0] != '\0' ? h->curl_text : curl_easy_strerror(code));
    curl_easy_getinfo(h->easy, CURLINFO_SSL_VERIFYRESULT, &h->now.verify);
}

/* Returns false if the request is closed before its start. */
static bool wait_for_turn(struct http *h)
{
    while (!publish(h, false)) {
        int64_t left_ms = (h->start_us - monotonic_us() + 999) / 1000;
        int wait_ms = left_ms < POLL_MS ? (int)left_ms : POLL_MS;
        if (left_ms <= 0 || curl_multi_poll(h->multi, NULL, 0, wait_ms, NULL) != CURLM_OK)
            return true;
    }
    return false;
}

static void perform(struct http *h, bool ready)
{
    int64_t cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID);

    if (ready && curl_multi_add_handle(h->multi, h->easy) == CURLM_OK) {
        transfer(h);
        h->now.cost_us = clock_us(CLOCK_THREAD_CPUTIME_ID) - cpu_us;
        publish(h, true);
        curl_multi_remove_handle(h->multi, h->easy);
    } else {
        pthread_mutex_lock(&h->lock);
        h->report.done = true;
        h->report.failure = HTTP_LOCAL;
        snprintf(h->report.text, sizeof h->report.text, "libcurl does not take the request");
        pthread_mutex_unlock(&h->lock);
    }
}

static void *run(void *arg)
{
    struct http *h = arg;

    bool ready = configure(h);
    if (wait_for_turn(h))
        perform(h, ready);
    curl_easy_cleanup(h->easy);
    curl_slist_free_all(h->connect_to);
    return NULL;
}

/* ---- starting and closing ------------------------------------------------------------------ */

static int numeric(const char *text, struct sockaddr_storage *out, socklen_t *length)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;

    if (getaddrinfo(text, NULL, &hints, &found) != 0)
        return -1;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int read_addresses(struct http *h, const struct http_request *r, struct err *err)
{
    struct sockaddr_storage target;
    socklen_t length = 0;
    const char *zone = strchr(r->address, '%');

    if (zone != NULL && (h->scope = if_nametoindex(zone + 1)) == 0)
        return err_set(err, ERR_NODEVICE, "no interface %s", zone + 1);
    if (numeric(r->address, &target, &length) < 0)
        return err_set(err, ERR_BADADDRESS, "%s is not a numeric address", r->address);
    if (r->source != NULL && numeric(r->source, &h->source, &h->source_length) < 0)
        return err_set(err, ERR_BADADDRESS, "%s is not a numeric address", r->source);
    return 0;
}

/* Replaces a string of the caller by a copy. */
static bool copy_text(struct http *h, const char **text)
{
    if (*text == NULL)
        return true;
    char *copy = strdup(*text);
    if (copy != NULL)
        h->texts[h->texts_used++] = copy;
    *text = copy;
    return copy != NULL;
}

static bool copy_texts(struct http *h)
{
    struct http_request *r = &h->request;
    return copy_text(h, &r->url) && copy_text(h, &r->address) && copy_text(h, &r->interface) &&
           copy_text(h, &r->source) && copy_text(h, &r->ca_file) && copy_text(h, &r->ca_dir) &&
           copy_text(h, &r->agent);
}

static void dispose(struct http *h)
{
    curl_multi_cleanup(h->multi);
    for (int i = 0; i < h->texts_used; i++)
        free(h->texts[i]);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Some libcurls create a socket pair for curl_multi_wakeup without SOCK_CLOEXEC. The pair gets the
 * lowest free descriptors, which are found by opening two files before, and is then marked
 * close-on-exec. */
static CURLM *open_multi(void)
{
    int pair[2];

    for (int i = 0; i < 2; i++)
        pair[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    CURLM *multi = curl_multi_init();
    for (int i = 0; i < 2; i++) {
        int domain = 0;
        socklen_t length = sizeof domain;
        if (pair[i] >= 0 && getsockopt(pair[i], SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
            domain == AF_UNIX)
            fcntl(pair[i], F_SETFD, FD_CLOEXEC);
    }
    return multi;
}

static int begin(struct http *h, const struct http_request *request, struct err *err)
{
    h->multi = open_multi();
    h->request = *request;
    if (h->multi == NULL || !copy_texts(h))
        return err_set(err, ERR_NOMEM, "no memory for a request");
    if (read_addresses(h, request, err) < 0)
        return -1;
    if (request->turn != NULL)
        h->start_us = httpturn_take(request->turn, monotonic_us());
    int rc = thread_start(&h->thread, run, h);
    return rc == 0 ? 0 : err_set(err, ERR_SYSTEM, "no thread for a request: %s", strerror(rc));
}

struct http *http_start(const struct http_request *request, struct err *err)
{
    struct http *h = calloc(1, sizeof *h);

    if (h == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a request");
        return NULL;
    }
    h->fd = -1;
    pthread_mutex_init(&h->lock, NULL);
    if (begin(h, request, err) < 0) {
        dispose(h);
        h = NULL;
    }
    return h;
}

void http_read(struct http *h, struct http_report *out)
{
    pthread_mutex_lock(&h->lock);
    *out = h->report;
    pthread_mutex_unlock(&h->lock);
}

void http_close(struct http *h)
{
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_mutex_unlock(&h->lock);
    curl_multi_wakeup(h->multi);
    pthread_join(h->thread, NULL);
    if (h->request.turn != NULL && h->report.first_byte_us > 0 && h->report.cost_us > 0)
        httpturn_note(h->request.turn, h->report.cost_us);
    dispose(h);
}
