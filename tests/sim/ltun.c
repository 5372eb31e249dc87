/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtun, for tests: a TUN device, and waiting that ends on time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define TUN_MT "mtrtun.device"

static const int64_t ns_per_s = 1000000000;
static const int64_t spin_ns = 200000; /* more than a sleep oversleeps, as a rule */

struct device {
    int fd; /* -1: closed */
};

static int failed(lua_State *L, const char *what)
{
    int error = errno;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, strerror(error));
    return 2;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * ns_per_s + t.tv_nsec;
}

static int close_device(lua_State *L)
{
    struct device *d = luaL_checkudata(L, 1, TUN_MT);
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    return 0;
}

static struct device *check_device(lua_State *L)
{
    struct device *d = luaL_checkudata(L, 1, TUN_MT);
    if (d->fd < 0)
        luaL_error(L, "the device is closed");
    return d;
}

/* Not to be held up by busy cores is worth a priority where we may have it. The lowest: what
 * is of the kernel, and more urgent, goes before. */
static void be_punctual(void)
{
    struct sched_param lowest = { .sched_priority = 1 };
    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    (void)sched_setscheduler(0, SCHED_RR, &lowest);
}

/* open(name): the device, made where there is none; or nil and why not */
static int l_open(lua_State *L)
{
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    luaL_argcheck(L, length > 0 && length < IFNAMSIZ, 1, "no name of a device");

    struct device *d = lua_newuserdata(L, sizeof *d);
    d->fd = -1;
    luaL_setmetatable(L, TUN_MT);
    d->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (d->fd < 0)
        return failed(L, "/dev/net/tun");
    struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    memcpy(request.ifr_name, name, length);
    if (ioctl(d->fd, TUNSETIFF, &request) < 0)
        return failed(L, name);
    be_punctual();
    return 1;
}

/* read(): a packet that was sent into the device, and the time it was read; nil where there is
 * none; nil and an error. The time is taken here: after a pause, a line of Lua takes 0.3 ms. */
static int tun_read(lua_State *L)
{
    char packet[65536];
    ssize_t n = read(check_device(L)->fd, packet, sizeof packet);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return failed(L, "read");
    if (n < 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_Integer at = now_ns();
    lua_pushlstring(L, packet, (size_t)n);
    lua_pushinteger(L, at);
    return 2;
}

/* write(packet): true, it comes out of the device; or nil and an error */
static int tun_write(lua_State *L)
{
    struct device *d = check_device(L);
    size_t length;
    const char *packet = luaL_checklstring(L, 2, &length);
    if (write(d->fd, packet, length) < 0)
        return failed(L, "write");
    lua_pushboolean(L, 1);
    return 1;
}

static bool at_end(int fd)
{
    char c;
    return read(fd, &c, 1) <= 0;
}

/* wait(until_ns): true when there is a packet before that time, false when there is none; nil
 * and a text when standard input has ended. It sleeps, but for the last stretch. */
static int tun_wait(lua_State *L)
{
    struct device *d = check_device(L);
    int64_t until = luaL_checkinteger(L, 2);
    struct pollfd fds[] = { { .fd = d->fd, .events = POLLIN },
                            { .fd = STDIN_FILENO, .events = POLLIN } };

    for (;;) {
        int64_t left = until - now_ns();
        int64_t sleep = left > spin_ns ? left - spin_ns : 0;
        struct timespec t = { .tv_sec = sleep / ns_per_s, .tv_nsec = sleep % ns_per_s };
        int ready = ppoll(fds, 2, &t, NULL);
        if (ready < 0 && errno != EINTR)
            return failed(L, "poll");
        if (ready > 0 && fds[1].revents != 0 && at_end(STDIN_FILENO)) {
            lua_pushnil(L);
            lua_pushliteral(L, "standard input has ended");
            return 2;
        }
        bool readable = ready > 0 && fds[0].revents != 0;
        if (readable || left <= 0) {
            lua_pushboolean(L, readable);
            return 1;
        }
    }
}

/* now(): CLOCK_MONOTONIC */
static int l_now(lua_State *L)
{
    lua_pushinteger(L, now_ns());
    return 1;
}

static const luaL_Reg methods[] = { { "read", tun_read },
                                    { "write", tun_write },
                                    { "wait", tun_wait },
                                    { "close", close_device },
                                    { NULL, NULL } };

static const luaL_Reg functions[] = { { "open", l_open }, { "now", l_now }, { NULL, NULL } };

__attribute__((visibility("default"))) int luaopen_mtrtun(lua_State *L);

int luaopen_mtrtun(lua_State *L)
{
    luaL_checkversion(L);
    luaL_newmetatable(L, TUN_MT);
    lua_pushcfunction(L, close_device);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
