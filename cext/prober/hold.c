/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/hold.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct hold {
    struct hold *next;
    uint32_t users;
    int fd; /* -1: another program has the port */
    uint16_t port;
    uint8_t version;
};

static int bind_any(int fd, uint8_t version, uint16_t port)
{
    const struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    const struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    const int on = 1;

    if (version == 4)
        return bind(fd, (const struct sockaddr *)&any4, sizeof any4);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)&any6, sizeof any6);
}

/* Attaches the filter before bind(), so that no reply can precede it. */
static int open_port(uint8_t version, uint16_t port)
{
    struct sock_filter drop_all[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
    const struct sock_fprog program = { .len = 1, .filter = drop_all };
    int fd = socket(version == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
        bind_any(fd, version, port) == 0)
        return fd;
    close(fd);
    return -1;
}

struct hold *hold_take(struct hold **list, uint8_t version, uint16_t port)
{
    struct hold *hold = *list;

    while (hold != NULL && (hold->version != version || hold->port != port))
        hold = hold->next;
    if (hold == NULL) {
        hold = calloc(1, sizeof *hold);
        if (hold == NULL)
            return NULL;
        hold->next = *list;
        hold->version = version;
        hold->port = port;
        hold->fd = open_port(version, port);
        *list = hold;
    }
    hold->users++;
    return hold;
}

void hold_leave(struct hold **list, struct hold *hold)
{
    if (hold == NULL || --hold->users > 0)
        return;
    while (*list != hold)
        list = &(*list)->next;
    *list = hold->next;
    if (hold->fd >= 0)
        close(hold->fd);
    free(hold);
}
