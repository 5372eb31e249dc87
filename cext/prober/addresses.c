/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/addresses.h"

#include "base/units.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS = BOUND(1024, 8), PACKET_MAX = 128 };

static const int64_t pause_check_ns = 50 * MS;

struct asks {
    struct asks_entry *open; /* not done; the others are in their buckets only */
    struct asks_entry *buckets[BUCKETS];
    struct asks_entry *oldest, *newest; /* without users */
    size_t count;
};

struct asks *asks_new(void)
{
    return calloc(1, sizeof(struct asks));
}

void asks_free(struct asks *asks)
{
    if (asks == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct asks_entry *e = asks->buckets[i], *next; e != NULL; e = next) {
            next = e->bucket_next;
            ask_fini(&e->ask);
            free(e);
        }
    }
    free(asks);
}

static size_t bucket_of(const struct ipaddr *address)
{
    uint32_t hash = 0;

    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = hash * 33 + address->bytes[i];
    return (hash ^ hash >> 10) % BUCKETS;
}

struct asks_entry *asks_find(const struct asks *asks, const struct ipaddr *address, uint32_t scope)
{
    struct asks_entry *e = asks->buckets[bucket_of(address)];

    while (e != NULL && (e->scope != scope || !ipaddr_equal(&e->ask.config.target, address)))
        e = e->bucket_next;
    return e;
}

static void open_entry(struct asks *asks, struct asks_entry *e)
{
    e->is_open = true;
    e->next = asks->open;
    asks->open = e;
}

/* ---- those without users, in the order in which they were left ----------------------------- */

static void add_idle(struct asks *asks, struct asks_entry *e)
{
    e->older = asks->newest;
    e->newer = NULL;
    *(e->older != NULL ? &e->older->newer : &asks->oldest) = e;
    asks->newest = e;
}

static void take_idle(struct asks *asks, struct asks_entry *e)
{
    *(e->older != NULL ? &e->older->newer : &asks->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &asks->newest) = e->older;
    e->older = e->newer = NULL;
}

static void forget(struct asks *asks, struct asks_entry *e)
{
    struct asks_entry **link = &asks->buckets[bucket_of(&e->ask.config.target)];

    take_idle(asks, e);
    while (*link != e)
        link = &(*link)->bucket_next;
    *link = e->bucket_next;
    asks->count--;
    ask_fini(&e->ask);
    free(e);
}

bool asks_make_room(struct asks *asks, struct ipaddr *forgotten)
{
    struct asks_entry *e = asks->oldest;

    if (asks->count < ASKS_MAX)
        return false;
    while (e != NULL && e->is_open) /* the next asks_step ends it */
        e = e->newer;
    if (e == NULL)
        return false;
    *forgotten = e->ask.config.target;
    forget(asks, e);
    return true;
}

/* ---- asks ---------------------------------------------------------------------------------- */

struct asks_entry *asks_add(struct asks *asks, const struct ask_config *config, bool active,
                            uint32_t scope, const void *way, int64_t now_ns)
{
    struct asks_entry *e = asks->count < ASKS_MAX ? calloc(1, sizeof *e) : NULL;
    size_t bucket = bucket_of(&config->target);

    if (e == NULL)
        return NULL;
    ask_init(&e->ask, config, active, now_ns);
    e->scope = scope;
    e->way = way;
    e->wanted_ns = now_ns;
    e->users = 1;
    e->bucket_next = asks->buckets[bucket];
    asks->buckets[bucket] = e;
    asks->count++;
    open_entry(asks, e);
    return e;
}

void asks_join(struct asks *asks, struct asks_entry *entry, bool active, int64_t now_ns)
{
    if (entry->users == 0)
        take_idle(asks, entry);
    ask_renew(&entry->ask, active, now_ns);
    entry->users++;
    entry->wanted_ns = now_ns;
    entry->due_ns = 0;
    if (!entry->is_open && !ask_done(&entry->ask))
        open_entry(asks, entry);
}

void asks_leave(struct asks *asks, struct asks_entry *entry)
{
    assert(entry->users > 0);
    if (--entry->users > 0)
        return;
    ask_abandon(&entry->ask);
    add_idle(asks, entry);
}

bool asks_reply(struct asks *asks, const struct wire_packet *packet,
                const struct evidence_capture *capture)
{
    struct asks_entry *e = asks->buckets[bucket_of(&packet->probe.target)];

    while (e != NULL && !ask_reply(&e->ask, packet, capture))
        e = e->bucket_next;
    if (e != NULL)
        e->due_ns = 0; /* it may be done now */
    return e != NULL;
}

/* Returns how many probes went out. */
static int step(struct asks_entry *e, const struct asks_shell *shell, int64_t now_ns, int sends)
{
    uint8_t packet[PACKET_MAX];
    size_t length, number;
    int sent = 0;

    while (sent < sends && shell->open_ns(shell->context) <= now_ns) {
        enum ask_permit permit = ASK_FREE;
        if (ask_needs_permit(&e->ask, now_ns))
            permit = shell->permit(shell->context, e, now_ns);
        length = ask_next(&e->ask, permit, now_ns, packet, &number);
        if (length == 0)
            break;
        if (shell->send(shell->context, e, packet, length, ask_is_udp(number)) != 0)
            ask_send_failed(&e->ask, number);
        sent++;
    }
    return sent;
}

/* When it wants the next turn; INT64_MAX once it is done. */
static int64_t next_turn(const struct asks_entry *e, const struct asks_shell *shell, bool paused,
                         int64_t now_ns)
{
    if (ask_done(&e->ask))
        return INT64_MAX;
    int64_t due = ask_due(&e->ask, now_ns), open_ns = shell->open_ns(shell->context);
    if (due < open_ns)
        due = open_ns;
    return paused && due < now_ns + pause_check_ns ? now_ns + pause_check_ns : due;
}

int64_t asks_step(struct asks *asks, const struct asks_shell *shell, int64_t lease_ns,
                  int64_t now_ns, int sends)
{
    int64_t due_ns = INT64_MAX;

    for (struct asks_entry **link = &asks->open; *link != NULL;) {
        struct asks_entry *e = *link;
        if (e->due_ns <= now_ns) {
            bool paused = now_ns - e->wanted_ns > lease_ns;
            ask_expire(&e->ask, now_ns);
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
