/* SPDX-License-Identifier: BSD-2-Clause */
/* All asks of a process, one per address: whoever asks about an address again shares what it has
 * answered, so no address ever gets more than an ask's nine probes. Pure: what is to be sent goes
 * through a function of the caller's. */
#ifndef MTR_PROBER_ADDRESSES_H
#define MTR_PROBER_ADDRESSES_H

#include "base/bound.h"
#include "discovery/fingerprint.h"

enum { ASKS_MAX = BOUND(16384, 4) }; /* addresses; see asks_make_room */

struct asks;

struct asks_entry {
    struct asks_entry *next, *bucket_next;
    struct asks_entry *older, *newer; /* without users: left before and after it */
    bool is_open;
    struct ask ask;
    const void *way; /* the caller's: how to send */
    uint32_t scope;  /* zone of a link-local address */
    uint32_t users;
    int64_t wanted_ns; /* when somebody last asked about it */
    int64_t due_ns;    /* nothing to do before this */
    uint32_t held_in;  /* the caller's: where it was held last */
};

/* What the caller does for asks_step. */
struct asks_shell {
    void *context;
    /* Whether a UDP probe to the address may go out now. */
    enum ask_permit (*permit)(void *context, struct asks_entry *entry, int64_t now_ns);
    /* When the next probe may go out; in the past for at once. */
    int64_t (*open_ns)(void *context);
    /* Sends; 0 or errno. `udp`: the probe takes the token that was permitted. */
    int (*send)(void *context, const struct asks_entry *entry, const uint8_t *packet, size_t length,
                bool udp);
};

struct asks *asks_new(void); /* NULL without memory */
void asks_free(struct asks *asks);

/* The ask about this address, or NULL. */
struct asks_entry *asks_find(const struct asks *asks, const struct ipaddr *address, uint32_t scope);

/* Where ASKS_MAX addresses are there, forgets the one that was left first by its last user, and
 * tells which; false where none was. */
bool asks_make_room(struct asks *asks, struct ipaddr *forgotten);

/* A new one, begun, with one user; NULL without memory or beyond ASKS_MAX. */
struct asks_entry *asks_add(struct asks *asks, const struct ask_config *config, bool active,
                            uint32_t scope, const void *way, int64_t now_ns);

/* One more user of it, see ask_renew. */
void asks_join(struct asks *asks, struct asks_entry *entry, bool active, int64_t now_ns);

/* One user less. The entry stays until its room is needed: what it has asked is not asked again. */
void asks_leave(struct asks *asks, struct asks_entry *entry);

/* Hands an answer to its ask; false if it is none's. */
bool asks_reply(struct asks *asks, const struct wire_packet *packet,
                const struct evidence_capture *capture);

/* Lets all act that are due; at most `sends` probes go out. Asks that nobody wanted for `lease_ns`
 * send nothing. Returns when to be called again. */
int64_t asks_step(struct asks *asks, const struct asks_shell *shell, int64_t lease_ns,
                  int64_t now_ns, int sends);

#endif
