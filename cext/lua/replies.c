/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/replies.h"

#include "base/units.h"
#include "lua/set.h"
#include "wire/names.h"

/* ---- extensions ---------------------------------------------------------------------------- */

static void push_stack(lua_State *L, const struct icmpext_object *object)
{
    lua_Integer at = (lua_Integer)lua_rawlen(L, -1);

    for (size_t n = 0; n < object->length / 4; n++) {
        struct icmpext_label label = icmpext_label(object, n);
        lua_createtable(L, 0, 4);
        lset_integer(L, "label", label.label);
        lset_integer(L, "tc", label.tc);
        lset_boolean(L, "bottom", label.bottom);
        lset_integer(L, "ttl", label.ttl);
        lua_rawseti(L, -2, ++at);
    }
}

static void push_interface(lua_State *L, const struct icmpext_interface *interface)
{
    static const char *const roles[] = { [ICMPEXT_INCOMING] = "incoming",
                                         [ICMPEXT_SUB_IP] = "sub-ip",
                                         [ICMPEXT_OUTGOING] = "outgoing",
                                         [ICMPEXT_NEXT_HOP] = "next-hop" };

    lua_createtable(L, 0, 5);
    lset_string(L, "role", roles[interface->role]);
    if (interface->has_index)
        lset_integer(L, "index", interface->index);
    if (interface->address.version != 0)
        lset_address(L, "address", &interface->address);
    if (interface->name[0] != '\0')
        lset_string(L, "name", interface->name);
    if (interface->has_mtu)
        lset_integer(L, "mtu", interface->mtu);
}

static void push_unknown(lua_State *L, const struct icmpext_object *object)
{
    static const char digits[] = "0123456789abcdef";
    luaL_Buffer hex;

    lua_createtable(L, 0, 3);
    lset_integer(L, "class", object->class);
    lset_integer(L, "type", object->type);
    luaL_buffinit(L, &hex);
    for (size_t i = 0; i < object->length; i++) {
        luaL_addchar(&hex, digits[object->bytes[i] >> 4]);
        luaL_addchar(&hex, digits[object->bytes[i] & 15]);
    }
    luaL_pushresult(&hex);
    lua_setfield(L, -2, "bytes");
}

enum { MPLS = 1, INTERFACES, UNKNOWN }; /* stack indexes relative to the extension's table */

static void add_object(lua_State *L, int table, const struct icmpext_object *object)
{
    struct icmpext_interface interface;

    if (icmpext_is_stack(object)) {
        lua_pushvalue(L, table + MPLS);
        push_stack(L, object);
        lua_pop(L, 1);
    } else if (icmpext_interface(object, &interface)) {
        push_interface(L, &interface);
        lua_rawseti(L, table + INTERFACES, (lua_Integer)lua_rawlen(L, table + INTERFACES) + 1);
    } else {
        push_unknown(L, object);
        lua_rawseti(L, table + UNKNOWN, (lua_Integer)lua_rawlen(L, table + UNKNOWN) + 1);
    }
}

static void set_extension(lua_State *L, const uint8_t *bytes, size_t length, bool compliant)
{
    static const char *const checksums[] = {
        [ICMPEXT_NO_CHECKSUM] = "none", [ICMPEXT_RIGHT] = "ok", [ICMPEXT_WRONG] = "bad"
    };
    static const char *const keys[] = {
        [MPLS] = "mpls", [INTERFACES] = "interfaces", [UNKNOWN] = "unknown"
    };
    struct cur objects = icmpext_objects(bytes, length);
    struct icmpext_object object;

    lua_createtable(L, 0, 5);
    int table = lua_gettop(L);
    lset_string(L, "checksum", checksums[icmpext_check(bytes, length)]);
    lset_boolean(L, "compliant", compliant);
    for (int i = MPLS; i <= UNKNOWN; i++)
        lua_newtable(L);
    while (icmpext_next(&objects, &object))
        add_object(L, table, &object);
    for (int i = UNKNOWN; i >= MPLS; i--)
        lua_setfield(L, table, keys[i]);
    lua_setfield(L, -2, "extensions");
}

/* ---- replies ------------------------------------------------------------------------------- */

static bool is_error(const struct wire_packet *reply)
{
    return reply->quote.length > 0;
}

static void set_reply(lua_State *L, const struct wire_packet *reply)
{
    lset_string(L, "kind", wire_kind_names[reply->kind]);
    if (is_error(reply) || reply->kind == WIRE_ECHO_REPLY) {
        lset_integer(L, "type", reply->type);
        lset_integer(L, "code", reply->code);
    }
    if (!reply->rebuilt || reply->ttl != 0) { /* connect() reveals neither TTL nor TOS */
        lset_integer(L, "reply_ttl", reply->ttl);
        lset_integer(L, "tos", reply->tos);
    }
    if (!reply->rebuilt)
        lset_integer(L, "size", reply->length);
    if (!reply->rebuilt && reply->from.version == 4) {
        lset_boolean(L, "df", reply->df);
        lset_integer(L, "ip_id", reply->ip_id);
    }
    if (reply->kind == WIRE_SYN_ACK)
        lset_integer(L, "ecn_flags", reply->code);
    if (reply->kind == WIRE_TOO_BIG && reply->mtu != 0)
        lset_integer(L, "mtu", reply->mtu);
}

