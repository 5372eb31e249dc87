/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/egress.h"

#include "base/units.h"
#include "prober/fib.h"

#include <dumbnet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANY_PORT = 33434, IP4_LONGEST = 65535, TOS_OF_ROUTES = 0xfc };

static int fail_binding(const char *device, struct err *err)
{
    int code = errno;
    if (code == ENODEV)
        return err_set(err, ERR_NODEVICE, "no such interface: %s", device);
    return err_set(err, code == EPERM ? ERR_PERMISSION : ERR_SYSTEM, "cannot use interface %s: %s",
                   device, strerror(code));
}

int egress_apply(int fd, const struct egress_binding *binding, struct err *err)
{
    const char *device = binding->device;

    if (device[0] != '\0' &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) < 0)
        return fail_binding(device, err);
    if (binding->mark != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &binding->mark, sizeof binding->mark) < 0)
        return err_set(err, errno == EPERM ? ERR_PERMISSION : ERR_SYSTEM, "cannot mark packets: %s",
                       strerror(errno));
    return 0;
}

static int fail_connect(const struct ipaddr *target, const char *device, struct err *err)
{
    char text[IPADDR_TEXT];
    int code = errno;

    ipaddr_to_text(target, text);
    if (code == EINVAL && ipaddr_is_link_local6(target))
        return err_set(err, ERR_BADADDRESS, "%s is link-local and needs a zone, as in %s%%eth0",
                       text, text);
    return err_set(err, ERR_NOROUTE, "no route to %s%s%s: %s", text, device[0] ? " through " : "",
                   device, strerror(code));
}

static int find_mtu(int fd, uint8_t version)
{
    int mtu = 0;
    socklen_t length = sizeof mtu;
    int level = version == 4 ? IPPROTO_IP : IPPROTO_IPV6;

    if (getsockopt(fd, level, version == 4 ? IP_MTU : IPV6_MTU, &mtu, &length) < 0)
        return -1;
    return mtu;
}

/* Without an interface, the path's MTU is used. The loopback interface has an MTU of 65536, one
 * more than an IPv4 header can state. */
static int find_link_mtu(int fd, const struct egress_route *route)
{
    struct ifreq request = { 0 };
    int mtu = route->mtu;

    memcpy(request.ifr_name, route->interface, sizeof route->interface);
    if (route->interface[0] != '\0' && ioctl(fd, SIOCGIFMTU, &request) == 0)
        mtu = request.ifr_mtu;
    return route->source.version == 4 && mtu > IP4_LONGEST ? IP4_LONGEST : mtu;
}

struct owner_search {
    const struct ipaddr *address;
    char *name;
};

static bool same_address(const struct addr *a, const struct ipaddr *b)
{
    return a->addr_type == (b->version == 4 ? ADDR_TYPE_IP : ADDR_TYPE_IP6) &&
           memcmp(a->addr_data8, b->bytes, ipaddr_family(b->version)->address_length) == 0;
}

static int match_owner(const struct intf_entry *entry, void *arg)
{
    const struct owner_search *search = arg;
    bool found = same_address(&entry->intf_addr, search->address);

    for (unsigned i = 0; i < entry->intf_alias_num && !found; i++)
        found = same_address(&entry->intf_alias_addrs[i], search->address);
    if (found)
        snprintf(search->name, IF_NAMESIZE, "%s", entry->intf_name);
    return found;
}

/* Finds the interface that has the source address, for output only. */
static void find_interface(struct egress_route *route)
{
    struct owner_search search = { &route->source, route->interface };
    intf_t *interfaces = intf_open();

    if (interfaces == NULL)
        return;
    intf_loop(interfaces, match_owner, &search);
    intf_close(interfaces);
}

/* ---- the kernel's choice ------------------------------------------------------------------- */

