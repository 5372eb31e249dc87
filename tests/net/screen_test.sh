#!/bin/bash
# The live screen on a real terminal, which tmux is: what it shows, what its
# keys do, and that the terminal is as before on every way out.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
command -v tmux >/dev/null || { skip screen_test.sh "tmux is not installed"; exit 0; }
lab_up --routers 3 --no-rate-limit || exit 1
tree_env "$TREE"
target=$(lab_target 4)
dir=$LAB_SCRATCH
SPARK=$'\u2581|\u2582|\u2583|\u2584|\u2585|\u2586|\u2587|\u2588'
MORE=$'\u203a'

# The server runs in the lab's namespace, so the lab takes it down.
tmux_() { lab_exec c tmux -u -L "$LAB-screen" -f /dev/null "$@"; }

# pane COLUMNS ROWS: a shell on a terminal of this size, in place of the one before,
# which is ended last: without a session the server ends, and a new one might
# meet it while it does
PANES=0
pane() {
  PANES=$((PANES + 1))
  "${ENV[@]}" ip netns exec "$LAB-c" env LC_ALL=C.UTF-8 TERM=xterm-256color HISTFILE= PS1='$ ' \
    tmux -u -L "$LAB-screen" -f /dev/null new-session -d -s "pane$PANES" -x "$1" -y "$2" 'bash --norc --noprofile'
  [ $PANES -eq 1 ] || tmux_ kill-session -t "pane$((PANES - 1))" 2>/dev/null
  tmux_ set-option -g remain-on-exit off \; set-option -g default-size "$1x$2" >/dev/null
}

shown() { tmux_ capture-pane -p "$@"; }
keys() { tmux_ send-keys "$@"; }
letters() { tmux_ send-keys -l "$1"; }

# until REGEX [SECONDS]: waits for a line on the screen; true when it came
until_() {
  local try
  for ((try = 0; try < ${2:-10} * 10; try++)); do
    shown | grep -Eq -- "$1" && return 0
    sleep 0.1
  done
  return 1
}

# sees NAME REGEX [SECONDS]: one case: that line comes
sees() {
  if until_ "$2" "${3:-10}"; then ok "$1"; else not_ok "$1" "no line like '$2' on: $(shown | head -n 30)"; fi
}

# begin ARG...: the command in the pane, its errors in $dir/err, its status in $dir/rc
begin() {
  rm -f "$dir"/{err,rc,before,after}
  cat >"$dir/start" <<SCRIPT
stty -g >$dir/before
${WITH:-} $TREE/scripts/mtr-trace --asn off $* 2>$dir/err
echo \$? >$dir/rc
stty -g >$dir/after
SCRIPT
  letters ". $dir/start"
  keys Enter
}

# The command's process: the one in the namespace that runs the script.
command_pid() {
  local pid
  for pid in $(ip netns pids "$LAB-c"); do
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "^lua5.4 .*scripts/mtr-trace" && echo "$pid"
  done
}

# left_behind NAME STATUS: the command has ended and the terminal is as before
left_behind() {
  local try
  for ((try = 0; try < 100; try++)); do
    [ ! -s "$dir/after" ] || break
    sleep 0.1
  done
  is "${1}_status" "$(cat "$dir/rc" 2>&1) $(cat "$dir/err")" "$2 "
  is "${1}_terminal_modes" "$(cat "$dir/after")" "$(cat "$dir/before")"
  is "${1}_cursor_and_screen" "$(tmux_ display-message -p '#{cursor_flag} #{alternate_on} #{wrap_flag}')" '1 0 1'
}

# ---- what it shows -----------------------------------------------------------

pane 80 24
begin -n "$target"
sees table "^4 +$target +0\.0% +2"
is table_has_every_hop "$(shown | awk '$1 ~ /^[1-4]$/ { print $1, $2, $3 }' | xargs)" \
  "$(for hop in 1 2 3 4; do echo "$hop $(lab_addr 4 $hop) 0.0%"; done | xargs)"
like table_has_sparklines "$(shown)" "^1 .*($SPARK){2}"
like colours_are_used "$(shown -e)" $'\e\\[38;5;'

tmux_ resize-window -x 40 -y 10
sees resized_to_40x10 '^Hop IP Address Loss% Sent Recv +[^ ]*'"$MORE\$"
is resized_to_40x10_rows "$(shown | wc -l)" 10
tmux_ resize-window -x 200 -y 60
sees resized_to_200x60 "^1 +$(lab_addr 4 1) .* Private +Private Network"
like resized_to_200x60_uses_the_last_row "$(shown | sed -n 60p)" '^q quit'

