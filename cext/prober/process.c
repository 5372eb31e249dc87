/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES = 64 }; /* the kernel's sets have 64 bits */

enum { MOST_FILES = 65536 };

#define CAP_BIT(n) (UINT64_C(1) << (n))

/* ---- capabilities: the two system calls, which glibc does not wrap -------------------------- */

/* libcap-ng is not used, because Nmap would load it with the module, for three calls. */

static int read_permitted(uint64_t *permitted)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { 0 } };

    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return 0;
}

/* Sets the permitted and effective capabilities and clears the inheritable ones. */
static int set_capabilities(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {
        { .permitted = (uint32_t)permitted, .effective = (uint32_t)effective },
        { .permitted = (uint32_t)(permitted >> 32), .effective = (uint32_t)(effective >> 32) },
    };

    return (int)syscall(SYS_capset, &header, data);
}

/* Clears the bounding set, so that executed programs get no capabilities. Without CAP_SETPCAP,
 * no_new_privs has this effect. */
static int limit_children(void)
{
    for (unsigned long n = 0; n < CAPABILITIES; n++)
        (void)prctl(PR_CAPBSET_DROP, n, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Returns whether the kernel refuses to set this mark on a socket. */
static bool is_mark_refused(uint32_t mark)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    bool refused = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0 && errno == EPERM;
    close(fd);
    return refused;
}

static int fail(const char *what, struct err *err)
{
    return err_set(err, ERR_SYSTEM, "cannot %s: %s", what, strerror(errno));
}

int process_limit(uint32_t mark, struct err *err)
{
    const uint64_t raw = CAP_BIT(CAP_NET_RAW), admin = CAP_BIT(CAP_NET_ADMIN);
    uint64_t keep = 0;

    if (read_permitted(&keep) < 0 || limit_children() < 0)
        return fail("give up rights", err);
    keep &= raw | admin;
    if (set_capabilities(keep, keep & raw) < 0)
        return fail("give up rights", err);
    if (mark == 0 || !is_mark_refused(mark))
        keep &= raw;
    return set_capabilities(keep, keep) < 0 ? fail("give up rights", err) : 0;
}

/* ---- the user ------------------------------------------------------------------------------ */

static int take_groups(uid_t uid, gid_t gid)
{
    const struct passwd *user = getpwuid(uid);
    return user != NULL ? initgroups(user->pw_name, gid) : setgroups(1, &gid);
}

int process_become(uid_t uid, gid_t gid, bool *became, struct err *err)
{
    uint64_t permitted = 0;

    *became = false;
    if (geteuid() != 0)
        return 0;
    if (read_permitted(&permitted) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
        take_groups(uid, gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
        set_capabilities(permitted, permitted) < 0)
        return fail("become another user", err);
    *became = true;
    return 0;
}

bool process_nobody(uid_t *uid, gid_t *gid)
{
    const struct passwd *user = getpwnam("nobody");

    if (user == NULL || user->pw_uid == 0)
        return false;
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return true;
}

/* ---- files --------------------------------------------------------------------------------- */

unsigned process_streams(void)
{
    unsigned closed = 0;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        closed |= 1u << fd;
        if (open("/dev/null", O_RDWR) != fd) /* open() returns the lowest free descriptor */
            break;
    }
    return closed;
}

void process_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t wanted = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
