/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: the clocks, the egress sockets, the route of a flow, and the fields of a spec that a
 * request leaves open. */
#include "prober/inside.h"

#include "base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { RESERVE_TRIES = 5 }; /* blocks of source ports below the default, or ICMP identifiers */
enum { IDENT_TRIES = 128 }; /* at most half of the identifiers are in use, see PROBER_MOST */

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return ns_of_timespec(&t);
}

int64_t prober_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t prober_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void prober_wake(const struct prober *p)
{
    const uint64_t one = 1;
    (void)!write(p->wake_fd, &one, sizeof one);
}

static bool same_binding(const struct egress_binding *a, const struct egress_binding *b)
{
    return strcmp(a->device, b->device) == 0 && a->mark == b->mark && a->source == b->source;
}

const struct sender *prober_sender(struct prober *p, uint8_t version,
                                   const struct egress_binding *binding, struct err *err)
{
    for (struct sender *sender = p->senders; sender != NULL; sender = sender->next)
        if (sender->version == version && same_binding(&sender->binding, binding))
            return sender;
    struct sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a socket");
        return NULL;
    }
    sender->version = version;
    sender->binding = *binding;
    if (p->plain == NULL)
        sender->egress = egress_open(version, binding, err);
    if (p->plain == NULL && sender->egress == NULL) {
        free(sender);
        return NULL;
    }
    sender->next = p->senders;
    p->senders = sender;
    return sender;
}

int prober_send(struct prober *p, const struct sender *sender, const uint8_t *packet, size_t length,
                uint32_t scope, int64_t now_ns)
{
    if (p->plain != NULL)
        return plain_send(p->plain, &sender->binding, packet, length, scope);
    return egress_send(sender->egress, packet, length, scope, now_ns);
}

int prober_capture_fd(const struct prober *p)
{
    return p->plain != NULL ? plain_fd(p->plain) : capture_fd(p->capture);
}

uint64_t prober_capture_drops(const struct prober *p)
{
    return p->plain != NULL ? plain_drops(p->plain) : capture_drops(p->capture);
}

/* Under the lock: returns whether an ICMP identifier is in use. 0 is never used, because a ping
 * socket bound to it gets any identifier. */
static bool is_ident_taken(const struct prober *p, uint16_t ident)
{
    return ident == 0 || (p->idents[ident / 8] & 1U << ident % 8) != 0;
}

/* Random fields are those that load balancers do not hash. */
static int randomise(const struct prober *p, struct wire_spec *spec, struct err *err)
{
    int tries = IDENT_TRIES;

    if (p->count >= PROBER_MOST)
        return err_set(err, ERR_SYSTEM,
                       "%u traces run already, which is the most: trace fewer targets or flows "
                       "at a time",
                       p->count);
    do {
        if (tries-- == 0)
            return err_set(err, ERR_SYSTEM, "no ICMP identifier is free");
        if (getrandom(&spec->ident, sizeof spec->ident, 0) < 0 ||
            getrandom(&spec->first_index, sizeof spec->first_index, 0) < 0 ||
            getrandom(&spec->cookie, sizeof spec->cookie, 0) < 0 ||
            getrandom(&spec->key, sizeof spec->key, 0) < 0 ||
            getrandom(&spec->tcp_base, sizeof spec->tcp_base, 0) < 0)
            return err_set(err, ERR_SYSTEM, "no random numbers: %s", strerror(errno));
    } while (is_ident_taken(p, spec->ident));
    return 0;
}

static void complete_ports(struct wire_spec *spec)
{
    if (spec->protocol == WIRE_ICMP)
        spec->source_port = spec->target_port = 0;
    else if (spec->source_port == 0)
        spec->source_port = WIRE_SOURCE_PORT;
    if (spec->protocol != WIRE_ICMP && spec->target_port == 0)
        spec->target_port = spec->protocol == WIRE_UDP ? WIRE_PORT_UDP : WIRE_PORT_TCP;
}

static struct egress_request egress_request_of(const struct wire_spec *spec, uint16_t flow,
                                               uint32_t scope, const struct egress_binding *binding)
{
    struct egress_request request = { .target = spec->target,
                                      .source = spec->source,
                                      .scope = scope,
                                      .binding = *binding,
                                      .tos = spec->tos,
                                      .ip_protocol =
                                          wire_ip_protocol(spec->protocol, spec->target.version),
                                      .source_port = (uint16_t)(spec->source_port + flow),
                                      .target_port = spec->target_port };

    if (spec->protocol == WIRE_ICMP) {
        request.source_port = 0;
        request.target_port = (uint16_t)(wire_echo_type(spec->target.version) << 8);
    }
    return request;
}