keys Down
keys Enter
sees detail "Hop 2 "
like detail_has_codes "$(shown)" '11/0 time exceeded in transit: [0-9]'
like detail_has_a_histogram "$(shown)" '[0-9]\.[0-9][0-9]-[0-9]+\.[0-9][0-9] +[0-9]+ '$'\u2588'
keys Enter
keys d
sees strips 'Newest probes, the last at the right'
keys d
sees chart "Latency of hop 2, $(lab_addr 4 2): last"
keys d
letters '?'
sees help 'reset all counters'
keys Escape
letters O
sees columns '^\[x\] hop '
keys Enter
letters '>>>>'
sees sorted 'sorted by sent'

# ---- what the keys do to the trace -------------------------------------------

count_sent out icmp type echo-request
letters p
sees paused paused
sleep 1.5 # the engine notices within a second that nobody asks
first=$(sent out)
sleep 1.5
is paused_sends_nothing "$(sent out)" "$first"
keys Space
sees goes_on '^mtr-trace .*  every 1 s'
letters r
sees reset "^4 +$target +0\.0% +[123] "
letters i
letters 0.5
keys Enter
sees new_interval 'every 0\.5 s'
sees goes_on_after_a_new_interval "^4 +$target +0\.0% +[1-9][0-9] " 20
letters w
letters "$dir/report"
keys Enter
sees written 'written to '
is report_is_one "$(awk 'NR == 1 || $1 ~ /^[0-9]+$/ { print $1, $2 }' "$dir/report" | xargs)" \
  "Target: $target $(for hop in 1 2 3 4; do echo "$hop $(lab_addr 4 $hop)"; done | xargs)"
is report_is_plain "$(LC_ALL=C grep -c $'[^ -~]' "$dir/report")" 0

# ---- ways out ----------------------------------------------------------------

letters q
left_behind quit 0

for signal in INT TERM HUP QUIT; do
  begin -n "$target"
  until_ "^4 +$target +0\.0%"
  kill -$signal "$(command_pid)"
  left_behind "signal_$signal" 0
done

begin -n "$target"
until_ "^4 +$target +0\.0%"
keys C-c
left_behind ctrl_c 0

begin -n -c 1 nosuch.invalid
left_behind_why=$(for ((try = 0; try < 100; try++)); do [ ! -s "$dir/after" ] || break; sleep 0.1; done; cat "$dir/rc" "$dir/err")
like unknown_host_is_said_behind_the_screen "$left_behind_why" '^mtr-trace: nosuch\.invalid: '
is unknown_host_terminal_modes "$(cat "$dir/after")" "$(cat "$dir/before")"

# Stopped from outside and by its key; then in the foreground again.
stops() {
  local name=$1
  shift
  begin -n "$target"
  until_ "^4 +$target +0\.0%"
  "$@"
  sees "${name}_gives_the_terminal_back" 'Stopped'
  is "${name}_screen" "$(tmux_ display-message -p '#{cursor_flag} #{alternate_on}')" '1 0'
  letters fg
  keys Enter
  sees "${name}_goes_on" "^4 +$target +0\.0%"
  is "${name}_takes_the_screen" "$(tmux_ display-message -p '#{cursor_flag} #{alternate_on}')" '0 1'
  letters q
  until_ '^\$ *$'
}
by_signal() { kill -TSTP "$(command_pid)"; }
by_key() { keys C-z; }
stops tstp by_signal
stops ctrl_z by_key

begin -n "$target"
until_ "^4 +$target +0\.0%"
pid=$(command_pid)
tmux_ kill-session
for ((try = 0; try < 50; try++)); do [ -e "/proc/$pid" ] || break; sleep 0.1; done
is closed_terminal_ends_it "$([ -e "/proc/$pid" ] && echo runs || echo ended)" ended

# ---- other terminals, other runs ---------------------------------------------

pane 100 30
WITH='LC_ALL=C NO_COLOR=1' begin -n "$target" 10.0.1.2
sees tabs "^ 1 $target +2 10\.0\.1\.2"
sees plain "^4 +$target +0\.0% +2"
is plain_is_ascii "$(shown | LC_ALL=C grep -c $'[^ -~]')" 0
unlike no_color_is_no_colour "$(shown -e)" $'\e\\[[0-9;]*(3[0-8]|4[0-8])'
keys Tab
sees second_tab '^mtr-trace 10\.0\.1\.2 '
letters q
left_behind two_targets 0

