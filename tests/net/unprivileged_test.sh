#!/bin/bash
# A plain user, real kernels: the command and the library show the loss and path MTU that root's run shows, by sockets that need no rights.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 3 --no-rate-limit || exit 1
USER_ID=65534 # nobody
ping_for() { lab_exec c sysctl -qw "net.ipv4.ping_group_range=$*"; }
ping_for 0 2147483647

# as_user COMMAND...: in the client, without any capability. A mount namespace
# shows the tree where the user may go: a clone may be in /root.
as_user() {
  tree_env /mnt
  # shellcheck disable=SC2016 # for the shell inside
  lab_run "${ENV[@]}" COLUMNS=300 ip netns exec "$LAB-c" sh -c 'mount --bind "$1" /mnt && shift && exec "$@"' - "$TREE" \
    setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --bounding-set -all timeout 60 "$@"
}

# user ARG...: the command; output in OUT, errors in ERR, status in RC
user() {
  as_user /mnt/scripts/mtr-trace -n --asn off --http off --os off "$@" \
    >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null
  RC=$?
  OUT=$(cat "$LAB_SCRATCH/out") ERR=$(cat "$LAB_SCRATCH/err")
}

# rows TEXT: hop, address and figures of the table
rows() { awk '/^[0-9]/ { $1 = $1; print }' <<<"$1"; }

counted=(-r -c 5 --columns "hop,ip,loss,sent,received")
declare -A protocol=([icmp]="--protocol=icmp" [udp]=-u [tcp]=-T)

# ---- the same path and figures as root's --------------------------------------------

for family in 4 6; do
  for p in icmp udp tcp; do
    cli -n --asn off --http off --os off "${counted[@]}" "${protocol[$p]}" "$(lab_target $family)"
    wanted=$(rows "$OUT")
    is "root_${p}_v${family}_hops" "$(wc -l <<<"$wanted")" 4
    user "${counted[@]}" "${protocol[$p]}" "$(lab_target $family)"
    is "${p}_v${family}_as_root" "$RC $ERR $(rows "$OUT")" "0  $wanted"
    like "${p}_v${family}_says_so" "$OUT" '^Unprivileged sockets: '
  done
done
user -j -c 3 "$(lab_target 4)"
like key_of_json "$OUT" '"sockets":"unprivileged"'
cli -n --asn off --http off --os off -j -c 3 "$(lab_target 4)"
like key_of_json_of_root "$OUT" '"sockets":"raw"'
unlike root_says_nothing "$OUT" 'Unprivileged'

# A user whom no account describes, as in a container.
USER_ID=4242 user "${counted[@]}" "$(lab_target 4)"
is a_user_without_an_account "$RC $ERR $(rows "$OUT" | tail -1)" "0  4 $(lab_target 4) 0.0% 5 5"

# ---- what leaves --------------------------------------------------------------------

count_sent its icmp type echo-request @th,16,16 0x6d74
count_sent each icmp type echo-request
user -r -c 5 "$(lab_target 4)"
is icmp_checksum_is_the_flows "$(sent its)" "$(sent each)"
at_least icmp_was_sent "$(sent its)" 20
count_no_more
count_sent its udp sport 28672 udp dport 33434 ip dscp 0x2e
count_sent each ip protocol udp
user -r -u -c 5 -Q 0xb8 "$(lab_target 4)"
is udp_ports_and_tos_are_the_flows "$(sent its)" "$(sent each)"
at_least udp_was_sent "$(sent its)" 20
count_no_more
count_sent udp_label ip6 nexthdr udp ip6 flowlabel 0x6d000 ip6 dscp 0x2e
count_sent udp_all ip6 nexthdr udp
count_sent echo_label ip6 nexthdr icmpv6 icmpv6 type echo-request ip6 flowlabel 0x6d000 ip6 dscp 0x2e
count_sent echo_all icmpv6 type echo-request
user -r -u -c 5 -Q 0xb8 "$(lab_target 6)"
user -r -c 5 -Q 0xb8 "$(lab_target 6)"
is udp6_flow_label "$(sent udp_label)" "$(sent udp_all)"
at_least udp6_was_sent "$(sent udp_label)" 20
is icmp6_flow_label "$(sent echo_label)" "$(sent echo_all)"
at_least icmp6_was_sent "$(sent echo_label)" 20
count_no_more

# ---- loss ---------------------------------------------------------------------------

