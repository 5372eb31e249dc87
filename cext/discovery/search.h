/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions that the prober calls for a search (mda.h, pmtu.h): a pure state machine with
 * probes of its own. One table for each kind. */
#ifndef MTR_DISCOVERY_SEARCH_H
#define MTR_DISCOVERY_SEARCH_H

#include "engine/budget.h"
#include "base/err.h"
#include "wire/wire.h"

struct search_ops {
    /* Makes the state from the kind's config and the values that the prober adds; NULL with *err
     * set. */
    void *(*new)(const void *config, const struct wire_spec *spec, int link_mtu, int64_t now_ns,
                 struct err *err);
    const struct wire_spec *(*spec)(const void *state);

    /* Builds the next probe that is due and writes its number. Returns its length; 0: none is
     * due. */
    size_t (*next)(void *state, int64_t now_ns, uint8_t *packet, uint32_t *number);
    void (*send_failed)(void *state, uint32_t number, int error, int64_t now_ns);
    bool (*seen)(void *state, const struct wire_packet *packet); /* a probe left this host */
    bool (*reply)(void *state, const struct wire_packet *packet, int64_t now_ns);
    void (*expire)(void *state, int64_t now_ns);
    int64_t (*due)(const void *state); /* INT64_MAX when done */
    bool (*done)(const void *state);
    void (*free)(void *state);
};

/* A running search. Its probes use the sending rate of the process, as those of traces do. */
struct search {
    const struct search_ops *ops;
    void *state;
    struct budget *budget;
    uint64_t who; /* see budget.h */
};

/* Takes the next probe that is due and allowed by the budget. Returns its length, or 0. */
size_t search_take(const struct search *s, int64_t now_ns, uint8_t *packet, uint32_t *number);

/* When the search wants to act again. */
int64_t search_when(const struct search *s);

/* Defines most of the table for a kind: functions that take a void *. */
#define SEARCH_FORWARD(kind)                                                                \
    static void search_send_failed(void *state, uint32_t number, int error, int64_t now_ns) \
    {                                                                                       \
        kind##_send_failed(state, number, error, now_ns);                                   \
    }                                                                                       \
    static bool search_seen(void *state, const struct wire_packet *packet)                  \
    {                                                                                       \
        return kind##_seen(state, packet);                                                  \
    }                                                                                       \
    static bool search_reply(void *state, const struct wire_packet *packet, int64_t now_ns) \
    {                                                                                       \
        return kind##_reply(state, packet, now_ns);                                         \
    }                                                                                       \
    static void search_expire(void *state, int64_t now_ns)                                  \
    {                                                                                       \
        kind##_expire(state, now_ns);                                                       \
    }                                                                                       \
    static int64_t search_due(const void *state)                                            \
    {                                                                                       \
        return kind##_due(state);                                                           \
    }                                                                                       \
    static bool search_done(const void *state)                                              \
    {                                                                                       \
        return kind##_done(state);                                                          \
    }                                                                                       \
    static void search_free(void *state)                                                    \
    {                                                                                       \
        kind##_free(state);                                                                 \
    }                                                                                       \
    const struct search_ops kind##_search = { .new = search_new,                            \
                                              .spec = search_spec,                          \
                                              .next = search_next,                          \
                                              .send_failed = search_send_failed,            \
                                              .seen = search_seen,                          \
                                              .reply = search_reply,                        \
                                              .expire = search_expire,                      \
                                              .due = search_due,                            \
                                              .done = search_done,                          \
                                              .free = search_free }

#endif