static struct fib_query query_of(const struct egress_request *request)
{
    struct fib_query query = { .target = request->target,
                               .source = request->source,
                               .mark = request->binding.mark,
                               .tos = request->tos & TOS_OF_ROUTES,
                               .ip_protocol = request->ip_protocol,
                               .source_port = request->source_port,
                               .target_port = request->target_port };

    if (request->binding.device[0] != '\0')
        query.interface = if_nametoindex(request->binding.device);
    else if (ipaddr_is_link_local6(&request->target))
        query.interface = request->scope;
    return query;
}

/* The next hop of a packet. */
struct next_hop {
    struct ipaddr gateway; /* version 0: left to the routing tables */
    uint32_t interface;    /* 0: left to the routing tables */
};

static bool same_hop(const struct fib_route *a, const struct fib_route *b)
{
    return a->interface == b->interface && ipaddr_equal(&a->gateway, &b->gateway);
}

/* Returns whether a packet with the gateway as its next hop reaches the gateway directly. IPv4
 * sockets have a flag for this (MSG_DONTROUTE); IPv6 needs an on-link route. */
static bool is_neighbour(struct fib *fib, const struct fib_query *query,
                         const struct fib_route *hop)
{
    struct fib_query there = { .target = hop->gateway,
                               .source = query->source,
                               .interface = hop->interface,
                               .mark = query->mark };
    struct fib_route route;

    if (query->target.version == 4)
        return true;
    return fib_look_up(fib, &there, &route) == 0 && route.interface == hop->interface &&
           (route.gateway.version == 0 || ipaddr_equal(&route.gateway, &hop->gateway));
}

/* The kernel's look-up for a raw socket has no ports. If ports make a difference, *out gets the
 * next hop of a look-up with ports; false if packets cannot be directed to it. `bound`: the
 * application would have chosen the source address. Otherwise IPv6 keeps the route from which the
 * kernel took the source address (ip6_dst_lookup_tail), while IPv4 looks the route up again. */
static bool choose_hop(struct fib *fib, const struct fib_query *query, bool bound,
                       struct next_hop *out)
{
    struct fib_query raw = *query, flow = *query;
    struct fib_route chosen, other;

    *out = (struct next_hop){ 0 };
    if (query->target.version == 6 && !bound)
        flow.source = (struct ipaddr){ 0 };
    if (fib_look_up(fib, &flow, &chosen) != 0)
        return true; /* sending will fail with the reason */
    raw.ip_protocol = 0;
    raw.source_port = raw.target_port = 0;
    if (!chosen.several &&
        (fib_look_up(fib, &raw, &other) != 0 || (!other.several && same_hop(&chosen, &other))))
        return true;
    out->interface = chosen.interface;
    if (chosen.indirect)
        return false;
    out->gateway = chosen.gateway.version != 0 ? chosen.gateway : query->target;
    if (chosen.gateway.version != 0 && !is_neighbour(fib, query, &chosen)) {
        out->gateway.version = 0;
        return false;
    }
    return true;
}

static int find_routes(const struct egress_request *request, struct egress_route *out,
                       struct err *err)
{
    struct fib_query query = query_of(request);
    struct fib_route route = { 0 };
    struct next_hop hop;
    struct fib fib;
    char text[IPADDR_TEXT];

    if (fib_open(&fib) < 0)
        return 0; /* connect_to finds all but the next hops */
    bool known = fib_look_up(&fib, &query, &route) == 0;
    if (known && query.source.version == 0) { /* protocol and ports may affect the source */
        query.source = route.source;
        known = query.target.version == 6 || fib_look_up(&fib, &query, &route) == 0;
    }
    out->source = query.source;
    if (known)
        if_indextoname(route.interface, out->interface);
    out->several = route.several;
    out->split = !choose_hop(&fib, &query, request->binding.source, &hop);
    fib_close(&fib);
    if (!route.broadcast)
        return 0;
    return err_set(err, ERR_BADADDRESS,
                   "%s is the broadcast address of %s: the address of one host expected",
                   ipaddr_to_text(&request->target, text), out->interface);
}

