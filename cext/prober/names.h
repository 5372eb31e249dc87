/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the system's resolver, each with a thread of its own, sent once to each of the
 * resolver's servers. glibc sends a query again after 5 s, when nobody waits for a name any more: a
 * query that a router cannot forward takes a token of that router's ICMP rate limit, and a probe of
 * the measurement would miss it. */
#ifndef MTR_PROBER_NAMES_H
#define MTR_PROBER_NAMES_H

#include "base/err.h"

#include <stdbool.h>

enum names_kind {
    NAMES_REVERSE, /* the name of a numeric address */
    NAMES_FORWARD, /* the addresses of a name, 8 at most, parted by blanks, as the system prefers */
    NAMES_KIND_COUNT
};

struct names_question;

/* Asks; the resolver's servers share `seconds`. With 0 none of them is asked, only files such as
 * /etc/hosts. Returns NULL with *err set on failure. */
struct names_question *names_ask(enum names_kind kind, const char *subject, int seconds,
                                 struct err *err);

/* A descriptor that is readable once there is an answer. */
int names_fd(const struct names_question *question);

bool names_answered(const struct names_question *question);

/* The answer, if there is one already: 0 with *text set until names_leave, or getaddrinfo's error,
 * EAI_NONAME where there is no name. */
int names_answer(const struct names_question *question, const char **text);

/* Ends the caller's interest, answered or not. */
void names_leave(struct names_question *question);

#endif
