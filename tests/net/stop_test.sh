#!/bin/bash
# Ends from outside, and company: Nmap's timeouts, signals, another script that
# keeps Nmap's loop busy.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
last=${FLAVOURS##* }
target=$(lab_target 4)
long=(--script-args mtr-trace.packets=1000) # 100 seconds

# The tree's nmap in the client's namespace: timeout, and its child.
nmap_pid() {
  local pid
  for pid in $(ip netns pids "$LAB-c"); do
    ! grep -qx nmap "/proc/$pid/comm" 2>/dev/null || echo "$pid"
  done
}

# ---- Nmap's own timeouts would end the script without a word: it is done before -------

for f in $FLAVOURS; do
  for option in host-timeout script-timeout; do
    trace "$f" --$option 6s "${long[@]}" "$target"
    name=${f}_${option/-/_}
    like "$name" "$(cat "$XML")" "<elem key=\"stopped\">$option</elem>"
    is "${name}_strikes_nobody" "$(grep -c 'timedout="true"' "$XML")" 0
    is "${name}_shows_the_path" "$(show hops ip | wc -l)" 4
    at_most "${name}_time" "$TOOK" 7000
  done
done
trace "$last" --script-args mtr-trace.packets=1000,mtr-trace.max-time=3s "$target"
like max_time "$(cat "$XML")" '<elem key="stopped">max-time</elem>'
at_most max_time_time "$TOOK" 5500

# While Nmap runs on for another script, the prober falls silent within a second.
count_sent any ip daddr "$target"
trace "$last" --host-timeout 5s "${long[@]}" --script "$(tree_of "$last")/tests/net/after.nse" "$target" &
child=$!
until_sent any 1
# Until a second passes without a probe; the timeout is 5 s from Nmap's start.
for ((try = 0; try < 20; try++)); do
  first=$(sent any)
  sleep 1
  [ "$(sent any)" != "$first" ] || break
done
sleep 1.5
is dead_script_sends_no_more "$(sent any)" "$first"
is while_nmap_runs "$(nmap_pid | wc -l)" 1
at_least it_had_sent "$first" 8
nmap_pid | xargs -r kill
wait $child
count_no_more

# ---- signals ----------------------------------------------------------------------

for signal in INT TERM; do
  count_sent any ip daddr "$target"
  trace "$last" "${long[@]}" "$target" &
  child=$!
  until_sent any 20
  pid=$(nmap_pid)
  kill -s $signal "$pid"
  wait $child
  first=$(sent any)
  is "${signal}_leaves_no_process" "$(ip netns pids "$LAB-c")" ""
  is "${signal}_leaves_no_capture" "$(lab_exec c sed 1d /proc/net/packet)" ""
  sleep 0.5
  is "${signal}_sends_no_more" "$(sent any)" "$first"
  count_no_more
done

# ---- company ------------------------------------------------------------------------

for f in $FLAVOURS; do
  trace "$f" --script "$(tree_of "$f")/tests/net/beside.nse" --script-args beside.seconds=2 "$target"
  compare "${f}_beside_a_pending_socket" hops="$(lab_hops 4)"
  is "${f}_pending_socket" "$(show of beside)" "connected true, received nil TIMEOUT"
  # Nmap's loop turns every 50 ms then; medians know nothing of it.
  is "${f}_medians_below_5_ms" "$(show hops median_ms | awk '$2 >= 5')" ""
done
