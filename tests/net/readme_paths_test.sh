#!/bin/bash
# The sample of several paths in nse/doc/multipath.md, run as it stands there on the lab it is
# of: every line of it is printed, with figures of its own.

. "$(dirname "$0")/lib.sh"
find_flavours
last=${FLAVOURS##* }
if [ ! -e "$TREE/nse/doc/multipath.md" ]; then
  skip several_paths_sample "no nse/doc/multipath.md"
  exit
fi

# The indented lines behind the command that searches for paths.
sample() {
  awk '/^    \$ sudo nmap .*mtr-trace\.paths=/ { on = 1; next }
    on && /^    \|/ { print substr($0, 5) }
    on && !/^    \|/ && !/^$/ { exit }' "$TREE/nse/doc/multipath.md"
}

# What runs differ in: figures, but not addresses; which path is the first, and
# with it which address of a hop has the row with the hop's number.
masked() {
  sed -E 's/^\|_?//; s/ +/ /g; s/^ //; s/^([0-9]+ )?(10[0-9.]+) [0-9.]+% [0-9.]+% [0-9]+ [0-9]+ [0-9.]+/\2 figures/
    s/\(10\..*\)/(addresses)/; s/with [0-9]+ probes in [0-9]+ flows/with probes/; s/[0-9]+ % for all/for all/
    s/id [0-9a-f]{8}: 1 flow \(source port [0-9]+\), by 10\.[0-9.]+ /id, by /'
}

lab_up --routers 6 --no-rate-limit || exit 1
lab_fork 2 4 no-rate_limit || exit 1
arguments=$(sed -n 's/^    \$ sudo nmap .*--script-args \(.*mtr-trace\.paths=.*\) [0-9.]*$/\1/p' "$TREE/nse/doc/multipath.md")
at_least sample_is_there "$(sample | wc -l)" 10
trace "$last" --script-args "$arguments" "$(lab_target 4)"
printed=$(show text | masked)
while read -r line; do
  like "prints_${line:0:32}" "$printed" "^$(sed -E 's/ ?\.\.\.$//; s/[][().*+?|\\^$]/\\&/g' <<<"$line")"
done < <(sample | masked | grep .)
