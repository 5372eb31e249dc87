/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to a server in this process, in a network namespace: their reports, and that no thread
 * and no descriptor remains open. */
#include "check.h"
#include "http/http.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A server with one response to all requests; NULL: none, and the connection stays open. */
struct server {
    int fd;
    uint16_t port;
    const char *answer;
    int connections;
    int repeat; /* how often the last KiB of the response is repeated */
    pthread_t thread;
};

static const char short_response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

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

static void send_text(const struct server *s, int fd)
{
    char in[4096];

    if (read(fd, in, sizeof in) <= 0 || s->answer == NULL)
        return;
    if (write(fd, s->answer, strlen(s->answer)) < 0)
        return;
    memset(in, 'x', sizeof in);
    for (int i = 0; i < s->repeat; i++)
        if (send(fd, in, 1024, MSG_NOSIGNAL) < 0)
            return;
}

/* Serves one connection after the other until the listening socket is shut down. */
static void *serve(void *arg)
{
    struct server *s = arg;
    int fd;

    while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        s->connections++;
        send_text(s, fd);
        if (s->answer == NULL) {
            struct pollfd other = { .fd = fd, .events = POLLRDHUP };
            poll(&other, 1, 5000);
        }
        close(fd);
    }
    return NULL;
}

static bool open_server(struct server *s, const char *answer, int repeat)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;

    *s = (struct server){ .answer = answer, .repeat = repeat };
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(s->fd, 16) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&at, &length) < 0)
        return check_that(false, "no server");
    s->port = ntohs(at.sin_port);
    return check_int("thread", pthread_create(&s->thread, NULL, serve, s), 0);
}

static void close_server(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static int count_in(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static struct http *start_in_turn(uint16_t port, struct httpturn *turn)
{
    char url[64];
    struct err err = { 0 };
    struct http_request request = { .address = "127.0.0.1",
                                    .port = port,
                                    .agent = "test",
                                    .timeout_ms = 5000,
                                    .connect_timeout_ms = 5000,
                                    .turn = turn };

    snprintf(url, sizeof url, "http://name.test:%u/", port);
    request.url = url;
    struct http *h = http_start(&request, &err);
    check_that(h != NULL, "%s", err.text);
    memset(url, 'x', sizeof url); /* the request has a copy */
    return h;
}

static struct http *start(uint16_t port)
{
    return start_in_turn(port, NULL);
}

static void pause_ms(int ms)
{
    const struct timespec t = { 0, ms * 1000000L };
    nanosleep(&t, NULL);
}

/* Waits for the end, 10 s at most. */
static struct http_report finish(struct http *h)
{
    struct http_report report = { 0 };

    for (int i = 0; h != NULL && i < 2000 && !report.done; i++) {
        pause_ms(5);
        http_read(h, &report);
    }
    check_that(report.done, "no end");
    http_close(h);
    return report;
}

static void test_response(void)
{
    struct server server;

    check_case("a_response_has_its_times_in_order");
    if (!open_server(&server, short_response, 0))
        return;
    struct http_report r = finish(start(server.port));
    check_int("failure", r.failure, HTTP_FINE);
    check_int("status", r.status, 200);
    check_text("version", r.version, "1.1");
    check_text("peer", r.peer, "127.0.0.1");
    check_that(0 < r.connect_us && r.connect_us <= r.first_byte_us, "times out of order");
    check_int("no TLS", r.tls_us, 0);
    close_server(&server);

    check_case("an_endless_body_is_cut");
    if (!open_server(&server, "HTTP/1.1 200 OK\r\n\r\n", 100000))
        return;
    r = finish(start(server.port));
    check_int("failure", r.failure, HTTP_FINE);
    check_int("phase", r.phase, HTTP_BODY);
    close_server(&server);
}

static void test_failures(void)
{
    static const struct {
        const char *name, *answer;
        int repeat;
        enum http_failure failure;
        enum http_phase phase;
    } rows[] = {
        { "nothing_is_closed", "", 0, HTTP_CLOSED, HTTP_WAITING },
        { "nonsense_is_not_http", "nonsense and more of it\n\n", 0, HTTP_NOT_HTTP, HTTP_HEADER },
    };
    struct server server;

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("%s", rows[i].name);
        if (!open_server(&server, rows[i].answer, rows[i].repeat))
            return;
        struct http_report r = finish(start(server.port));
        check_text("failure", http_failure_name(r.failure), http_failure_name(rows[i].failure));
        check_that(r.text[0] != '\0', "no words about it");
        close_server(&server);
    }
    check_case("a_closed_port_is_refused");
    struct http_report r = finish(start(9));
    check_text("failure", http_failure_name(r.failure), "refused");
    check_text("phase", http_phase_name(r.phase), "connecting");
}

static void test_refused_here(void)
{
    struct err err = { 0 };
    struct http_request request = { .url = "http://a/",
                                    .address = "example.com",
                                    .agent = "x",
                                    .port = 80,
                                    .timeout_ms = 100,
                                    .connect_timeout_ms = 100 };

    check_case("only_numeric_addresses_are_taken");
    check_that(http_start(&request, &err) == NULL, "a name was taken");
    check_text("name", err_name(err.code), "BADADDRESS");
    request.address = "fe80::1%nosuch0";
    check_that(http_start(&request, &err) == NULL, "a zone was taken");
    check_text("name", err_name(err.code), "NODEVICE");

    check_case("an_interface_that_is_not_there_is_named");
    request.address = "127.0.0.1";
    request.interface = "nosuch0";
    struct http_report r = finish(http_start(&request, &err));
    check_int("failure", r.failure, HTTP_LOCAL);
    check_that(strstr(r.text, "nosuch0") != NULL, "got '%s'", r.text);
}

static void test_leave(void)
{
    enum { MANY = 16 };
    struct server server;
    struct http *many[MANY];

    check_case("requests_are_left_wherever_they_are");
    if (!open_server(&server, NULL, 0))
        return;
    for (int i = 0; i < MANY; i++)
        many[i] = start(server.port);
    pause_ms(50);
    struct http_report r = { 0 };
    http_read(many[0], &r);
    check_that(!r.done, "done without a response");
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < MANY; i++)
        http_close(many[i]);
    clock_gettime(CLOCK_MONOTONIC, &after);
    check_that(after.tv_sec - before.tv_sec < 3, "leaving took seconds");
    http_close(start(server.port)); /* at once */
    http_close(NULL);
    close_server(&server);
}

