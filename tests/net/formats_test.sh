#!/bin/bash
# Every format of the command through a strict reader: the sample that the unit
# tests hold to the byte, and real routers.  A replay prints the run's report.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/formats.sh"
. "$TREE/tests/net/command.sh"
GOLDEN=$TREE/tests/unit/golden SCHEMA=$TREE/scripts/mtr-trace.schema.json

if ! python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null || ! command -v dot >/dev/null; then
  skip formats "python3-jsonschema or graphviz is not installed"
  exit 0
fi

# read_all NAME JSON CSV XML DOT NDJSON
read_all() {
  is "$1_json_by_schema" "$(json_by_schema "$SCHEMA" "$2")" ""
  is "$1_csv" "$(csv_is_strict "$3")" ""
  is "$1_xml" "$(xml_is_well_formed "$4")" ""
  is "$1_dot" "$(dot_is_drawn "$5")" ""
  is "$1_ndjson" "$(ndjson_is_json "$6")" ""
}
read_all sample "$GOLDEN"/report.{json,csv,xml,dot} "$GOLDEN/events.ndjson"

needs_command
lab_up --routers 4 || exit 1
lab_silent 2
dir=$LAB_SCRATCH

for family in 4 6; do
  name=v$family
  cli -c 4 --asn off --record "$dir/rec" --ndjson "$(lab_target $family)" "$(lab_addr $family 3)"
  cp "$dir/out" "$dir/ndjson"
  is "${name}_record_is_the_event_stream" "$(cmp "$dir/rec" "$dir/ndjson" 2>&1)" ""
  for format in json csv xml dot mermaid markdown report; do
    cli --$format --replay "$dir/rec" --output "$dir/$format"
    is "${name}_${format}_of_a_replay" "$RC $OUT$ERR" "0 "
  done
  read_all "$name" "$dir"/{json,csv,xml,dot,ndjson}
  cli --ndjson --replay "$dir/rec"
  is "${name}_replay_of_the_stream_is_the_stream" "$(cmp "$dir/rec" "$dir/out" 2>&1)" ""
  is "${name}_unknown_hops_stay_distinct" "$(grep -c 'label=.*hop 2' "$dir/dot")" 2
done

cli -c 3 --asn off --record "$dir/rec" "$(lab_target 4)"
cp "$dir/out" "$dir/run"
cli --replay "$dir/rec"
is replay_prints_the_report_of_the_run "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
cli -j -c 3 --asn off --record "$dir/rec" "$(lab_target 4)" nosuch.invalid
cp "$dir/out" "$dir/run"
is run_with_an_unknown_host_by_schema "$RC $(json_by_schema "$SCHEMA" "$dir/run")" "1 "
cli -j --replay "$dir/rec"
is replay_prints_the_json_of_the_run "$RC $(cmp "$dir/run" "$dir/out" 2>&1)" "1 "

# ---- flat rows ------------------------------------------------------------------

for kind in runs hops probes; do
  cli --schema --rows $kind --no-config
  cp "$dir/out" "$dir/rows.schema"
  cli -n --asn off --http off --rows $kind -c 3 "$(lab_target 4)"
  is "rows_${kind}_reached" "$RC $ERR" "0 "
  split -l 1 "$dir/out" "$dir/row."
  is "rows_${kind}_by_schema" "$(for row in "$dir"/row.*; do json_by_schema "$dir/rows.schema" "$row"; done)" ""
  rm "$dir"/row.*
  cli -n --asn off --http off --rows $kind --rows-to "$dir/$kind" --rows-size 1000 -c 3 "$(lab_target 4)"
  is "rows_${kind}_beside_the_report" "$(sed -n 's/^1  *\([0-9.]*\) .*/\1/p' <<<"$OUT")" "$(lab_addr 4 1)"
  is "rows_${kind}_are_whole_in_each_file" "$(cat "$dir/$kind"* | python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' 2>&1)" ""
  cli -n --asn off --http off --rows $kind --rows-to /dev/full -c 3 "$(lab_target 4)"
  like "rows_${kind}_on_a_full_disk_end_no_run" "$OUT" "$(lab_target 4)"
  is "rows_${kind}_on_a_full_disk_are_said_once" "$(grep -c 'no space left' <<<"$ERR")" 1
done

# ---- two runs compared ----------------------------------------------------------

cli --schema --diff --no-config
cp "$dir/out" "$dir/diff.schema"
cli -j -n --asn off --http off --output "$dir/after.json" "$(lab_target 4)"
cli -n --asn off --http off --record "$dir/before.rec" "$(lab_target 4)"
for format in report json markdown; do
  cli --diff --$format "$dir/before.rec" "$dir/after.json"
  is "diff_of_one_path_${format}" "$RC $ERR" "0 "
  [ $format != json ] || is diff_json_by_schema "$(json_by_schema "$dir/diff.schema" "$dir/out")" ""
done
cli -n --asn off --http off -r -x --output "$dir/short.xml" "$(lab_addr 4 3)"
cli --diff -j "$dir/before.rec" "$dir/short.xml"
is diff_of_two_targets_differs "$RC $(json_by_schema "$dir/diff.schema" "$dir/out")" "1 "
cli --diff "$dir/before.rec" "$dir/nothing"
is diff_of_a_missing_file "$RC $OUT $ERR" "2  mtr-trace: $dir/nothing: No such file or directory"
cli --diff "$dir/before.rec"
like diff_wants_two_files "$RC $ERR" '^2 mtr-trace: --diff: expected two files, BEFORE and AFTER, got 1'
cli --diff --csv "$dir/before.rec" "$dir/after.json"
like diff_has_no_csv "$RC $ERR" '^2 mtr-trace: --diff: expected --report, --json or --markdown, got --csv'

cli --classic -n --asn off "$(lab_target 4)"
like classic_shows_addresses_and_times "$OUT" "^ 1  $(lab_addr 4 1)  [0-9.]+ ms [0-9.]+ ms [0-9.]+ ms$"
like classic_shows_silence "$OUT" '^ 2  \* \* \*$'
is classic_ends_at_the_target "$(tail -n 1 <<<"$OUT" | awk '{ print $1, $2 }')" "5 $(lab_target 4)"

# ---- recordings that are none -------------------------------------------------

refused() { # NAME FILE REGEX
  cli --replay "$2"
  is "$1_status" $RC 2
  is "$1_is_one_line" "$(wc -l <<<"$ERR")" 1
  like "$1" "$ERR" "$3"
}
head -c 2000 /dev/urandom >"$dir/noise"
refused noise "$dir/noise" '^mtr-trace: .*noise:1: no recording of mtr-trace$'
sed '5s/.*/garbage/' "$dir/rec" >"$dir/line"
refused garbage_in_a_line "$dir/line" ':5: no event$'
sed '5s/"ttl":[0-9]*/"ttl":999/' "$dir/rec" >"$dir/ttl"
refused impossible_value "$dir/ttl" ":5: 'ttl' is missing or is not what an event has there$"
sed '/"kind":"end"/d' "$dir/rec" >"$dir/cut"
refused cut_recording "$dir/cut" 'the recording was cut$'
refused missing_recording "$dir/nosuch" 'nosuch: No such file or directory$'
refused a_folder "$dir" 'Is a directory|no recording'
refused version_before_the_keys_were_renamed \
  "$(sed '1s/"format":5/"format":4/' "$dir/rec" >"$dir/first" && echo "$dir/first")" \
  ':1: a recording of format 4, this program reads format 5'
refused version "$(sed '1s/"format":5/"format":9/' "$dir/rec" >"$dir/v" && echo "$dir/v")" ':1: a recording of format 9'
