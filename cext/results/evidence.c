/* SPDX-License-Identifier: BSD-2-Clause */
#include "results/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const evidence_probe_names[EVIDENCE_PROBES] = {
    [EVIDENCE_TRACE] = "trace",
    [EVIDENCE_ECHO] = "echo",
    [EVIDENCE_UDP] = "udp",
    [EVIDENCE_TCP] = "tcp",
};

enum evidence_probe evidence_probe_of(enum wire_protocol protocol)
{
    static const enum evidence_probe probes[WIRE_PROTOCOL_COUNT] = {
        [WIRE_ICMP] = EVIDENCE_ECHO, [WIRE_UDP] = EVIDENCE_UDP, [WIRE_TCP] = EVIDENCE_TCP
    };
    return probes[protocol];
}

void evidence_fini(struct evidence_list *list)
{
    free(list->replies);
    free(list->bytes);
    *list = (struct evidence_list){ 0 };
}

/* ---- one reply ----------------------------------------------------------------------------- */

static bool is_error(const struct wire_packet *reply)
{
    return reply->quote.length > 0;
}

static struct icmpext extension_of(const struct wire_packet *reply, const uint8_t *packet)
{
    struct icmpext found = { .quote_length = reply->quote.length };

    if (is_error(reply))
        found = icmpext_find(reply->from.version, reply->type, reply->rest,
                             packet + reply->quote.at, reply->quote.length);
    if (found.length > EVIDENCE_EXTENSION)
        found.bytes = NULL;
    return found;
}

/* RFC 4884 section 4: a short quote before an extension is padded with zeros. */
static uint16_t quoted_of(const struct wire_packet *reply, const struct icmpext *extension)
{
    if (extension->bytes != NULL && reply->quote.size < extension->quote_length)
        return reply->quote.size;
    return (uint16_t)extension->quote_length;
}

static int reserve_reply(struct evidence_list *list)
{
    if (list->count < list->capacity)
        return 0;
    size_t capacity = list->capacity == 0 ? EVIDENCE_FIRST : list->capacity * 2;
    struct evidence_reply *more = realloc(list->replies, capacity * sizeof *more);
    if (more == NULL)
        return -1;
    list->replies = more;
    list->capacity = capacity;
    return 0;
}

static int keep_bytes(struct evidence_list *list, const uint8_t *bytes, size_t length)
{
    if (list->used + length > list->bytes_capacity) {
        size_t capacity = list->bytes_capacity * 2 + length;
        uint8_t *more = realloc(list->bytes, capacity);
        if (more == NULL)
            return -1;
        list->bytes = more;
        list->bytes_capacity = capacity;
    }
    memcpy(list->bytes + list->used, bytes, length);
    list->used += length;
    return 0;
}

void evidence_add(struct evidence_list *list, const struct evidence_reply *reply,
                  const uint8_t *packet)
{
    struct evidence_reply kept = *reply;
    struct icmpext extension = extension_of(&kept.packet, packet);

    if (reserve_reply(list) < 0)
        return;
    kept.quoted = quoted_of(&kept.packet, &extension);
    kept.has_extension = extension.bytes != NULL;
    kept.compliant = extension.compliant;
    kept.extension_at = list->used;
    kept.extension_length = kept.has_extension ? extension.length : 0;
    if (kept.has_extension && keep_bytes(list, extension.bytes, extension.length) < 0)
        return;
    list->replies[list->count++] = kept;
}

int evidence_copy(struct evidence_list *to, const struct evidence_list *from)
{
    struct evidence_list copy = *from;

    copy.replies = from->count > 0 ? malloc(from->count * sizeof *copy.replies) : NULL;
    copy.bytes = from->used > 0 ? malloc(from->used) : NULL;
    copy.capacity = from->count;
    copy.bytes_capacity = from->used;
    if ((from->count > 0 && copy.replies == NULL) || (from->used > 0 && copy.bytes == NULL)) {
        evidence_fini(&copy);
        return -1;
    }
    if (from->count > 0)
        memcpy(copy.replies, from->replies, from->count * sizeof *copy.replies);
    if (from->used > 0)
        memcpy(copy.bytes, from->bytes, from->used);
    *to = copy;
    return 0;
}

