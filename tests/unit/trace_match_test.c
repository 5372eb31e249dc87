/* SPDX-License-Identifier: BSD-2-Clause */
/* The packets that a trace accepts as replies to its probes, one row each. Six probes are in
 * flight, to TTL 1 to 6. A reply to the probe of TTL 3 is made, modified, and given to the
 * trace. */
#include "check.h"
#include "world.h"

enum { OURS = 2 }; /* the probe's number */

static int no_replies(struct world *w, const struct wire_probe *probe)
{
    (void)w;
    (void)probe;
    return 0;
}

/* ---- modifications ------------------------------------------------------------------------- */

static void no_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.cookie = 0;
    p->probe.cookie_bytes = 0;
    p->probe.balance = 0;
}

static void wrong_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.cookie ^= 0x1000000;
}

static void other_family(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.source.version = p->probe.target.version = 10 - p->probe.source.version;
}

static void rewritten_target(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.target.bytes[1] ^= 0x20;
}

static void rewritten_target_no_cookie(const struct world *w, struct wire_packet *p)
{
    rewritten_target(w, p);
    no_cookie(w, p);
}

static void rewritten_target_wrong_cookie(const struct world *w, struct wire_packet *p)
{
    rewritten_target(w, p);
    wrong_cookie(w, p);
}

static void wrong_ident(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.ident++;
}

static void wrong_source_port(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.source_port++;
}

static void wrong_target_port(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.target_port++;
}

/* A foreign packet that happens to have the same numbers (mtr accepts it). */
static void foreign_tcp(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.protocol = WIRE_TCP;
    p->probe.tcp_seq = (uint32_t)p->probe.ident << 16 | p->probe.index;
}

static void foreign_udp(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.protocol = WIRE_UDP;
}

static void foreign_icmp(const struct world *w, struct wire_packet *p)
{
    p->probe.protocol = WIRE_ICMP;
    p->probe.ident = w->config.spec.ident;
}

static void index_not_sent(const struct world *w, struct wire_packet *p)
{
    const struct wire_spec *spec = &w->config.spec;
    p->probe.index = wire_index(spec, 6);
    p->probe.ip_id = wire_ip_id(spec, 6);
    p->probe.cookie = wire_cookie(spec, 6);
    p->probe.balance = wire_udp_balance(spec, 6, 0);
}

static void balance_not_sent(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.balance ^= 0x5a5a;
}

/* All fields are correct but the cookie, which is another probe's. */
static void cookie_of_another(const struct world *w, struct wire_packet *p)
{
    p->probe.cookie = wire_cookie(&w->config.spec, OURS + 1);
}

static void cookie_of_zeros(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.cookie = 0;
}

static void cookie_cut_to(struct wire_packet *p, unsigned bytes)
{
    unsigned missing = 8 * (WIRE_COOKIE - bytes);
    p->probe.cookie = p->probe.cookie >> missing << missing;
    p->probe.cookie_bytes = (uint8_t)bytes;
    p->probe.balance = 0;
}

static void cookie_cut(const struct world *w, struct wire_packet *p)
{
    (void)w;
    cookie_cut_to(p, 3);
}

static void cookie_cut_and_wrong(const struct world *w, struct wire_packet *p)
{
    (void)w;
    cookie_cut_to(p, 1);
    p->probe.cookie ^= 0x01000000;
}

static void id_no_cookie(const struct world *w, struct wire_packet *p)
{
    no_cookie(w, p);
    p->probe.ip_id ^= 0x0100;
}

static void id_0_no_cookie(const struct world *w, struct wire_packet *p)
{
    no_cookie(w, p);
    p->probe.ip_id = 0;
}

static void index_of_another_no_cookie(const struct world *w, struct wire_packet *p)
{
    no_cookie(w, p);
    p->probe.index = wire_index(&w->config.spec, OURS + 1);
}

