/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/request.h"

#include "base/units.h"
#include "lua/options.h"
#include "wire/names.h"

#include <lauxlib.h>
#include <string.h>

/* Upper bound of the timeout that is derived from measured RTTs, if the option is absent. */
static const int64_t timeout_most_ns = 5 * SECOND;

/* "tcp-session" is TCP with probes inside a connection. */
static void read_protocol(lua_State *L, struct wire_spec *spec)
{
    int at = lopt_choice(L, "protocol", wire_protocol_names);

    spec->in_session = at == WIRE_TCP_SESSION;
    spec->protocol = spec->in_session ? WIRE_TCP : (enum wire_protocol)at;
}

/* Some probes and replies can be recognised in the capture only by a source port of the first
 * `flows` flows. */
static void check_source_port(lua_State *L, const struct wire_spec *spec, uint16_t flow, int flows,
                              const char *with)
{
    int port = spec->source_port != 0 ? spec->source_port : WIRE_SOURCE_PORT;

    if (flow >= flows)
        luaL_error(L, "option 'flow' is %d: at most %d expected with %s", flow, flows - 1, with);
    if (port < WIRE_SOURCE_PORT || port + flow >= WIRE_SOURCE_PORT + flows)
        luaL_error(L, "option 'source_port' is %d: from %d to %d expected with %s", port,
                   WIRE_SOURCE_PORT, WIRE_SOURCE_PORT + flows - 1 - flow, with);
}

static void check_session(lua_State *L, const struct wire_spec *spec, uint16_t flow)
{
    if (spec->size != 0)
        luaL_error(L, "option 'size' does not go with protocol tcp-session");
    check_source_port(L, spec, flow, WIRE_FLOWS, "protocol tcp-session");
}

static enum wire_ecn opt_ecn(lua_State *L, enum wire_protocol protocol)
{
    static const char *const names[] = {
        [WIRE_ECN_NONE] = "no", [WIRE_ECN_CLASSIC] = "yes", [WIRE_ECN_ACCURATE] = "accecn", NULL
    };
    enum wire_ecn ecn = (enum wire_ecn)lopt_choice(L, "ecn", names);

    if (ecn != WIRE_ECN_NONE && protocol != WIRE_TCP)
        luaL_error(L, "option 'ecn' goes with protocol tcp alone: others have it in 'tos'");
    return ecn;
}

/* By default the payload is a request to the port's service, but plain if a size is given: most
 * requests have one size. */
static enum wire_payload payload_of(lua_State *L, const struct wire_spec *spec)
{
    bool sized = spec->size != 0 || lopt_integer(L, "data_length", 0, WIRE_PACKET_MAX, 0) != 0;

    return sized ? PAYLOAD_PLAIN : payload_at_port(spec->target_port);
}

/* Reads a number from the table on top of the stack. payload_from_file checks it against the
 * file. */
static size_t file_number(lua_State *L, const char *key, size_t absent)
{
    int is_number = 1;
    lua_Integer value = lua_getfield(L, -1, key) == LUA_TNIL ? (lua_Integer)absent
                                                             : lua_tointegerx(L, -1, &is_number);

    if (!is_number || value < 0 || value > PAYLOAD_FILE_MOST)
        luaL_error(L, "option 'udp_payload': %s: a whole number from 0 expected", key);
    lua_pop(L, 1);
    return (size_t)value;
}

/* Reads the option as a table: bytes, which live as long as the options, and the offset and length
 * of the identifier. */
static bool read_file(lua_State *L, struct prober_request *request)
{
    struct wire_spec *spec = &request->trace.spec;
    size_t count = 0;

    if (lua_getfield(L, 1, "udp_payload") != LUA_TTABLE) {
        lua_pop(L, 1);
        return false;
    }
    if (lua_getfield(L, -1, "bytes") != LUA_TSTRING)
        luaL_error(L, "option 'udp_payload': bytes: a string expected");
    const uint8_t *bytes = (const uint8_t *)lua_tolstring(L, -1, &count);
    lua_pop(L, 1);
    size_t at = file_number(L, "at", 0), length = file_number(L, "length", PAYLOAD_ID_USUAL);
    const char *wrong = payload_from_file(bytes, count, at, length, &request->file);
    if (wrong != NULL)
        luaL_error(L, "option 'udp_payload': %s", wrong);
    if (spec->protocol != WIRE_UDP)
        luaL_error(L, "option 'udp_payload' goes with protocol udp alone");
    if (wire_is_file_port(spec->target_port))
        luaL_error(L, "option 'port' is %d: none from %d to %d expected with a file in udp_payload",
                   spec->target_port, WIRE_SOURCE_PORT, WIRE_SOURCE_PORT + WIRE_FILE_FLOWS - 1);
    check_source_port(L, spec, request->trace.flow, WIRE_FILE_FLOWS, "a file in udp_payload");
    spec->payload = PAYLOAD_FILE;
    spec->file = &request->file;
    lua_pop(L, 1);
    return true;
}

/* Requires the protocol, the ports and the size to be read already. */
static void read_payload(lua_State *L, struct wire_spec *spec)
{
    static const char *const names[] = {
        "auto", "plain", "dns", "quic", "ntp", "stun", "snmp", NULL
    };
    static const enum wire_payload payloads[] = { PAYLOAD_PLAIN, PAYLOAD_PLAIN, PAYLOAD_DNS,
                                                  PAYLOAD_QUIC,  PAYLOAD_NTP,   PAYLOAD_STUN,
                                                  PAYLOAD_SNMP };
    int choice = lopt_choice(L, "udp_payload", names);

    if (spec->protocol != WIRE_UDP) {
        if (choice != 0)
            luaL_error(L, "option 'udp_payload' goes with protocol udp alone");
        return;
    }
    spec->payload = choice == 0 ? payload_of(L, spec) : payloads[choice];
    if (spec->payload != PAYLOAD_PLAIN && spec->target_port == 0)
        spec->target_port = payload_port(spec->payload);
}

