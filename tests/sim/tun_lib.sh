# shellcheck shell=bash
# A world on a TUN device in a namespace of its own, for tests and benchmarks;
# to be sourced behind tests/net/lib.sh.  The namespace is c, as in the lab.

# tun_exec COMMAND...: in the namespace, with a /dev of its own where the
# machine's has no TUN
tun_exec() {
  # shellcheck disable=SC2016 # for the shell inside
  ip netns exec "$LAB-c" sh -c '
    [ -e /dev/net/tun ] || {
      mount -t tmpfs dev /dev && mkdir /dev/net && mknod /dev/net/tun c 10 200
    } || exit
    exec "$@"' - "$@"
}

# tun_up: the namespace and a device without addresses; says why it cannot
tun_up() {
  lab_claim && lab_add_node c && tun_exec ip tuntap add dev mtl0 mode tun && lab_ip c link set mtl0 up
}

# tun_world WORLD [FILE]: from now on the device leads into it, for two minutes
# or until tun_end or our own end; FILE as in tun.lua
tun_world() {
  local file=$TREE/tests/sim/worlds/$1.lua prober bits=32 said
  prober=$(sed -n 's/^ *\(local world = { \)\{0,1\}prober = "\([^"]*\)".*/\2/p' "$file")
  [ "${prober#*:}" = "$prober" ] || bits=128
  lab_ip c address flush dev mtl0
  lab_ip c address add "$prober/$bits" dev mtl0 || return 1
  lab_ip c "-$([ $bits = 32 ] && echo 4 || echo 6)" route replace default dev mtl0 || return 1
  coproc TUN { tun_exec "$TREE/tests/lua" lua5.4 tests/sim/tun.lua "$file" mtl0 120 "${@:2}" 2>&1; }
  read -r said <&"${TUN[0]}"
  [ "$said" = ready ] || lab_die "the simulation says: $said"
}

# tun_end FILE: ends the simulation; what it says goes into the file
tun_end() {
  local pid=$TUN_PID in=${TUN[1]}
  exec {in}>&-
  cat <&"${TUN[0]}" >"$1"
  wait "$pid"
}

# sim_lua FILE ARG...: a Lua program of the simulation, outside of it
sim_lua() { (cd "$TREE" && tests/lua lua5.4 "tests/sim/$1" "${@:2}"); }
