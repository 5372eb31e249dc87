/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP server, in a network namespace: requests, responses, and the bounds of memory and time
 * that clients can use. The test provides the clock; clients and server alternate in one thread. */
#include "check.h"
#include "httpd/body.h"
#include "httpd/httpd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define S INT64_C(1000000000)

enum { CONNECTIONS = 8, PER_ADDRESS = 6, LIMIT_S = 5, TURNS = 2000, ROOM = 1 << 20 };

static bool own_network(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    if (fd >= 0)
        close(fd);
    return up;
}

static int64_t now_ns = S;

static struct httpd *open_server(size_t most_held)
{
    struct httpd_config config = { .connections = CONNECTIONS,
                                   .per_address = PER_ADDRESS,
                                   .limit_ns = LIMIT_S * S,
                                   .most_held = most_held };
    struct err err = { 0 };

    ipaddr_from_text(&config.address, "127.0.0.1");
    struct httpd *h = httpd_open(&config, now_ns, &err);
    check_that(h != NULL, "%s", err.text);
    return h;
}

static int dial(const struct httpd *h)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(httpd_port(h)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        check_that(false, "connect");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void send_text(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        check_that(false, "send");
}

/* Runs the server until a request arrives, for a bounded number of turns. */
static bool wait_request(struct httpd *h, struct httpd_request *r)
{
    for (int i = 0, idle = 0; i < TURNS && idle < 20; i++) {
        int64_t wait_ns = httpd_run(h, now_ns);
        if (httpd_take(h, r))
            return true;
        struct pollfd p = { .fd = httpd_fd(h), .events = POLLIN };
        idle = wait_ns == 0 || poll(&p, 1, 5) > 0 ? 0 : idle + 1;
    }
    return false;
}

/* Reads as a client until the connection ends or no more bytes arrive. Returns the number of bytes
 * and, in *ended, whether the connection has ended. */
static size_t receive(struct httpd *h, int fd, char *in, bool *ended)
{
    size_t got = 0;
    *ended = false;
    for (int i = 0, idle = 0; i < TURNS && idle < 20 && !*ended; i++) {
        httpd_run(h, now_ns);
        ssize_t count = recv(fd, in + got, ROOM - 1 - got, 0);
        if (count > 0)
            got += (size_t)count;
        *ended = count == 0 || (count < 0 && errno != EAGAIN);
        idle = count > 0 ? 0 : idle + 1;
        if (count < 0)
            usleep(500);
    }
    in[got] = '\0';
    return got;
}

static void answer(struct httpd *h, uint64_t id, const char *text)
{
    const struct body_piece pieces[] = { { .bytes = text, .length = strlen(text) / 2 },
                                         { .bytes = text + strlen(text) / 2,
                                           .length = strlen(text + strlen(text) / 2) } };
    struct httpd_response a = { .status = 200,
                                .type = "text/plain",
                                .names = { "X-One" },
                                .values = { "1" },
                                .pieces = pieces,
                                .count = 2 };
    check_that(httpd_respond(h, id, &a), "answered");
}

static const char get[] = "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n"
                          "Accept-Encoding: gzip\r\n\r\n";

static void test_request(char *in)
{
    struct httpd_request r = { 0 };
    bool ended;

    check_case("a_request_is_handed_over_as_it_was_sent");
    struct httpd *h = open_server(ROOM);
    int fd = dial(h);
    send_text(fd, get);
    check_that(wait_request(h, &r), "a request");
    check_text("uri", r.uri, "/a%20b?c=d");
    check_text("method", r.method, "GET");
    check_text("accept", r.accept, "text/plain");
    check_text("encoding", r.accept_encoding, "gzip");
    check_that(!httpd_take(h, &r), "no other request");

    check_case("a_response_and_its_fields_arrive_and_the_connection_stays");
    answer(h, r.id, "hello");
    receive(h, fd, in, &ended);
    check_that(strstr(in, "HTTP/1.1 200 OK\r\n") == in, "%s", in);
    check_that(strstr(in, "X-One: 1\r\n") != NULL, "%s", in);
    check_that(strstr(in, "\r\n\r\nhello") != NULL, "%s", in);
    check_that(!ended, "open");

    check_case("a_second_response_finds_no_request");
    struct httpd_response late = { .status = 200, .type = "a/b" };
    check_that(!httpd_respond(h, r.id, &late), "refused");

    check_case("the_next_request_of_a_connection_has_another_number");
    uint64_t before = r.id;
    send_text(fd, get);
    check_that(wait_request(h, &r) && r.id != before, "a request");

    check_case("a_response_to_a_client_that_has_gone_is_dropped");
    close(fd);
    answer(h, r.id, "hello");
    for (int i = 0; i < 50; i++)
        httpd_run(h, now_ns);
    check_int("connections", httpd_connections(h), 0);
    httpd_close(h);
}

static void test_refusals(char *in)
{
    static const struct {
        const char *name, *text, *want;
        size_t filler;
    } rows[] = {
        { "another_method", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", " 405 ", 0 },
        { "a_long_uri", "GET /", " 414 ", HTTPD_URI },
        { "a_large_header", "GET / HTTP/1.1\r\nX: ", " 431 ", 64 << 10 },
        { "no_http", "\1\2\3\r\n\r\n", " 400 ", 0 },
    };
    bool ended;
    struct httpd_request r;
    struct httpd *h = open_server(ROOM);

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("%s_is_refused", rows[i].name);
        int fd = dial(h);
        send_text(fd, rows[i].text);
        memset(in, 'a', rows[i].filler);
        in[rows[i].filler] = '\0';
        send_text(fd, in);
        if (rows[i].filler > 0)
            send_text(fd, " HTTP/1.1\r\nHost: x\r\n\r\n");
        check_that(!wait_request(h, &r), "no request");
        receive(h, fd, in, &ended);
        check_that(strstr(in, rows[i].want) != NULL || (i >= 2 && ended), "%s", in);
        close(fd);
    }
    httpd_close(h);
}

/* Lets time pass, second by second, while the client sends a byte of `drip`, if any, in each. */
static bool is_closed_after(struct httpd *h, int fd, const char *drip, int seconds)
{
    char in[64];
    for (int i = 0; i < seconds; i++) {
        if (drip != NULL && send(fd, drip, 1, MSG_NOSIGNAL) < 0)
            return true;
        now_ns += S;
        for (int j = 0; j < 10; j++)
            httpd_run(h, now_ns);
        usleep(2000);
        if (recv(fd, in, sizeof in, 0) == 0)
            return true;
    }
    return false;
}

static void test_slow_clients(char *in)
{
    struct httpd_request r;
    bool ended;
    struct httpd *h = open_server(ROOM);

    check_case("a_client_that_sends_a_byte_a_second_is_disconnected");
    int fd = dial(h);
    send_text(fd, "GET / HTTP/1.1\r\nX: ");
    check_that(!is_closed_after(h, fd, "x", LIMIT_S - 1), "open before the limit");
    check_that(is_closed_after(h, fd, "x", 4), "closed after it");
    close(fd);

    check_case("a_client_that_sends_nothing_is_disconnected");
    fd = dial(h);
    httpd_run(h, now_ns);
    check_that(is_closed_after(h, fd, NULL, LIMIT_S + 3), "closed");
    close(fd);

    check_case("a_request_that_waits_for_its_response_has_no_limit");
    fd = dial(h);
    send_text(fd, get);
    check_that(wait_request(h, &r), "a request");
    check_that(!is_closed_after(h, fd, NULL, 3 * LIMIT_S), "open");
    answer(h, r.id, "hello");
    receive(h, fd, in, &ended);
    check_that(strstr(in, "\r\n\r\nhello") != NULL, "%s", in);
    close(fd);
    httpd_close(h);
}

static void test_unread_responses(char *in)
{
    enum { LARGE = 24 << 20 };
    struct httpd_request r;
    struct httpd *h = open_server(LARGE + 100);
    char *bytes = calloc(1, LARGE);
    const struct body_piece piece = { .bytes = bytes, .length = LARGE };
    struct httpd_response a = { .status = 200, .type = "a/b", .pieces = &piece, .count = 1 };
    bool ended;

    check_case("unread_responses_are_bounded_in_all");
    int slow = dial(h), other = dial(h);
    send_text(slow, get);
    check_that(wait_request(h, &r) && httpd_respond(h, r.id, &a), "the first is taken");
    for (int i = 0; i < 50; i++)
        httpd_run(h, now_ns);
    send_text(other, get);
    check_that(wait_request(h, &r) && !httpd_respond(h, r.id, &a), "the second is not");
    receive(h, other, in, &ended);
    check_that(ended, "its connection is closed");

    check_case("a_response_that_is_not_read_is_given_up");
    now_ns += (LIMIT_S + 1) * S;
    for (int i = 0; i < 50; i++)
        httpd_run(h, now_ns);
    check_int("connections", httpd_connections(h), 0);
    close(slow);
    close(other);
    free(bytes);
    httpd_close(h);
}

static void test_many(void)
{
    int fds[CONNECTIONS * 4];
    char in[16];
    int open_ones = 0;
    struct httpd *h = open_server(ROOM);

    check_case("one_address_has_so_many_connections_and_no_more");
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = dial(h);
    for (int i = 0; i < 200; i++)
        httpd_run(h, now_ns);
    usleep(2000);
    for (size_t i = 0; i < COUNT(fds); i++)
        open_ones += recv(fds[i], in, sizeof in, 0) < 0;
    check_int("connections", httpd_connections(h), PER_ADDRESS);
    check_int("those that were not closed", open_ones, PER_ADDRESS);
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    httpd_close(h);
}

enum { TEXT = 300000 };

static size_t read_all(struct body *body, char *in, size_t room)
{
    size_t got = 0;
    for (ssize_t count = 1; count > 0 && got + room < ROOM; got += (size_t)count) {
        count = body_read(body, in + got, room);
        check_that(count >= 0, "read");
    }
    return got;
}

/* Checks that the bytes are one gzip member of the text, without further bytes. */
static void check_gzip(const char *in, size_t got, const unsigned char *text, size_t length)
{
    unsigned char *out = malloc(TEXT + 1);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)got };

    inflateInit2(&z, MAX_WBITS + 16);
    z.next_out = out;
    z.avail_out = TEXT + 1;
    check_int("inflate", inflate(&z, Z_FINISH), Z_STREAM_END);
    check_int("left", z.avail_in, 0);
    check_int("length", (int64_t)z.total_out, (int64_t)length);
    check_bytes("bytes", out, text, length);
    inflateEnd(&z);
    free(out);
}

