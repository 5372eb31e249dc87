#!/bin/bash
# A flood of ICMP errors that quote probes which nobody sent, while many targets
# are traced: nothing is accepted, no loss invented, the run goes on at its pace,
# and so does another script of the same Nmap. tests/bench/flood_bench does it
# with more of everything.

. "$(dirname "$0")/lib.sh"
TARGETS=${FLOOD_TARGETS:-24} FLOWS=${FLOOD_FLOWS:-4} RATE=${FLOOD_RATE:-60000} SECONDS_=${FLOOD_SECONDS:-6}

if ! cc -O2 -D_GNU_SOURCE -o "$LAB_SCRATCH/flood" "$TREE/tests/net/flood.c"; then
  not_ok flood_tool "does not compile"
  exit
fi
lab_up --routers 3 --no-rate-limit || exit 1
targets=
for ((i = 0; i < TARGETS; i++)); do
  lab_ip s address add "10.0.3.$((i + 3))/24" dev eth0
  targets="$targets 10.0.3.$((i + 3))"
done

# run NAME: all targets, and the other script; its figures in TOOK, LATE, LOST
run() {
  # shellcheck disable=SC2086 # a list, to be split
  TEST_NSE=$TREE/tests/net/heartbeat.nse
  local began=${EPOCHREALTIME/[.,]/}
  XML=$LAB_SCRATCH/$1.xml
  # shellcheck disable=SC2086
  in_flavour deb12 c timeout 300 nmap -n -sn -Pn --min-hostgroup 256 --script "$TREE/nse/mtr-trace.nse,$TEST_NSE" \
    --script-args "mtr-trace.flows=$FLOWS,mtr-trace.os=off,mtr-trace.asn=off,heartbeat.host=10.0.3.3,heartbeat.seconds=${2:-3}" \
    -oX - $targets >"$XML" 2>"$XML.err"
  TOOK=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
  LATE=$(grep -o 'late by [0-9]* ms' "$XML" | grep -o '[0-9]*')
  REACHED=$(grep -c '<elem key="reached">true</elem>' "$XML")
  DROPS=$(grep -o 'key="capture_drops">[0-9]*' "$XML" | grep -o '[0-9]*$' | sort -n | tail -1)
  # Hops that lost anything, and addresses that are not of the lab's path.
  LOST=$(grep -o '<elem key="loss_percent">[0-9.]*' "$XML" | grep -vc '>0$')
  STRANGE=$(grep -o '<elem key="ip">[^<]*' "$XML" | sed 's/.*>//' | grep -Evc '^10\.0\.[0-3]\.')
}

run calm "${FLOOD_BEAT:-3}"
is calm_reached "$REACHED" $((TARGETS * (FLOWS + 1)))
calm=$TOOK calm_late=${LATE:-0}
mac=$(lab_exec c cat /sys/class/net/eth0/address)
errors_heard() { # what the client's kernel took up as ICMP messages
  lab_exec c sed -n 's/^Icmp: \([0-9]*\) .*/\1/p' /proc/net/snmp
}
heard_before=$(errors_heard)
exec 3< <(lab_exec r1 "$LAB_SCRATCH/flood" up "$mac" "$(lab_addr 4 1)" "$(lab_addr 4 0)" "$RATE" "$SECONDS_")
sleep 0.2
run flood "${FLOOD_BEAT:-3}"
flooded=$TOOK late=${LATE:-9999} drops=${DROPS:-0}
sent=$(cat <&3)
heard=$(($(errors_heard) - heard_before))
echo "# $sent errors sent in $SECONDS_ s, $heard heard, $TARGETS targets x $FLOWS flows: $calm ms calm, $flooded ms flooded;" \
  "heartbeat late by $calm_late ms calm, $late ms flooded; $drops packets dropped by the capture"
at_least flood_sent "${sent:-0}" $((RATE * SECONDS_ / 10))
at_least flood_heard "$heard" $((${sent:-0} * 9 / 10))
is flood_reached "$REACHED" $((TARGETS * (FLOWS + 1)))
is nothing_is_accepted "$STRANGE" 0
if [ "$drops" -gt 0 ]; then
  like drops_are_said "$(cat "$XML")" 'dropped by the capture'
else
  is no_loss_is_invented "$LOST" 0
fi
at_most at_most_twice_as_long "$flooded" $((2 * calm + 1000))
at_most another_script_goes_on "$late" $((calm_late + 150))