int prober_find_route(struct wire_spec *spec, uint16_t flow, uint32_t scope,
                      const struct egress_binding *binding, struct egress_route *out,
                      struct err *err)
{
    complete_ports(spec);
    struct egress_request request = egress_request_of(spec, flow, scope, binding);
    return egress_find(&request, out, err);
}

struct wire_sources *prober_find_sources(const struct wire_spec *spec, uint32_t scope,
                                         const struct egress_binding *binding,
                                         const struct egress_route *route)
{
    struct wire_sources *sources;

    if (!route->several || binding->source || spec->protocol == WIRE_ICMP)
        return NULL;
    sources = calloc(1, sizeof *sources);
    if (sources == NULL)
        return NULL; /* all flows have spec->source */
    struct egress_request request = egress_request_of(spec, 0, scope, binding);
    sources->list[0] = route->source;
    if (egress_sources(&request, WIRE_FLOWS, sources->of, sources->list, WIRE_SOURCES) > 1)
        return sources;
    free(sources);
    return NULL;
}

static struct plain_flow flow_of(const struct wire_spec *spec,
                                 const struct prober_completion *completion)
{
    bool icmp = spec->protocol == WIRE_ICMP;

    return (struct plain_flow){
        .protocol = spec->protocol,
        .source = *wire_source(spec, completion->flow),
        .port = icmp ? spec->ident : (uint16_t)(spec->source_port + completion->flow),
        .scope = ipaddr_is_link_local6(&spec->source) ? completion->route->scope : 0,
        .binding = *completion->binding
    };
}

/* Chooses another source port or identifier because another program has this one; false if there
 * is no other. */
static bool choose_other(const struct prober *p, struct wire_spec *spec, bool port_given)
{
    struct err err;

    if (spec->protocol == WIRE_ICMP)
        return randomise(p, spec, &err) == 0;
    if (port_given || spec->source_port < 2 * WIRE_FLOWS)
        return false;
    spec->source_port = (uint16_t)(spec->source_port - WIRE_FLOWS);
    return true;
}

/* Opens the socket of an unprivileged process, whose port or identifier another program may
 * have. */
static int reserve(const struct prober *p, struct wire_spec *spec,
                   const struct prober_completion *completion, struct err *err)
{
    struct plain_flow flow = flow_of(spec, completion);
    int error = plain_reserve(p->plain, &flow);

    for (int tries = 0; error == EADDRINUSE && tries < RESERVE_TRIES; tries++) {
        if (!choose_other(p, spec, completion->port_given))
            break;
        flow = flow_of(spec, completion);
        error = plain_reserve(p->plain, &flow);
    }
    return error == 0 ? 0 : plain_refuse(&flow, error, err);
}

void prober_release_spec(const struct prober *p, const struct wire_spec *spec,
                         const struct prober_completion *completion)
{
    struct plain_flow flow = flow_of(spec, completion);

    if (p->plain != NULL)
        plain_release(p->plain, &flow);
}

/* Refuses options of TCP probes that an unprivileged process cannot set: the kernel makes the
 * SYNs. */
static bool is_beyond_plain(const struct wire_spec *spec, struct err *err)
{
    uint16_t least = wire_size_min(spec->protocol, spec->target.version);

    if (spec->protocol != WIRE_TCP)
        return false;
    if (spec->size > least) {
        err_set(err, ERR_BADSIZE,
                "size %u needs root or CAP_NET_RAW for tcp: without these %u expected", spec->size,
                least);
        return true;
    }
    if (spec->ecn != WIRE_ECN_NONE)
        err_set(err, ERR_PERMISSION, "ECN in a SYN needs root or CAP_NET_RAW");
    return spec->ecn != WIRE_ECN_NONE;
}

int prober_complete_spec(const struct prober *p, struct wire_spec *spec,
                         const struct prober_completion *completion, struct err *err)
{
    const struct egress_route *route = completion->route;
    char text[IPADDR_TEXT];

    spec->source = route->source;
    if (spec->size == 0)
        spec->size = wire_size_usual(spec);
    if (spec->size > route->link_mtu)
        return err_set(err, ERR_TOOBIG, "size %u is more than the MTU of the link to %s, %d",
                       spec->size, ipaddr_to_text(&spec->target, text), route->link_mtu);
    if (p->plain != NULL && is_beyond_plain(spec, err))
        return -1;
    if (randomise(p, spec, err) < 0)
        return -1;
    return p->plain == NULL ? 0 : reserve(p, spec, completion, err);
}
