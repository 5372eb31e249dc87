/* SPDX-License-Identifier: BSD-2-Clause */
/* What interferes with the packets under way and with the clocks. */
#include "machines_inside.h"

static struct flying *choose_flying(struct machines *m)
{
    uint8_t byte = source_byte(m->source);
    return m->queued > 0 ? &m->queue[byte % m->queued] : NULL;
}

void machines_drop(struct machines *m)
{
    struct flying *f = choose_flying(m);
    if (f != NULL)
        *f = m->queue[--m->queued];
}

void machines_duplicate(struct machines *m)
{
    struct flying *f = choose_flying(m);
    uint8_t byte = source_byte(m->source);

    if (f == NULL)
        return;
    struct flying copy = *f;
    copy.link += (byte & 64) / 64;
    for (int i = byte % 64; i >= 0; i--) {
        if ((byte & 128) != 0)
            copy.packet.from = network_fresh(&m->net, &copy.packet.from);
        machines_enqueue(m, &copy);
    }
}

void machines_delay(struct machines *m)
{
    static const int64_t delays[] = { -10 * MS, 3 * MS, 150 * MS, 900 * MS, 1100 * MS, 7000 * MS };
    struct flying *f = choose_flying(m);
    if (f != NULL)
        f->at_ns += delays[source_below(m->source, 6)];
}

/* From now on replies to probes of one TTL are held back, but for those of flow 0. */
void machines_hold(struct machines *m)
{
    m->held_ttl = (uint8_t)(1 + source_below(m->source, 6));
}

/* They come all together, as they are or as another router's errors: the path has changed. */
void machines_release(struct machines *m)
{
    uint8_t byte = source_byte(m->source);

    for (size_t i = 0; i < m->queued; i++) {
        struct flying *f = &m->queue[i];
        if (f->ttl != m->held_ttl)
            continue;
        f->at_ns = m->now_ns;
        if ((byte & 3) == 0 || f->packet.quote.length == 0)
            continue;
        f->packet.kind = WIRE_UNREACHABLE;
        f->packet.from = f->packet.probe.target;
        f->packet.from.bytes[3] = 99;
    }
    m->held_ttl = 0;
}

/* Whatever a router may say that sees the probes. */
void machines_change(struct machines *m)
{
    static const enum wire_kind kinds[] = { WIRE_TIME_EXCEEDED, WIRE_UNREACHABLE, WIRE_TOO_BIG,
                                            WIRE_ECHO_REPLY,    WIRE_RST,         WIRE_SYN_ACK };
    static const uint16_t mtus[] = { 0, 1, 68, 296, 1279, 1280, 1400, 1499, 1500, 65535 };
    struct flying *f = choose_flying(m);
    uint8_t byte = source_byte(m->source);

    if (f == NULL)
        return;
    struct wire_packet *p = &f->packet;
    p->kind = kinds[byte % 6];
    p->mtu = p->kind == WIRE_TOO_BIG ? mtus[byte / 6 % 10] : 0;
    p->code = (uint8_t)(byte / 64);
    if ((byte & 64) != 0)
        p->probe.ttl = source_byte(m->source);
    if ((byte & 128) != 0)
        p->from = network_fresh(&m->net, &p->from);
    else if ((byte & 32) != 0)
        p->from = p->probe.target;
    if (p->kind == WIRE_ECHO_REPLY || p->kind == WIRE_RST || p->kind == WIRE_SYN_ACK)
        p->quote.length = 0;
    else if (p->quote.length == 0)
        p->quote = (struct wire_quote){ .at = 28, .length = 28 };
}

void machines_change_clock(struct machines *m)
{
    static const int64_t steps[] = { -3600 * SECOND, -2 * MS, MS / 2, 2 * MS, 3600 * SECOND };
    uint8_t byte = source_byte(m->source);

    m->wall_ns += steps[byte % 5];
    m->epoch += (byte & 128) == 0;
    m->drops += (byte & 64) != 0;
}
