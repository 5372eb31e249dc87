#!/bin/bash
# The time to first byte, by both Nmaps from real web servers (nginx) and from
# bad ones: what is printed, what is asked, that no thread is left behind.

. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/web.sh
. "$TREE/tests/net/web.sh"
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
web_up || exit 1
QUIET=mtr-trace.asn=off,mtr-trace.names=no,mtr-trace.packets=3
T4=$(lab_target 4)

# ask ARGUMENTS [NMAP OPTION...]: a run with the lab's authority
ask() {
  SSL_CERT_FILE=$(scratch_of "$flavour")/tls/ca.pem trace "$flavour" \
    --script-args "$QUIET${1:+,$1}" "${@:2}"
}

ttfb() { show text | sed -n 's/^ *TTFB: //p'; }
reads() { like "${flavour}_$1" "$(ttfb)" "^$2"; } # NAME REGEX

# adds_up NAME: the phases are all of it, to a microsecond
adds_up() {
  is "${flavour}_${1}_adds_up" "$(show ttfb ttfb_ms tcp_ms tls_ms wait_ms |
    awk '{ d = $1 - $2 - $3 - $4; print ($1 > 0 && d < 0.0015 && d > -0.0015) ? "yes" : $0 }')" yes
}

MS='[0-9]+\.[0-9]+'
UNVERIFIED="TTFB $MS ms over an unverified connection  \(https"
VALUES="outcome scheme port protocol status tls_version certificate location"

both_families() {
  local family
  for family in 4 6; do
    undisturbed ask '' -$family a.test
    reads "v${family}_https" "$MS ms  \(https, HTTP/2 200; TCP $MS \+ TLS $MS \+ wait $MS; server processing time $MS\)$"
    adds_up "v${family}_https"
    # shellcheck disable=SC2086 # a list, to be split
    is "${flavour}_v${family}_values" "$(show ttfb $VALUES address)" \
      "measured https 443 HTTP/2 200 TLSv1.3 trusted - $(lab_target $family)"
    ask '' -$family b.test
    # shellcheck disable=SC2086
    is "${flavour}_v${family}_the_right_virtual_host" "$(show ttfb $VALUES)" \
      "measured https 443 HTTP/2 404 TLSv1.3 trusted -"
    ask mtr-trace.url=https://a.test:8443/ -$family a.test
    reads "v${family}_self_signed" "certificate not trusted \(self-signed\); $UNVERIFIED on 8443, "
    [ "$family$flavour" != 6deb13 ] || continue # that much is libcurl's alone
    ask mtr-trace.url=http://r.test/ -$family a.test
    reads "v${family}_redirect" "$MS ms  \(http, HTTP/1.1 301 to https://a.test/from; TCP $MS \+ wait $MS; "
    # shellcheck disable=SC2086
    is "${flavour}_v${family}_redirect_values" "$(show ttfb $VALUES)" \
      "measured http 80 HTTP/1.1 301 - - https://a.test/from"
    ask mtr-trace.url=https://a.test:8444/ -$family a.test
    reads "v${family}_expired" "certificate not trusted \(expired\); $UNVERIFIED on 8444, "
    ask '' -$family r.test
    reads "v${family}_for_another_name" "certificate not trusted \(not for r.test\); $UNVERIFIED, HTTP/2 301 "
  done
}

# Neither a name nor a proxy from elsewhere; ports as they are.
addresses() {
  count_sent any udp dport 53
  ask '' "$T4"
  is "${flavour}_no_name_is_looked_up" "$(sent any)" 0
  count_no_more
  reads address_is_its_own_name "$MS ms  \(https, HTTP/2 200; "
  ask '' "$(web_address 40)"
  reads nothing_there 'no TLS on 443 and no service on 80$'
  ask mtr-trace.http=off "$T4"
  reads off '-$'
  ask mtr-trace.url=http://a.test:81/ "$T4"
  reads refused 'could not connect \(refused\)$'
  https_proxy=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 ask '' "$T4"
  reads no_proxy_applies "$MS ms  \(https"
  ask '' -e eth0 "$T4"
  reads chosen_interface "$MS ms  \(https"
  SSL_CERT_FILE='' trace "$flavour" --script-args "$QUIET" a.test
  reads unknown_authority "certificate not trusted \((issuer not known|no CA certificates to verify it with)\); $UNVERIFIED"
}

