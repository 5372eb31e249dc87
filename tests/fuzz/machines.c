/* SPDX-License-Identifier: BSD-2-Clause */
#include "machines_inside.h"

#include "labs.h"
#include "replay.h"
#include "reuse.h"

#include <stdlib.h>
#include <string.h>

static const int64_t held_ns = 30 * SECOND;

/* ---- packets -------------------------------------------------------------------------------- */

void machines_enqueue(struct machines *m, const struct flying *f)
{
    if (m->queued < QUEUE)
        m->queue[m->queued++] = *f;
}

static bool deliver_to(struct machines *m, struct slot *s, const struct flying *f)
{
    const struct evidence_capture capture = { m->raw, m->now_ns };
    struct trace_stamp stamp = { f->at_ns + m->wall_ns, m->epoch, f->link, m->now_ns };

    if (s->kind == MACHINE_NONE || s->stopped)
        return false;
    if (s->kind != MACHINE_TRACE)
        return s->ops->reply(s->state, &f->packet, m->now_ns);
    s->capture = &capture;
    bool taken = trace_reply(s->state, &f->packet, stamp, m->now_ns);
    s->capture = NULL;
    return taken;
}

static void deliver(struct machines *m, const struct flying *f)
{
    const struct evidence_capture capture = { m->raw, m->now_ns };
    int i = 0;

    while (i < SLOTS && !deliver_to(m, &m->slots[i], f))
        i++;
    m->counts->replies += i < SLOTS;
    if (i == SLOTS && m->addresses != NULL)
        m->counts->replies += addresses_reply(m->addresses, &f->packet, &capture);
}

static void deliver_due(struct machines *m)
{
    for (size_t i = 0; i < m->queued;) {
        if (m->queue[i].at_ns > m->now_ns) {
            i++;
            continue;
        }
        struct flying f = m->queue[i];
        m->queue[i] = m->queue[--m->queued];
        deliver(m, &f);
    }
}

/* The machine's packet leaves: seen by the capture as a rule, and answered as the network does. */
static void leave(struct machines *m, struct slot *s, const uint8_t *bytes, size_t length)
{
    struct trace_stamp stamp = { m->now_ns + m->wall_ns, m->epoch, 1, m->now_ns };
    struct flying f = { .link = 1 };
    struct wire_packet own;
    int64_t after_ns;

    m->counts->probes++;
    bool is_probe = wire_parse(bytes, length, &own) == WIRE_OK && own.kind == WIRE_PROBE;
    replay_require(is_probe || s == NULL, "what is sent is a probe");
    if (!is_probe)
        return; /* a TCP ACK of fingerprinting */
    m->last = own;
    if (s != NULL && s->kind == MACHINE_TRACE && source_below(&m->chance, 64) != 0)
        replay_require(trace_seen(s->state, &own, stamp) != 0, "a trace knows its own probe");
    if (!network_answer(&m->net, &m->chance, &own, m->now_ns, &f.packet, &after_ns))
        return;
    if (s != NULL && s->spec.in_session && s->kind == MACHINE_TRACE)
        machines_acknowledge(m, s, &own, &f.packet);
    bool is_held = own.ttl == m->held_ttl && network_flow(&own) != 0;
    f.at_ns = m->now_ns + after_ns + (is_held ? held_ns : 0);
    f.ttl = own.ttl;
    machines_enqueue(m, &f);
}

/* ---- turns ---------------------------------------------------------------------------------- */

/* What cannot be sent fails as the kernel would let it. */
static int send_error(struct machines *m)
{
    static const int errors[] = { 105 /* ENOBUFS */, 90 /* EMSGSIZE */, 101 /* ENETUNREACH */ };
    uint8_t byte = source_byte(&m->chance);
    return byte < 4 ? errors[byte % 3] : 0;
}

