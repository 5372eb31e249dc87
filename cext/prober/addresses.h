/* SPDX-License-Identifier: BSD-2-Clause */
/* The fingerprinting of all addresses of a process, one entry per address. Later requests for an
 * address share its replies, so no address ever gets more than FINGERPRINT_PROBES probes. Pure:
 * probes are sent through a function of the caller's. */
#ifndef MTR_PROBER_ADDRESSES_H
#define MTR_PROBER_ADDRESSES_H

#include "base/bound.h"
#include "discovery/fingerprint.h"

enum { ADDRESSES_MAX = BOUND(16384, 4) }; /* addresses; see addresses_make_room */

struct addresses;

struct addresses_entry {
    struct addresses_entry *next, *bucket_next;
    struct addresses_entry *older, *newer; /* entries without users, by when the last one left */
    bool is_open;
    struct fingerprint fingerprint;
    const void *sender; /* the caller's egress socket */
    uint32_t scope;     /* zone of a link-local address */
    uint32_t users;
    int64_t wanted_ns; /* when a user last polled it */
    int64_t due_ns;    /* nothing to do before this */
    uint32_t held_in;  /* the caller's: when a UDP probe was last held back */
};

/* What the caller does for addresses_step. */
struct addresses_shell {
    void *context;
    /* Whether a UDP probe to the address may go out now. */
    enum fingerprint_permit (*permit)(void *context, struct addresses_entry *entry, int64_t now_ns);
    /* When the next probe may go out; in the past for at once. */
    int64_t (*open_ns)(void *context);
    /* Sends; 0 or errno. `udp`: the probe takes the token that was permitted. */
    int (*send)(void *context, const struct addresses_entry *entry, const uint8_t *packet,
                size_t length, bool udp);
};

struct addresses *addresses_new(void); /* NULL without memory */
void addresses_free(struct addresses *addresses);

/* The entry of this address, or NULL. */
struct addresses_entry *addresses_find(const struct addresses *addresses,
                                       const struct ipaddr *address, uint32_t scope);

/* If there are ADDRESSES_MAX entries, removes the one that has been without users the longest and
 * writes its address. Returns false if none was removed. */
bool addresses_make_room(struct addresses *addresses, struct ipaddr *forgotten);

/* A new entry with one user. Returns NULL without memory or beyond ADDRESSES_MAX. */
struct addresses_entry *addresses_add(struct addresses *addresses,
                                      const struct fingerprint_config *config, bool active,
                                      uint32_t scope, const void *sender, int64_t now_ns);

/* Adds a user; see fingerprint_renew. */
void addresses_join(struct addresses *addresses, struct addresses_entry *entry, bool active,
                    int64_t now_ns);

/* Removes a user. The entry stays until its room is needed, so no probe is sent twice. */
void addresses_leave(struct addresses *addresses, struct addresses_entry *entry);

/* Gives a reply to its entry. Returns false if it belongs to none. */
bool addresses_reply(struct addresses *addresses, const struct wire_packet *packet,
                     const struct evidence_capture *capture);

/* Steps all entries that are due and sends at most `sends` probes. An entry that was not polled for
 * `lease_ns` sends nothing. Returns when to be called again. */
int64_t addresses_step(struct addresses *addresses, const struct addresses_shell *shell,
                       int64_t lease_ns, int64_t now_ns, int sends);

#endif