/* Returns the number of descriptors that a child process inherits. */
static int inherited(void)
{
    char text[16] = "";
    int out[2], status = 0;

    if (pipe2(out, O_CLOEXEC) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", "ls /proc/self/fd | wc -l", (char *)NULL);
        _exit(1);
    }
    close(out[1]);
    ssize_t length = read(out[0], text, sizeof text - 1);
    close(out[0]);
    waitpid(child, &status, 0);
    return length > 0 && status == 0 ? atoi(text) : -1;
}

static void test_children(void)
{
    struct server server;
    int before = inherited();

    check_case("a_child_inherits_nothing_of_a_request");
    if (!open_server(&server, NULL, 0))
        return;
    struct http *h = start(server.port);
    pause_ms(100);
    check_int("descriptors", inherited(), before);
    http_close(h);
    close_server(&server);
}

static void test_turns(void)
{
    enum { SECOND_US = 1000000 };
    struct httpturn turn = { 0 };
    struct server server;

    check_case("starts_are_as_far_apart_as_a_request_costs");
    check_int("first", httpturn_take(&turn, 5), 5);
    check_int("before one has ended", httpturn_take(&turn, 6), 5 + HTTPTURN_GUESS_US);
    httpturn_note(&turn, 700);
    check_int("later", httpturn_take(&turn, SECOND_US), SECOND_US);
    check_int("after it", httpturn_take(&turn, SECOND_US + 1), SECOND_US + 700);
    httpturn_note(&turn, SECOND_US);
    check_int("at most", turn.cost_us, HTTPTURN_MOST_US);

    check_case("a_request_that_has_ended_reports_its_cpu_time");
    if (!open_server(&server, short_response, 0))
        return;
    turn = (struct httpturn){ 0 };
    finish(start_in_turn(server.port, &turn));
    check_that(turn.cost_us > 0 && turn.cost_us <= HTTPTURN_MOST_US, "got %lld us",
               (long long)turn.cost_us);
    close_server(&server);
    turn = (struct httpturn){ 0 };
    finish(start_in_turn(9, &turn));
    check_int("refused", turn.cost_us, 0);

    check_case("a_request_waits_for_its_turn_and_can_be_left");
    if (!open_server(&server, short_response, 0))
        return;
    turn.free_us = INT64_MAX / 2;
    http_close(start_in_turn(server.port, &turn)); /* or never */
    close_server(&server);
    check_int("connections", server.connections, 0);
}

static void test_trust(void)
{
    struct httptrust *trust = httptrust_new();
    CURL *easy = curl_easy_init();

    check_case("certificates_that_cannot_be_read_are_left_to_libcurl");
    check_that(!httptrust_use(trust, easy, "/nonexistent/ca.pem", NULL), "they were used");
    check_that(!httptrust_use(NULL, easy, NULL, NULL), "nothing was used");
    curl_easy_cleanup(easy);
    httptrust_free(trust);
    httptrust_free(NULL);
}

static void test_one_request_is_one_connection(void)
{
    struct server server;

    check_case("a_program_s_first_request_is_one_connection");
    if (!open_server(&server, short_response, 0))
        return;
    finish(start(server.port));
    close_server(&server);
    check_int("connections", server.connections, 1);
}

int main(void)
{
    if (!own_network()) {
        puts("skip http_test - no network namespace to be had");
        return 0;
    }
    check_case("a_first_request_ends");
    finish(start(9)); /* libraries open descriptors that they keep */
    int fds = count_in("/proc/self/fd"), threads = count_in("/proc/self/task");

    test_response();
    test_failures();
    test_refused_here();
    test_leave();
    test_turns();
    test_trust();
    test_children();
    check_case("no_descriptor_and_no_thread_is_left");
    check_int("descriptors", count_in("/proc/self/fd"), fds);
    check_int("threads", count_in("/proc/self/task"), threads);
    test_one_request_is_one_connection();
    return check_done();
}