/* ---- the replies of a trace ---------------------------------------------------------------- */

struct evidence *evidence_new(uint8_t max_hops)
{
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence != NULL)
        evidence->max_hops = max_hops;
    return evidence;
}

const struct evidence_list *evidence_at(const struct evidence *evidence, size_t ttl)
{
    static const struct evidence_list none;

    return ttl < evidence->hop_count ? &evidence->hops[ttl] : &none;
}

/* Makes `count` lists, from TTL 0; -1 if out of memory. */
static int reach(struct evidence *evidence, size_t count)
{
    if (count <= evidence->hop_count)
        return 0;
    assert(count <= evidence->max_hops + 1u);
    struct evidence_list *hops = realloc(evidence->hops, count * sizeof *hops);
    if (hops == NULL)
        return -1;
    memset(hops + evidence->hop_count, 0, (count - evidence->hop_count) * sizeof *hops);
    evidence->hops = hops;
    evidence->hop_count = count;
    return 0;
}

void evidence_free(struct evidence *evidence)
{
    if (evidence == NULL)
        return;
    for (size_t i = 0; i < evidence->hop_count; i++)
        evidence_fini(&evidence->hops[i]);
    free(evidence->hops);
    free(evidence);
}

struct evidence *evidence_snapshot(const struct evidence *evidence)
{
    struct evidence *copy = evidence_new(evidence->max_hops);

    if (copy != NULL && reach(copy, evidence->hop_count) < 0) {
        evidence_free(copy);
        return NULL;
    }
    for (size_t i = 0; copy != NULL && i < copy->hop_count; i++) {
        if (evidence_copy(&copy->hops[i], &evidence->hops[i]) < 0) {
            evidence_free(copy);
            return NULL;
        }
    }
    return copy;
}

int evidence_append(struct evidence_list *to, const struct evidence_list *from)
{
    if (from->count == 0)
        return 0;
    struct evidence_reply *replies =
        realloc(to->replies, (to->count + from->count) * sizeof *replies);
    if (replies == NULL)
        return -1;
    to->replies = replies;
    to->capacity = to->count + from->count;
    if (from->used > 0) {
        uint8_t *bytes = realloc(to->bytes, to->used + from->used);
        if (bytes == NULL)
            return -1;
        to->bytes = bytes;
        to->bytes_capacity = to->used + from->used;
        memcpy(bytes + to->used, from->bytes, from->used);
    }
    for (size_t i = 0; i < from->count; i++) {
        replies[to->count] = from->replies[i];
        replies[to->count++].extension_at += to->used;
    }
    to->used += from->used;
    return 0;
}

int evidence_merge(struct evidence *into, const struct evidence *from)
{
    size_t most = into->max_hops + 1u;
    size_t hops = from->hop_count < most ? from->hop_count : most;

    if (reach(into, hops) < 0)
        return -1;
    for (size_t i = 0; i < hops; i++)
        if (evidence_append(&into->hops[i], &from->hops[i]) < 0)
            return -1;
    return 0;
}

static bool same_quote(const struct evidence_reply *a, const struct evidence_reply *b)
{
    const struct wire_packet *x = &a->packet, *y = &b->packet;
    const struct wire_ids *p = &x->probe, *q = &y->probe;

    return x->quote.length == y->quote.length && x->quote.size == y->quote.size &&
           x->quote.df == y->quote.df && x->quote.header_ok == y->quote.header_ok &&
           x->rest == y->rest && p->ttl == q->ttl && p->tos == q->tos &&
           p->tcp_flags == q->tcp_flags &&
           (p->ip_id == a->sent.ip_id) == (q->ip_id == b->sent.ip_id) &&
           (x->quote.checksum == a->sent.checksum) == (y->quote.checksum == b->sent.checksum) &&
           p->source_port == q->source_port && p->target_port == q->target_port &&
           ipaddr_equal(&p->source, &q->source) && ipaddr_equal(&p->target, &q->target);
}

