/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads captured packets and delivers each to its trace or search. An attacker who floods this host
 * determines their number, so a turn reads a bounded number without the lock, and each packet costs
 * a bounded number of look-ups, regardless of the number of traces. */
#include "prober/inside.h"

#include "base/units.h"
#include "engine/match.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 256,          /* packets read in a turn */
    BATCH_BYTES = 1600,   /* of a packet: more than SNAP_LENGTH of the capture */
    STALE_BATCHES = 256,  /* most batches discarded when the first trace begins */
    TRANSLATED_FLOWS = 8, /* first flows for which ICMP identifiers rewritten by NAT are found */
    SEQ_EPOCH_BITS = 20,  /* of TCP sequence numbers: more than a trace's kept probes cover */
};

static const int64_t clock_adjustment_ns = 1 * MS;
/* A reply may permit further probes. The replies to a round of probes arrive close together, so the
 * job waits briefly for the others. */
static const int64_t gather_ns = MS / 2;

/* The keys of a packet: by its fields as sent, by the target's address, by the trace's secret. */
struct keys {
    uint32_t as_sent[2 + TRANSLATED_FLOWS], address, secret[1 + PAYLOAD_COUNT];
    int as_sents, secrets;
};

/* A packet that may belong to a trace, a search or fingerprinting. */
struct captured {
    struct wire_packet packet;
    struct trace_stamp stamp;
    struct evidence_capture capture;
    bool outgoing;
    struct keys keys;
    uint8_t bytes[BATCH_BYTES];
};

struct prober_batch {
    struct captured packets[BATCH];
    int count;
    int64_t last_ns; /* monotonic timestamp of the last packet read, kept or not */
    bool began;      /* a packet was read */
};

/* ---- the owner of a packet ----------------------------------------------------------------- */

/* The fields that make a key. */
enum key_kind {
    KEY_ICMP,    /* the ICMP identifier */
    KEY_FLOW,    /* target and both ports, of a trace */
    KEY_TARGET,  /* target and its port: of a search, which has many flows, and of UDP, whose
                  * source port a NAT may rewrite */
    KEY_SECRET,  /* the trace's half of the cookie, which no NAT rewrites */
    KEY_SEQ,     /* the upper bits of the TCP sequence number, which few NATs rewrite */
    KEY_ADDRESS, /* the target of fingerprinting probes; has no entry in a bucket */
};

static uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * UINT32_C(0x9e3779b1);
    return hash ^ hash >> 15;
}