/* A negative size stands for random sizes up to its absolute value. */
static void read_size(lua_State *L, struct wire_spec *spec)
{
    static const lua_Integer absent = WIRE_PACKET_MAX + 1;
    lua_Integer size = lopt_integer(L, "size", -WIRE_PACKET_MAX, WIRE_PACKET_MAX, absent);

    if (size == 0)
        luaL_error(L, "option 'size' is 0: from 1 to %d expected, or below 0 for random sizes",
                   WIRE_PACKET_MAX);
    if (size == absent)
        return;
    spec->random_size = size < 0;
    spec->size = (uint16_t)(size < 0 ? -size : size);
}

static int check_size(const struct wire_spec *spec, struct err *err)
{
    uint16_t least = wire_size_least(spec);
    uint16_t most = wire_size_tcp_random_max(spec->target.version);

    if (spec->size != 0 && spec->size < least)
        return err_set(err, ERR_BADSIZE, "size %u is too small: at least %u expected", spec->size,
                       least);
    if (spec->size > least && spec->payload != PAYLOAD_PLAIN && !payload_grows(spec->payload))
        return err_set(err, ERR_BADSIZE, "size %s%u does not go with udp_payload %s: %u expected",
                       spec->random_size ? "-" : "", spec->size, payload_name(spec->payload),
                       least);
    if (spec->random_size && spec->protocol == WIRE_TCP && spec->size > most)
        return err_set(err, ERR_BADSIZE, "size -%u is too large for tcp: at most -%u expected",
                       spec->size, most);
    return 0;
}

void lrequest_check(lua_State *L, const char *const *known, size_t count,
                    struct prober_request *request)
{
    struct trace_config *trace = &request->trace;
    struct wire_spec *spec = &trace->spec;

    luaL_checktype(L, 1, LUA_TTABLE);
    lopt_refuse_unknown(L, known, count);
    read_protocol(L, spec);
    bool icmp = spec->protocol == WIRE_ICMP;
    spec->target_port = (uint16_t)lopt_integer(L, "port", 1, 65535, 0);
    spec->source_port = (uint16_t)lopt_integer(L, "source_port", 1, 65535, 0);
    if (icmp && (spec->target_port != 0 || spec->source_port != 0))
        luaL_error(L, "options 'port' and 'source_port' do not go with protocol icmp");
    spec->tos = (uint8_t)lopt_integer(L, "tos", 0, 255, 0);
    trace->packets = (uint32_t)lopt_integer(L, "packets", 1, 100000, PACKETS_USUAL);
    trace->interval_ns = lopt_seconds(L, "interval", 0.001, 3600, 0);
    trace->timeout_ns = lopt_seconds(L, "timeout", 0.001, 3600, 0);
    trace->timeout_given = trace->timeout_ns != 0;
    if (!trace->timeout_given)
        trace->timeout_ns = timeout_most_ns;
    trace->no_tests = lopt_boolean(L, "surveyed");
    trace->shared_age_ns = lopt_seconds(L, "shared_age", 0.001, 3600, 0);
    trace->flow = (uint16_t)lopt_integer(L, "flow", 0, WIRE_FLOWS - 1, 0);
    trace->first_hop = (uint8_t)lopt_integer(L, "first_hop", 1, 255, 1);
    trace->max_hops = (uint8_t)lopt_integer(L, "max_hops", 1, 255, 30);
    trace->known_hop = (uint8_t)lopt_integer(L, "known_hop", 0, 255, 0);
    trace->max_silent = (uint8_t)lopt_integer(L, "max_silent", 1, 255, 5);
    if (trace->first_hop > trace->max_hops)
        luaL_error(L, "option 'first_hop' is %d: at most max_hops (%d) expected", trace->first_hop,
                   trace->max_hops);
    spec->ecn = opt_ecn(L, spec->protocol);
    read_size(L, spec);
    if (!read_file(L, request))
        read_payload(L, spec);
    request->binding.mark = lopt_mark(L);
    request->keep_events = lopt_boolean(L, "events");
    request->own_only = lopt_boolean(L, "own_only");
    request->figures_only = lopt_boolean(L, "figures");
    request->reset = lopt_boolean(L, "reset");
    if (spec->in_session)
        check_session(L, spec, trace->flow);
}

/* `data_length` adds bytes to the default size, but not to a size that the caller has given. */
static void enlarge(lua_State *L, struct wire_spec *spec)
{
    uint16_t usual = wire_size_usual(spec);
    lua_Integer more = lopt_integer(L, "data_length", 0, WIRE_PACKET_MAX - usual, 0);

    if (spec->size == 0 && more > 0)
        spec->size = (uint16_t)(usual + more);
}

int lrequest_addresses(lua_State *L, struct prober_request *request, struct err *err)
{
    struct wire_spec *spec = &request->trace.spec;
    const char *target = lopt_string(L, "target"), *source = lopt_string(L, "source");
    const char *device = lopt_string(L, "interface");

    if (target == NULL)
        return luaL_error(L, "option 'target' is missing: an IPv4 or IPv6 address expected");
    struct lopt_destination destination = { .scope = 0 };
    if (lopt_destination(&destination, "target", target, source, device, err) < 0)
        return -1;
    spec->target = destination.target;
    request->source = destination.source;
    request->scope = destination.scope;
    request->mapped = destination.mapped;
    memcpy(request->binding.device, destination.binding.device, sizeof destination.binding.device);
    request->binding.source = destination.binding.source;
    enlarge(L, spec);
    return check_size(spec, err);
}