begin -n -c 2 -i 0.2 "$target"
sees counted_is_done '^mtr-trace .* done ' 20
letters q
left_behind counted 0

WITH='TERM=dumb' begin -n -c 1 "$target"
left_behind dumb 0
cli -n --asn off -c 1 "$target"
is no_terminal_no_screen "$(head -n 1 <<<"$OUT") $(grep -c $'\e' <<<"$OUT")" "Target: $target 0"

# A report that is saved from a recording is the one that -r prints of it.
cli -n --asn off -c 3 -i 0.2 --record "$dir/recording" "$target"
WITH='' begin -t --columns hop,ip,loss,p95 --speed 1000 --replay "$dir/recording"
sees recording_is_played '^mtr-trace .* done '
letters w
letters "$dir/saved"
keys Enter
until_ 'written to '
letters q
left_behind recording 0
cli --columns hop,ip,loss,p95 -r --replay "$dir/recording"
is saved_is_what_is_printed "$(cat "$dir/saved")" "$OUT"
cli -t "$target"
is screen_without_a_terminal "$RC $ERR" "2 mtr-trace: the live screen needs a terminal: use -r for a report"

# ---- what it costs -----------------------------------------------------------

# Ticks of a hundredth of a second, of all threads; the limit is five times
# what `make bench` is to show.
begin -n "$target"
until_ "^4 +$target +0\.0% +3"
pid=$(command_pid)
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
first=$(ticks)
sleep 8
at_most cpu_percent $((($(ticks) - first) / 8)) 10
letters q
left_behind cpu 0

# ---- an outage that a router reports ------------------------------------------

pane 160 40
begin -n "$target"
sees outage_before "^4 +$target +0\.0% +2"
lab_unreachable 2
sees outage_is_named "$(lab_addr 4 2) at hop 2 reported host unreachable for [0-9]+ of [0-9]+ probes" 20
lab_reachable 2
lost=$(shown | awk '$1 == 4 { print $5 }') # received
is outage_is_over "$(for ((try = 0; try < 100; try++)); do
  [ "$(shown | awk '$1 == 4 { print $5 }')" -le "$lost" ] || { echo yes && break; }
  sleep 0.1
done)" yes
sees outage_is_loss "^4 +$target +[1-9][0-9]*\.[0-9]% "
is outage_keeps_every_hop "$(shown | awk '$1 ~ /^[1-9]$/ { print $1, $2 }' | xargs)" \
  "$(for hop in 1 2 3 4; do echo "$hop $(lab_addr 4 $hop)"; done | xargs)"
unlike outage_makes_no_branches "$(shown)" 'balanc|Path [0-9]'
letters q
left_behind outage 0

# ---- several flows -----------------------------------------------------------

lab_fork 1 2 no-rate_limit || exit 1
side=$(lab_fork_addr 4 1 1 2)
ways="$(lab_addr 4 2)|$side"
pane 110 40
begin -n --flows 8 -u --record "$dir/flows" "$target"
sees flows_have_a_share "^2 +($ways) +[0-9.]+% +0\.0% +[1-9]"
sees flows_have_a_row_for_each_address "^ +($ways) +[0-9.]+% +0\.0% +[1-9]"
sees flows_have_paths '^Path 2 of 2, id [0-9a-f]{8}: '
keys Down Enter
sees flows_detail_has_each_address "^$side [0-9]+ replies"
like flows_detail_has_its_flows "$(shown)" '(^| )Flows [0-9,-]+   Path [12]'
keys Enter
letters r
sees flows_count_anew '^4 +'"$target"' +100\.0% +0\.0% +([1-9]|1[0-9]|2[0-4]) '
letters q
left_behind flows 0
cli -n --asn off -r --replay "$dir/flows"
is flows_recording_has_both_paths "$RC $(grep -Ec '^Path [12] of 2' <<<"$OUT")" "0 2"

begin -n --paths 95 --pmtu -u "$target"
sees paths_are_looked_for '^The search for paths found 5 addresses and 5 links'
sees path_mtu '^Path MTU 1500: '
letters q
left_behind paths 0

begin -t --speed 100 --replay "$dir/flows"
sees flows_are_played '^mtr-trace .* done '
like flows_are_played_with_paths "$(shown)" '^Path 1 of 2, id '
letters q
left_behind played_flows 0