static void send_trace(struct machines *m, struct slot *s, const struct wire_probe *probe)
{
    uint8_t bytes[BYTES];
    size_t length = wire_build(&trace_config(s->state)->spec, probe, bytes);
    int error = send_error(m);

    if (error != 0)
        trace_send_failed(s->state, probe->number, error, m->now_ns);
    else
        leave(m, s, bytes, length);
}

static int64_t turn_trace(struct machines *m, struct slot *s)
{
    struct wire_probe probe;
    int64_t session_ns = s->spec.in_session ? machines_step_session(m, s) : INT64_MAX;

    trace_expire(s->state, m->now_ns, m->drops);
    for (int i = 0; i < m->sends && trace_next(s->state, m->now_ns, m->drops, &probe); i++)
        send_trace(m, s, &probe);
    int64_t due_ns = trace_done(s->state) ? INT64_MAX : trace_due(s->state);
    return due_ns < session_ns || trace_done(s->state) ? due_ns : session_ns;
}

static int64_t turn_search(struct machines *m, struct slot *s)
{
    uint8_t bytes[BYTES];
    uint32_t number;

    s->ops->expire(s->state, m->now_ns);
    for (int i = 0; i < m->sends; i++) {
        size_t length = s->ops->next(s->state, m->now_ns, bytes, &number);
        if (length == 0)
            break;
        int error = send_error(m);
        if (error != 0)
            s->ops->send_failed(s->state, number, error, m->now_ns);
        else
            leave(m, s, bytes, length);
    }
    return s->ops->done(s->state) ? INT64_MAX : s->ops->due(s->state);
}

static bool is_over(const struct slot *s)
{
    if (s->kind == MACHINE_NONE || s->stopped)
        return true;
    return s->kind == MACHINE_TRACE ? trace_done(s->state) : s->ops->done(s->state);
}

/* A machine that wants another turn at once, again and again, would never let the thread sleep. */
static int64_t turn(struct machines *m, struct slot *s)
{
    if (is_over(s))
        return INT64_MAX;
    int64_t due_ns = s->kind == MACHINE_TRACE ? turn_trace(m, s) : turn_search(m, s);
    m->counts->turns++;
    s->turns++;
    s->spins = s->spun_ns == m->now_ns && due_ns <= m->now_ns ? s->spins + 1 : 0;
    s->spun_ns = m->now_ns;
    replay_require(s->spins < SPINS, "a machine sleeps at last");
    return due_ns;
}

static enum fingerprint_permit permit(void *context, struct addresses_entry *entry, int64_t now_ns)
{
    struct machines *m = context;

    (void)entry, (void)now_ns;
    return (enum fingerprint_permit)source_below(&m->chance, 3);
}

static int64_t open_ns(void *context)
{
    const struct machines *m = context;
    return m->now_ns;
}

static int send_ask(void *context, const struct addresses_entry *entry, const uint8_t *packet,
                    size_t length, bool udp)
{
    struct machines *m = context;
    int error = send_error(m);

    (void)entry, (void)udp;
    if (error == 0)
        leave(m, NULL, packet, length);
    return error;
}

static int64_t turn_asks(struct machines *m)
{
    const struct addresses_shell shell = {
        .context = m, .permit = permit, .open_ns = open_ns, .send = send_ask
    };

    if (m->addresses == NULL)
        return INT64_MAX;
    int64_t due_ns = addresses_step(m->addresses, &shell, 1000 * SECOND, m->now_ns, m->sends);
    m->fingerprint_spins =
        m->polled_ns == m->now_ns && due_ns <= m->now_ns ? m->fingerprint_spins + 1 : 0;
    m->polled_ns = m->now_ns;
    replay_require(m->fingerprint_spins < SPINS, "fingerprinting sleeps at last");
    return due_ns;
}

