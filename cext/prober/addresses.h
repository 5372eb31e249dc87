/* SPDX-License-Identifier: BSD-2-Clause */
/* The fingerprinting of all addresses of a process, one entry per address. Later requests for an
 * address share its replies, so no address ever gets more than FINGERPRINT_PROBES probes. Pure: the
 * caller provides a function that sends. */
#ifndef MTR_PROBER_ADDRESSES_H
#define MTR_PROBER_ADDRESSES_H

#include "base/bound.h"
#include "discovery/fingerprint.h"

enum { ADDRESSES_MAX = BOUND(16384, 4) }; /* addresses; see addresses_make_room */

struct addresses;

struct addresses_entry {
    struct addresses_entry *next, *bucket_next;
    struct addresses_entry *older, *newer; /* without users: ordered by when the last one left */
    bool is_open;
    struct fingerprint fingerprint;
    const void *sender; /* the caller's egress socket */
    uint32_t scope;     /* zone of a link-local address */
    uint32_t users;
    int64_t wanted_ns; /* last poll by a user */
    int64_t due_ns;    /* earliest time with work to do */
    uint32_t held_in;  /* set by the caller when it delays a UDP probe */
};

/* Functions of the caller for addresses_step. */
struct addresses_shell {
    void *context;
    /* Returns whether a UDP probe to the address may be sent now. */
    enum fingerprint_permit (*permit)(void *context, struct addresses_entry *entry, int64_t now_ns);
    /* Returns the earliest time of the next probe, which may be past. */
    int64_t (*open_ns)(void *context);
    /* Sends; returns 0 or errno. `udp`: the probe uses the token that `permit` has granted. */
    int (*send)(void *context, const struct addresses_entry *entry, const uint8_t *packet,
                size_t length, bool udp);
};

struct addresses *addresses_new(void); /* NULL if out of memory */
void addresses_free(struct addresses *addresses);

/* Returns the entry of an address, or NULL. */
struct addresses_entry *addresses_find(const struct addresses *addresses,
                                       const struct ipaddr *address, uint32_t scope);

/* If there are ADDRESSES_MAX entries, removes the one that has been without users the longest and
 * writes its address. Returns false if none was removed. */
bool addresses_make_room(struct addresses *addresses, struct ipaddr *removed);

/* Adds an entry with one user. Returns NULL if out of memory or beyond ADDRESSES_MAX. */
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
