/* SPDX-License-Identifier: BSD-2-Clause */
#include "egress.h"

#include <dumbnet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANY_PORT = 33434 };

static int fail_pin(const char *device, struct err *err)
{
    int code = errno;
    if (code == ENODEV)
        return err_set(err, ERR_NODEVICE, "no such interface: %s", device);
    return err_set(err, code == EPERM ? ERR_PERMISSION : ERR_SYSTEM, "cannot use interface %s: %s",
                   device, strerror(code));
}

static int apply(int fd, const struct egress_pin *pin, struct err *err)
{
    const char *device = pin->device;

    if (device[0] != '\0' &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) < 0)
        return fail_pin(device, err);
    if (pin->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &pin->mark, sizeof pin->mark) < 0)
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

/* Without an interface the way's must do. */
static int find_link_mtu(int fd, const struct egress_route *route)
{
    struct ifreq request = { 0 };

    memcpy(request.ifr_name, route->interface, sizeof route->interface);
    if (route->interface[0] == '\0' || ioctl(fd, SIOCGIFMTU, &request) < 0)
        return route->mtu;
    return request.ifr_mtu;
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

/* The interface that owns the source address; only to be shown. */
static void find_interface(struct egress_route *route)
{
    struct owner_search search = { &route->source, route->interface };
    intf_t *interfaces = intf_open();

    if (interfaces == NULL)
        return;
    intf_loop(interfaces, match_owner, &search);
    intf_close(interfaces);
}

/* A connected UDP socket sends nothing, but has the source and the MTU of what would be sent. */
static int ask_kernel(int fd, const struct ipaddr *target, const struct ipaddr *source,
                      const struct egress_pin *pin, struct egress_route *route, struct err *err)
{
    struct sockaddr_storage address;
    const char *device = pin->device;
    char text[IPADDR_TEXT];

    if (apply(fd, pin, err) < 0)
        return -1;
    if (source->version != 0) {
        socklen_t length = ipaddr_to_sockaddr(source, 0, route->scope, &address);
        if (bind(fd, (struct sockaddr *)&address, length) < 0)
            return err_set(err, ERR_BADADDRESS, "source address %s is not usable here: %s",
                           ipaddr_to_text(source, text), strerror(errno));
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

int egress_find(const struct ipaddr *target, uint32_t scope, const struct ipaddr *source,
                const struct egress_pin *pin, struct egress_route *out, struct err *err)
{
    struct egress_route route = { .scope = scope };
    const char *device = pin->device;
    int fd = socket(ipaddr_family(target->version)->af, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "IPv%d is not usable here: %s", target->version,
                       strerror(errno));
    if (scope == 0 && device[0] != '\0')
        route.scope = if_nametoindex(device);
    int rc = ask_kernel(fd, target, source, pin, &route, err);
    if (rc == 0) {
        if (device[0] != '\0')
            snprintf(route.interface, sizeof route.interface, "%s", device);
        else
            find_interface(&route);
        route.link_mtu = find_link_mtu(fd, &route);
        *out = route;
    }
    close(fd);
    return rc;
}

int egress_open(uint8_t version, const struct egress_pin *pin, struct err *err)
{
    const int on = 1, probe = IP_PMTUDISC_PROBE; /* one number for both families */
    int af = ipaddr_family(version)->af;
    int fd = socket(af, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

    if (fd < 0) {
        bool refused = errno == EPERM || errno == EACCES;
        return err_set(err, refused ? ERR_PERMISSION : ERR_SYSTEM, "cannot open a raw socket: %s%s",
                       strerror(errno), refused ? " (needs root or CAP_NET_RAW)" : "");
    }
    /* Without it the kernel reports a packet that its own queue dropped as sent. */
    int level = version == 4 ? IPPROTO_IP : IPPROTO_IPV6;
    int rc = setsockopt(fd, level, version == 4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
    if (rc == 0)
        rc = setsockopt(fd, level, version == 4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &probe,
                        sizeof probe);
    if (rc < 0)
        err_set(err, ERR_SYSTEM, "cannot prepare a raw socket: %s", strerror(errno));
    else
        rc = apply(fd, pin, err);
    if (rc < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int egress_send(int fd, const uint8_t *packet, size_t length, const struct ipaddr *target,
                uint32_t scope)
{
    struct sockaddr_storage address;
    socklen_t size = ipaddr_to_sockaddr(target, 0, scope, &address);

    while (sendto(fd, packet, length, 0, (struct sockaddr *)&address, size) < 0)
        if (errno != EINTR)
            return errno == EAGAIN ? ENOBUFS : errno;
    return 0;
}

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
    return found && memcmp(mac, none, sizeof none) != 0; /* an entry may be incomplete */
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