static void swapped_id_no_cookie(const struct world *w, struct wire_packet *p)
{
    no_cookie(w, p);
    p->probe.ip_id = (uint16_t)(p->probe.ip_id << 8 | p->probe.ip_id >> 8);
}

static void swapped_id_with_checksum_no_cookie(const struct world *w, struct wire_packet *p)
{
    swapped_id_no_cookie(w, p);
    p->probe.id_swapped = true;
}

static void right_id_with_swapped_checksum(const struct world *w, struct wire_packet *p)
{
    no_cookie(w, p);
    p->probe.id_swapped = true;
}

/* Rewrites the source address, as a NAT does that does not restore quotes. */
static void rewritten_source(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.source.bytes[3] ^= 0x40;
    p->probe.source_port = (uint16_t)(p->probe.source_port + 77);
    p->probe.ident++;
    if (p->probe.protocol == WIRE_UDP)
        p->probe.index = (uint16_t)(p->probe.index - 77 - 0x40);
}

static void rewritten_source_wrong_cookie(const struct world *w, struct wire_packet *p)
{
    rewritten_source(w, p);
    (void)w;
    p->probe.cookie ^= 0x1000000;
}

static void rewritten_source_and_id(const struct world *w, struct wire_packet *p)
{
    rewritten_source(w, p);
    p->probe.ip_id = 0x4242;
}

static void rewritten_source_and_label(const struct world *w, struct wire_packet *p)
{
    rewritten_source(w, p);
    p->probe.flow_label ^= 1;
}

static void rewritten_source_and_seq(const struct world *w, struct wire_packet *p)
{
    rewritten_source(w, p);
    p->probe.tcp_seq += 1;
}

static void ident_no_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.ident++;
    no_cookie(w, p);
}

static void source_port_no_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.source_port++;
    no_cookie(w, p);
}

static void target_port_no_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.target_port++;
    no_cookie(w, p);
}

static void wrong_source_no_cookie(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.source.bytes[3] ^= 0x40;
    no_cookie(w, p);
}

static void target_and_id(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.target.bytes[1] ^= 0x20;
    p->probe.ip_id++;
}

static void target_and_seq(const struct world *w, struct wire_packet *p)
{
    rewritten_target(w, p);
    p->probe.tcp_seq += 1;
}

static void index_before_the_first(const struct world *w, struct wire_packet *p)
{
    p->probe.index = p->probe.ip_id = wire_index(&w->config.spec, UINT32_MAX);
    if (p->probe.index == wire_index(&w->config.spec, 0))
        p->probe.index = p->probe.ip_id = (uint16_t)(p->probe.index - 1);
}

static void index_0(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.index = p->probe.ip_id = 0;
}

static void index_rewritten(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.index = (uint16_t)(p->probe.index + 0x1357);
}

static void index_rewritten_no_cookie(const struct world *w, struct wire_packet *p)
{
    index_rewritten(w, p);
    no_cookie(w, p);
}

/* The NAT's change of the address changes the checksum, possibly to another probe's index. */
static void index_rewritten_to_another(const struct world *w, struct wire_packet *p)
{
    p->probe.index = wire_index(&w->config.spec, OURS + 2);
}

static void id_rewritten(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.ip_id = (uint16_t)(p->probe.ip_id << 8 | p->probe.ip_id >> 8);
}

static void id_and_target_rewritten(const struct world *w, struct wire_packet *p)
{
    id_rewritten(w, p);
    rewritten_target(w, p);
}

static void seq_between_two(const struct world *w, struct wire_packet *p)
{
    (void)w;
    p->probe.tcp_seq++;
}

static void seq_not_sent(const struct world *w, struct wire_packet *p)
{
    p->probe.tcp_seq = wire_tcp_seq(&w->config.spec, 6);
}

static void seq_before_the_first(const struct world *w, struct wire_packet *p)
{
    p->probe.tcp_seq = w->config.spec.tcp_base - WIRE_TCP_STEP;
}