/* Returns when something is due again. */
static int64_t turn_all(struct machines *m)
{
    int64_t due_ns = INT64_MAX;

    deliver_due(m);
    for (int i = 0; i < SLOTS; i++) {
        int64_t its_ns = turn(m, &m->slots[i]);
        due_ns = its_ns < due_ns ? its_ns : due_ns;
    }
    int64_t addresses_ns = turn_asks(m);
    due_ns = addresses_ns < due_ns ? addresses_ns : due_ns;
    for (size_t i = 0; i < m->queued; i++)
        due_ns = m->queue[i].at_ns < due_ns ? m->queue[i].at_ns : due_ns;
    return due_ns;
}

/* Lets time pass; one turn at least. In a brief run the host is too busy for more than a few. */
static void advance(struct machines *m, int64_t until_ns, int turns)
{
    if (m->plan.brief && turns > BRIEF_TURNS)
        turns = BRIEF_TURNS;
    for (; turns > 0; turns--) {
        int64_t due_ns = turn_all(m);
        if (due_ns > until_ns)
            break;
        m->now_ns = due_ns > m->now_ns ? due_ns : m->now_ns;
    }
    if ((turns > 0 || m->plan.brief) && until_ns > m->now_ns)
        m->now_ns = until_ns;
}

/* ---- starting and closing ------------------------------------------------------------------- */

static void on_event(void *context, const struct trace_event *event)
{
    struct slot *s = context;

    s->machines->counts->shared += event->shared;
    s->machines->counts->rate_limited += event->kind == EVENT_RATE_LIMITED;
    fates_event(&s->fates, event);
    counters_event(s->counters, event);
    evidence_event(s->evidence, s->state != NULL ? &trace_config(s->state)->spec : &s->spec, event,
                   s->capture);
}

static struct wire_spec choose_spec(struct machines *m, uint8_t byte)
{
    uint8_t version = byte & 1 ? 6 : 4;
    struct wire_spec spec = { .protocol = (enum wire_protocol)(byte / 2 % WIRE_PROTOCOL_COUNT) };

    spec.size = wire_size_default(spec.protocol, version);
    spec.first_index = (uint16_t)(65400 + byte);
    spec.tcp_base = 0xfffff000U + byte;
    spec.cookie = 0x6d54;
    spec.key = 0x1234567;
    ipaddr_from_text(&spec.source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&spec.target, version == 4 ? "10.99.0.1" : "2001:db8:99::1");
    if (spec.protocol == WIRE_ICMP) {
        spec.ident = (uint16_t)(1000 + m->counts->started[MACHINE_TRACE] % 60000);
    } else {
        spec.source_port = WIRE_SOURCE_PORT;
        spec.target_port = spec.protocol == WIRE_UDP ? WIRE_PORT_UDP : WIRE_PORT_TCP;
    }
    spec.in_session = spec.protocol == WIRE_TCP && (byte & 64) != 0;
    return spec;
}

static void start_trace(struct machines *m, struct slot *s)
{
    static const int64_t intervals[] = { 0, 10 * MS, 100 * MS, 1100 * MS };
    struct trace_config config = { .spec = s->spec, .timeout_ns = 5 * SECOND, .first_hop = 1 };
    uint8_t byte = source_byte(m->source);

    config.packets = 1 + byte % 8;
    config.interval_ns = intervals[byte / 8 % 4];
    config.max_hops = (uint8_t)((byte & 32) != 0 ? 3 : (byte & 64) != 0 ? 14 : 30);
    if (m->plan.brief)
        config.max_hops = (uint8_t)(1 + byte / 32 % 4);
    config.max_silent = (uint8_t)((byte & 128) != 0 ? 2 : 5);
    config.flow = (uint16_t)(source_byte(m->source) % 8);
    s->counters = counters_new(config.max_hops);
    s->evidence = evidence_new(config.max_hops);
    s->state = trace_new(&config, m->pace, m->now_ns, on_event, s, NULL);
    if (s->state != NULL && s->spec.in_session)
        machines_begin_session(m, s);
}