size_t egress_sources(const struct egress_request *request, size_t count, uint8_t *of,
                      struct ipaddr *list, size_t room)
{
    struct fib_query query = query_of(request);
    struct fib_route route;
    struct fib fib;
    size_t known = 1;

    query.source = (struct ipaddr){ 0 };
    memset(of, 0, count);
    if (fib_open(&fib) < 0)
        return known;
    for (size_t flow = 0; flow < count; flow++) {
        size_t i = 0;
        query.source_port = (uint16_t)(request->source_port + flow);
        if (fib_look_up(&fib, &query, &route) != 0 || route.source.version == 0)
            continue;
        while (i < known && !ipaddr_equal(&list[i], &route.source))
            i++;
        if (i == known && known < room)
            list[known++] = route.source;
        of[flow] = i < known ? (uint8_t)i : 0;
    }
    fib_close(&fib);
    return known;
}

/* Connects a UDP socket, which sends nothing, and reads source address and path MTU from it. */
static int connect_to(int fd, const struct egress_request *request, struct egress_route *route,
                      struct err *err)
{
    struct sockaddr_storage address;
    const struct ipaddr *target = &request->target;
    const char *device = request->binding.device;
    char text[IPADDR_TEXT];

    if (egress_apply(fd, &request->binding, err) < 0)
        return -1;
    if (route->source.version != 0) {
        socklen_t length = ipaddr_to_sockaddr(&route->source, 0, route->scope, &address);
        if (bind(fd, (struct sockaddr *)&address, length) < 0)
            return err_set(err, ERR_BADADDRESS, "source address %s is not usable here: %s",
                           ipaddr_to_text(&route->source, text), strerror(errno));
    }
    socklen_t length = ipaddr_to_sockaddr(target, ANY_PORT, route->scope, &address);
    if (connect(fd, (struct sockaddr *)&address, length) < 0)
        return fail_connect(target, device, err);
    length = sizeof address;
    route->mtu = find_mtu(fd, target->version);
    if (route->mtu < 0 || getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return err_set(err, ERR_SYSTEM, "cannot ask the route to %s: %s",
                       ipaddr_to_text(target, text), strerror(errno));
    route->source = ipaddr_from_sockaddr(&address);
    if (ipaddr_is_loopback(&route->source) && !ipaddr_is_loopback(target))
        return err_set(err, ERR_NOROUTE, "no route to %s%s%s: it would not leave this host",
                       ipaddr_to_text(target, text), device[0] ? " through " : "", device);
    return 0;
}

int egress_find(const struct egress_request *request, struct egress_route *out, struct err *err)
{
    struct egress_route route = { .scope = request->scope, .source = request->source };
    const char *device = request->binding.device;
    int fd = socket(ipaddr_family(request->target.version)->af, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "IPv%d is not usable here: %s", request->target.version,
                       strerror(errno));
    if (route.scope == 0 && device[0] != '\0')
        route.scope = if_nametoindex(device);
    int rc = find_routes(request, &route, err);
    if (rc == 0)
        rc = connect_to(fd, request, &route, err);
    if (rc == 0) {
        if (device[0] != '\0')
            snprintf(route.interface, sizeof route.interface, "%s", device);
        else if (route.interface[0] == '\0')
            find_interface(&route);
        route.link_mtu = find_link_mtu(fd, &route);
        *out = route;
    }
    close(fd);
    return rc;
}

/* ---- sending ------------------------------------------------------------------------------- */

enum { CACHED_HOPS = 8192 };            /* flows; the kernel provides pages on first use only */
static const int64_t fresh_ns = SECOND; /* how long a cached next hop is used */

struct cached_hop {
    struct fib_query query;
    struct next_hop hop;
    int64_t until_ns;
};

struct egress {
    int fd;
    struct fib fib;
    struct egress_binding binding;
    struct cached_hop hops[CACHED_HOPS];
};

static int prepare(int fd, uint8_t version, const struct egress_binding *binding, struct err *err)
{
    const int on = 1, probe = IP_PMTUDISC_PROBE; /* equals IPV6_PMTUDISC_PROBE */
    int level = version == 4 ? IPPROTO_IP : IPPROTO_IPV6;

    /* Without IP_RECVERR, sendmsg() succeeds even if this host's own queue drops the packet. */
    int rc = setsockopt(fd, level, version == 4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
    if (rc == 0)
        rc = setsockopt(fd, level, version == 4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &probe,
                        sizeof probe);
    if (rc < 0)
        return err_set(err, ERR_SYSTEM, "cannot prepare a raw socket: %s", strerror(errno));
    return egress_apply(fd, binding, err);
}

struct egress *egress_open(uint8_t version, const struct egress_binding *binding, struct err *err)
{
    struct egress *egress = calloc(1, sizeof *egress);

    if (egress == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a socket");
        return NULL;
    }
    egress->binding = *binding;
    egress->fib.fd = -1;
    egress->fd =
        socket(ipaddr_family(version)->af, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
    if (egress->fd < 0) {
        bool refused = errno == EPERM || errno == EACCES;
        err_set(err, refused ? ERR_PERMISSION : ERR_SYSTEM, "cannot open a raw socket: %s%s",
                strerror(errno), refused ? " (needs root or CAP_NET_RAW)" : "");
    } else if (fib_open(&egress->fib) < 0) {
        err_set(err, ERR_SYSTEM, "cannot open a netlink socket: %s", strerror(errno));
    } else if (prepare(egress->fd, version, binding, err) == 0) {
        return egress;
    }
    egress_close(egress);
    return NULL;
}

void egress_close(struct egress *egress)
{
    if (egress == NULL)
        return;
    if (egress->fd >= 0)
        close(egress->fd);
    fib_close(&egress->fib);
    free(egress);
}

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Reads a packet that wire_build made, so its IP header has no options. */
static struct egress_request egress_request_of(const struct egress *egress, const uint8_t *packet,
                                               uint32_t scope)
{
    const struct ipaddr_family *family = ipaddr_family(packet[0] >> 4);
    bool ip4 = family->version == 4;
    const uint8_t *addresses = packet + (ip4 ? 12 : 8), *transport = packet + family->header_length;
    struct egress_request request = { .scope = scope, .binding = egress->binding };

    request.source = ipaddr_from_bytes(family->version, addresses);
    request.target = ipaddr_from_bytes(family->version, addresses + family->address_length);
    request.tos = ip4 ? packet[1] : (uint8_t)(u16_at(packet) >> 4);
    request.ip_protocol = ip4 ? packet[9] : packet[6];
    request.source_port = u16_at(transport);
    request.target_port = u16_at(transport + 2);
    if (request.ip_protocol == family->icmp_protocol) {
        request.target_port = request.source_port; /* ICMP: type and code, see struct fib_query */
        request.source_port = 0;
    }
    return request;
}

static bool same_query(const struct fib_query *a, const struct fib_query *b)
{
    return a->source_port == b->source_port && a->target_port == b->target_port &&
           a->ip_protocol == b->ip_protocol && a->tos == b->tos && a->interface == b->interface &&
           ipaddr_equal(&a->target, &b->target) && ipaddr_equal(&a->source, &b->source);
}

static const struct next_hop *next_hop_of(struct egress *egress,
                                          const struct egress_request *request, int64_t now_ns)
{
    struct fib_query query = query_of(request);
    uint32_t hash = ipaddr_hash(&query.target) + query.source_port * 31u + query.target_port;
    struct cached_hop *cached = &egress->hops[(hash ^ hash >> 16) % CACHED_HOPS];

    if (now_ns >= cached->until_ns || !same_query(&cached->query, &query)) {
        cached->query = query;
        cached->until_ns = now_ns + fresh_ns;
        choose_hop(&egress->fib, &query, egress->binding.source, &cached->hop);
    }
    return &cached->hop;
}

static void add_control(struct msghdr *message, int level, int type, const void *value,
                        size_t length)
{
    struct cmsghdr *c = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), value, length);
    message->msg_controllen += CMSG_SPACE(length);
}

/* Sets source address and interface in control messages: for raw packets, the kernel routes by
 * these, not by the packet's header. */
static void add_controls(struct msghdr *message, const struct egress_request *request,
                         uint32_t interface)
{
    int tos = request->tos;

    if (request->target.version == 4) {
        struct in_pktinfo info = { .ipi_ifindex = (int)interface };
        memcpy(&info.ipi_spec_dst, request->source.bytes, sizeof info.ipi_spec_dst);
        add_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
        add_control(message, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    } else {
        struct in6_pktinfo info = { .ipi6_ifindex = interface };
        memcpy(&info.ipi6_addr, request->source.bytes, sizeof info.ipi6_addr);
        add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
        add_control(message, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    }
}

int egress_send(struct egress *egress, const uint8_t *packet, size_t length, uint32_t scope,
                int64_t now_ns)
{
    _Alignas(struct cmsghdr) char
        control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))] = { 0 };
    struct egress_request request = egress_request_of(egress, packet, scope);
    const struct next_hop *hop = next_hop_of(egress, &request, now_ns);
    bool led = hop->gateway.version != 0;
    uint32_t interface = hop->interface;
    if (interface == 0 && ipaddr_is_link_local6(&request.target))
        interface = scope;
    struct sockaddr_storage address;
    struct iovec part = { .iov_base = (void *)(uintptr_t)packet, .iov_len = length };
    struct msghdr message = {
        .msg_name = &address, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control
    };