/* Returns whether two replies differ at most in times and in fields that count packets, such as the
 * identification. */
static bool same_fields(const struct evidence_reply *a, const struct evidence_reply *b)
{
    const struct wire_packet *x = &a->packet, *y = &b->packet;

    return x->ttl == y->ttl && x->tos == y->tos && x->df == y->df && x->length == y->length &&
           x->type == y->type && x->code == y->code && same_quote(a, b);
}

static bool same_extension(const struct evidence_list *list, const struct evidence_reply *kept,
                           const struct icmpext *extension)
{
    if (!kept->has_extension || extension->bytes == NULL)
        return kept->has_extension == (extension->bytes != NULL);
    return kept->extension_length == extension->length &&
           memcmp(list->bytes + kept->extension_at, extension->bytes, extension->length) == 0;
}

static bool is_wanted(const struct evidence_list *list, const struct evidence_reply *reply,
                      const uint8_t *packet)
{
    struct icmpext extension = extension_of(&reply->packet, packet);
    bool known = false;
    int same_kind = 0;

    if (list->count >= EVIDENCE_MOST)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const struct evidence_reply *kept = &list->replies[i];
        if (kept->flow != reply->flow || kept->packet.kind != reply->packet.kind ||
            !ipaddr_equal(&kept->packet.from, &reply->packet.from))
            continue;
        same_kind++;
        known = known || (same_fields(kept, reply) && same_extension(list, kept, &extension));
    }
    return same_kind < EVIDENCE_FIRST || !known;
}

struct evidence_sent evidence_sent_of(enum evidence_probe kind, const struct wire_spec *spec,
                                      const struct wire_probe *probe)
{
    bool icmp = spec->protocol == WIRE_ICMP;
    uint16_t index = wire_index(spec, probe->number);

    return (struct evidence_sent){
        .probe = kind,
        .protocol = spec->protocol,
        .ttl = probe->ttl,
        .tos = spec->tos,
        .tcp_flags = spec->protocol == WIRE_TCP ? wire_tcp_flags(spec) : 0,
        .code = spec->code,
        .df = spec->df,
        .ip_id = spec->target.version == 4 ? wire_ip_id(spec, probe->number) : 0,
        .size = wire_size(spec, probe->number),
        .source_port = icmp ? 0 : (uint16_t)(spec->source_port + probe->flow),
        .target_port = icmp ? 0 : spec->target_port,
        .ident = icmp ? spec->ident : 0,
        .checksum = icmp                         ? (uint16_t)(WIRE_ICMP_CHECKSUM + probe->flow)
                    : spec->protocol == WIRE_UDP ? index
                                                 : 0,
        .source = spec->source,
        .target = spec->target,
    };
}

void evidence_event(struct evidence *evidence, const struct wire_spec *spec,
                    const struct trace_event *event, const struct evidence_capture *capture)
{
    bool is_reply = event->kind == EVENT_REPLY || event->kind == EVENT_LATE ||
                    event->kind == EVENT_DUPLICATE || event->kind == EVENT_UNREACHABLE;

    if (!is_reply || event->shared || capture == NULL)
        return;
    if (evidence->extensions_only && extension_of(event->reply, capture->bytes).bytes == NULL)
        return;
    const struct wire_probe probe = { .number = event->probe,
                                      .flow = event->flow,
                                      .ttl = event->ttl };
    struct evidence_reply found = { .sent = evidence_sent_of(EVIDENCE_TRACE, spec, &probe),
                                    .index = event->probe,
                                    .flow = event->flow,
                                    .at_ns = capture->at_ns,
                                    .packet = *event->reply };
    if (reach(evidence, event->ttl + 1u) < 0)
        return;
    struct evidence_list *list = &evidence->hops[event->ttl];
    if (is_wanted(list, &found, capture->bytes))
        evidence_add(list, &found, capture->bytes);
}