bad_servers() {
  local url name regex without
  while read -r url name regex; do
    ask "mtr-trace.http-timeout=1s,mtr-trace.url=$url" "$T4"
    reads "$name" "$regex"
  done <<END
http://a.test:8051/ slow_header timed out (in the response header|waiting for first byte) after 1 s  \(http on 8051; TCP
http://a.test:8052/ endless_body $MS ms  \(http on 8052, HTTP/1.1 200; TCP
http://a.test:8059/ trickling_body $MS ms  \(http on 8059, HTTP/1.1 200; TCP
http://a.test:8053/ silent timed out waiting for first byte after 1 s  \(http on 8053; TCP $MS\)$
https://a.test:8053/ silent_in_tls timed out in TLS after 1 s  \(https on 8053; TCP $MS\)$
http://a.test:8054/ garbage no HTTP on 8054
https://a.test:8054/ garbage_in_tls no TLS on 8054
http://a.test:8055/ endless_header response header is over 64 KiB
http://a.test:8056/ closes_at_once connection closed before a response  \(http on 8056; TCP $MS\)$
http://a.test:8057/ control_characters .*HTTP/1.1 302 to http://a.test/\]0;ownedEx; TCP
http://a.test:8058/ early_hints $MS ms  \(http on 8058, HTTP/1.1 200; TCP
http://a.test:8064/ interim $MS ms  \(http on 8064, HTTP/1.1 200; TCP $MS \+ wait (1[5-9]|[2-9][0-9])[0-9]\.[0-9]+; 103 Early Hints after [0-9.]+;
http://a.test:8065/ interim_twice $MS ms  \(http on 8065, HTTP/1.1 200; TCP $MS \+ wait (1[5-9]|[2-9][0-9])[0-9]\.[0-9]+; 103 Early Hints after
https://a.test:8067/ interim_in_tls $MS ms  \(https on 8067, HTTP/1.1 200; TCP $MS \+ TLS $MS \+ wait (1[5-9]|[2-9][0-9])[0-9]\.[0-9]+; 102 Processing after
http://a.test:8066/ interim_alone timed out waiting for first byte after 1 s  \(http on 8066; TCP $MS; 103 Early Hints after [0-9.]+\)$
https://a.test:8062/ http_1_1_required_of_a_stream $MS ms  \(https on 8062, HTTP/1.1 200; TCP
https://a.test:8063/ http_1_1_required_of_a_connection $MS ms  \(https on 8063, HTTP/1.1 200; TCP
http://a.test:8068/ long_line response header is over 64 KiB
http://a.test:8069/ long_header response header is over 64 KiB
http://a.test:8446/ long_header_of_nginx response header is over 64 KiB
https://a.test:8445/ long_header_of_http_2 response header is over 64 KiB
END
  ask mtr-trace.http-timeout=1s "$(web_address 41)"
  reads silent_on_443 'timed out in TLS after 1 s  \(https; TCP '
  ask mtr-trace.http=off "$T4"
  without=$TOOK
  ask mtr-trace.url=https://a.test:8053/ "$T4"
  reads not_finished "not finished \(in TLS\)  \(https on 8053; TCP $MS\)$"
  at_most "${flavour}_table_waits_3_s" $((TOOK - without)) 4000
  ask mtr-trace.url=http://a.test:8053/ "$T4"
  reads not_finished_waiting "not finished \(waiting for first byte\)  \(http on 8053; TCP $MS\)$"
}

# A handshake of 3.6 s on 443, where port 80 is left to be tried, is waited for;
# a 443 that swallows SYNs leaves time for port 80.
slow_handshake() {
  ask mtr-trace.interval=600ms "$(web_address 42)"
  reads slow_handshake "3[5-9][0-9]{2}\.[0-9]+ ms  \(https, HTTP/1.1 200; TCP $MS \+ TLS 3[5-9][0-9]{2}\.[0-9]+ \+ wait "
  lab_rule s input ip daddr "$(web_address 43)" tcp dport 443 drop
  ask mtr-trace.interval=600ms "$(web_address 43)"
  reads swallowed_443 "$MS ms  \(http, HTTP/1.1 200; TCP "
  lab_clear s
}

# wait is 50 ms and a round trip; the least of nine requests, as the machine's
# own delays are in the others.
server_time() {
  ask mtr-trace.http-count=9,mtr-trace.url=http://a.test:8050/ "$T4"
  reads count "$MS / $MS / $MS ms min / median / max of [5-9]"
  adds_up several_http
  is "${flavour}_wait_is_50_ms_and_a_round_trip" "$(show ttfb min_ms wait_ms server_time_ms |
    awk '{ print ($1 >= 50 && $1 <= 75 && $2 >= 50 && $2 - $3 > 0 && $2 - $3 < 1) ? "yes" : $0 }')" yes
}