/* AE, CWR and ECE, as in the code of a SYN-ACK. */
static lua_Integer ecn_of(uint16_t tcp_flags)
{
    return (tcp_flags & WIRE_TCP_ECN) >> WIRE_TCP_ECN_SHIFT;
}

static void set_sent(lua_State *L, const struct evidence_sent *sent, bool has_id)
{
    lset_integer(L, "sent_ttl", sent->ttl);
    lset_integer(L, "sent_tos", sent->tos);
    lset_integer(L, "sent_size", sent->size);
    if (sent->protocol != WIRE_TCP)
        lset_integer(L, "sent_checksum", sent->checksum);
    else
        lset_integer(L, "sent_ecn_flags", ecn_of(sent->tcp_flags));
    if (sent->protocol == WIRE_ICMP)
        lset_integer(L, "sent_code", sent->code);
    if (sent->protocol == WIRE_ICMP && sent->probe == EVIDENCE_TRACE)
        lset_integer(L, "sent_ident", sent->ident);
    if (sent->protocol != WIRE_ICMP) {
        lset_integer(L, "sent_source_port", sent->source_port);
        lset_integer(L, "sent_target_port", sent->target_port);
    }
    if (sent->target.version == 4) {
        lset_boolean(L, "sent_df", sent->df);
        if (has_id)
            lset_integer(L, "sent_id", sent->ip_id);
    }
}

/* Sets the fields of the probe as the router quotes it; addresses only if they were rewritten. */
static void set_quote(lua_State *L, const struct evidence_reply *kept)
{
    const struct wire_packet *reply = &kept->packet;
    const struct wire_ids *ids = &reply->probe;

    lset_integer(L, "quoted", kept->quoted);
    lset_integer(L, "quoted_ttl", ids->ttl);
    lset_integer(L, "quoted_tos", ids->tos);
    lset_integer(L, "quoted_size", reply->quote.size);
    lset_integer(L, "unused", reply->rest);
    if (reply->from.version == 4) {
        lset_integer(L, "quoted_id", ids->ip_id);
        lset_boolean(L, "quoted_df", reply->quote.df);
        lset_boolean(L, "quoted_checksum_ok", reply->quote.header_ok);
    }
    if (ids->protocol != WIRE_TCP)
        lset_integer(L, "quoted_checksum", reply->quote.checksum);
    else if (ids->tcp_flags != 0)
        lset_integer(L, "quoted_ecn_flags", ecn_of(ids->tcp_flags));
    if (ids->protocol == WIRE_ICMP)
        lset_integer(L, "quoted_ident", ids->ident);
    if (ids->protocol != WIRE_ICMP) {
        lset_integer(L, "quoted_source_port", ids->source_port);
        lset_integer(L, "quoted_target_port", ids->target_port);
    }
    if (!ipaddr_equal(&ids->source, &kept->sent.source))
        lset_address(L, "quoted_source", &ids->source);
    if (!ipaddr_equal(&ids->target, &kept->sent.target))
        lset_address(L, "quoted_target", &ids->target);
}

static void push_reply(lua_State *L, const struct evidence_list *list,
                       const struct evidence_reply *kept)
{
    lua_createtable(L, 0, 30);
    lset_string(L, "probe", evidence_probe_names[kept->sent.probe]);
    lset_string(L, "protocol", wire_protocol_names[kept->sent.protocol]);
    lset_number(L, "at_s", ns_to_s(kept->at_ns));
    lset_integer(L, "index", kept->index);
    set_reply(L, &kept->packet);
    set_sent(L, &kept->sent, !kept->packet.rebuilt);
    if (is_error(&kept->packet) && !kept->packet.rebuilt)
        set_quote(L, kept);
    if (kept->has_extension)
        set_extension(L, list->bytes + kept->extension_at, kept->extension_length, kept->compliant);
}

void lreplies_push(lua_State *L, const struct evidence_list *list, const struct ipaddr *from,
                   int flow, bool extensions_only)
{
    lua_Integer at = 0;

    lua_newtable(L);
    for (size_t i = 0; i < list->count; i++) {
        const struct evidence_reply *kept = &list->replies[i];
        if (!ipaddr_equal(&kept->packet.from, from) || (flow >= 0 && kept->flow != flow) ||
            (extensions_only && !kept->has_extension))
            continue;
        push_reply(L, list, kept);
        lua_rawseti(L, -2, ++at);
    }
}