static void start_paths(struct machines *m, struct slot *s)
{
    struct mda_config config = { .spec = s->spec, .failure = 0.05, .first_hop = 1 };
    uint8_t byte = source_byte(m->source);

    config.timeout_ns = 2 * SECOND;
    config.max_hops = (uint8_t)((byte & 1) != 0 ? 4 : (byte & 2) != 0 ? 255 : 30);
    config.max_silent = 3;
    config.max_flows = (uint16_t)((byte & 4) != 0 ? 2 + byte / 8 : 64);
    config.max_probes = (byte & 128) != 0 ? 100 : 1000;
    if (m->plan.brief && config.max_hops != 4)
        config.max_hops = (uint8_t)((byte & 120) == 120 ? 255 : 6);
    s->ops = &mda_search;
    s->state = mda_new(&config, m->now_ns, NULL);
}

static void start_mtu(struct machines *m, struct slot *s)
{
    struct pmtu_config config = { .spec = s->spec, .timeout_ns = 2 * SECOND };
    uint8_t byte = source_byte(m->source);

    config.link_mtu = (uint16_t)((byte & 1) != 0 ? 1280 : 1500);
    config.max_hops = (uint8_t)((byte & 2) != 0 ? 5 : m->plan.brief ? 12 : 30);
    config.max_probes = (byte & 4) != 0 ? 60 : 1000;
    config.hold = (byte & 24) == 24;
    s->ops = &pmtu_search;
    s->state = pmtu_new(&config, m->now_ns, NULL);
    if (config.hold && (byte & 32) == 0)
        pmtu_release(s->state, m->now_ns);
}

static void close_slot(struct slot *s)
{
    if (s->kind == MACHINE_TRACE)
        trace_free(s->state);
    else if (s->kind != MACHINE_NONE)
        s->ops->free(s->state);
    counters_free(s->counters);
    evidence_free(s->evidence);
    fates_fini(&s->fates);
    *s = (struct slot){ 0 };
}

static void check_newborn(void *context, const struct pace_outcome *outcome)
{
    replay_require(outcome->owner != *(const uint64_t *)context,
                   "no outcome is owned by a trace that has sent nothing");
}

static void start_in(struct machines *m, struct slot *s, enum machine kind, uint8_t spec)
{
    close_slot(s);
    s->machines = m;
    s->spec = choose_spec(m, spec);
    if (kind != MACHINE_TRACE)
        s->spec.in_session = false;
    if (kind == MACHINE_TRACE)
        start_trace(m, s);
    else if (kind == MACHINE_PATHS)
        start_paths(m, s);
    else
        start_mtu(m, s);
    if (s->state == NULL)
        abort();
    s->kind = kind;
    m->counts->started[kind]++;
    if (kind != MACHINE_TRACE)
        return;
    uint64_t serial = trace_serial(s->state);
    pace_visit(m->pace, check_newborn, &serial);
}

static void start_ask(struct machines *m)
{
    struct fingerprint_config config = { .ident = 77,
                                         .source_port = FINGERPRINT_PORT_FIRST,
                                         .first_id = 1000,
                                         .cookie = 0x6d54,
                                         .tcp_base = 99,
                                         .timeout_ns = SECOND };
    uint8_t byte = source_byte(m->source);
    struct ipaddr forgotten;
    bool six = (byte & 1) != 0;

    m->counts->started[MACHINE_ASK]++;
    if (m->addresses == NULL)
        m->addresses = addresses_new();
    ipaddr_from_text(&config.source, six ? "2001:db8::1" : "10.0.0.1");
    ipaddr_from_text(&config.target, six ? "2001:db8:99::1" : "10.99.0.1");
    config.target.bytes[3] = (uint8_t)(1 + byte / 16);
    struct addresses_entry *entry = addresses_find(m->addresses, &config.target, 0);
    if (entry == NULL && (byte & 8) != 0)
        addresses_make_room(m->addresses, &forgotten);
    if (entry == NULL)
        addresses_add(m->addresses, &config, (byte & 2) != 0, 0, NULL, m->now_ns);
    else if ((byte & 4) != 0 && entry->users > 0)
        addresses_leave(m->addresses, entry);
    else
        addresses_join(m->addresses, entry, (byte & 2) != 0, m->now_ns);
}