# What a router drops of the probes to one hop is what the table lacks.
while read -r family p; do
  ttl=$([ "$family" = 4 ] && echo 'ip ttl 1' || echo 'ip6 hoplimit 1')
  # the handshake's ACK and the reset have the TTL of their SYN
  syn=$([ "$p" = tcp ] && echo 'tcp flags & (syn | ack | rst) == syn')
  # shellcheck disable=SC2086 # words
  lab_rule r3 forward iifname up $ttl $syn numgen inc mod 4 0 counter drop
  user -r -c 10 "${protocol[$p]}" --columns hop,total_sent,total_received "$(lab_target "$family")"
  lost=$(lab_exec r3 nft list table inet mtl | sed -n 's/.*counter packets \([0-9]*\).*drop/\1/p')
  is "loss_${p}_v$family" "$(rows "$OUT" | awk '$1 == 4 { print $2 - $3 }')" "$lost"
  at_least "loss_${p}_v${family}_is_there" "${lost:-0}" 3
  is "no_loss_before_${p}_v$family" "$(rows "$OUT" | awk '$1 < 4 { n += $2 - $3 } END { print n }')" 0
  lab_clear r3
done <<'END'
4 icmp
6 udp
4 tcp
END

# ---- rights, descriptors, ports -------------------------------------------------------

# Root may say so: no raw socket is opened, no packet socket either.
in_client timeout 60 "$TREE/scripts/mtr-trace" --unprivileged -n --asn off --http off --os off -r -c 100 --flows 8 -u \
  "$(lab_target 4)" >"$LAB_SCRATCH/out" 2>&1 </dev/null &
waited=$!
count_sent begun ip protocol udp
until_sent begun 200
count_no_more
pid=$(ip netns pids "$LAB-c" | while read -r one; do
  grep -q '^Name:.*lua' "/proc/$one/status" && echo "$one"
done | head -n 1)
is no_packet_sockets "$(sed 1d "/proc/$pid/net/packet" | wc -l)" 0
is no_raw_sockets "$(cat "/proc/$pid/net/raw" "/proc/$pid/net/raw6" | grep -vc sl)" 0
is a_socket_a_flow "$(sed 1d "/proc/$pid/net/udp" | wc -l)" 8
kill -TERM "$pid"
wait $waited

# The usual source port is another program's.
as_user lua5.4 -e "
  local uv = require 'luv'
  local socket = uv.new_udp()
  assert(socket:bind('0.0.0.0', 28672))
  socket:recv_start(function() end)
  uv.run()" &
waited=$!
for ((i = 0; i < 50; i++)); do
  lab_exec c grep -q :7000 /proc/net/udp && break
  sleep 0.1
done
user -j -u -c 3 "$(lab_target 4)"
like a_taken_port_is_left_alone "$RC$ERR${OUT//$'\n'/}" '^0.*"source_port":24576.*"reached":true'
user -r -u -L 28672 -c 3 "$(lab_target 4)"
is a_port_of_the_users_own_is_kept "$RC$ERR" \
  "1mtr-trace: $(lab_target 4): source port 28672 is another program's: a free one expected"
kill $waited 2>/dev/null
wait $waited 2>/dev/null

# ---- what needs more or less --------------------------------------------------------

user -r -u -c 3 --pmtu "$(lab_target 4)"
like pmtu "$OUT" "^Path MTU 1500: that of this host's link"
lab_ip r2 link set dev down mtu 1400
lab_ip r3 link set dev up mtu 1400
for p in icmp udp; do
  user -r "${protocol[$p]}" -c 3 --pmtu "$(lab_target 4)"
  like "pmtu_smaller_$p" "$OUT" '^Path MTU 1400: reduced beyond hop 2 \(10\.0\.1\.2 sent Packet Too Big\)'
  user -r "${protocol[$p]}" -c 3 --pmtu "$(lab_target 6)"
  like "pmtu_smaller_${p}_v6" "$OUT" '^Path MTU 1400: reduced beyond hop 2 '
