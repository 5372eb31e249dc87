/* SPDX-License-Identifier: BSD-2-Clause */
/* flood INTERFACE MAC SOURCE TARGET RATE SECONDS: for tests, in a namespace of theirs. Sends ICMP
 * errors that quote probes which nobody sent, so many a second for so long, right in every
 * checksum. Prints how many went out. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    BATCH = 64,
    POOL = 64 * BATCH, /* frames that are made beforehand, and sent in turn */
    IP = 14,           /* offsets in the frame */
    ICMP = IP + 20,
    QUOTE = ICMP + 8,
    TRANSPORT = QUOTE + 20,
    LENGTH = TRANSPORT + 20,
    MOST_SECONDS = 60,
};

static uint8_t frames[POOL][LENGTH];
static uint64_t state = 88172645463325252U;

static uint32_t chance(void)
{
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void ip_header(uint8_t *at, uint16_t length, uint8_t ttl, uint8_t protocol,
                      const uint8_t *source, const uint8_t *target)
{
    memset(at, 0, 20);
    at[0] = 0x45;
    put16(at + 2, length);
    put16(at + 4, (uint16_t)chance());
    at[8] = ttl;
    at[9] = protocol;
    memcpy(at + 12, source, 4);
    memcpy(at + 16, target, 4);
    put16(at + 10, checksum(at, 20));
}

/* As a router says of a probe of one of the three protocols, of the right sizes and ports. */
static void fill(uint8_t *frame, const uint8_t *router, const uint8_t *us)
{
    static const uint8_t protocols[] = { 1, 17, 6 };
    uint8_t target[4] = { 10, 0, 7, (uint8_t)chance() }, *t = frame + TRANSPORT;
    uint8_t protocol = protocols[chance() % 3];

    ip_header(frame + IP, LENGTH - IP, 60, 1, router, us);
    ip_header(frame + QUOTE, 40, 1, protocol, us, target);
    for (int i = 0; i < 20; i++)
        t[i] = (uint8_t)chance();
    if (protocol == 1) {
        put16(t, 0x0800);
    } else {
        put16(t, (uint16_t)(28672 + chance() % 8));
        put16(t + 2, protocol == 17 ? 33434 : 80);
    }
    if (protocol == 17)
        put16(t + 4, 20);
    memset(frame + ICMP, 0, 8);
    frame[ICMP] = 11;
    put16(frame + ICMP + 2, checksum(frame + ICMP, LENGTH - ICMP));
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static long flood(int fd, long rate, int64_t until_ns, const uint8_t *router, const uint8_t *us)
{
    static struct iovec parts[POOL];
    static struct mmsghdr messages[POOL];
    int64_t began_ns = now_ns();
    long sent = 0;
    int next = 0;

    for (int i = 0; i < POOL; i++) {
        fill(frames[i], router, us);
        parts[i] = (struct iovec){ frames[i], LENGTH };
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (now_ns() < until_ns) {
        int64_t due_ns = began_ns + sent * 1000000000 / rate;
        if (now_ns() < due_ns) {
            nanosleep(&(struct timespec){ 0, 200000 }, NULL);
            continue;
        }
        int done = sendmmsg(fd, messages + next, BATCH, 0);
        sent += done > 0 ? done : 0;
        next = (next + BATCH) % POOL;
    }
    return sent;
}

static int read_mac(const char *text, uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        char *end;
        mac[i] = (uint8_t)strtoul(text, &end, 16);
        if (end == text || (i < 5 && *end != ':'))
            return -1;
        text = end + 1;
    }
    return 0;
}

static int open_link(const char *name)
{
    struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
    int fd = socket(AF_PACKET, SOCK_RAW, 0), past_the_queue = 1;

    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &past_the_queue, sizeof past_the_queue);
    link.sll_ifindex = (int)if_nametoindex(name);
    return fd >= 0 && bind(fd, (struct sockaddr *)&link, sizeof link) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
    uint8_t router[4], us[4], mac[6];

    if (argc != 7 || read_mac(argv[2], mac) < 0 || inet_pton(AF_INET, argv[3], router) != 1 ||
        inet_pton(AF_INET, argv[4], us) != 1)
        return 2;
    long rate = strtol(argv[5], NULL, 10);
    double seconds = strtod(argv[6], NULL);
    int fd = open_link(argv[1]);
    if (fd < 0 || rate < 1 || !(seconds > 0 && seconds <= MOST_SECONDS)) {
        perror("flood");
        return 1;
    }
    for (int i = 0; i < POOL; i++) {
        memcpy(frames[i], mac, 6);
        memset(frames[i] + 6, 2, 6);
        put16(frames[i] + 12, ETH_P_IP);
    }
    printf("%ld\n", flood(fd, rate, now_ns() + (int64_t)(seconds * 1e9), router, us));
    return 0;
}
