#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One simulated world, on a TUN device in real time, before the plain core,
# Nmap, mtr and traceroute: all find the routers, and the figures are the true
# ones.  Every delay there is constant; see worlds/tun4.lua.

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
# shellcheck source=tests/sim/tun_lib.sh
. "$(dirname "$0")/tun_lib.sh"
PACKETS=40

tun_up >"$LAB_SCRATCH/why" 2>&1 || {
  skip tun "no TUN device here: $(tail -n 1 "$LAB_SCRATCH/why")"
  exit 0
}

# judge WORLD NAME FILE [PACKETS CAPTURE]: the trace in the file
judge() { sim_lua tun_judge.lua "$TREE/tests/sim/worlds/$1.lua" "$1_$2" "${@:4}" <"$3"; }

# wire: from now on until `watched`, a capture of the device
CAPTURE=$LAB_SCRATCH/wire
wire() { watch_device mtl0 "$CAPTURE" 'icmp or icmp6' -s 128 -w - --time-stamp-precision=nano; }

# peer WORLD TOOL ARG...: what finds the hops as well
peer() {
  local world=$1
  shift
  if command -v "$1" >/dev/null; then
    lab_run timeout 60 ip netns exec "$LAB-c" "$@" >"$LAB_SCRATCH/$1" 2>&1
    judge "$world" "$1" "$LAB_SCRATCH/$1"
  else
    skip "${world}_$1" "not installed"
  fi
}

device() { # NAME CODE REGEX: what the module mtrtun says
  like "device_$1" "$(cd "$TREE" && tun_exec tests/lua "${@:4}" lua5.4 -e "
    local mtrtun = require 'mtrtun'
    print(select(-1, pcall(function() $2 end)))" </dev/null 2>&1)" "$3"
}

device refuses_no_name "return mtrtun.open ''" 'no name of a device'
device refuses_a_long_name "return mtrtun.open(('x'):rep(16))" 'no name of a device'
device that_is_none "return mtrtun.open 'lo'" '^lo: .'
device when_closed "local d = mtrtun.open 'mtl0' d:close() d:close() return d:read()" 'the device is closed'
device without_a_packet "local d = mtrtun.open 'mtl0' while d:read() do end return d:read()" '^nil$' --asan
device at_the_end_of_input "local d = mtrtun.open 'mtl0' while d:read() do end
  return d:wait(math.maxinteger)" 'standard input has ended' --asan

for world in tun4 tun6; do
  family=${world#tun}
  target=$(sed -n 's/^ *target = "\(.*\)",/\1/p' "$TREE/tests/sim/worlds/$world.lua")
  tun_world $world || {
    not_ok ${world}_runs "it does not"
    continue
  }
  tree_env "$TREE"
  wire
  lab_run "${ENV[@]}" ip netns exec "$LAB-c" lua5.4 "$TREE/tests/sim/tun_core.lua" "$target" $PACKETS \
    >"$LAB_SCRATCH/core" 2>&1
  watched
  judge $world core "$LAB_SCRATCH/core" $PACKETS "$CAPTURE"
  wire
  trace deb12 "-$family" --script-args mtr-trace.packets=$PACKETS "$target"
  watched
  show hops ip sent received best_ms median_ms >"$LAB_SCRATCH/nmap"
  judge $world nmap "$LAB_SCRATCH/nmap" $PACKETS "$CAPTURE"
  # So often that each hop answers at least once in 10^7 runs.
  peer $world mtr "-$family" -n --raw -c 10 -i 0.2 "$target"
  peer $world traceroute "-$family" -n -q 10 -N 100 -w 1 "$target"
  tun_end "$LAB_SCRATCH/said"
  like ${world}_all_was_delivered "$(cat "$LAB_SCRATCH/said")" '^probes [0-9]+ answers [0-9]+ failed 0 '
done