# The first packet with a request is lost.
lost_request() {
  lab_rule r2 forward iifname up tcp dport 80 tcp flags psh limit rate over 1/hour burst 1 packets accept
  lab_rule r2 forward iifname up tcp dport 80 tcp flags psh drop
  ask mtr-trace.url=http://a.test/ "$T4"
  reads lost_request "[0-9]{3,4}\.[0-9]+ ms  \(http, HTTP/1.1 200; TCP $MS \+ wait $MS; 1 TCP retransmission\)$"
  is "${flavour}_lost_request_values" "$(show ttfb retransmissions server_time_ms)" "1 -"
  lab_clear r2
}

what_is_asked() {
  local head
  : >"$LAB_SCRATCH/web.log"
  ask 'mtr-trace.url="http://b.test:8050/x?y=1"' "$T4"
  head=$(tr -d '\r' <"$LAB_SCRATCH/web.log")
  is "${flavour}_one_request" "$(grep -c ' HTTP/1.1$' <<<"$head")" 1
  like "${flavour}_request" "$head" '^GET /x\?y=1 HTTP/1.1$'
  like "${flavour}_host" "$head" '^Host: b.test:8050$'
  like "${flavour}_agent" "$head" '^User-Agent: mtr-trace/'
  : >"$LAB_SCRATCH/web.log"
  ask 'mtr-trace.url="http://b.test:8050/",http.useragent="Probe of ours/1"' "$T4"
  like "${flavour}_agent_of_the_user" "$(tr -d '\r' <"$LAB_SCRATCH/web.log")" '^User-Agent: Probe of ours/1$'
  unlike "${flavour}_nothing_kept" "$head" '^(Cookie|Authorization|Referer|If-)'
  ask mtr-trace.http-method=HEAD,mtr-trace.url=http://b.test:8050/ "$T4"
  like "${flavour}_head" "$(tr -d '\r' <"$LAB_SCRATCH/web.log")" '^HEAD / HTTP/1.1$'
}

# What Nmap's own scan found closed is not asked: neither port, then only 443.
known_ports() {
  local nmap=(env "SSL_CERT_FILE=$(scratch_of "$flavour")/tls/ca.pem" timeout 60 nmap -n -Pn --script "$(tree_of "$flavour")/nse/mtr-trace.nse" --script-args "$QUIET")
  count_sent any ip daddr "$(web_address 40)" tcp dport 443 tcp flags syn
  like "${flavour}_closed_ports_are_not_asked" "$(in_flavour "$flavour" c "${nmap[@]}" -sT -p 80,443 "$(web_address 40)")" \
    'TTFB: not measured \(ports 443 and 80 are closed\)'
  is "${flavour}_only_the_scan_asked" "$(sent any)" 1
  count_no_more
  like "${flavour}_open_ports_are_asked" "$(in_flavour "$flavour" c "${nmap[@]}" -sT -p 80,443 "$(web_address 10)")" \
    "TTFB: $MS ms  \(https"
}

twenty_at_once() {
  local host good=0
  # shellcheck disable=SC2046 # a list, to be split
  ask '' --script "$(tree_of "$flavour")/tests/net/threads.nse" $(web_hosts)
  for host in $(web_hosts); do
    [ "$(net_lua show.lua "$XML" --host "$host" ttfb outcome scheme certificate address)" != "measured https trusted $host" ] ||
      good=$((good + 1))
  done
  is "${flavour}_twenty_hosts_at_once" "$good" 20
  is "${flavour}_threads_end_with_their_requests" "$(show of threads)" 2
}

# A request that has not ended when Nmap's time is over, and a script that dies.
# Two threads are Nmap's own and the prober's.
ends() {
  local script text
  script=$(tree_of "$flavour")/tests/net/threads.nse
  ask '' --host-timeout 2s --script "$script" "$(web_address 41)"
  reads host_timeout_in_the_middle 'not finished \(in TLS\) '
  unlike "${flavour}_host_timeout_strikes_nobody" "$(cat "$XML")" 'timedout="true"'
  is "${flavour}_host_timeout_leaves_no_thread" "$(net_lua show.lua "$XML" of threads)" 2
  like "${flavour}_host_timeout_ends_well" "$(cat "$XML")" 'exit="success"'
  text=$(run_nmap "$flavour" c -d1 --script "$script" --script-args "$QUIET,mtr-trace.http=off,threads.fail=1" "$T4" 2>&1)
  like "${flavour}_script_that_dies" "$text" 'on purpose, request done: false'
  like "${flavour}_death_leaves_no_thread" "$text" '^\|_threads: 2$'
}

