/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/names.h"

#include "base/ipaddr.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROOM = NI_MAXHOST };

struct names_question {
    atomic_int holders; /* the one who asked and the thread; the last one frees it */
    atomic_bool answered;
    enum names_kind kind;
    int seconds;
    int fd;
    int error;
    char subject[ROOM];
    char answer[ROOM];
};

static int reverse(struct names_question *q)
{
    struct ipaddr address;
    struct sockaddr_storage where;

    if (ipaddr_from_text(&address, q->subject) < 0)
        return EAI_NONAME;
    socklen_t length = ipaddr_to_sockaddr(&address, 0, 0, &where);
    return getnameinfo((struct sockaddr *)&where, length, q->answer, ROOM, NULL, 0, NI_NAMEREQD);
}

static int forward(struct names_question *q)
{
    enum { MOST = 8, ADDRESS_ROOM = ROOM / MOST };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    size_t used = 0;
    int count = 0, error = getaddrinfo(q->subject, NULL, &hints, &list);

    if (error != 0)
        return error;
    for (struct addrinfo *at = list; at != NULL && count < MOST; at = at->ai_next) {
        char text[ADDRESS_ROOM];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) ==
            0)
            used +=
                (size_t)snprintf(q->answer + used, ROOM - used, count++ > 0 ? " %s" : "%s", text);
    }
    freeaddrinfo(list);
    return count > 0 ? 0 : EAI_NONAME;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The state of the resolver is the thread's own. Its servers share the seconds: each gets a whole
 * one at least and the user's `timeout` at most. Not by res_init, which also tells the other
 * threads to read the configuration again: the next of them would lose these settings. */
static bool prepare(const struct names_question *q)
{
    if (res_ninit(&_res) < 0)
        return false;
    _res.nscount = least(_res.nscount, q->seconds);
    if (_res.nscount > 0)
        _res.retrans = least(_res.retrans, q->seconds / _res.nscount);
    _res.retry = 1;
    if (strchr(q->subject, '.') != NULL) /* no second question with a domain of the user's */
        _res.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
    return true;
}

static int ask_once(struct names_question *q)
{
    if (!prepare(q))
        return EAI_SYSTEM;
    return q->kind == NAMES_REVERSE ? reverse(q) : forward(q);
}

void names_leave(struct names_question *q)
{
    if (atomic_fetch_sub(&q->holders, 1) > 1)
        return;
    close(q->fd);
    free(q);
}

static void *run(void *argument)
{
    struct names_question *q = argument;

    q->error = ask_once(q);
    atomic_store(&q->answered, true);
    (void)eventfd_write(q->fd, 1);
    names_leave(q);
    return NULL;
}

struct names_question *names_ask(enum names_kind kind, const char *subject, int seconds,
                                 struct err *err)
{
    struct names_question *q = calloc(1, sizeof *q);
    pthread_t thread;
    int rc;

    assert(kind < NAMES_KIND_COUNT && seconds >= 0);
    if (q == NULL || (q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
        err_set(err, ERR_SYSTEM, "no question to the resolver: %s", strerror(errno));
        free(q);
        return NULL;
    }
    atomic_init(&q->holders, 2);
    q->kind = kind;
    q->seconds = seconds;
    snprintf(q->subject, sizeof q->subject, "%s", subject);
    rc = thread_start(&thread, run, q);
    if (rc != 0) {
        err_set(err, ERR_SYSTEM, "no thread for the resolver: %s", strerror(rc));
        close(q->fd);
        free(q);
        return NULL;
    }
    pthread_detach(thread);
    return q;
}

int names_fd(const struct names_question *q)
{
    return q->fd;
}

bool names_answered(const struct names_question *q)
{
    return atomic_load(&q->answered);
}

int names_answer(const struct names_question *q, const char **text)
{
    assert(names_answered(q));
    *text = q->answer;
    return q->error;
}
