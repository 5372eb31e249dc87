/* SPDX-License-Identifier: BSD-2-Clause */
/* The next batch of a path MTU search, and when the search has ended. */
#include "discovery/pmtu_inside.h"

#include "base/units.h"

#include <string.h>

enum {
    ROUND = 24,   /* sizes in one batch */
    REOPENED = 3, /* unanswered sizes repeated at a time */
    CHECKS = 6,   /* probes: one byte too large and the largest, alternately */
    WINDOW = 5,   /* hops probed at once beyond the reduction */
    DECISIONS = 8 /* in one turn; at most three follow from one another */
};

static const int64_t check_every_ns = 30 * MS;

/* MTUs of common links, tried first. */
static const uint16_t plateaus[] = { 296,  508,  576,  1006, 1280, 1300, 1320, 1340, 1360, 1380,
                                     1400, 1412, 1420, 1428, 1436, 1440, 1450, 1460, 1468, 1472,
                                     1476, 1480, 1492, 1500, 2002, 4352, 4464, 8166, 8950, 9000 };
#define PLATEAUS (sizeof plateaus / sizeof *plateaus)

/* ---- trials -------------------------------------------------------------------------------- */

static void begin(struct pmtu *m, enum phase phase)
{
    m->phase = phase;
    m->count = 0;
    m->batch++;
    m->renamed = false;
}

static void add_trial(struct pmtu *m, uint8_t ttl, uint16_t size, uint8_t wanted, int64_t first_ns)
{
    if (m->count < PMTU_TRIALS)
        m->trials[m->count++] =
            (struct trial){ .ttl = ttl, .size = size, .wanted = wanted, .first_ns = first_ns };
}

/* With rate-limited replies one unanswered probe is enough to go on: the size found is checked
 * before the end. */
static uint8_t tries(const struct pmtu *m)
{
    return pmtu_is_narrow(m) ? 1 : PMTU_TRIES;
}

static void ask_size(struct pmtu *m, uint16_t size, int64_t now_ns)
{
    bool larger = size != m->least && size != m->named;

    begin(m, SEARCH);
    add_trial(m, m->ttl, size, larger ? tries(m) : PMTU_TRIES, now_ns);
}

/* Adds sizes in rising order; with rate-limited replies one size at a time. */
static void add_round(struct pmtu *m, int64_t now_ns)
{
    uint16_t within[PLATEAUS];
    unsigned count = 0, gap = m->hi - m->lo - 1u;
    unsigned most = pmtu_is_narrow(m) ? 1 : gap < ROUND ? gap : ROUND;

    for (size_t i = 0; i < PLATEAUS; i++)
        if (plateaus[i] > m->lo && plateaus[i] < m->hi)
            within[count++] = plateaus[i];
    begin(m, SEARCH);
    bool even = count == 0 || gap <= ROUND;
    unsigned probed = !even && count < most ? count : most;
    for (unsigned i = 0; i < probed; i++) {
        unsigned step = (i + 1) * (gap + 1) / (probed + 1);
        uint16_t size =
            even ? (uint16_t)(m->lo + step) : within[probed == 1 ? count / 2 : i * count / probed];
        add_trial(m, m->ttl, size, 1, now_ns);
    }
}

static void ask_check(struct pmtu *m, int64_t now_ns)
{
    int64_t every_ns = pmtu_is_narrow(m) ? TOKEN_NS : check_every_ns;

    begin(m, CHECK);
    for (int i = 0; i < CHECKS; i++)
        add_trial(m, m->ttl, i % 2 == 0 ? (uint16_t)m->hi : m->lo, 1, now_ns + i * every_ns);
}

static uint8_t last_ttl(const struct pmtu *m)
{
    uint8_t last = m->ttl != PMTU_FULL_TTL ? m->ttl : m->config.max_hops;
    return last < PMTU_TRIALS ? last : PMTU_TRIALS;
}

