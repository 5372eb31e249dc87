#!/bin/bash
# The command and web servers: the time to first byte in every way to show it,
# when it is asked for, and that many targets do not wait for it.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
# shellcheck source=tests/net/web.sh
. "$TREE/tests/net/web.sh"
needs_command
lab_up --routers 2 --no-rate-limit || exit 1
web_up || exit 1
T4=$(lab_target 4)
export SSL_CERT_FILE=$LAB_SCRATCH/tls/ca.pem

MS='[0-9]+\.[0-9]+'
QUIET="--asn off --no-config -n -c 3"

web() { # ARG...: the command, with names of its own; OUT, ERR, RC
  # shellcheck disable=SC2086 # a list, to be split
  named_cli $QUIET "$@"
}
named_cli() {
  tree_env "$TREE"
  # shellcheck disable=SC2016 # for the shell inside
  lab_run "${ENV[@]}" ip netns exec "$LAB-c" sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' \
    "$LAB_SCRATCH/hosts" timeout 120 "$TREE/scripts/mtr-trace" "$@" \
    >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null
  RC=$?
  OUT=$(cat "$LAB_SCRATCH/out") ERR=$(cat "$LAB_SCRATCH/err")
}
ttfb() { sed -n 's/^TTFB: //p' <<<"$OUT"; }

for family in 4 6; do
  undisturbed web -$family a.test
  like "v${family}_https" "$(ttfb)" \
    "^$MS ms  \(https, HTTP/2 200; TCP $MS \+ TLS $MS \+ wait $MS; server processing time .*; DNS $MS before\)$"
  is "v${family}_status" "$RC $ERR" "0 "
  web -$family --url http://r.test/ a.test
  like "v${family}_http" "$(ttfb)" "^$MS ms  \(http, HTTP/1.1 301 to https://a.test/from; TCP $MS \+ wait $MS; "
done
web -4 b.test
like the_right_virtual_host "$(ttfb)" 'https, HTTP/2 404; '
web "$T4"
like an_address_is_asked_by_https "$(ttfb)" "^$MS ms  \(https, HTTP/2 200; TCP "
is an_address_has_no_look_up "$(ttfb | grep -c DNS)" 0
web --url https://a.test:8443/ "$T4"
like self_signed "$(ttfb)" "^certificate not trusted \(self-signed\); TTFB $MS ms over an unverified connection"
web --http-count 3 --http-method HEAD --http-timeout 2s --url http://a.test:8050/ "$T4"
like several "$(ttfb)" "^$MS / $MS / $MS ms min / median / max of 3  "
web --http off "$T4"
is off "$(ttfb)" -
web -a "$(lab_exec c ip -4 -o address show dev eth0 | awk '{ sub("/.*", "", $4); print $4 }')" -I eth0 "$T4"
like from_where_the_user_says "$(ttfb)" "^$MS ms  \(https"

# ---- every way to show it ------------------------------------------------------

web -j a.test -4
is json "$(lua5.4 -e 'local t = require "dkjson".decode(io.read "a").traces[1].ttfb
  print(t.outcome, t.scheme, t.status, t.dns_ms > 0, math.abs(t.tcp_ms + t.tls_ms + t.wait_ms - t.ttfb_ms) < 0.01)' <<<"$OUT" | xargs)" \
  "measured https 200 true true"
web -x "$T4"
like xml "$OUT" 'ttfb'
web --markdown "$T4"
like markdown "$OUT" '^TTFB: .* ms  \(https, HTTP/2 200; '
web --html "$LAB_SCRATCH/page.html" "$T4"
like html "$(cat "$LAB_SCRATCH/page.html")" '<b>First byte</b> <span>.* ms  \(https, HTTP/2 200; '
web --record "$LAB_SCRATCH/run" -4 a.test
recorded=$OUT
web --replay "$LAB_SCRATCH/run"
is replay_has_it_digit_for_digit "$OUT" "$recorded"

# ---- who is asked, and how many ------------------------------------------------

count_sent any tcp dport '{ 80, 443 }' tcp flags syn
web -C "$T4"
is not_where_it_is_not_shown "$(sent any)" 0
# shellcheck disable=SC2046 # a list, to be split
web "$(web_address 41)" $(web_hosts | head -n 16)
is not_of_many_targets "$(sent any) $(grep -c '^TTFB: -$' <<<"$OUT")" "0 17"
# shellcheck disable=SC2046
web --http on $(web_hosts)
is of_many_where_the_user_says_so "$(grep -Ec "^TTFB: $MS ms  \(https, HTTP/2 200" <<<"$OUT")" 20
count_no_more

# Each of these 80 waits for a server that is silent: 64 are asked at once, and
# none waits for longer than the table does.
began=${EPOCHREALTIME/[.,]/}
# shellcheck disable=SC2046
web --http on --url https://a.test:8053/ $(for i in {1..80}; do echo "$T4"; done)
took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
is none_of_80_is_dropped "$(grep -c '^TTFB: not finished' <<<"$OUT")" 80
at_most they_wait_together "$took" 15000
