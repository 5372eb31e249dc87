#!/bin/bash
# The lab itself: what the other tests take for the truth is checked with mtr.

. "$(dirname "$0")/lib.sh"

# Hop addresses that mtr finds, one line; FAMILY [MTR OPTION...]
hops() {
  local family=$1
  shift
  lab_exec c mtr -"$family" -n -r -c 1 -i 0.2 -G 1 -Z 1 "$@" "$(lab_target "$family")" |
    awk '$1 ~ /^[0-9]+\./ { printf "%s%s", sep, $2; sep = " " }'
}

truth() { # FAMILY HOPS
  local hop line=
  for ((hop = 1; hop <= $2; hop++)); do line="$line $(lab_addr "$1" $hop)"; done
  echo "${line# }"
}

fetch() { # ADDRESS: the last line of its page
  lab_exec c bash -c "exec 3<>/dev/tcp/$1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; tail -n 1 <&3"
}

lab_up --routers 4 --no-rate-limit || exit 1
is v4_hops "$(hops 4)" "$(truth 4 5)"
is v6_hops "$(hops 6)" "$(truth 6 5)"
is v4_udp_hops "$(hops 4 -u)" "$(truth 4 5)"
is v4_web_server "$(fetch "$(lab_target 4)")" "mtr-trace lab"
is v6_web_server "$(fetch "$(lab_target 6)")" "mtr-trace lab"
is only_lab_links "$(lab_ip c -o link show | awk '{ print $2 }' | xargs)" "lo: $(lab_ip c -o link show eth0 | awk '{ print $2 }')"

lab_silent 2
is silent_router "$(hops 4)" "$(truth 4 5 | sed 's/10.0.1.2/???/')"
lab_clear r2
lab_unreachable 3
is unreachable_at_router_3 "$(hops 4 | cut -d' ' -f1-3)" "$(truth 4 3)"
lab_reachable 3
lab_drop_every 1 2
is every_second_packet_dropped "$(lab_exec c mtr -n -r -c 10 -i 0.1 -f 5 -m 5 "$(lab_target 4)" | awk '$2 ~ /^10/ { print $3 }')" "50.0%"
lab_clear r1
lab_bridge_client
is bridge_in_front "$(hops 4)" "$(truth 4 5)"
is bridge_in_front_v6 "$(hops 6)" "$(truth 6 5)"

# Another lab with the wish for the same name gets another.
first=$LAB
second=$("$TREE/tests/net/lab" up --routers 1 --prefix "$first")
unlike name_in_use_is_not_taken "$second" "^$first$"
"$TREE/tests/net/lab" down "$second"
is command_down_removes_all "$(ip netns list | grep -c "^$second-")" 0
is other_lab_untouched "$(ip netns list | grep -c "^$first-")" 6

# A third one, ended from outside while a command runs in the foreground.  A
# terminal would send INT to that command as well.
script=". '$TREE/tests/net/lib.sh'; lab_up --routers 2; echo \$LAB; lab_run sleep 60"
for signal in INT TERM; do
  exec 3< <(exec env --default-signal=INT bash -c "$script")
  child=$!
  read -r name <&3
  until sleeper=$(pgrep -P "$child" -x sleep); do :; done
  [ $signal = TERM ] || kill -s INT "$sleeper"
  kill -s $signal "$child"
  cat <&3 # until it has ended
  is "${signal}_takes_the_lab_down" "$(ip netns list | grep -c "^$name-")" 0
  is "${signal}_leaves_no_folder" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name "$name")" ""
done

lab_down
is down_removes_all "$(ip netns list | grep -c "^$first-")" 0