static void ask_hops(struct pmtu *m, enum phase phase, int first, int last, int64_t now_ns)
{
    int most = last_ttl(m);

    begin(m, phase);
    for (int ttl = first; ttl <= last && ttl <= most; ttl++)
        add_trial(m, (uint8_t)ttl, phase == BIG ? (uint16_t)m->hi : m->least,
                  phase == LAST_HOP ? 2 : 1, now_ns);
}

/* Repeats hops before it that did not reply once. */
static void add_repeats(struct pmtu *m, int first, uint8_t ttl, int64_t now_ns)
{
    begin(m, AGAIN);
    for (; first < ttl; first++)
        add_trial(m, (uint8_t)first, m->least, 1, now_ns + TOKEN_NS);
    add_trial(m, ttl, (uint16_t)m->hi, 2, now_ns + TOKEN_NS);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void drop_reduction(struct pmtu_report *found, int at)
{
    found->reduction_count--;
    memmove(&found->reductions[at], &found->reductions[at + 1],
            (size_t)(found->reduction_count - at) * sizeof found->reductions[0]);
}

void pmtu_note_invalid(struct pmtu *m, const struct ipaddr *from)
{
    if (m->found.invalid_messages++ == 0)
        m->found.invalid_from = *from;
}

/* Reported reductions that contradict what passed are dropped. */
void pmtu_finish(struct pmtu *m)
{
    struct pmtu_report *found = &m->found;

    m->phase = DONE;
    for (int i = found->reduction_count - 1; i >= 0; i--) {
        struct pmtu_reduction *s = &found->reductions[i];
        if (s->reported && s->mtu == 0 && s->refused == m->lo + 1)
            s->mtu = m->lo;
        if (s->refused > m->lo && (s->mtu == 0 || s->mtu >= m->lo))
            continue;
        pmtu_note_invalid(m, &s->address);
        drop_reduction(found, i);
    }
}

static void finish_hop(struct pmtu *m, uint8_t to)
{
    struct pmtu_report *found = &m->found;

    if (m->hi != m->reported_hi && found->reduction_count < PMTU_REDUCTIONS)
        found->reductions[found->reduction_count++] =
            (struct pmtu_reduction){ .from = m->from,
                                     .to = to,
                                     .address = m->hops[m->from],
                                     .mtu = m->lo,
                                     .refused = (uint16_t)m->hi };
    pmtu_finish(m);
}

/* ---- the next batch ------------------------------------------------------------------------ */

void pmtu_begin(struct pmtu *m, int64_t now_ns)
{
    begin(m, START);
    if (m->config.spec.protocol != WIRE_UDP && m->least < m->config.link_mtu)
        add_trial(m, m->ttl, m->least, PMTU_TRIES, now_ns);
    add_trial(m, m->ttl, m->config.link_mtu, m->count > 0 ? 1 : tries(m), now_ns);
}

static void plan_without_answer(struct pmtu *m, int64_t now_ns)
{
    if (!m->least_failed)
        ask_size(m, m->least, now_ns);
    else if (m->ttl == PMTU_FULL_TTL)
        ask_hops(m, LAST_HOP, 1, UINT8_MAX, now_ns);
    else
        pmtu_finish(m);
}

/* True if the bounds come from replies, not from silence. */
static bool is_settled(const struct pmtu *m)
{
    bool named = m->named == m->lo || (m->hi == m->reported_hi && m->hi == m->lo + 1u);
    return m->lo == m->config.link_mtu || (m->lo != 0 && named);
}

bool pmtu_is_exact(const struct pmtu *m)
{
    return is_settled(m) || (m->lo != 0 && m->checked && !m->found.limited);
}

static void choose(struct pmtu *m, int64_t now_ns)
{
    m->renamed = false; /* this choice includes the named MTU */
    if (is_settled(m))
        pmtu_finish(m);
    else if (m->named > m->lo && m->named < m->hi)
        ask_size(m, m->named, now_ns);
    else if (m->lo == 0)
        plan_without_answer(m, now_ns);
    else if (m->hi > m->config.link_mtu)
        ask_size(m, m->config.link_mtu, now_ns);
    else if (m->hi - m->lo > 1)
        add_round(m, now_ns);
    else if (!m->checked)
        ask_check(m, now_ns);
    else
        ask_hops(m, BIG, 1, UINT8_MAX, now_ns);
}

void pmtu_pass(struct pmtu *m, uint16_t size)
{
    m->found.probed = m->ttl == PMTU_FULL_TTL ? PMTU_TARGET : PMTU_HOP;
    m->lo = size > m->lo ? size : m->lo;
    if (m->lo < m->hi)
        return;
    m->hi = m->config.link_mtu + (m->lo == m->config.link_mtu ? 1u : 0u);
    m->checked = false;
    if (m->reported_hi <= m->lo)
        m->reported_hi = m->config.link_mtu + 1u;
}

void pmtu_fail(struct pmtu *m, uint16_t size)
{
    if (size <= m->lo || size >= m->hi)
        return;
    m->hi = size;
    m->checked = false;
}

/* ---- outcomes of a batch ------------------------------------------------------------------- */

static bool all_settled(const struct pmtu *m)
{
    for (int i = 0; i < m->count; i++)
        if (m->trials[i].answer == OPEN)
            return false;
    return true;
}

/* The trial with the smallest size that has not passed. */
static int first_unpassed(const struct pmtu *m)
{
    int i = 0;
    while (i < m->count && m->trials[i].size <= m->lo)
        i++;
    return i;
}

static void reopen(struct pmtu *m, int first)
{
    for (int i = first, n = 0; i < m->count && n < REOPENED; i++) {
        struct trial *q = &m->trials[i];
        if (q->answer != SILENT || q->tries >= PMTU_TRIES)
            continue;
        q->answer = OPEN;
        q->wanted = (uint8_t)(q->tries + 1);
        n++;
    }
}

static bool search_ready(struct pmtu *m)
{
    int i = first_unpassed(m);

    if (i == m->count || m->trials[i].answer == REFUSED)
        return true;
    if (m->trials[i].answer == OPEN)
        return false;
    if (m->trials[i].tries >= tries(m))
        return true;
    reopen(m, i);
    return false;
}

/* For the link's MTU one unanswered probe is enough to go on; it is checked before the end. */
static bool start_ready(const struct pmtu *m)
{
    enum answer large = m->trials[m->count - 1].answer;
    return large == PASSED || large == REFUSED || all_settled(m);
}

/* The lowest TTL that replied, once no lower one is open. */
static int next_hop(const struct pmtu *m)
{
    for (int i = 0; i < m->count; i++)
        if (m->trials[i].answer == PASSED || m->trials[i].answer == OPEN)
            return i;
    return m->count;
}

static bool is_ready(struct pmtu *m)
{
    int at = 0;

    if (m->phase != DONE && m->renamed && m->phase != LAST_HOP)
        return true;
    switch (m->phase) {
    case START:
        return m->count == 0 || start_ready(m);
    case SEARCH:
        return search_ready(m);
    case CHECK:
        return m->lo >= m->trials[0].size || all_settled(m);
    case SMALL:
        at = next_hop(m);
        return at == m->count || m->trials[at].answer == PASSED;
    case LAST_HOP:
    case BIG:
    case AGAIN:
        return all_settled(m);
    case DONE:
        return false;
    }
    return false;
}

static void end_start(struct pmtu *m, int64_t now_ns)
{
    for (int i = 0; i < m->count; i++) {
        if (m->trials[i].answer != SILENT)
            continue;
        m->least_failed |= m->trials[i].size == m->least;
        if (m->lo != 0)
            pmtu_fail(m, m->trials[i].size);
    }
    choose(m, now_ns);
}

static void end_search(struct pmtu *m, int64_t now_ns)
{
    int i = first_unpassed(m);
    const struct trial *q = &m->trials[i];

    if (i < m->count && q->answer == SILENT && q->tries >= tries(m)) {
        m->least_failed |= q->size == m->least;
        if (q->size != m->least)
            pmtu_fail(m, q->size);
    }
    choose(m, now_ns);
}

/* Three unanswered probes between replies are due to the size; otherwise a limit on the number of
 * probes may be the reason. */
static void end_check(struct pmtu *m, int64_t now_ns)
{
    int passed = 0;

    for (int i = 1; i < m->count; i += 2)
        passed += m->trials[i].answer == PASSED;
    m->checked = m->lo < m->hi && m->lo < m->trials[0].size;
    if (m->checked && passed < CHECKS / 2 - 1)
        m->found.limited = true;
    choose(m, now_ns);
}

static uint8_t last_passed(const struct pmtu *m)
{
    uint8_t ttl = 0;
    for (int i = 0; i < m->count; i++)
        if (m->trials[i].answer == PASSED)
            ttl = m->trials[i].ttl;
    return ttl;
}

static void end_last_hop(struct pmtu *m, int64_t now_ns)
{
    m->ttl = last_passed(m);
    if (m->ttl == 0) {
        m->ttl = PMTU_FULL_TTL;
        pmtu_finish(m);
        return;
    }
    m->found.hop_ttl = m->ttl;
    m->found.hop = m->hops[m->ttl];
    m->hi = m->reported_hi;
    pmtu_pass(m, m->least);
    choose(m, now_ns);
}

static void ask_behind(struct pmtu *m, int first, int64_t now_ns)
{
    m->twice = false;
    if (first > last_ttl(m)) {
        finish_hop(m, 0);
        return;
    }
    ask_hops(m, SMALL, first, first + WINDOW - 1, now_ns);
}

static bool is_end(const struct pmtu *m, uint8_t ttl)
{
    return ttl == m->ttl || ipaddr_equal(&m->hops[ttl], &m->config.spec.target);
}

static void end_small(struct pmtu *m, int64_t now_ns)
{
    int i = next_hop(m), first = m->trials[0].ttl, last = m->trials[m->count - 1].ttl;
    uint8_t ttl = i < m->count ? m->trials[i].ttl : 0;

    if (ttl != 0 && i == 0 && is_end(m, ttl)) { /* its silence is expected */
        finish_hop(m, ttl);
    } else if (ttl != 0) {
        add_repeats(m, m->twice ? ttl : first, ttl, now_ns);
    } else if (m->twice) {
        ask_behind(m, last + 1, now_ns);
    } else {
        m->twice = true;
        ask_hops(m, SMALL, first, last, now_ns + TOKEN_NS);
    }
}

static void end_again(struct pmtu *m, int64_t now_ns)
{
    const struct trial *large = &m->trials[m->count - 1];
    int i = next_hop(m);

    if (large->answer == PASSED) {
        m->from = large->ttl;
        ask_behind(m, m->from + 1, now_ns);
    } else if (i < m->count) {
        add_repeats(m, m->trials[i].ttl, m->trials[i].ttl, now_ns);
    } else {
        finish_hop(m, large->ttl);
    }
}

static void decide(struct pmtu *m, int64_t now_ns)
{
    if (m->renamed && m->phase != LAST_HOP) {
        choose(m, now_ns);
        return;
    }
    switch (m->phase) {
    case START:
        end_start(m, now_ns);
        return;
    case SEARCH:
        end_search(m, now_ns);
        return;
    case CHECK:
        end_check(m, now_ns);
        return;
    case LAST_HOP:
        end_last_hop(m, now_ns);
        return;
    case BIG:
        m->from = last_passed(m);
        ask_behind(m, m->from + 1, now_ns);
        return;
    case SMALL:
        end_small(m, now_ns);
        return;
    case AGAIN:
        end_again(m, now_ns);
        return;
    case DONE:
        return;
    }
}

void pmtu_plan(struct pmtu *m, int64_t now_ns)
{
    int decisions = 0;

    for (; decisions < DECISIONS && !pmtu_is_held(m) && is_ready(m); decisions++)
        decide(m, now_ns);
    m->unplanned = decisions == DECISIONS;
}