done
lab_ip r2 link set dev down mtu 1500
lab_ip r3 link set dev up mtu 1500
user -r -u -c 3 --paths 95 "$(lab_target 4)"
like paths "$OUT" '^The search for paths found 4 addresses and 3 links'
user -r -T -c 3 --paths 95 "$(lab_target 4)"
is paths_by_tcp "$RC$ERR" "3mtr-trace: searches by tcp need root or CAP_NET_RAW: icmp and udp need neither"
user -r -c 3 -M 7 "$(lab_target 4)"
is mark_is_refused "$RC$ERR" "3mtr-trace: cannot mark packets: Operation not permitted"
user --doctor
like doctor "$OUT" 'sockets +unprivileged: ICMP, UDP and TCP'
like doctor_capture "$OUT" 'capture +127\.0\.0\.1 replied after'

ping_for 1 0
user -r -c 3 "$(lab_target 4)"
like without_ping_sockets_udp "$RC$(rows "$OUT" | tail -n 1)" "^04 $(lab_target 4) "
like without_ping_sockets_says_so "$ERR" '^mtr-trace: warning: this user may not send ICMP .*: probes are UDP$'
user -r -c 3 --protocol icmp "$(lab_target 4)"
like own_icmp_is_refused "$RC$ERR" '^3mtr-trace: cannot send ICMP echo requests: .*net\.ipv4\.ping_group_range'
user --doctor
like doctor_without_ping "$OUT" 'sockets +unprivileged: UDP and TCP; for ICMP'
out=$(as_user lua5.4 -e "
  local result = assert(require 'mtrtrace'.trace { target = '$(lab_target 4)', packets = 3 })
  print(result.protocol, result.sockets, #result.hops, result.reached)" 2>&1)
is library_without_ping "$(xargs <<<"$out")" 'udp unprivileged 4 true'
ping_for 0 2147483647
out=$(as_user lua5.4 -e "
  local mtrtrace = require 'mtrtrace'
  local session = assert(mtrtrace.session())
  for _, target in ipairs { '$(lab_target 4)', '$(lab_target 6)' } do
    assert(session:start { target = target, packets = 3, on_done = function(result)
      print(result.protocol, result.sockets, #result.hops, result.reached)
    end })
  end
  session:run()" 2>&1)
is library_session "$(xargs <<<"$out")" 'icmp unprivileged 4 true icmp unprivileged 4 true'

# ---- beside others ------------------------------------------------------------------

# hops_of TEXT: how many different addresses of the path a report names
hops_of() {
  local hop n=0
  for hop in 1 2 3 4; do
    ! grep -qw "$(lab_addr 4 $hop)" <<<"$1" || n=$((n + 1))
  done
  echo $n
}

declare -A mtr_of=([icmp]=-n [udp]=-u [tcp]=-T)
for p in icmp udp tcp; do
  user -r -c 3 "${protocol[$p]}" "$(lab_target 4)"
  ours=$(hops_of "$OUT")
  if command -v mtr >/dev/null; then
    at_least "as_many_hops_as_mtr_$p" "$ours" "$(hops_of "$(as_user mtr -n -r -c 1 -G 1 "${mtr_of[$p]}" "$(lab_target 4)" 2>&1)")"
  fi
  if command -v traceroute >/dev/null; then
    at_least "as_many_hops_as_traceroute_$p" "$ours" \
      "$(hops_of "$(as_user traceroute -n -q 1 -w 0.5 "$(lab_target 4)" 2>&1 | sed 1d)")"
  fi
done

# ---- few descriptors ------------------------------------------------------------------

# More flows than descriptors: one line, and no trace that lacks some of them.
in_client timeout 60 prlimit --nofile=64 "$TREE/scripts/mtr-trace" --unprivileged -n --asn off --http off --os off -r -c 2 -u \
  --flows 64 "$(lab_target 4)" >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null
like few_descriptors "$? $(cat "$LAB_SCRATCH/err")" "^1 mtr-trace: $(lab_target 4): .*: Too many open files$"
user -r -T --ecn -c 3 "$(lab_target 4)"
is ecn_of_a_syn_is_refused "$RC$ERR" "3mtr-trace: ECN in a SYN needs root or CAP_NET_RAW"

# ---- direct figures: by ping sockets, or a line -------------------------------------

direct=(-r -c 2 -u --direct --columns "hop,ip,direct_loss")
user "${direct[@]}" "$(lab_target 4)"
is direct_by_ping_sockets "$RC $(rows "$OUT" | awk '{ print $3 }' | xargs)" "0 0.0% 0.0% 0.0% 0.0%"
ping_for 1 0
user "${direct[@]}" "$(lab_target 4)"
like no_direct_without_ping_sockets "$RC $OUT" '^No direct figures: echo requests cannot be sent'
