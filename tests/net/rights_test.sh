#!/bin/bash
# What the command's process may do while it runs, as whom it writes files, and
# what it says of too few open files and of closed streams.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 2 --no-rate-limit || exit 1
target=$(lab_target 4)
raw=0000000000002000 # CAP_NET_RAW alone
dir=$LAB_SCRATCH/nobodys
mkdir "$dir" && chmod 777 "$dir" && chmod 711 "$LAB_SCRATCH"

# status_of ARG...: /proc/PID/status of every thread of a command that is at work, in STATUS
status_of() {
  local pid i
  in_client timeout 60 "$TREE/scripts/mtr-trace" -c 1000 -n "$@" "$target" \
    >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null &
  for ((i = 0; i < 100; i++)); do
    pid=$(ip netns pids "$LAB-c" | while read -r one; do
      [ "$(grep -s "^Threads:" "/proc/$one/status" | cut -f 2)" -lt 2 ] || echo "$one"
    done | head -n 1)
    [ -z "$pid" ] || break
    sleep 0.1
  done
  STATUS=$(cat "/proc/$pid"/task/*/status 2>&1)
  kill -TERM "$pid" 2>/dev/null
  wait $!
}

# holds NAME FIELD VALUE: in each thread
holds() { is "$1" "$(sed -n "s/^$2:[[:space:]]*//p" <<<"$STATUS" | xargs -n 1 | sort -u | xargs)" "$3"; }

# rights NAME UID: what every one of these runs has
rights() {
  holds "$1_effective" CapEff $raw
  holds "$1_permitted" CapPrm $raw
  holds "$1_inheritable" CapInh 0000000000000000
  holds "$1_ambient" CapAmb 0000000000000000
  holds "$1_bounding" CapBnd 0000000000000000
  holds "$1_no_new_privileges" NoNewPrivs 1
  holds "$1_user" Uid "$2"
}

# ---- rights -----------------------------------------------------------------------

# Root's own run goes on as nobody, unless it opens files later or the tree is not
# open to everybody.
nobody=$(id -u nobody)
setpriv --reuid "$nobody" --clear-groups test -r "$TREE/build/lua5.4/mtrtrace/core.so" || nobody=0
status_of -r
rights root "$nobody"
holds root_groups Groups "$([ "$nobody" = 0 ] || id -g nobody)"
status_of -r --rows hops --rows-to "$LAB_SCRATCH/rows"
rights root_that_reopens_a_file 0
cp "$(lua5.4 -e "print(package.searchpath('luv', package.cpath))")" "$LAB_SCRATCH/closed" && chmod 600 "$LAB_SCRATCH/closed"
SSL_CERT_FILE=$LAB_SCRATCH/closed status_of -r
rights root_that_reads_its_own_file 0
COMMAND_ENV=(SUDO_UID=65534 SUDO_GID=65534)
status_of -r
rights sudo 65534
holds sudo_group Gid 65534
holds sudo_groups Groups 65534
COMMAND_ENV=()

# status_reading ARG...: the same of a command that waits for what is in a file it
# reads; the file is $LAB_SCRATCH/fifo
status_reading() {
  local pid i waited
  rm -f "$LAB_SCRATCH/fifo" && mkfifo "$LAB_SCRATCH/fifo"
  in_client timeout 60 "$TREE/scripts/mtr-trace" "$@" >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null &
  waited=$!
  exec 9>"$LAB_SCRATCH/fifo"
  for ((i = 0; i < 100; i++)); do
    pid=$(ip netns pids "$LAB-c" | while read -r one; do
      grep -qs "^NoNewPrivs:.*1" "/proc/$one/status" && echo "$one"
    done | head -n 1)
    [ -z "$pid" ] || break
    sleep 0.1
  done
  STATUS=$(cat "/proc/$pid"/task/*/status 2>&1)
  exec 9>&-
  wait $waited
}

COMMAND_ENV=()
status_reading -r --replay "$LAB_SCRATCH/fifo"
rights replay "$nobody"
status_reading --diff "$LAB_SCRATCH/fifo" /dev/null
rights diff "$nobody"
COMMAND_ENV=(SUDO_UID=65534 SUDO_GID=65534)
status_reading --diff "$LAB_SCRATCH/fifo" /dev/null
rights diff_by_sudo 65534
COMMAND_ENV=()

# ---- all that opens sockets later still works ---------------------------------------

COMMAND_ENV=(SUDO_UID=65534 SUDO_GID=65534)
for args in '' '-M 7' '-I eth0' '--os active' '--pmtu' '-u --flows 2' '-T -6' '--paths 95'; do
  # shellcheck disable=SC2086 # words
  cli -r -n -c 3 $args --html "$dir/page.html" "$(case $args in *-6*) lab_target 6 ;; *) lab_target 4 ;; esac)"
  is "as_user${args// /_}" "$RC" 0
  is "as_user${args// /_}_errors" "$ERR" ''
  is "as_user${args// /_}_owns" "$(stat -c %u:%g "$dir/page.html" 2>&1)" 65534:65534
  rm -f "$dir/page.html"
done

# ---- files ------------------------------------------------------------------------

mkdir -m 700 "$LAB_SCRATCH/roots"
cli -r -n -c 1 --html "$LAB_SCRATCH/roots/page.html" "$target"
like sudo_writes_as_its_caller "$ERR" 'page.html: Permission denied'
is sudo_writes_as_its_caller_alone "$(ls "$LAB_SCRATCH/roots")" ''
echo "$target" >"$LAB_SCRATCH/roots/targets"
cli -r -n -c 1 -F "$LAB_SCRATCH/roots/targets"
like sudo_reads_as_its_caller "$ERR" 'targets: Permission denied'
COMMAND_ENV=()
cli -r -n -c 1 --html "$LAB_SCRATCH/roots/page.html" --record "$dir/recording" "$target"
is root_writes_its_own "$RC$ERR" 0
is root_owns_its_files "$(stat -c %u:%g:%a "$LAB_SCRATCH/roots/page.html")" 0:0:644
is root_writes_all_of_it "$(grep -c '</html>' "$LAB_SCRATCH/roots/page.html")" 1
COMMAND_ENV=(SUDO_UID=65534 SUDO_GID=65534)
cli -r --replay "$dir/recording" --html "$dir/page.html"
is replay_as_user "$RC$ERR" 0
is replay_as_user_owns "$(stat -c %u "$dir/page.html")" 65534
COMMAND_ENV=()

# ---- open files ---------------------------------------------------------------------

for n in 4 5 6 8 9 10 11 12 13 16 63; do
  in_client timeout -k 1 10 prlimit --nofile=$n "$TREE/scripts/mtr-trace" -c 1 -n -r "$target" >"$LAB_SCRATCH/out" 2>&1 </dev/null
  is "files_${n}_status" $? 2
  is "files_${n}" "$(cat "$LAB_SCRATCH/out")" \
    "mtr-trace: the limit of open files is $n: at least 64 expected (ulimit -n)"
done
in_client timeout 60 prlimit --nofile=64 "$TREE/scripts/mtr-trace" -c 1 -r "$target" >"$LAB_SCRATCH/out" 2>&1 </dev/null
is files_64_status $? 0
like files_64 "$(cat "$LAB_SCRATCH/out")" "^3 +$target "

# shellcheck disable=SC2016 # for the shell inside
in_client timeout -k 1 10 prlimit --nofile=64 bash -c 'for ((n = 10; n < 62; n++)); do eval "exec $n</dev/null"; done
  exec "$@"' - "$TREE/scripts/mtr-trace" -c 1 -n -r "$target" >"$LAB_SCRATCH/out" 2>&1 </dev/null
is files_taken_status $? 2
like files_taken "$(cat "$LAB_SCRATCH/out")" \
  '^mtr-trace: of the limit of 64 open files [0-9]+ are free: at least 48 expected \(ulimit -n\)$'

# ---- streams ------------------------------------------------------------------------

in_client timeout 60 "$TREE/scripts/mtr-trace" -c 1 -n -r "$target" <&- >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err"
is stdin_closed "$?$(cat "$LAB_SCRATCH/err")" 0
in_client timeout 60 "$TREE/scripts/mtr-trace" -c 1 -n -r "$target" 2>&- >"$LAB_SCRATCH/out" </dev/null
is stderr_closed "$?$(grep -c "$target " "$LAB_SCRATCH/out")" 01
count_sent any ip daddr "$target"
for option in --report --help --version --schema; do
  in_client timeout 60 "$TREE/scripts/mtr-trace" -c 1 -n $option "$target" >&- 2>"$LAB_SCRATCH/err" </dev/null
  is "stdout_closed_$option" "$?$(cat "$LAB_SCRATCH/err")" \
    '2mtr-trace: standard output is closed: open it, or give --output FILE'
done
is stdout_closed_sends_nothing "$(sent any)" 0
count_no_more
in_client timeout 60 "$TREE/scripts/mtr-trace" -c 1 -n -r --output "$dir/report" "$target" <&- >&- 2>&-
is all_closed "$?$(grep -c "$target " "$dir/report")" 01
cli -
is dash_is_no_target "$RC$ERR" \
  "2mtr-trace: '-': expected a host name, an address, HOST:PORT or an http(s) URL; -F - reads them from standard input"