static void test_body(char *in, const struct body_piece *pieces, size_t count,
                      const unsigned char *text, size_t length)
{
    static const size_t rooms[] = { 7, 777, 50000, ROOM / 2 };
    struct body_load load = { 0 };

    check_int("length of all", (int64_t)body_length(pieces, count), (int64_t)length);
    for (size_t i = 0; i < COUNT(rooms) * 2; i++) {
        bool gzip = i % 2 != 0;
        struct body *body = body_new(pieces, count, gzip, &load);
        check_int("held", (int64_t)load.held, (int64_t)body_held(pieces, count));
        size_t got = read_all(body, in, rooms[i / 2]);
        body_free(body);
        check_int("held afterwards", (int64_t)load.held, 0);
        if (gzip)
            check_gzip(in, got, text, length);
        else
            check_that(got == length && memcmp(in, text, got) == 0, "as it is, %zu bytes", got);
    }
}

static void test_gzip(char *in)
{
    unsigned char *text = malloc(TEXT);
    uint64_t seed = 1;

    for (int i = 0; i < TEXT; i++)
        text[i] = (unsigned char)(check_random(&seed) % 7);

    check_case("a_body_read_in_small_pieces_is_one_gzip_stream");
    const struct body_piece plain[] = { { .bytes = text, .length = 1 },
                                        { .bytes = text + 1 },
                                        { .bytes = text + 1, .length = TEXT - 1 } };
    test_body(in, plain, COUNT(plain), text, TEXT);

    check_case("packed_pieces_stand_for_their_texts");
    enum { FIRST = 20000, FROM = 30000, SECOND = 90000, EMPTY = FROM + SECOND };
    unsigned char *out[3];
    const struct {
        size_t from, length;
    } cuts[3] = { { FIRST, FROM - FIRST }, { FROM, SECOND }, { EMPTY, 0 } };
    struct body_piece mixed[] = { { .bytes = text, .length = FIRST },
                                  { 0 },
                                  { 0 },
                                  { 0 },
                                  { .bytes = text + EMPTY, .length = TEXT - EMPTY } };
    for (int i = 0; i < 3; i++) {
        size_t room = body_pack_bound(cuts[i].length);
        out[i] = malloc(room);
        check_that(body_pack(&mixed[i + 1], text + cuts[i].from, cuts[i].length, out[i], room),
                   "packed");
    }
    check_that(mixed[2].length < SECOND / 2, "it is smaller: %zu", mixed[2].length);
    test_body(in, mixed, COUNT(mixed), text, TEXT);
    test_body(in, mixed + 1, 1, text + FIRST, FROM - FIRST);
    test_body(in, mixed + 3, 1, text, 0);

    check_case("a_damaged_packed_piece_ends_the_response");
    struct body_load load = { 0 };
    mixed[2].text_length += 1;
    struct body *body = body_new(mixed + 2, 1, false, &load);
    ssize_t count = 1;
    while (count > 0)
        count = body_read(body, in, ROOM);
    check_int("read", count, -1);
    body_free(body);
    for (int i = 0; i < 3; i++)
        free(out[i]);
    free(text);

    check_case("an_empty_body_is_a_gzip_stream_too");
    body = body_new(plain, 0, true, &load);
    size_t got = read_all(body, in, 777);
    check_gzip(in, got, NULL, 0);
    body_free(body);
}

static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void test_failure(void)
{
    struct httpd *first = open_server(ROOM);
    struct httpd_config config = { .connections = 1, .per_address = 1, .limit_ns = S };
    struct err err = { 0 };

    check_case("a_port_in_use_is_named_in_the_error");
    ipaddr_from_text(&config.address, "127.0.0.1");
    config.port = httpd_port(first);
    check_that(httpd_open(&config, now_ns, &err) == NULL, "refused");
    check_that(strstr(err.text, "cannot listen on 127.0.0.1 port ") == err.text &&
                   strstr(err.text, "Address already in use") != NULL,
               "%s", err.text);
    httpd_close(first);
}

int main(void)
{
    char *in = malloc(ROOM);

    if (!own_network()) {
        printf("skip httpd - no network namespace can be made here\n");
        free(in);
        return 0;
    }
    int before = open_files();
    test_request(in);
    test_refusals(in);
    test_slow_clients(in);
    test_unread_responses(in);
    test_many();
    test_gzip(in);
    test_failure();
    check_case("no_descriptor_is_left");
    check_int("files", open_files(), before);
    free(in);
    return check_done();
}
