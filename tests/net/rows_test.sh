#!/bin/bash
# Rows while things go wrong: the program is killed, the file is renamed, the disk
# is full, whoever read is gone. No line is ever cut, no measurement is lost, and
# each trouble is said once. On the loopback of namespaces of its own.

TREE=$(cd "$(dirname "$0")/../.." && pwd)
ok() { echo "ok $*"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else echo "not ok $1 - got '$2', wanted '$3'"; fi; }

if [ "$1" != inside ]; then
  if [ "$(id -u)" -ne 0 ] || ! unshare -nm true 2>/dev/null; then
    echo "skip rows - no namespaces here"
    exit 0
  fi
  exec unshare -nm --propagation private "$0" inside
fi
ip link set lo up
dir=$(mktemp -d) || exit 1
mkdir "$dir/disk"
trap 'trap "" INT TERM HUP; umount "$dir/disk" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

TRACE=(env LUA_PATH="$TREE/nse/?.lua;;" LUA_CPATH="$TREE/build/lua5.4/?.so;;" "$TREE/scripts/mtr-trace"
  --no-config -n --asn off --http off -i 0.01)

# begin ARG...: a run in the background, errors in $dir/err; PID, RC
begin() {
  "${TRACE[@]}" "$@" 2>"$dir/err" >"$dir/out" </dev/null &
  PID=$!
}
end() {
  wait "$PID"
  RC=$?
}

# wait_for LINES FILE: until a file has so many; at most ten seconds
wait_for() {
  local i
  for ((i = 0; i < 200; i++)); do
    [ ! -e "$2" ] || [ "$(wc -l <"$2")" -lt "$1" ] || return 0
    sleep 0.05
  done
  return 1
}

# whole FILE...: how many lines, and how many that are no object or have no end
whole() {
  local lines good
  lines=$(cat "$@" | wc -l)
  good=$(cat "$@" | jq -Rc 'fromjson? | select(.run_id > 0)' | wc -l)
  echo "$((lines > 0)) $((lines - good)) $(cat "$@" | tail -c 1 | od -An -tx1 | tr -d ' ')"
}

# ---- killed -------------------------------------------------------------------

for ((i = 1; i <= 3; i++)); do
  begin -r -c 1000 --rows probes --rows-to "$dir/killed" 127.0.0.1
  wait_for $((i * 20)) "$dir/killed"
  kill -KILL "$PID"
  end
done 2>/dev/null
is killed_runs_leave_whole_lines "$(whole "$dir/killed")" "1 0 0a"
# What is printed is a write for each line too: a pipe in packet mode (pipe(2))
# gives what one write wrote. The lines are long, so that a buffer would part them.
packets=$(python3 - "${TRACE[@]}" -c 60 --rows probes --labels "$(printf 'x%.0s' {1..900})" 127.0.0.1 <<'END'
import os, subprocess, sys
r, w = os.pipe2(os.O_DIRECT)
child = subprocess.Popen(sys.argv[1:], stdout=w, stderr=subprocess.DEVNULL)
os.close(w)
packets = list(iter(lambda: os.read(r, 65536), b""))
child.wait()
print(len(packets) >= 60, all(p.endswith(b"\n") and p.count(b"\n") == 1 for p in packets))
END
)
is each_printed_line_is_a_write "$packets" "True True"

# Several programs append to one file: each line is one write behind the end.
for ((i = 1; i <= 4; i++)); do
  "${TRACE[@]}" -r -c 100 --rows probes --rows-to "$dir/shared" --vantage "v$i" "127.0.0.$i" >/dev/null 2>&1 &
done
wait
is programs_share_a_file "$(whole "$dir/shared") $(jq -r 'select(.class == "counted" and .ttl == 1) | .vantage' "$dir/shared" | sort | uniq -c | xargs)" \
  "1 0 0a 100 v1 100 v2 100 v3 100 v4"

# ---- rotated ------------------------------------------------------------------

begin -r -c 200 --rows probes --rows-to "$dir/rotated" 127.0.0.1
for ((i = 1; i <= 3; i++)); do
  wait_for 20 "$dir/rotated"
  mv "$dir/rotated" "$dir/rotated.$i"
  kill -HUP "$PID"
done
end
is renamed_files_lose_nothing "$RC $(jq -c 'select(.class == "counted" and .ttl == 1)' "$dir"/rotated* | sort -u | wc -l) $(whole "$dir"/rotated*)" "0 200 1 0 0a"
is each_name_has_rows "$(for f in "$dir"/rotated*; do [ -s "$f" ] && echo yes; done | sort | uniq -c | xargs)" "4 yes"
begin -r -c 100 --rows probes --rows-size 10000 --rows-to "$dir/sized" 127.0.0.1
end
is large_files_are_parted "$(jq -c 'select(.class == "counted" and .ttl == 1)' "$dir"/sized* | sort -u | wc -l) $(whole "$dir"/sized*)" "100 1 0 0a"
is no_file_is_too_large "$(stat -c %s "$dir"/sized* | awk '$1 > 10000' | wc -l)" 0

# ---- a full disk --------------------------------------------------------------

mount -t tmpfs -o size=32k none "$dir/disk"
begin -r -c 200 --rows probes --rows-to "$dir/disk/rows" 127.0.0.1
end
is full_disk_measures_all "$(grep -c '127.0.0.1 .* 0.0%  *200 ' "$dir/out")" 1
is full_disk_has_whole_lines "$(whole "$dir/disk/rows")" "1 0 0a"
missing=$(sed -n 's/.*: \([0-9]*\) rows could not be written$/\1/p' "$dir/err")
is full_disk_is_said_once "$RC $(grep -c 'no space left' "$dir/err") $(wc -l <"$dir/err")" "2 1 2"
is full_disk_counts_what_is_missing "$((missing > 100 && missing + $(wc -l <"$dir/disk/rows") >= 200))" 1
rm "$dir/disk/rows"

# One that gets room again takes what waited.
head -c 24000 /dev/zero >"$dir/disk/ballast"
: >"$dir/err"
begin -r -c 200 --rows probes --rows-to "$dir/disk/rows" 127.0.0.1
while ! grep -q 'no space left' "$dir/err"; do sleep 0.05; done
mount -o remount,size=10m "$dir/disk"
end
is room_again_has_every_row "$RC $(jq -c 'select(.class == "counted" and .ttl == 1)' "$dir/disk/rows" | sort -u | wc -l) $(whole "$dir/disk/rows") $(wc -l <"$dir/err")" \
  "0 200 1 0 0a 1"

# ---- a reader that is gone ----------------------------------------------------

mkfifo "$dir/fifo"
head -n 5 "$dir/fifo" >"$dir/head" &
begin -r -c 100 --rows probes --rows-to "$dir/fifo" 127.0.0.1
end
is closed_pipe_measures_all "$(grep -c '127.0.0.1 .* 0.0%  *100 ' "$dir/out")" 1
is closed_pipe_gave_whole_lines "$(whole "$dir/head") $(wc -l <"$dir/head")" "1 0 0a 5"
is closed_pipe_is_said_once "$RC $(grep -c 'broken pipe' "$dir/err") $(wc -l <"$dir/err")" "2 1 2"
"${TRACE[@]}" -c 100 --rows probes 127.0.0.1 2>"$dir/err" | head -n 1 >"$dir/head"
is whoever_reads_no_more_of_standard_output_ends_it "$(whole "$dir/head") $(wc -c <"$dir/err")" "1 0 0a 0"