/* A machine of this kind, unless the run is of another kind alone. */
static void start(struct machines *m, enum machine kind)
{
    if (m->plan.only != MACHINE_NONE)
        kind = m->plan.only;
    if (kind == MACHINE_ASK) {
        start_ask(m);
        return;
    }
    struct slot *s = &m->slots[source_below(m->source, (unsigned)m->slot_count)];
    start_in(m, s, kind, source_byte(m->source));
}

/* ---- packets from outside -------------------------------------------------------------------- */

/* As the fuzzer has it. */
static size_t choose_bytes(struct machines *m)
{
    size_t length = source_byte(m->source), left = m->source->size - m->source->at;

    if (m->source->bytes == NULL)
        return 0;
    length = length < 28 ? length * 64 : length;
    length = length < left ? length : left;
    length = length < BYTES ? length : BYTES;
    memcpy(m->raw, m->source->bytes + m->source->at, length);
    m->source->at += length;
    return length;
}

/* A packet as it is, and as a reply to what was sent last. */
static void receive_raw(struct machines *m)
{
    struct flying f = { .at_ns = m->now_ns, .link = 1 };
    size_t length = m->plan.brief ? lab_choose(m->source, m->raw) : choose_bytes(m);

    if (wire_parse(m->raw, length, &f.packet) == WIRE_OK && f.packet.kind != WIRE_PROBE) {
        deliver(m, &f);
        if (m->last.from.version == f.packet.from.version) {
            uint8_t ttl = f.packet.probe.ttl;
            f.packet.probe = m->last.probe;
            f.packet.probe.ttl = ttl;
            deliver(m, &f);
        }
    }
    memset(m->raw, 0, length);
}

static void stop(struct machines *m)
{
    struct slot *s = &m->slots[source_below(m->source, (unsigned)m->slot_count)];

    if (s->kind == MACHINE_TRACE && !s->stopped)
        trace_abandon(s->state);
    s->stopped = true;
}

static void read_all(struct machines *m)
{
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];
        if (s->kind == MACHINE_TRACE) {
            struct counters *copy = counters_snapshot(s->counters);
            struct counters *other = counters_snapshot(s->counters);
            struct evidence *answers = evidence_snapshot(s->evidence);
            replay_require(copy != NULL && other != NULL && counters_merge(copy, other) == 0,
                           "figures merge");
            counters_free(copy);
            counters_free(other);
            evidence_free(answers);
        } else if (s->kind == MACHINE_PATHS) {
            struct mda_report report;
            replay_require(mda_read(s->state, &report) == 0, "a search can be read");
            for (int ttl = 1; ttl <= 255; ttl++)
                for (uint16_t v = 0; v < report.map.ttls[ttl].vertex_count; v++)
                    (void)mda_judge(&report.map, (uint8_t)ttl, v);
            flowmap_fini(&report.map);
        } else if (s->kind == MACHINE_MTU) {
            struct pmtu_report report;
            pmtu_read(s->state, &report);
            replay_require(report.reduction_count >= 0 && report.reduction_count <= PMTU_REDUCTIONS,
                           "reductions have a bound");
        }
    }
}