static uint32_t key_of(enum key_kind kind, const struct ipaddr *target, uint16_t target_port,
                       uint32_t detail)
{
    uint32_t hash = mix(mix((uint32_t)kind, detail), target_port);

    for (size_t i = 0; target != NULL && i < sizeof target->bytes; i += 4) {
        const uint8_t *b = &target->bytes[i];
        hash = mix(hash, (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
    }
    return hash;
}

static uint32_t key_as_sent(const struct wire_spec *spec, const uint16_t *flow)
{
    if (spec->protocol == WIRE_ICMP)
        return key_of(KEY_ICMP, NULL, 0, spec->ident);
    if (flow == NULL)
        return key_of(KEY_TARGET, &spec->target, spec->target_port, spec->protocol);
    return key_of(KEY_FLOW, &spec->target, spec->target_port,
                  (uint32_t)spec->protocol << 16 | (uint16_t)(spec->source_port + *flow));
}

static uint32_t key_of_seq(uint32_t epoch)
{
    return key_of(KEY_SEQ, NULL, 0, epoch & ((1U << (32 - SEQ_EPOCH_BITS)) - 1));
}

static uint32_t key_of_secret(const struct wire_spec *spec, uint32_t number)
{
    if (spec->protocol != WIRE_TCP)
        return key_of(KEY_SECRET, NULL, spec->protocol, wire_cookie(spec, number) >> 16);
    return key_of_seq(wire_tcp_seq(spec, number) >> SEQ_EPOCH_BITS);
}

static _Atomic uint16_t *interest_in(struct prober *p, uint32_t key)
{
    return &p->interest[key % PROBER_INTEREST];
}

static void insert(struct prober *p, struct prober_entry *entry, uint32_t key)
{
    struct prober_entry **bucket = &p->buckets[key % PROBER_BUCKETS];

    atomic_fetch_add(interest_in(p, key), 1);
    entry->key = key;
    entry->next = *bucket;
    *bucket = entry;
}

static void take_out(struct prober *p, struct prober_entry *entry)
{
    struct prober_entry **link = &p->buckets[entry->key % PROBER_BUCKETS];

    while (*link != entry) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = entry->next;
    atomic_fetch_sub(interest_in(p, entry->key), 1);
}

void prober_expect(struct prober *p, const struct ipaddr *address, bool is_expected)
{
    _Atomic uint16_t *interest = interest_in(p, key_of(KEY_ADDRESS, address, 0, 0));

    if (is_expected)
        atomic_fetch_add(interest, 1);
    else
        atomic_fetch_sub(interest, 1);
}

void prober_enlist(struct prober *p, struct prober_entries *entries, struct prober_owner owner,
                   const struct wire_spec *spec, const uint16_t *flow)
{
    entries->as_sent.owner = entries->by_secret.owner = entries->by_target.owner = owner;
    entries->has_target = flow != NULL && spec->protocol == WIRE_UDP;
    entries->ident = spec->ident;
    p->idents[spec->ident / 8] |= (uint8_t)(1U << spec->ident % 8);
    insert(p, &entries->as_sent, key_as_sent(spec, flow));
    insert(p, &entries->by_secret, key_of_secret(spec, 0));
    if (entries->has_target)
        insert(p, &entries->by_target, key_as_sent(spec, NULL));
}

void prober_relist(struct prober *p, struct prober_entries *entries, const struct wire_spec *spec,
                   uint32_t number)
{
    uint32_t key = key_of_secret(spec, number);

    if (spec->protocol != WIRE_TCP || key == entries->by_secret.key)
        return;
    take_out(p, &entries->by_secret);
    insert(p, &entries->by_secret, key);
}

void prober_delist(struct prober *p, struct prober_entries *entries)
{
    take_out(p, &entries->as_sent);
    take_out(p, &entries->by_secret);
    if (entries->has_target)
        take_out(p, &entries->by_target);
    p->idents[entries->ident / 8] &= (uint8_t) ~(1U << entries->ident % 8);
}

/* Adds a key for each place where a probe may have the trace's half of the cookie: the packet alone
 * may not reveal its kind of payload. UDP has several kinds. Probes with a file are found by their
 * ports. */
static void add_secrets(struct keys *keys, const struct wire_ids *ids)
{
    int kinds = ids->protocol == WIRE_UDP ? PAYLOAD_FILE : PAYLOAD_PLAIN + 1;

    for (int payload = PAYLOAD_PLAIN; payload < kinds; payload++) {
        struct wire_ids its = *ids;
        if (wire_ids_of((enum wire_payload)payload, NULL, &its) && its.cookie_bytes == WIRE_COOKIE)
            keys->secret[keys->secrets++] =
                key_of(KEY_SECRET, NULL, its.protocol, its.cookie >> 16);
    }
}

/* Makes the keys of a probe or a reply. A NAT may have rewritten all fields but the secret. The
 * entry of a TCP trace follows its newest probe, which may be one epoch ahead of the quoted one. */
static struct keys keys_of(const struct wire_packet *packet)
{
    const struct wire_ids *ids = &packet->probe;
    const struct wire_spec spec = { .protocol = ids->protocol,
                                    .target = ids->target,
                                    .source_port = ids->source_port,
                                    .target_port = ids->target_port,
                                    .ident = ids->ident };
    const uint16_t flow = 0; /* spec.source_port already includes the flow */
    uint32_t epoch = ids->tcp_seq >> SEQ_EPOCH_BITS;
    struct keys keys = { .address = key_of(KEY_ADDRESS, &ids->target, 0, 0) };

    keys.as_sent[keys.as_sents++] = key_as_sent(&spec, &flow);
    if (ids->protocol != WIRE_ICMP)
        keys.as_sent[keys.as_sents++] = key_as_sent(&spec, NULL);
    else if (packet->quote.length > 0 && ids->cookie_bytes < WIRE_COOKIE)
        for (int of = 0; of < TRANSLATED_FLOWS; of++)
            keys.as_sent[keys.as_sents++] =
                key_of(KEY_ICMP, NULL, 0, match_sent_ident(packet, (uint16_t)of));
    if (ids->protocol == WIRE_TCP) {
        keys.secret[keys.secrets++] = key_of_seq(epoch);
        keys.secret[keys.secrets++] = key_of_seq(epoch + 1);
    } else {
        add_secrets(&keys, ids);
    }
    return keys;
}

/* Returns whether the packet may have an owner. No lock is needed: owners are enlisted before they
 * send their first probe, so no reply is missed. */
static bool is_wanted(struct prober *p, const struct keys *keys)
{
    unsigned interest = atomic_load(interest_in(p, keys->address));

    for (int i = 0; i < keys->as_sents; i++)
        interest |= atomic_load(interest_in(p, keys->as_sent[i]));
    for (int i = 0; i < keys->secrets; i++)
        interest |= atomic_load(interest_in(p, keys->secret[i]));
    return interest != 0;
}

/* ---- delivery, under the lock -------------------------------------------------------------- */

static void wake_by(struct prober *p, struct prober_job *job, int64_t at_ns)
{
    if (job->due.at_ns > at_ns && job->due.at_ns > p->now_ns)
        dues_set(&p->dues, &job->due, at_ns > p->now_ns ? at_ns : p->now_ns);
}

static void wake_job(struct prober *p, struct prober_job *job)
{
    wake_by(p, job, p->now_ns + gather_ns);
}

static bool deliver_own(struct prober *p, struct prober_job *job, const struct captured *c)
{
    int64_t deadline_ns = trace_seen(job->trace, &c->packet, c->stamp);

    if (deadline_ns != 0)
        wake_by(p, job, deadline_ns); /* not seen, it would have had longer */
    return deadline_ns != 0;
}

/* Returns whether a segment belongs to the job's connection. A received segment is compared with
 * the source address after this host's own NAT. */
static bool is_in_flow(const struct prober_job *job, const struct wire_ids *ids, bool outgoing)
{
    const struct trace_config *config = trace_config(job->trace);
    const struct wire_spec *spec = &config->spec;

    return ids->protocol == WIRE_TCP && ids->target_port == spec->target_port &&
           (uint16_t)(ids->source_port - spec->source_port) == config->flow &&
           ipaddr_equal(&ids->target, &spec->target) &&
           (outgoing || ipaddr_equal(&ids->source, &job->session->machine.source));
}

static bool deliver_to_job(struct prober *p, struct prober_job *job, const struct captured *c)
{
    if (job->session != NULL && is_in_flow(job, &c->packet.probe, c->outgoing)) {
        struct session *machine = &job->session->machine;
        if (c->outgoing)
            session_sent(machine, &c->packet);
        else
            session_received(machine, &c->packet, c->stamp.seen_ns);
        wake_job(p, job);
    }
    if (c->outgoing)
        return deliver_own(p, job, c);
    job->capture = &c->capture;
    bool taken = trace_reply(job->trace, &c->packet, c->stamp, c->stamp.seen_ns);
    job->capture = NULL;
    if (taken)
        wake_job(p, job);
    return taken;
}

static bool search_takes(struct prober *p, struct prober_search *search,
                         const struct wire_packet *packet, bool outgoing)
{
    return outgoing ? search->search.ops->seen(search->search.state, packet)
                    : search->search.ops->reply(search->search.state, packet, p->now_ns);
}

static bool deliver_by(struct prober *p, uint32_t key, const struct captured *c)
{
    const struct prober_entry *e = p->buckets[key % PROBER_BUCKETS];

    for (; e != NULL; e = e->next)
        if (e->key == key &&
            (e->owner.job != NULL ? deliver_to_job(p, e->owner.job, c)
                                  : search_takes(p, e->owner.search, &c->packet, c->outgoing)))
            return true;
    return false;
}

static bool deliver_by_any(struct prober *p, const uint32_t *keys, int count,
                           const struct captured *c)
{
    for (int i = 0; i < count; i++)
        if (deliver_by(p, keys[i], c))
            return true;
    return false;
}

void prober_deliver(struct prober *p)
{
    const struct prober_batch *batch = p->batch;

    for (int i = 0; i < batch->count; i++) {
        const struct captured *c = &batch->packets[i];
        if (deliver_by_any(p, c->keys.as_sent, c->keys.as_sents, c) ||
            (!c->outgoing && addresses_reply(p->addresses, &c->packet, &c->capture)))
            continue;
        deliver_by_any(p, c->keys.secret, c->keys.secrets, c);
    }
}

/* ---- reading, on the thread only ----------------------------------------------------------- */

/* Begins a new epoch when CLOCK_REALTIME was adjusted. Called after the kernel has stamped a
 * packet, so that no new timestamp is assigned to an older epoch. */
static void watch_clock(struct prober *p)
{
    int64_t before = prober_clock_ns();
    int64_t offset = prober_wall_ns() - before;

    p->packet_ns = before;
    if (prober_clock_ns() - before > clock_adjustment_ns / 10)
        return; /* preempted between the readings: the next packet repeats them */
    int64_t change = offset - p->clock_offset_ns;
    if (change > clock_adjustment_ns || change < -clock_adjustment_ns)
        p->clock_epoch++;
    p->clock_offset_ns = offset;
}

/* Most packets of a flood have no owner and are discarded after the look-up of their keys. */
static void on_packet(void *context, const struct capture_packet *captured)
{
    struct prober *p = context;
    struct prober_batch *batch = p->batch;
    struct captured *c = &batch->packets[batch->count];

    if (!batch->began)
        watch_clock(p);
    batch->began = true;
    batch->last_ns = captured->stamp_ns - p->clock_offset_ns;
    if (captured->captured > BATCH_BYTES ||
        wire_read(captured->bytes, captured->captured, &c->packet) != WIRE_OK)
        return;
    if (!captured->outgoing)
        (void)wire_to_file_reply(&c->packet);
    bool probe = c->packet.kind == WIRE_PROBE;
    c->packet.rebuilt = captured->rebuilt;
    if (probe != captured->outgoing && !(probe && captured->loopback))
        return; /* only outgoing probes and incoming replies count */
    c->keys = keys_of(&c->packet);
    bool checked = probe || captured->rebuilt; /* the kernel has verified its checksums */
    if (!is_wanted(p, &c->keys) ||
        (!checked && wire_is_damaged(captured->bytes, captured->captured)))
        return;
    watch_clock(p);
    batch->last_ns = captured->stamp_ns - p->clock_offset_ns;
    memcpy(c->bytes, captured->bytes, captured->captured);
    c->capture = (struct evidence_capture){ c->bytes, batch->last_ns };
    c->stamp =
        (struct trace_stamp){ captured->stamp_ns, p->clock_epoch, captured->link, p->packet_ns };
    c->outgoing = probe;
    assert(batch->count < BATCH);
    batch->count++;
}

/* Sockets are read one after the other, so older packets may wait in other sockets. plain_read
 * therefore returns the time until which all packets have been read. */
static bool read_plain(struct prober *p)
{
    int64_t read_until_ns = plain_read(p->plain, BATCH, on_packet, p);

    if (read_until_ns > p->read_until_ns)
        p->read_until_ns = read_until_ns;
    return read_until_ns == 0;
}

bool prober_read_batch(struct prober *p)
{
    int64_t before_ns = prober_clock_ns();

    p->batch->count = 0;
    p->batch->began = false;
    if (p->plain != NULL)
        return read_plain(p);
    bool more = capture_read(p->capture, BATCH, on_packet, p) == BATCH;
    int64_t read_until_ns = more ? p->batch->last_ns : before_ns;
    if (read_until_ns > before_ns)
        read_until_ns = before_ns;
    p->read_until_ns = read_until_ns > p->read_until_ns ? read_until_ns : p->read_until_ns;
    return more;
}

void prober_skip_stale(struct prober *p)
{
    for (int i = 0; i < STALE_BATCHES && prober_read_batch(p); i++)
        continue;
    p->batch->count = 0;
}

struct prober_batch *prober_batch_new(void)
{
    return calloc(1, sizeof(struct prober_batch));
}
