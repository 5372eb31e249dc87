#!/bin/bash
# UDP to three addresses of one Linux host: the kernel has one bucket for this
# host, whichever address replies. What they lose to each other has a mark and
# a line, and is no verdict; an address that is traced alone loses nothing.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
lab_up --routers 1 || exit 1

addresses=$(lab_target 4)
for i in 101 102; do
  lab_ip s address add "10.0.1.$i/24" dev eth0
  addresses="$addresses 10.0.1.$i"
done

# judge NAME: the tables of $OUT, as JSON, one a line
judge() {
  # shellcheck disable=SC2016 # Lua
  is "$1" "$(lua5.4 -e '
    local json, bad, rows = require "dkjson", 0, 0
    local function judge(trace)
      local hop = trace.hops[2]
      local lost = not trace.reached or hop.received < hop.sent
      local text = table.concat(trace.notes, " ")
      rows = rows + 1
      if lost and not (hop.shared_rate_limit and text:find("rate limit", 1, true)) then
        bad = bad + 1
      end
      for _, verdict in ipairs(trace.verdicts) do
        bad = bad + (verdict.kind:find "loss" and 1 or 0)
      end
    end
    local text = io.read "a"
    local whole = json.decode(text)
    for _, trace in ipairs(whole.traces or { whole }) do judge(trace) end
    print(rows, bad)' <<<"$OUT")" "$2"$'\t'0
}

# shellcheck disable=SC2086 # a list, to be split
for interval in auto 1.05; do
  options=
  [ $interval = auto ] || options="-i $interval"
  cli -j -n --asn off --os off --http off -u -c 5 $options $addresses
  judge "at_once_$interval" 3
done

sleep 7 # until the bucket is full
cli -j -n --asn off --os off --http off -u -c 5 10.0.1.101
judge alone 1
like alone_without_loss "$OUT" '"hop":2,"loss_percent":0,.*"sent":5,"received":5'