for flavour in ${ONLY:-$FLAVOURS}; do
  both_families
  addresses
  bad_servers
  slow_handshake
  server_time
  lost_request
  what_is_asked
  known_ports
  twenty_at_once
  ends
done

# ---- a plain interpreter, under valgrind and with an OpenSSL of its own ------------

# alone COMMAND...: one request from the client, or CA as in request.lua
alone() {
  cp "$LAB_SCRATCH/tls/ca.pem" "$LAB_SCRATCH/tls/b.pem" "$LAB_SCRATCH/"
  lab_exec c env LUA_CPATH="$TREE/build/lua5.4/?.so" REQUEST_URL=https://a.test/ REQUEST_ADDRESS="$T4" \
    REQUEST_CA="${CA:-$LAB_SCRATCH/ca.pem}" "$@" "$TREE/tests/net/request.lua" 2>&1
}

own_openssl() { # NAME FLAG...: builds sslhost.c
  local cflags
  read -ra cflags <<<"$(pkg-config --cflags lua5.4)"
  "${CC:-cc}" "${cflags[@]}" "$TREE/tests/net/sslhost.c" -Wl,-E -o "$LAB_SCRATCH/$1" "${@:2}" -llua5.4 -ldl -lpthread ||
    not_ok "$1" "does not build"
}

is plain_interpreter "$(alone lua5.4)" "200 HTTP/2 TLSv1.3"
text=$(CA="$LAB_SCRATCH/ca.pem $LAB_SCRATCH/ca.pem $LAB_SCRATCH/b.pem $LAB_SCRATCH/none" alone lua5.4 | cut -d: -f1)
is certificates_are_read_once_and_others_apart "$(tr '\n' , <<<"$text")" \
  '200 HTTP/2 TLSv1.3,200 HTTP/2 TLSv1.3,certificate,no_ca,'
is plain_interpreter_under_valgrind "$(alone valgrind -q --error-exitcode=99 --leak-check=full \
  --errors-for-leak-kinds=definite --show-leak-kinds=definite lua5.4)" "200 HTTP/2 TLSv1.3"
own_openssl part -DPART
like part_of_an_openssl_is_refused "$(alone "$LAB_SCRATCH/part")" \
  "mtrtrace.http: part has an OpenSSL of its own, which would serve 1 of libcurl's [0-9]+ calls"
# What libcrypto.a needs itself: Debian 13's compresses.
read -ra needs <<<"$(pkg-config --static --libs-only-l libcrypto | sed 's/-lcrypto//')"
own_openssl static -l:libssl.a -l:libcrypto.a "${needs[@]}"
like static_openssl_serves_or_is_refused "$(alone "$LAB_SCRATCH/static")" \
  "^200 HTTP/2 TLSv1.3|static has an OpenSSL of its own, which would serve [0-9]+ of libcurl's [0-9]+ calls"
own_openssl whole -Wl,--whole-archive -l:libssl.a -l:libcrypto.a -Wl,--no-whole-archive "${needs[@]}"
like whole_static_openssl_serves "$(alone "$LAB_SCRATCH/whole")" '^200 HTTP/2 TLSv1.3'

# ---- without libcurl ------------------------------------------------------------

flavour=deb12
for lua in 5.3 5.4; do
  mkdir -p "$LAB_SCRATCH/bare/$lua/mtrtrace"
  cp "$TREE/build/lua$lua/mtrtrace/core.so" "$LAB_SCRATCH/bare/$lua/mtrtrace" 2>/dev/null
done
text=$(in_flavour deb12 c env "LUA_CPATH_5_3=$LAB_SCRATCH/bare/5.3/?.so" "LUA_CPATH_5_4=$LAB_SCRATCH/bare/5.4/?.so" \
  timeout 60 nmap -n -sn -Pn --script "$TREE/nse/mtr-trace.nse" --script-args "$QUIET" "$T4" 2>&1)
like without_libcurl "$text" 'TTFB: not measured \(built without libcurl\)$'
like without_libcurl_the_rest_works "$text" "^\|_ +4 +${T4//./\\.} +0\.0%"
