#!/bin/bash
# What a Unix user expects of the command: a terminal that is left clean, a
# report that fits, mtr's habits, targets as they are pasted.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 3 --no-rate-limit || exit 1
target=$(lab_target 4) target6=$(lab_target 6) dir=$LAB_SCRATCH
escape=$'\e'

# on_terminal COLUMNS ARG...: what the terminal gets, in OUT; status in RC
on_terminal() {
  OUT=$(in_client timeout 120 "$TREE/tests/net/onpty.py" "$1" 30 "$TREE/scripts/mtr-trace" "${@:2}")
  RC=$?
}

# ---- the terminal -------------------------------------------------------------

unset COLUMNS
on_terminal 100 -r -n --asn off -c 15 "$target"
like progress_is_shown "$OUT" "tracing $target"
is progress_is_erased_before_the_report "$(grep -o "tracing $target.*Target: " <<<"$OUT" | sed "s/.*tracing $target//")" \
  $'\r'"${escape}[KTarget: "
is progress_leaves_a_clean_status $RC 0
longest() { tr -d '\r' <<<"${1##*"${escape}[K"}" | awk '{ if (length > n) n = length } END { print n }'; }
for width in 60 80 100; do
  on_terminal $width -r -n -c 2 "$target"
  is "report_fits_$width" "$(($(longest "$OUT") <= width))" 1
  like "report_of_${width}_says_what_is_left_out" "$(tr -d '\r\n' <<<"$OUT")" "Left out to fit $width columns: .*OS Guess; *-w +shows +all"
done
on_terminal 250 -r -n -c 2 "$target"
unlike wide_terminal_leaves_nothing_out "$OUT" 'Left out'

COMMAND_ENV=(TERM=dumb)
on_terminal 100 -n --asn off -c 15 "$target"
unlike dumb_terminal_gets_no_escape "$OUT" "$escape"
like dumb_terminal_gets_the_report "$OUT" "^4 +$target +0\.0%"
COMMAND_ENV=()

cli -r -n -c 2 "$target"
is report_into_a_file_fits_80 "$(($(longest "$OUT") <= 80))" 1
like report_has_mtrs_columns "$OUT" '^Hop +IP Address +Loss% +Sent +Last\(ms\) +Avg\(ms\) +Best\(ms\) +Worst\(ms\) +StDev'
cli -w -n -c 2 "$target"
like wide_report_has_all_columns "$OUT" 'Jitter\(ms\) +ASN +Organization +OS Guess$'
cli -r -n -c 2 --columns hop,ip,loss,sent,received,last,avg,best,worst,stdev,jitter,asn,os "$target"
like chosen_columns_all_stay "$OUT" '^Hop .*Jitter\(ms\) +ASN +OS Guess$'
export COLUMNS=300

# ---- mtr's habits ---------------------------------------------------------------

COMMAND_ENV=(MTR_OPTIONS='-y 2 -n -c 4')
cli --asn off -c 2 "$target"
is mtr_options_count "$(awk '$1 == 4 { print $2, $4 }' <<<"$OUT")" "$target 2"
is mtr_options_that_are_not_there_are_a_warning "$ERR" "mtr-trace: warning: MTR_OPTIONS: -y/--ipinfo: mtr has it,\
 mtr-trace has not: use --columns with asn, prefix, country, registry"
COMMAND_ENV=(MTR_OPTIONS='-n x')
cli -c 2 "$target"
is mtr_options_with_a_target "$RC $ERR" "2 mtr-trace: MTR_OPTIONS: expected options alone"
COMMAND_ENV=()
cli -n --asn off -c 2 -P 80 "$target"
is port_with_icmp_is_a_warning "$RC $ERR" \
  "0 mtr-trace: warning: --port=80: icmp has no ports, expected --protocol=udp or tcp with it"
cli --inet6 -n --asn off -c 2 "$target6"
is inet6 "$RC $ERR" "0 "
for protocol in '' -u -T; do
  # shellcheck disable=SC2086 # no option, or one
  cli -n --asn off -c 5 $protocol -s -100 "$target"
  is "random_sizes${protocol}_leave_no_status" "$RC $ERR" "0 "
  is "random_sizes${protocol}_lose_nothing" "$(awk -v t="$target" '$1 == 4 && $2 == t { print $3, $4, $5 }' <<<"$OUT")" "0.0% 5 5"
  like "random_sizes${protocol}_are_said" "$OUT" '^Probes have random sizes up to 100 bytes\.$'
done
cli -n --asn off -c 2 --classic -s -100 "$target"
like random_sizes_in_the_classic_view "$OUT" 'random packet sizes up to 100 bytes$'
cli -n -c 2 -s -20 "$target"
like random_sizes_that_are_too_small "$RC $ERR" '^2 mtr-trace: --size=-20: expected .* random sizes up to that '
cli -n -c 2 -o LS_NABWV "$target"
like order_with_a_space "$OUT" '^Hop +IP Address +Loss% +Sent +Last\(ms\) +Avg\(ms\) +Best\(ms\) +Worst\(ms\) +StDev\(ms\)$'

# ---- targets ----------------------------------------------------------------------

cli -n --asn off -T -c 2 -j "$target:443" "[$target6]:80"
is port_of_a_target "$(python3 -c 'import json, sys; print([(t["target"], t["port"]) for t in json.load(sys.stdin)["traces"]])' \
  <<<"$OUT" 2>&1)" "[('$target', 443), ('$target6', 80)]"
cli -n --asn off -c 2 "$target:443"
is port_of_a_target_with_icmp_is_a_warning "$RC $ERR" \
  "0 mtr-trace: warning: $target:443: icmp has no ports, port 443 counts with -T or -u only"
cli -n --asn off -c 2 -j "http://$target:81/x"
is url_as_target "$RC $(grep -o '"url":"[^"]*"' <<<"$OUT")" "0 \"url\":\"http://$target:81/x\""
printf '\357\273\277%s\r\n# a comment\r\n' "$target" >"$dir/windows"
cli -n --asn off -c 2 -F "$dir/windows"
is file_from_windows "$RC $ERR" "0 "
