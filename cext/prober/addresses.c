/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/addresses.h"

#include "base/units.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS = BOUND(1024, 8), PACKET_MAX = 128 };

static const int64_t pause_check_ns = 50 * MS;

struct addresses {
    struct addresses_entry *open; /* unfinished entries; finished ones are in `buckets` only */
    struct addresses_entry *buckets[BUCKETS];
    struct addresses_entry *oldest, *newest; /* entries without users */
    size_t count;
};

struct addresses *addresses_new(void)
{
    return calloc(1, sizeof(struct addresses));
}

void addresses_free(struct addresses *addresses)
{
    if (addresses == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct addresses_entry *e = addresses->buckets[i], *next; e != NULL; e = next) {
            next = e->bucket_next;
            fingerprint_fini(&e->fingerprint);
            free(e);
        }
    }
    free(addresses);
}

static size_t bucket_of(const struct ipaddr *address)
{
    uint32_t hash = 0;

    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = hash * 33 + address->bytes[i];
    return (hash ^ hash >> 10) % BUCKETS;
}

struct addresses_entry *addresses_find(const struct addresses *addresses,
                                       const struct ipaddr *address, uint32_t scope)
{
    struct addresses_entry *e = addresses->buckets[bucket_of(address)];

    while (e != NULL &&
           (e->scope != scope || !ipaddr_equal(&e->fingerprint.config.target, address)))
        e = e->bucket_next;
    return e;
}

static void open_entry(struct addresses *addresses, struct addresses_entry *e)
{
    e->is_open = true;
    e->next = addresses->open;
    addresses->open = e;
}

/* ---- entries without users, in the order in which the last user left ----------------------- */

static void add_idle(struct addresses *addresses, struct addresses_entry *e)
{
    e->older = addresses->newest;
    e->newer = NULL;
    *(e->older != NULL ? &e->older->newer : &addresses->oldest) = e;
    addresses->newest = e;
}

static void take_idle(struct addresses *addresses, struct addresses_entry *e)
{
    *(e->older != NULL ? &e->older->newer : &addresses->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &addresses->newest) = e->older;
    e->older = e->newer = NULL;
}

static void forget(struct addresses *addresses, struct addresses_entry *e)
{
    struct addresses_entry **link = &addresses->buckets[bucket_of(&e->fingerprint.config.target)];

    take_idle(addresses, e);
    while (*link != e)
        link = &(*link)->bucket_next;
    *link = e->bucket_next;
    addresses->count--;
    fingerprint_fini(&e->fingerprint);
    free(e);
}

bool addresses_make_room(struct addresses *addresses, struct ipaddr *removed)
{
    struct addresses_entry *e = addresses->oldest;

    if (addresses->count < ADDRESSES_MAX)
        return false;
    while (e != NULL && e->is_open) /* the next addresses_step finishes such an entry */
        e = e->newer;
    if (e == NULL)
        return false;
    *removed = e->fingerprint.config.target;
    forget(addresses, e);
    return true;
}

/* ---- entries ------------------------------------------------------------------------------- */

struct addresses_entry *addresses_add(struct addresses *addresses,
                                      const struct fingerprint_config *config, bool active,
                                      uint32_t scope, const void *sender, int64_t now_ns)
{
    struct addresses_entry *e = addresses->count < ADDRESSES_MAX ? calloc(1, sizeof *e) : NULL;
    size_t bucket = bucket_of(&config->target);

    if (e == NULL)
        return NULL;
    fingerprint_init(&e->fingerprint, config, active, now_ns);
    e->scope = scope;
    e->sender = sender;
    e->wanted_ns = now_ns;
    e->users = 1;
    e->bucket_next = addresses->buckets[bucket];
    addresses->buckets[bucket] = e;
    addresses->count++;
    open_entry(addresses, e);
    return e;
}

void addresses_join(struct addresses *addresses, struct addresses_entry *entry, bool active,
                    int64_t now_ns)
{
    if (entry->users == 0)
        take_idle(addresses, entry);
    fingerprint_renew(&entry->fingerprint, active, now_ns);
    entry->users++;
    entry->wanted_ns = now_ns;
    entry->due_ns = 0;
    if (!entry->is_open && !fingerprint_done(&entry->fingerprint))
        open_entry(addresses, entry);
}

void addresses_leave(struct addresses *addresses, struct addresses_entry *entry)
{
    assert(entry->users > 0);
    if (--entry->users > 0)
        return;
    fingerprint_abandon(&entry->fingerprint);
    add_idle(addresses, entry);
}

bool addresses_reply(struct addresses *addresses, const struct wire_packet *packet,
                     const struct evidence_capture *capture)
{
    struct addresses_entry *e = addresses->buckets[bucket_of(&packet->probe.target)];

    while (e != NULL && !fingerprint_reply(&e->fingerprint, packet, capture))
        e = e->bucket_next;
    if (e != NULL)
        e->due_ns = 0; /* the reply may have been the last */
    return e != NULL;
}

/* Returns the number of probes sent. */
static int step(struct addresses_entry *e, const struct addresses_shell *shell, int64_t now_ns,
                int sends)
{
    uint8_t packet[PACKET_MAX];
    size_t length, number;
    int sent = 0;

    while (sent < sends && shell->open_ns(shell->context) <= now_ns) {
        enum fingerprint_permit permit = FINGERPRINT_FREE;
        if (fingerprint_needs_permit(&e->fingerprint, now_ns))
            permit = shell->permit(shell->context, e, now_ns);
        length = fingerprint_next(&e->fingerprint, permit, now_ns, packet, &number);
        if (length == 0)
            break;
        if (shell->send(shell->context, e, packet, length, fingerprint_is_udp(number)) != 0)
            fingerprint_send_failed(&e->fingerprint, number);
        sent++;
    }
    return sent;
}

/* Returns the time of the next turn; INT64_MAX once the entry is done. */
static int64_t next_turn(const struct addresses_entry *e, const struct addresses_shell *shell,
                         bool paused, int64_t now_ns)
{
    if (fingerprint_done(&e->fingerprint))
        return INT64_MAX;
    int64_t due = fingerprint_due(&e->fingerprint, now_ns),
            open_ns = shell->open_ns(shell->context);
    if (due < open_ns)
        due = open_ns;
    return paused && due < now_ns + pause_check_ns ? now_ns + pause_check_ns : due;
}

int64_t addresses_step(struct addresses *addresses, const struct addresses_shell *shell,
                       int64_t lease_ns, int64_t now_ns, int sends)
{
    int64_t due_ns = INT64_MAX;

    for (struct addresses_entry **link = &addresses->open; *link != NULL;) {
        struct addresses_entry *e = *link;
        if (e->due_ns <= now_ns) {
            bool paused = now_ns - e->wanted_ns > lease_ns;
            fingerprint_expire(&e->fingerprint, now_ns);
            if (!paused)
                sends -= step(e, shell, now_ns, sends);
            e->due_ns = next_turn(e, shell, paused, now_ns);
        }
        if (e->due_ns == INT64_MAX) {
            *link = e->next;
            e->is_open = false;
            continue;
        }
        if (e->due_ns < due_ns)
            due_ns = e->due_ns;
        link = &e->next;
    }
    return due_ns;
}