/* Some stacks acknowledge the data of a SYN, as Linux does in a RST. */
static void payload_acknowledged(const struct world *w, struct wire_packet *p)
{
    const struct wire_spec *spec = &w->config.spec;
    p->probe.tcp_seq += spec->size - (uint32_t)wire_size_min(WIRE_TCP, spec->source.version);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static const struct row {
    const char *name;
    enum wire_protocol protocol;
    uint8_t version;
    enum wire_kind kind;
    bool taken;
    void (*modify)(const struct world *w, struct wire_packet *p);
    uint16_t size; /* 0: the default */
} rows[] = {
#define TE WIRE_TIME_EXCEEDED
    { "icmp_quote_is_taken", WIRE_ICMP, 4, TE, true, .modify = NULL },
    { "icmp_quote_without_cookie_is_taken", WIRE_ICMP, 4, TE, true, .modify = no_cookie },
    { "icmp_quote_with_a_wrong_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = wrong_cookie },
    { "icmp_quote_with_a_cookie_of_zeros_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = cookie_of_zeros },
    { "icmp_quote_with_the_cookie_of_another_probe_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = cookie_of_another },
    { "icmp_quote_with_three_bytes_of_cookie_is_taken", WIRE_ICMP, 4, TE, true,
      .modify = cookie_cut },
    { "icmp_quote_with_one_wrong_byte_of_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = cookie_cut_and_wrong },
    { "icmp_quote_without_cookie_with_another_ip_id_is_taken", WIRE_ICMP, 4, TE, true,
      .modify = id_no_cookie },
    { "icmp_quote_of_another_source_with_cookie_is_taken", WIRE_ICMP, 4, TE, true,
      .modify = rewritten_source },
    { "icmp_quote_of_another_source_without_cookie_is_taken_by_its_ident", WIRE_ICMP, 4, TE, true,
      .modify = wrong_source_no_cookie },
    { "icmp_quote_of_another_source_with_a_wrong_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = rewritten_source_wrong_cookie },
    { "icmp_quote_of_the_other_family_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = other_family },
    { "icmp_quote_with_another_ident_and_cookie_is_taken", WIRE_ICMP, 4, TE, true,
      .modify = wrong_ident },
    { "icmp_quote_with_another_ident_without_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = ident_no_cookie },
    { "icmp_quote_rewritten_by_nat_with_cookie_is_taken", WIRE_ICMP, 4, TE, true,
      .modify = rewritten_target },
    { "icmp_quote_rewritten_by_nat_without_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = rewritten_target_no_cookie },
    { "icmp_quote_rewritten_by_nat_with_a_wrong_cookie_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = rewritten_target_wrong_cookie },
    { "icmp_quote_of_a_probe_not_sent_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = index_not_sent },
    { "icmp_quote_of_a_probe_before_the_first_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = index_before_the_first },
    { "icmp_quote_of_index_0_is_refused", WIRE_ICMP, 4, TE, false, .modify = index_0 },
    { "icmp_quote_with_another_ip_id_is_taken", WIRE_ICMP, 4, TE, true, .modify = id_rewritten },
    { "foreign_tcp_quote_with_our_sequence_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = foreign_tcp },
    { "foreign_udp_quote_with_our_sequence_is_refused", WIRE_ICMP, 4, TE, false,
      .modify = foreign_udp },
    { "echo_reply_is_taken", WIRE_ICMP, 4, WIRE_ECHO_REPLY, true, .modify = NULL },
    { "echo_reply_without_cookie_is_taken", WIRE_ICMP, 4, WIRE_ECHO_REPLY, true,
      .modify = no_cookie },
    { "echo_reply_with_a_cookie_of_zeros_is_refused", WIRE_ICMP, 4, WIRE_ECHO_REPLY, false,
      .modify = cookie_of_zeros },
    { "echo_reply_6_without_cookie_is_refused", WIRE_ICMP, 6, WIRE_ECHO_REPLY, false,
      .modify = no_cookie },
    { "echo_reply_with_a_wrong_cookie_is_refused", WIRE_ICMP, 4, WIRE_ECHO_REPLY, false,
      .modify = wrong_cookie },
    { "echo_reply_to_another_ident_with_cookie_is_taken", WIRE_ICMP, 4, WIRE_ECHO_REPLY, true,
      .modify = wrong_ident },
    { "echo_reply_to_another_ident_without_cookie_is_refused", WIRE_ICMP, 4, WIRE_ECHO_REPLY, false,
      .modify = ident_no_cookie },
    { "unreachable_is_taken", WIRE_ICMP, 4, WIRE_UNREACHABLE, true, .modify = NULL },
    { "too_big_is_taken", WIRE_ICMP, 4, WIRE_TOO_BIG, true, .modify = NULL },
    { "icmp6_quote_is_taken", WIRE_ICMP, 6, TE, true, .modify = NULL },
    { "icmp6_quote_without_cookie_is_refused", WIRE_ICMP, 6, TE, false, .modify = no_cookie },
    { "icmp6_quote_with_a_cookie_of_zeros_is_refused", WIRE_ICMP, 6, TE, false,
      .modify = cookie_of_zeros },
    { "icmp6_quote_of_another_ident_with_cookie_is_taken", WIRE_ICMP, 6, TE, true,
      .modify = wrong_ident },
    { "icmp6_quote_of_another_ident_without_cookie_is_refused", WIRE_ICMP, 6, TE, false,
      .modify = ident_no_cookie },
    { "icmp6_quote_of_the_other_family_is_refused", WIRE_ICMP, 6, TE, false,
      .modify = other_family },
    { "echo_reply_6_is_taken", WIRE_ICMP, 6, WIRE_ECHO_REPLY, true, .modify = NULL },

    { "udp_quote_is_taken", WIRE_UDP, 4, TE, true, .modify = NULL },
    { "udp_quote_without_cookie_is_taken", WIRE_UDP, 4, TE, true, .modify = no_cookie },
    { "udp_quote_with_a_wrong_cookie_is_refused", WIRE_UDP, 4, TE, false, .modify = wrong_cookie },
    { "udp_quote_of_another_source_with_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = rewritten_source },
    { "udp_quote_of_another_source_and_id_with_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = rewritten_source_and_id },
    { "udp_quote_of_another_source_without_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = wrong_source_no_cookie },
    { "udp_quote_of_another_source_with_a_wrong_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = rewritten_source_wrong_cookie },
    { "udp_quote_of_another_source_port_with_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = wrong_source_port },
    { "udp_quote_of_another_source_port_without_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = source_port_no_cookie },
    { "udp_quote_of_another_target_port_with_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = wrong_target_port },
    { "udp_quote_of_another_target_port_without_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = target_port_no_cookie },
    { "udp_quote_whose_balance_is_not_its_cookies_is_refused", WIRE_UDP, 4, TE, false,
      .modify = balance_not_sent },
    { "udp_quote_with_the_cookie_of_another_probe_is_refused", WIRE_UDP, 4, TE, false,
      .modify = cookie_of_another },
    { "udp_quote_with_a_cookie_of_zeros_is_refused", WIRE_UDP, 4, TE, false,
      .modify = cookie_of_zeros },
    { "udp_quote_with_three_bytes_of_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = cookie_cut },
    { "udp_quote_with_one_wrong_byte_of_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = cookie_cut_and_wrong },
    { "udp_quote_without_cookie_with_another_ip_id_is_refused", WIRE_UDP, 4, TE, false,
      .modify = id_no_cookie },
    { "udp_quote_without_cookie_with_ip_id_0_is_refused", WIRE_UDP, 4, TE, false,
      .modify = id_0_no_cookie },
    { "udp_quote_without_cookie_with_the_checksum_of_another_is_refused", WIRE_UDP, 4, TE, false,
      .modify = index_of_another_no_cookie },
    { "udp_quote_without_cookie_whose_id_is_shown_to_be_swapped_is_taken", WIRE_UDP, 4, TE, true,
      .modify = swapped_id_with_checksum_no_cookie },
    { "udp_quote_without_cookie_with_a_swapped_id_is_refused", WIRE_UDP, 4, TE, false,
      .modify = swapped_id_no_cookie },
    { "udp_quote_without_cookie_with_our_id_shown_to_be_swapped_is_refused", WIRE_UDP, 4, TE, false,
      .modify = right_id_with_swapped_checksum },
    { "udp_quote_of_a_probe_not_sent_is_refused", WIRE_UDP, 4, TE, false,
      .modify = index_not_sent },
    { "udp_quote_of_checksum_0_is_found_by_cookie", WIRE_UDP, 4, TE, true, .modify = index_0 },
    { "udp_checksum_rewritten_is_found", WIRE_UDP, 4, TE, true, .modify = index_rewritten },
    { "udp_checksum_rewritten_without_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = index_rewritten_no_cookie },
    { "udp_checksum_rewritten_to_that_of_another_probe_is_found", WIRE_UDP, 4, TE, true,
      .modify = index_rewritten_to_another },
    { "udp_quote_with_another_ip_id_is_taken", WIRE_UDP, 4, TE, true, .modify = id_rewritten },
    { "udp_quote_with_another_ip_id_and_target_is_taken", WIRE_UDP, 4, TE, true,
      .modify = id_and_target_rewritten },
    { "udp_quote_rewritten_by_nat_with_cookie_is_taken", WIRE_UDP, 4, TE, true,
      .modify = rewritten_target },
    { "udp_quote_rewritten_by_nat_without_cookie_is_refused", WIRE_UDP, 4, TE, false,
      .modify = rewritten_target_no_cookie },
    { "udp_port_unreachable_is_taken", WIRE_UDP, 4, WIRE_UNREACHABLE, true, .modify = NULL },
    { "echo_reply_to_a_udp_trace_is_refused", WIRE_UDP, 4, WIRE_ECHO_REPLY, false,
      .modify = foreign_icmp },
    { "udp6_quote_is_taken", WIRE_UDP, 6, TE, true, .modify = NULL },
    { "udp6_checksum_rewritten_is_found_by_cookie", WIRE_UDP, 6, TE, true,
      .modify = index_rewritten },
    { "udp6_quote_without_cookie_is_refused", WIRE_UDP, 6, TE, false, .modify = no_cookie },
    { "udp6_quote_with_three_bytes_of_cookie_is_refused", WIRE_UDP, 6, TE, false,
      .modify = cookie_cut },
    { "udp6_quote_with_a_cookie_of_zeros_is_refused", WIRE_UDP, 6, TE, false,
      .modify = cookie_of_zeros },
    { "udp6_checksum_rewritten_without_cookie_is_refused", WIRE_UDP, 6, TE, false,
      .modify = index_rewritten_no_cookie },
    { "udp6_quote_of_another_source_with_cookie_is_taken", WIRE_UDP, 6, TE, true,
      .modify = rewritten_source },
    { "udp6_quote_whose_balance_is_of_no_probe_is_refused", WIRE_UDP, 6, TE, false,
      .modify = balance_not_sent },
    { "udp6_quote_with_a_wrong_cookie_is_refused", WIRE_UDP, 6, TE, false, .modify = wrong_cookie },

    { "tcp_quote_is_taken", WIRE_TCP, 4, TE, true, .modify = NULL },
    { "tcp_quote_of_another_source_with_our_id_is_taken", WIRE_TCP, 4, TE, true,
      .modify = rewritten_source },
    { "tcp_quote_of_another_source_with_another_id_is_refused", WIRE_TCP, 4, TE, false,
      .modify = rewritten_source_and_id },
    { "tcp_quote_of_another_source_and_sequence_is_refused", WIRE_TCP, 4, TE, false,
      .modify = rewritten_source_and_seq },
    { "tcp_quote_of_another_source_port_with_our_id_is_taken", WIRE_TCP, 4, TE, true,
      .modify = wrong_source_port },
    { "tcp_quote_of_another_target_port_with_our_id_is_taken", WIRE_TCP, 4, TE, true,
      .modify = wrong_target_port },
    { "tcp_quote_of_another_target_with_our_id_is_taken", WIRE_TCP, 4, TE, true,
      .modify = rewritten_target },
    { "tcp_quote_of_another_target_with_another_id_is_refused", WIRE_TCP, 4, TE, false,
      .modify = target_and_id },
    { "tcp_rst_from_another_of_its_addresses_is_taken", WIRE_TCP, 4, WIRE_RST, true,
      .modify = rewritten_target },
    { "tcp_rst_from_another_address_with_another_number_is_refused", WIRE_TCP, 4, WIRE_RST, false,
      .modify = target_and_seq },
    { "tcp6_quote_of_another_source_with_our_label_is_taken", WIRE_TCP, 6, TE, true,
      .modify = rewritten_source },
    { "tcp6_quote_of_another_target_with_our_label_is_taken", WIRE_TCP, 6, TE, true,
      .modify = rewritten_target },
    { "tcp6_quote_of_another_target_port_with_our_label_is_taken", WIRE_TCP, 6, TE, true,
      .modify = wrong_target_port },
    { "tcp6_quote_of_another_source_with_another_label_is_refused", WIRE_TCP, 6, TE, false,
      .modify = rewritten_source_and_label },
    { "tcp6_quote_of_another_source_and_sequence_is_refused", WIRE_TCP, 6, TE, false,
      .modify = rewritten_source_and_seq },
    { "tcp_quote_of_a_sequence_between_two_is_refused", WIRE_TCP, 4, TE, false,
      .modify = seq_between_two },
    { "tcp_quote_of_a_probe_not_sent_is_refused", WIRE_TCP, 4, TE, false, .modify = seq_not_sent },
    { "tcp_quote_of_a_probe_before_the_first_is_refused", WIRE_TCP, 4, TE, false,
      .modify = seq_before_the_first },
    { "udp_quote_to_a_tcp_trace_is_refused", WIRE_TCP, 4, TE, false, .modify = foreign_udp },
    { "tcp_syn_ack_is_taken", WIRE_TCP, 4, WIRE_SYN_ACK, true, .modify = NULL },
    { "tcp_rst_is_taken", WIRE_TCP, 4, WIRE_RST, true, .modify = NULL },
    { "tcp_rst_to_a_sequence_between_two_is_refused", WIRE_TCP, 4, WIRE_RST, false,
      .modify = seq_between_two },
    { "tcp_rst_that_acknowledges_the_payload_is_taken", WIRE_TCP, 4, WIRE_RST, true,
      .modify = payload_acknowledged, .size = 144 },
    { "tcp_syn_ack_that_ignores_the_payload_is_taken", WIRE_TCP, 4, WIRE_SYN_ACK, true,
      .modify = NULL, .size = 144 },
    { "tcp_rst_that_acknowledges_256_bytes_finds_its_probe", WIRE_TCP, 4, WIRE_RST, true,
      .modify = payload_acknowledged, .size = 44 + 256 },
    { "tcp_rst_that_acknowledges_512_bytes_finds_its_probe", WIRE_TCP, 4, WIRE_RST, true,
      .modify = payload_acknowledged, .size = 44 + 512 },
    { "tcp_syn_ack_that_ignores_256_bytes_finds_its_probe", WIRE_TCP, 4, WIRE_SYN_ACK, true, NULL,
      44 + 256 },
    { "tcp_quote_with_256_bytes_finds_its_probe", WIRE_TCP, 4, TE, true, .modify = NULL,
      .size = 44 + 256 },
    { "tcp6_quote_is_taken", WIRE_TCP, 6, TE, true, .modify = NULL },
    { "tcp6_rst_is_taken", WIRE_TCP, 6, WIRE_RST, true, .modify = NULL },
};

static void test_row(const struct row *row)
{
    const struct wire_probe probe = { .number = OURS, .ttl = OURS + 1 };
    struct world w;

    check_case("%s", row->name);
    world_new(&w);
    world_protocol(&w, row->protocol, row->version);
    if (row->size != 0)
        w.config.spec.size = row->size;
    w.script = no_replies;
    world_begin(&w);
    world_run(&w, 20 * MS);
    check_int("probes on their way", (int64_t)world_count(&w, EVENT_SENT, 0), 6);
    struct wire_packet packet = world_packet(&w, &probe, row->kind, &w.config.spec.target);
    if (row->kind == TE)
        packet.from = world_router(&w, probe.ttl);
    if (row->modify != NULL)
        row->modify(&w, &packet);
    struct trace_stamp stamp = { .ns = w.wall_ns + 20 * MS, .epoch = w.epoch, .link = 1 };
    check_int("taken", trace_reply(w.trace, &packet, stamp, w.now_ns), row->taken);
    const struct world_event *reply = world_nth(&w, EVENT_REPLY, 0, 0);
    if (check_int("replies", (int64_t)world_count(&w, EVENT_REPLY, 0), row->taken) &&
        reply != NULL) {
        check_int("probe", reply->event.probe, OURS);
        check_int("ttl", reply->event.ttl, OURS + 1);
        check_int("RTT", reply->event.rtt_ns, 20 * MS);
    }
    world_free(&w);
}

/* A captured outgoing packet is our probe only with the probe's TTL; a forwarded copy has
 * another. */
static void test_seen(void)
{
    const struct wire_probe probe = { .number = OURS, .ttl = OURS + 1 };
    struct world w;

    world_new(&w);
    w.script = no_replies;
    w.not_captured = true;
    world_begin(&w);
    world_run(&w, 20 * MS);
    struct wire_packet own = world_packet(&w, &probe, WIRE_PROBE, &w.config.spec.source);
    struct trace_stamp stamp = { .ns = w.wall_ns, .epoch = w.epoch, .link = 1 };

    check_case("an_outgoing_probe_is_known_by_its_deadline");
    int64_t deadline_ns = trace_seen(w.trace, &own, stamp);
    check_that(deadline_ns > w.now_ns + 900 * MS && deadline_ns < w.now_ns + 1100 * MS, "in %d ms",
               (int)((deadline_ns - w.now_ns) / MS));
    check_case("an_outgoing_probe_with_another_ttl_is_not_known");
    own.ttl--;
    check_int("deadline", trace_seen(w.trace, &own, stamp), 0);
    own.ttl++;
    check_case("an_outgoing_probe_with_a_wrong_cookie_is_not_known");
    own.probe.cookie++;
    check_int("deadline", trace_seen(w.trace, &own, stamp), 0);
    own.probe.cookie--;

    check_case("the_last_outgoing_copy_gives_the_stamp");
    stamp.ns += 3 * MS;
    check_that(trace_seen(w.trace, &own, stamp) != 0, "not known");
    struct ipaddr router = world_router(&w, probe.ttl);
    struct wire_packet packet = world_packet(&w, &probe, WIRE_TIME_EXCEEDED, &router);
    stamp.ns += 4 * MS;
    trace_reply(w.trace, &packet, stamp, w.now_ns);
    check_int("RTT", world_nth(&w, EVENT_REPLY, 0, 0)->event.rtt_ns, 4 * MS);
    check_case("a_probe_with_an_outcome_has_no_deadline");
    check_that(trace_seen(w.trace, &own, stamp) == INT64_MAX, "has one");
    world_free(&w);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* A reply `after_ns` after the probe was sent, and possibly another one `then_ns` later. */
static const struct time_row {
    const char *name;
    enum wire_protocol protocol;
    enum wire_kind kind;
    bool bare;
    int64_t after_ns;
    int64_t then_ns; /* 0: none */
    bool elsewhere;  /* the second comes from another router */
    bool taken;      /* whether the last reply is accepted */
    enum event_kind outcome;
} time_rows[] = {
    { "udp_reply_without_cookie_in_time_counts", WIRE_UDP, TE, true, 100 * MS, 0, false, true,
      EVENT_REPLY },
    { "udp_reply_without_cookie_after_the_deadline_is_late", WIRE_UDP, TE, true, 4900 * MS, 0,
      false, true, EVENT_LATE },
    { "udp_reply_without_cookie_after_the_timeout_matches_no_probe", WIRE_UDP, TE, true, 5100 * MS,
      0, false, false, EVENT_LATE },
    { "udp_reply_with_cookie_after_the_timeout_is_late", WIRE_UDP, TE, false, 5100 * MS, 0, false,
      true, EVENT_LATE },
    { "icmp_reply_without_cookie_after_the_timeout_matches_no_probe", WIRE_ICMP, TE, true,
      5100 * MS, 0, false, false, EVENT_LATE },
    { "tcp_reset_after_the_deadline_is_late", WIRE_TCP, WIRE_RST, true, 4900 * MS, 0, false, true,
      EVENT_LATE },
    { "tcp_reset_after_the_timeout_matches_no_probe", WIRE_TCP, WIRE_RST, true, 5100 * MS, 0, false,
      false, EVENT_LATE },
    { "second_reply_without_cookie_is_a_duplicate", WIRE_UDP, TE, true, 10 * MS, 10 * MS, false,
      true, EVENT_DUPLICATE },
    { "second_reply_without_cookie_from_another_router_matches_no_probe", WIRE_UDP, TE, true,
      10 * MS, 10 * MS, true, false, EVENT_DUPLICATE },
    { "second_reply_with_cookie_of_another_is_a_duplicate", WIRE_UDP, TE, false, 10 * MS, 10 * MS,
      true, true, EVENT_DUPLICATE },
    { "second_syn_ack_is_a_duplicate", WIRE_TCP, WIRE_SYN_ACK, true, 10 * MS, 1000 * MS, false,
      true, EVENT_DUPLICATE },
};

static bool reply_at(struct world *w, const struct wire_packet *packet, int64_t at_ns)
{
    struct trace_stamp stamp = { .ns = w->wall_ns + at_ns, .epoch = w->epoch, .link = 1 };

    world_run(w, at_ns);
    return trace_reply(w->trace, packet, stamp, at_ns);
}

static void test_time(const struct time_row *row)
{
    const struct wire_probe probe = { .number = OURS, .ttl = OURS + 1 };
    struct world w;

    check_case("%s", row->name);
    world_new(&w);
    world_protocol(&w, row->protocol, 4);
    w.script = no_replies;
    w.config.interval_ns = 2000 * MS; /* so that the run has not ended when the replies arrive */
    world_begin(&w);
    world_run(&w, MS);
    struct wire_packet packet = world_packet(&w, &probe, row->kind, &w.config.spec.target);
    if (row->kind == TE)
        packet.from = world_router(&w, probe.ttl);
    if (row->bare)
        no_cookie(&w, &packet);
    bool taken = reply_at(&w, &packet, row->after_ns);
    if (row->then_ns > 0) {
        if (row->elsewhere)
            packet.from.bytes[3] ^= 1;
        taken = reply_at(&w, &packet, row->after_ns + row->then_ns);
    }
    check_int("taken", taken, row->taken);
    check_int("outcomes", (int64_t)world_count(&w, row->outcome, 0), row->taken);
    world_free(&w);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        test_row(&rows[i]);
    for (size_t i = 0; i < COUNT(time_rows); i++)
        test_time(&time_rows[i]);
    test_seen();
    return check_done();
}
