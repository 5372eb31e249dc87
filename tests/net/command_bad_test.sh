#!/bin/bash
# What can go wrong with the command: one clear line and the right status, no
# hang, nothing left behind.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 2 --no-rate-limit || exit 1
dir=$LAB_SCRATCH target=$(lab_target 4)

# fails NAME STATUS REGEX ARG...: this status, and one line on standard error
fails() {
  local name=$1 status=$2 regex=$3
  cli "${@:4}"
  is "${name}_status" $RC "$status"
  is "${name}_is_one_line" "$(wc -l <<<"$ERR")" 1
  like "$name" "$ERR" "$regex"
}

fails unknown_option 2 "^mtr-trace: unknown option '--pakets'; Did you mean '--packets'" --pakets 3 x
fails bad_value 2 '^mtr-trace: --packets=0: expected a whole number from 1 to 100000' -c 0 x
fails refused_letter 2 '^mtr-trace: -S/--sctp: mtr has it, mtr-trace has not: ' -S "$target"
fails no_target 2 '^mtr-trace: no target given'
fails no_target_in_a_file 2 '^mtr-trace: /dev/null: no target in it' -F /dev/null
fails unknown_host 1 '^mtr-trace: nosuch\.invalid: ' nosuch.invalid
fails wrong_family 1 "^mtr-trace: $target: not an IPv6 address" -6 "$target"
fails missing_file 2 '^mtr-trace: /nosuch/file: No such file or directory' -F /nosuch/file
fails file_that_holds_no_names 2 '/bin/true:1: .*: expected a host name, an address, HOST:PORT or an http\(s\) URL$' -F /bin/true
fails too_large 1 'size 9000 is more than the MTU' -s 9000 "$target"
fails no_interface 2 '^mtr-trace: --interface=nosuch0: no such interface$' -I nosuch0 "$target" "$(lab_addr 4 1)"
fails unknown_letter 2 "^mtr-trace: unknown option '-q' \\(see " -q "$target"
fails missing_settings 2 '^mtr-trace: /nosuch/file: no such file or directory$' --config /nosuch/file "$target"
fails disk_full 2 '^mtr-trace: /dev/full: No space left on device$' -j -c 1 --asn off --output /dev/full "$target"
fails disk_full_record 2 '^mtr-trace: /dev/full: No space left on device$' -c 1 --asn off --record /dev/full "$target"
fails output_that_cannot_be_made 2 '^mtr-trace: /nosuch/out: No such file' --output /nosuch/out "$target"

cli -n -c 1 --asn off --record "$dir/run" "$target"
fails recording_over_itself 2 "^mtr-trace: --record=$dir/run: is the recording that --replay reads" \
  --replay "$dir/run" --record "$dir/run"
like recording_is_still_there "$(tail -n 1 "$dir/run")" '"kind":"end"'
head -n 1 "$dir/run" >"$dir/nothing"
fails recording_of_nothing 2 'nothing: no trace is in it: the recording was cut$' --replay "$dir/nothing"
for answer in --help --schema --man --version; do
  lab_run "$TREE/scripts/mtr-trace" $answer >/dev/full 2>"$dir/err"
  is "disk_full$answer" "$? $(cat "$dir/err")" "2 mtr-trace: standard output: No space left on device"
done

# A disk that fills up on the way: a mount of its own, gone with the process.
tree_env "$TREE"
# shellcheck disable=SC2016 # for the shell inside
out=$(lab_run "${ENV[@]}" ip netns exec "$LAB-c" unshare -m sh -c \
  'mount -t tmpfs -o size=16k mtl-tiny /mnt && exec "$@" --output /mnt/full' - \
  "$TREE/scripts/mtr-trace" -c 30 --ndjson --asn off "$target" 2>&1)
is tiny_disk_full "$? $out" "2 mtr-trace: /mnt/full: No space left on device"

# Without privileges: the whole command, as nobody in the same network.
# A mount namespace shows it the tree where it may go: a clone may be in /root.
tree_env /mnt
# shellcheck disable=SC2016 # for the shell inside
out=$(lab_run "${ENV[@]}" ip netns exec "$LAB-c" sh -c 'mount --bind "$1" /mnt && shift && exec "$@"' - "$TREE" \
  setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/scripts/mtr-trace --protocol icmp "$target" "$target" 2>&1)
is no_permission_status $? 3
is no_permission_is_one_line "$(wc -l <<<"$out")" 1
like no_permission "$out" '^mtr-trace: .*(root|CAP_NET_RAW|permi)'

# ---- readers that go away -------------------------------------------------------

piped() { # ARG...: what the command says when only a line is read
  { lab_run "${ENV[@]}" ip netns exec "$LAB-c" timeout 60 "$TREE/scripts/mtr-trace" "$@" >"$dir/fifo"; } 2>&1
}
mkfifo "$dir/fifo"
for format in --ndjson --report --json --classic; do
  head -n 1 "$dir/fifo" >"$dir/first" &
  began=$SECONDS
  is "closed_pipe_says_nothing$format" "$(piped $format -c 50 -i 0.2 --asn off "$target" "$target")" ""
  at_most "closed_pipe_ends_soon$format" $((SECONDS - began)) 20
done

# ---- settings ---------------------------------------------------------------------

mkdir -p "$dir/config/mtr-trace"
config=$dir/config/mtr-trace/config
with_settings() { # ARG...
  tree_env "$TREE"
  lab_run "${ENV[@]}" XDG_CONFIG_HOME="$dir/config" MTR_TRACE_OPTIONS="$MORE" \
    ip netns exec "$LAB-c" "$TREE/scripts/mtr-trace" "$@" 2>&1
}
printf 'packets = 2\nno-dns = yes\nasn = off\ncsv = yes\norder = S\n' >"$config"
MORE=
is settings_count "$(with_settings "$target" | tail -n 1 | cut -d, -f 6-)" "3,$target,2"
MORE='-c 3'
is environment_wins_over_settings "$(with_settings "$target" | tail -n 1 | cut -d, -f 6-)" "3,$target,3"
is words_win_over_both "$(with_settings -c 4 "$target" | tail -n 1 | cut -d, -f 6-)" "3,$target,4"
echo 'pakets = 3' >>"$config"
is unknown_setting "$(with_settings "$target")" \
  "mtr-trace: $config:6: no such option: pakets, the nearest is packets"
chmod 666 "$config"
like settings_that_others_may_write "$(with_settings "$target")" 'others than its owner may write to it$'
chmod 644 "$config"
chown 65534 "$config"
MORE='-C -n --asn off -o S -c 5'
like settings_of_another_user "$(with_settings "$target")" 'is not read: it belongs to user 65534$'
is settings_of_another_user_do_not_count "$(with_settings "$target" 2>&1 | tail -n 1 | cut -d, -f 6-)" "3,$target,5"

# ---- 10,000 targets -----------------------------------------------------------------

for ((i = 0; i < 10000; i++)); do echo "127.$((i / 250 % 250)).$((i / 62500)).$((i % 250 + 1))"; done >"$dir/many"
cli -n --asn off -c 1 -m 2 -C -o S --parallel 1000 -F "$dir/many"
is many_targets_status "$RC $ERR" "0 "
is many_targets_each_once "$(tail -n +2 <<<"$OUT" | cut -d, -f 1 | sort -u | wc -l)" 10000
is many_targets_in_their_order "$(tail -n +2 <<<"$OUT" | cut -d, -f 2 | cmp - "$dir/many" 2>&1)" ""
