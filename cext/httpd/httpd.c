/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses libmicrohttpd (0.9.71 or later) with an epoll descriptor and without threads. Each
 * connection has a slot. A request has a serial number, so a response to a request that is gone is
 * refused. */
#include "httpd/httpd.h"

#include "base/units.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 64,
    MEMORY = 32 << 10,      /* of a connection, for the header; 431 if the header is larger */
    MOST_UPLOAD = 16 << 10, /* bytes of a request's body, which is ignored */
    BLOCK = 32 << 10,       /* bytes of a response per call of the reader */
    LONGEST_RUN_MS = 1000,
    /* Bounds of one call of httpd_run, which takes some milliseconds at most. */
    MOST_STEPS = 256,
    MOST_WORK = 2 << 20,
};

/* The states of a connection and its request. */
enum phase {
    PHASE_FREE,   /* no connection */
    PHASE_IDLE,   /* a connection without a request */
    PHASE_BEGUN,  /* the request line is read */
    PHASE_QUEUED, /* suspended until httpd_take */
    PHASE_TAKEN,  /* suspended until httpd_respond */
    PHASE_ANSWERED,
};

struct slot {
    enum phase phase;
    struct MHD_Connection *connection;
    struct MHD_Response *response; /* until it is queued */
    unsigned status;
    size_t uploaded;
    uint64_t id;
    int64_t since_ns; /* start of the client's current turn: to send a request, or to read */
    struct httpd_request request;
};

struct httpd {
    struct MHD_Daemon *daemon;
    struct httpd_config config;
    uint16_t port;
    unsigned used;
    uint64_t next_id;
    int64_t now_ns;
    struct body_load load;
    struct slot slots[];
};

/* ---- responses ------------------------------------------------------------------------------- */

static ssize_t read_body(void *cls, uint64_t at, char *out, size_t room)
{
    (void)at; /* one connection reads each body, from start to end */
    ssize_t count = body_read(cls, out, room);
    if (count < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return count == 0 ? MHD_CONTENT_READER_END_OF_STREAM : count;
}

static void free_body(void *cls)
{
    body_free(cls);
}

static struct MHD_Response *make_response(struct httpd *h, const struct httpd_response *a)
{
    if (body_held(a->pieces, a->count) > h->config.most_held - h->load.held)
        return NULL;
    struct body *body = body_new(a->pieces, a->count, a->gzip, &h->load);
    if (body == NULL)
        return NULL;
    uint64_t size = a->gzip ? MHD_SIZE_UNKNOWN : body_length(a->pieces, a->count);
    struct MHD_Response *r =
        MHD_create_response_from_callback(size, BLOCK, read_body, body, free_body);
    if (r == NULL) {
        body_free(body);
        return NULL;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    if (a->gzip)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    for (int i = 0; i < HTTPD_EXTRA && a->names[i] != NULL; i++)
        MHD_add_response_header(r, a->names[i], a->values[i]);
    return r;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
    static const char text[] = "refused\n";
    struct MHD_Response *r = MHD_create_response_from_buffer(
        sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, r);
    MHD_destroy_response(r);
    return result;
}

/* ---- callbacks of libmicrohttpd -------------------------------------------------------------- */

static struct slot *slot_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void drop_response(struct slot *slot)
{
    if (slot->response != NULL)
        MHD_destroy_response(slot->response);
    slot->response = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct httpd *h = cls;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        for (unsigned i = 0; i < h->config.connections && *context == NULL; i++) {
            if (h->slots[i].phase != PHASE_FREE)
                continue;
            h->slots[i].phase = PHASE_IDLE;
            h->slots[i].connection = connection;
            h->slots[i].since_ns = h->now_ns;
            h->used++;
            *context = &h->slots[i];
        }
    } else if (*context != NULL) {
        struct slot *slot = *context;
        drop_response(slot);
        slot->phase = PHASE_FREE;
        slot->connection = NULL;
        h->used--;
        *context = NULL;
    }
}

/* Called with the request line, whose URI is kept as sent: on_request gets a decoded one. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct httpd *h = cls;
    struct slot *slot = slot_of(connection);
    if (slot == NULL)
        return NULL;
    size_t length = strlen(uri);
    slot->id = ++h->next_id;
    slot->uploaded = 0;
    slot->phase = PHASE_BEGUN;
    slot->request.uri[0] = '\0'; /* too long */
    if (length < sizeof slot->request.uri)
        memcpy(slot->request.uri, uri, length + 1);
    return slot;
}

