#!/bin/bash
# UDP probes with the bytes of a file, against nsd with a recorded query, and a
# protocol of our own behind a firewall that lets nothing else in.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
. "$TREE/tests/net/lookup_lib.sh"
. "$TREE/tests/net/services_lib.sh"
needs_command
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1

# A request of 40 bytes is "MTL1", eight bytes, an identifier of four, and
# whatever follows; the answer is shorter, and repeats the identifier alone.
cat >"$LAB_SCRATCH/own.lua" <<'END'
local uv = require "luv"
for _, address in ipairs { "0.0.0.0", "::" } do
  local socket = uv.new_udp(address == "::" and "inet6" or "inet")
  socket:bind(address, 4747, { ipv6only = address == "::" })
  socket:recv_start(function(_, data, peer)
    if data and #data == 40 and data:sub(1, 4) == "MTL1" then
      socket:send("MTL2" .. ("-"):rep(8) .. data:sub(13, 16), peer.ip,
        peer.port, function() end)
    end
  end)
end
uv.run()
END
lab_exec s lua5.4 "$LAB_SCRATCH/own.lua" >"$LAB_SCRATCH/own.log" 2>&1 </dev/null &
printf 'MTL1eight888????%s' "$(printf '\1\2%.0s' {1..12})" >"$LAB_SCRATCH/own.bin"

# Of www.example, type A, as dig sends it without EDNS.
printf '\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1' >"$LAB_SCRATCH/query.bin"
start_dns
for port in 53 4747; do
  listens $port || not_ok "server_at_$port" "does not listen"
done
only_udp 53 4747

# figures: of the only trace of OUT
figures() {
  jq -r '.traces[0] | [.reached, .target_ttl, .udp_payload, ([.hops[].loss_percent] | add), (.hops[-1].responders[0]
    | .ip, .codes[0].name, .avg_ms < 50)] | map(tostring) | join(" ")' <<<"$OUT"
}

count_sent unreachable icmp type destination-unreachable
# The bytes of the second label are an identifier: nsd repeats the question.
for row in "own.bin@12:4 4747" "query.bin@17:4 53" "query.bin@17:7 53"; do
  read -r file port <<<"$row"
  for family in 4 6; do
    for way in --http=off --unprivileged; do
      cli -n --asn off --os off --http off -j -c 3 -u "$way" --udp-payload "$LAB_SCRATCH/$file" -P "$port" \
        "$(lab_target $family)"
      is "${file}_v$family$way" "$RC $(figures)" "0 true 4 file 0 $(lab_target $family) UDP reply true"
    done
  done
done
is no_answer_draws_a_port_unreachable "$(sent unreachable)" 0

# What does not repeat the identifier there is no answer.
cli -n --asn off --os off --http off -j -c 2 -m 5 -Z 0.2 -u --udp-payload "$LAB_SCRATCH/own.bin@16:4" -P 4747 \
  "$(lab_target 4)"
is another_place_reaches_nothing "$RC $(jq -c '[.traces[0].reached, .traces[0].udp_payload]' <<<"$OUT")" '1 [false,"file"]'

cli -n --asn off --os off --http off -j -c 2 -u --udp-payload "$LAB_SCRATCH/own.bin@12:4" -P 4747 --paths 95 --flows 3 \
  "$(lab_target 4)"
is paths_by_a_file "$RC $(figures)" "0 true 4 file 0 $(lab_target 4) UDP reply true"

for f in $FLAVOURS; do
  trace "$f" --script-args "mtr-trace.packets=2,mtr-trace.protocol=udp,mtr-trace.port=4747,mtr-trace.asn=off,mtr-trace.os=off,mtr-trace.http=off,mtr-trace.udp-payload=$(scratch_of "$f")/own.bin@12:4" \
    "$(lab_target 4)"
  is "${f}_by_a_file" "$(show get reached) $(show get udp_payload)" "true file"
done
lab_clear s

# One line for what cannot be.
cli -u -P 4747 --udp-payload "$LAB_SCRATCH/own.bin" "$(lab_target 4)"
like a_file_without_a_place "$RC $ERR" 'expected FILE@OFFSET'
cli -u -P 28700 --udp-payload "$LAB_SCRATCH/own.bin@12:4" "$(lab_target 4)"
like a_port_of_our_own_range "$RC $ERR" 'none from 28672 to 28735'
cli -u -P 4747 -s 100 --udp-payload "$LAB_SCRATCH/own.bin@12:4" "$(lab_target 4)"
like a_size_of_its_own "$RC $ERR" 'size=100: expected --udp-payload=plain or quic'

# Who began the command by sudo does not send what that user may not read.
(umask 077 && cp "$LAB_SCRATCH/own.bin" "$LAB_SCRATCH/roots.bin")
COMMAND_ENV=(SUDO_UID=65534 SUDO_GID=65534)
cli -u -P 4747 --udp-payload "$LAB_SCRATCH/roots.bin@12:4" "$(lab_target 4)"
like a_file_of_roots_by_sudo "$RC $ERR" '^2 .*Permission denied'
COMMAND_ENV=()
cli -n --asn off --os off --http off -r -c 1 -u -P 4747 --udp-payload "$LAB_SCRATCH/roots.bin@12:4" "$(lab_target 4)"
is a_file_of_roots_by_root "$RC" 0