/* A search of paths by UDP; a hop in front of one that divides replies late and all at once. */
static void search_late(struct machines *m)
{
    uint8_t byte = source_byte(m->source);
    int ttl = 1 + byte % 4;

    m->net.kinds[ttl] = ROUTER_PLAIN;
    m->net.kinds[ttl + 1] = (byte & 16) != 0 ? ROUTER_FEW_FLOWS : ROUTER_PER_FLOW;
    m->net.target_ttl = ttl + 2;
    m->held_ttl = (uint8_t)ttl;
    if (m->plan.only == MACHINE_NONE || m->plan.only == MACHINE_PATHS)
        start_in(m, &m->slots[source_below(m->source, (unsigned)m->slot_count)], MACHINE_PATHS,
                 2 * WIRE_UDP);
    advance(m, m->now_ns + (int64_t)source_byte(m->source) * 20 * MS, 2000);
    machines_release(m);
    advance(m, m->now_ns, 1);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void pass_time(struct machines *m)
{
    static const int64_t times[] = { 0,        MS,         20 * MS,    110 * MS,
                                     510 * MS, 1 * SECOND, 3 * SECOND, 65 * SECOND };
    advance(m, m->now_ns + times[source_below(m->source, 8)], 2000);
}

static void step(struct machines *m)
{
    uint8_t op = source_byte(m->source);

    switch (op % 16) {
    case 0:
        start(m, MACHINE_TRACE);
        break;
    case 1:
        start(m, (op & 16) != 0 ? MACHINE_PATHS : MACHINE_MTU);
        break;
    case 2:
        start(m, MACHINE_ASK);
        break;
    case 3:
        close_slot(&m->slots[source_below(m->source, (unsigned)m->slot_count)]);
        break;
    case 4:
        machines_drop(m);
        break;
    case 5:
        machines_duplicate(m);
        break;
    case 6:
        machines_delay(m);
        break;
    case 7:
        machines_change(m);
        break;
    case 8:
        machines_change_clock(m);
        break;
    case 9:
        receive_raw(m);
        break;
    case 10:
        if ((op & 0xf0) == 0)
            stop(m);
        else
            read_all(m);
        break;
    case 11:
        if ((op & 16) != 0)
            machines_hold(m);
        else
            machines_release(m);
        break;
    case 12:
        search_late(m);
        break;
    default:
        pass_time(m);
    }
}

static bool all_over(const struct machines *m)
{
    for (int i = 0; i < SLOTS; i++)
        if (!is_over(&m->slots[i]))
            return false;
    return true;
}

static void release_held(struct machines *m)
{
    for (int i = 0; i < SLOTS; i++)
        if (m->slots[i].kind == MACHINE_MTU)
            pmtu_release(m->slots[i].state, m->now_ns);
}

/* From here on nobody interferes. */
static void end_all(struct machines *m)
{
    release_held(m);
    for (int turns = 0; !all_over(m); turns++) {
        replay_require(turns < TURNS_MAX, "all machines end");
        advance(m, m->now_ns + SECOND, 1);
    }
    machines_check(m);
    read_all(m);
}

void machines_run(struct source *source, const struct machines_plan *plan,
                  struct machines_counts *counts)
{
    struct machines m = { .plan = *plan,
                          .source = source,
                          .counts = counts,
                          .wall_ns = INT64_C(1700000000) * SECOND,
                          .now_ns = SECOND,
                          .epoch = 1 };

    uint8_t byte = source_byte(source);
    m.chance = (struct source){ .size = SIZE_MAX, .random = 1 + byte };
    m.slot_count = plan->brief ? BRIEF_SLOTS : SLOTS;
    m.sends = plan->brief ? BRIEF_SENDS : SENDS;
    m.is_whole = plan->to_the_end || (byte % 16 == 15 && !plan->brief);
    m.pace = pace_new();
    if (m.pace == NULL)
        abort();
    network_choose(&m.net, source, m.plan.brief ? BRIEF_HOPS : NETWORK_HOPS);
    start(&m, MACHINE_TRACE);
    while (!source_is_over(source)) {
        step(&m);
        machines_check(&m);
    }
    if (m.is_whole)
        end_all(&m);
    for (int i = 0; i < SLOTS; i++)
        close_slot(&m.slots[i]);
    machines_check_pace(&m);
    addresses_free(m.addresses);
    pace_free(m.pace);
    reuse_reset();
}