static void copy_field(char out[HTTPD_FIELD], struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    size_t length = value != NULL ? strnlen(value, HTTPD_FIELD - 1) : 0;
    if (length > 0)
        memcpy(out, value, length);
    out[length] = '\0';
}

static enum MHD_Result enqueue(struct slot *slot, struct MHD_Connection *connection)
{
    slot->request.id = slot->id;
    copy_field(slot->request.accept, connection, MHD_HTTP_HEADER_ACCEPT);
    copy_field(slot->request.accept_encoding, connection, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    copy_field(slot->request.timeout, connection, "X-Prometheus-Scrape-Timeout-Seconds");
    slot->phase = PHASE_QUEUED;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static enum MHD_Result send_response(struct slot *slot)
{
    enum MHD_Result result = MHD_NO; /* without a response, the connection is closed */
    if (slot->response != NULL)
        result = MHD_queue_response(slot->connection, slot->status, slot->response);
    drop_response(slot);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    struct slot *slot = *context;
    (void)cls;
    (void)url;
    (void)version;
    (void)upload;

    if (slot == NULL)
        return MHD_NO;
    assert(slot->connection == connection);
    if (slot->phase == PHASE_ANSWERED)
        return send_response(slot);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (slot->request.uri[0] == '\0')
        return refuse(connection, MHD_HTTP_URI_TOO_LONG);
    if (slot->request.method[0] == '\0') { /* the first call is before the body */
        memcpy(slot->request.method, method, strlen(method) + 1);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        slot->uploaded += *upload_size;
        *upload_size = 0;
        return slot->uploaded <= MOST_UPLOAD ? MHD_YES : MHD_NO;
    }
    return enqueue(slot, connection);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct httpd *h = cls;
    struct slot *slot = *context;
    (void)connection;
    (void)code;

    if (slot == NULL)
        return;
    drop_response(slot);
    slot->request.method[0] = '\0';
    slot->phase = PHASE_IDLE;
    slot->id = 0;
    slot->since_ns = h->now_ns;
    *context = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int set_up_socket(int fd, const struct httpd_config *config, struct err *err)
{
    struct sockaddr_storage at;
    char text[IPADDR_TEXT];
    int on = 1;
    unsigned length = ipaddr_to_sockaddr(&config->address, config->port, 0, &at);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&at, length) != 0 || listen(fd, BACKLOG) != 0)
        return err_set(err, errno == EACCES ? ERR_PERMISSION : ERR_SYSTEM,
                       "cannot listen on %s port %u: %s", ipaddr_to_text(&config->address, text),
                       (unsigned)config->port, strerror(errno));
    return 0;
}

static int start(struct httpd *h, int fd)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    const struct httpd_config *c = &h->config;
    unsigned limit_s = (unsigned)(c->limit_ns / SECOND);

    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, c->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        c->per_address, MHD_OPTION_CONNECTION_TIMEOUT, limit_s > 0 ? limit_s : 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_URI_LOG_CALLBACK,
        on_uri, h, MHD_OPTION_END);
    return h->daemon != NULL ? 0 : -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t length = sizeof at;

    memset(&at, 0, sizeof at);
    if (getsockname(fd, (struct sockaddr *)&at, &length) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

struct httpd *httpd_open(const struct httpd_config *config, int64_t now_ns, struct err *err)
{
    int fd = -1;
    struct httpd *result = NULL;
    assert(config->connections > 0 && config->connections <= HTTPD_MOST);
    struct httpd *h = calloc(1, sizeof *h + config->connections * sizeof h->slots[0]);
    if (h == NULL) {
        err_set(err, ERR_NOMEM, "no memory for the HTTP server");
        return NULL;
    }
    h->config = *config;
    h->now_ns = now_ns;
    fd = socket(ipaddr_family(config->address.version)->af,
                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (set_up_socket(fd, config, err) < 0)
        goto out;
    h->port = port_of(fd);
    if (start(h, fd) < 0) {
        err_set(err, ERR_SYSTEM, "libmicrohttpd cannot start: %s", strerror(errno));
        goto out;
    }
    fd = -1; /* the daemon owns it */
    result = h;
    h = NULL;
out:
    if (fd >= 0)
        close(fd);
    free(h);
    return result;
}

int httpd_fd(const struct httpd *h)
{
    return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint16_t httpd_port(const struct httpd *h)
{
    return h->port;
}

/* libmicrohttpd's timeout is one of idleness, which a client evades by sending a byte now and then.
 * shutdown() makes libmicrohttpd close the connection. */
static void close_slow(struct httpd *h)
{
    for (unsigned i = 0; i < h->config.connections; i++) {
        struct slot *slot = &h->slots[i];
        bool waits_for_us = slot->phase == PHASE_QUEUED || slot->phase == PHASE_TAKEN;
        if (slot->phase == PHASE_FREE || waits_for_us ||
            h->now_ns - slot->since_ns <= h->config.limit_ns)
            continue;
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(slot->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL)
            shutdown(info->connect_fd, SHUT_RDWR);
    }
}

int64_t httpd_run(struct httpd *h, int64_t now_ns)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    size_t worked = h->load.worked;

    h->now_ns = now_ns;
    close_slow(h);
    for (int i = 0; i < MOST_STEPS && ms == 0 && h->load.worked - worked < MOST_WORK; i++) {
        size_t before = h->load.worked;
        MHD_run(h->daemon);
        if (MHD_get_timeout(h->daemon, &ms) != MHD_YES || ms > LONGEST_RUN_MS)
            ms = LONGEST_RUN_MS;
        if (h->load.worked > before)
            ms = 0; /* a block was sent: the client may have room for another */
    }
    return (int64_t)ms * MS;
}

bool httpd_take(struct httpd *h, struct httpd_request *out)
{
    struct slot *first = NULL;
    for (unsigned i = 0; i < h->config.connections; i++)
        if (h->slots[i].phase == PHASE_QUEUED && (first == NULL || h->slots[i].id < first->id))
            first = &h->slots[i];
    if (first == NULL)
        return false;
    first->phase = PHASE_TAKEN;
    *out = first->request;
    return true;
}

bool httpd_respond(struct httpd *h, uint64_t id, const struct httpd_response *response)
{
    for (unsigned i = 0; i < h->config.connections; i++) {
        struct slot *slot = &h->slots[i];
        if (slot->phase != PHASE_TAKEN || slot->id != id)
            continue;
        slot->response = make_response(h, response);
        slot->status = response->status;
        slot->phase = PHASE_ANSWERED;
        slot->since_ns = h->now_ns; /* the client's turn to read the response */
        MHD_resume_connection(slot->connection);
        return slot->response != NULL;
    }
    return false;
}

unsigned httpd_connections(const struct httpd *h)
{
    return h->used;
}

/* libmicrohttpd requires that no connection is suspended when it stops. */
void httpd_close(struct httpd *h)
{
    if (h == NULL)
        return;
    for (unsigned i = 0; i < h->config.connections; i++) {
        enum phase phase = h->slots[i].phase;
        if (phase == PHASE_QUEUED || phase == PHASE_TAKEN) {
            h->slots[i].phase = PHASE_ANSWERED;
            MHD_resume_connection(h->slots[i].connection);
        }
    }
    MHD_stop_daemon(h->daemon);
    free(h);
}