    message.msg_namelen = ipaddr_to_sockaddr(led ? &hop->gateway : &request.target, 0,
                                             led ? interface : scope, &address);
    add_controls(&message, &request, interface);
    while (sendmsg(egress->fd, &message, led ? MSG_DONTROUTE : 0) < 0)
        if (errno != EINTR)
            return errno == EAGAIN ? ENOBUFS : errno;
    return 0;
}

/* ---- neighbours and interfaces ------------------------------------------------------------- */

bool egress_neighbour(const struct ipaddr *address, uint8_t mac[6])
{
    struct arp_entry entry = { .arp_pa = { .addr_type = ADDR_TYPE_IP, .addr_bits = IP_ADDR_BITS } };
    static const uint8_t none[6] = { 0 };
    arp_t *arp = address->version == 4 ? arp_open() : NULL;

    if (arp == NULL)
        return false;
    memcpy(entry.arp_pa.addr_data8, address->bytes, IP_ADDR_LEN);
    bool found = arp_get(arp, &entry) == 0;
    arp_close(arp);
    memcpy(mac, entry.arp_ha.addr_data8, sizeof none);
    return found && memcmp(mac, none, sizeof none) != 0; /* zeros in an incomplete entry */
}

struct listing {
    int (*each)(void *context, const struct egress_interface *entry);
    void *context;
};

static int list_one(const struct intf_entry *entry, void *arg)
{
    const struct listing *listing = arg;
    char text[64] = "";
    struct egress_interface one = { .name = entry->intf_name,
                                    .address = text,
                                    .mtu = entry->intf_mtu,
                                    .up = (entry->intf_flags & INTF_FLAG_UP) != 0,
                                    .loopback = (entry->intf_flags & INTF_FLAG_LOOPBACK) != 0 };

    if (entry->intf_addr.addr_type != ADDR_TYPE_NONE)
        addr_ntop(&entry->intf_addr, text, sizeof text);
    return listing->each(listing->context, &one);
}

int egress_interfaces(int (*each)(void *context, const struct egress_interface *entry),
                      void *context)
{
    struct listing listing = { each, context };
    intf_t *interfaces = intf_open();
    if (interfaces == NULL)
        return -1;
    int rc = intf_loop(interfaces, list_one, &listing);
    intf_close(interfaces);
    return rc;
}
