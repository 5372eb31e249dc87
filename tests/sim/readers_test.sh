#!/bin/bash
# Every format of a matrix of simulated runs (formats_matrix.lua) through strict
# readers: ajv by the closed schema, csv-parse, html-validate and Mermaid's own
# parser by tests/readers/read.mjs; xmllint, jq and dot. Each reader has to
# refuse a broken file, or it would prove nothing.

cd "$(dirname "$0")/../.." || exit 1
SCHEMA=scripts/mtr-trace.schema.json

tests/readers/install || {
  echo "not ok readers_are_installed - see tests/readers/install"
  exit 1
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/good" "$dir/bad"

case_of() { # NAME TEXT: ok where the reader said nothing
  if [ -z "$2" ]; then echo "ok $1"; else echo "not ok $1 - $(tr '\n' ' ' <<<"$2" | head -c 300)"; fi
}

out=$(tests/lua lua5.4 tests/sim/formats_matrix.lua "$dir/good" 2>&1)
case_of the_matrix_is_written "$out"
node tests/readers/read.mjs build/readers "$SCHEMA" "$dir"/good/* 2>&1
for file in "$dir"/good/*; do
  name=${file##*/}
  case $file in
    *.xml) case_of "${name}_by_xmllint" "$(xmllint --noout --nonet "$file" 2>&1)" ;;
    *json) case_of "${name}_by_jq" "$(jq -e . "$file" 2>&1 >/dev/null)" ;;
    *.dot) case_of "${name}_by_dot" "$(dot -Tcanon -o /dev/null "$file" 2>&1)" ;;
  esac
done

# A column more than titles, with several flows, must not push the last one out.
case_of flows_keep_the_last_column_of_the_page "$(grep -q '<th scope="col" class="t">OS Guess' \
  "$dir/good/hostile.html" || echo 'no OS Guess')"

# ---- what is broken is refused ------------------------------------------------

bad=$dir/bad good=$dir/good
sed 's/"reached":true/"reached":1/' "$good/one_flow.json" >"$bad/type.json"
sed 's/"target":/"x":1,"target":/' "$good/one_flow.json" >"$bad/key.json"
sed 's/"sent":[0-9]*/"sent":1795274108541135313/' "$good/one_flow.json" >"$bad/digits.json"
sed 's/"avg_ms":null/"avg_ms":false/' "$good/flows_unreached.json" >"$bad/false.json"
sed 's/"misses":\[\]/"misses":{}/' "$good/silent_hops.ndjson" >"$bad/object.ndjson"
sed 's/"x"/=1/; s/-33.9/=1+1/' "$good/hostile.csv" >"$bad/formula.csv"
sed '2s/,/,,/' "$good/one_flow.csv" >"$bad/cells.csv"
sed '0,/| ---/s/| ---/| --- | ---/' "$good/one_flow.markdown" >"$bad/cells.markdown"
sed 's/<address>/<pat>/; s/<\/address>/<\/pat>/' "$good/flows.xml" >"$bad/word.xml"
sed '0,/<td/s/<td/<td><\/td><td/' "$good/one_flow.html" >"$bad/cells.html"
sed '0,/<\/ul>/s/<\/ul>//' "$good/one_flow.html" >"$bad/element.html"
sed '$s/ -->.*/ -->/' "$good/one_flow.mermaid" >"$bad/arrow.mermaid"
sed 's/www/w\xff/' "$good/one_flow.report" >"$bad/utf8.report"
sed 's/www/w\xe2\x80\xae/' "$good/one_flow.report" >"$bad/bidirectional.report"
refused() { # NAME WHETHER
  if [ -n "$2" ]; then echo "ok $1_is_refused"; else echo "not ok $1_is_refused"; fi
}
verdicts=$(node tests/readers/read.mjs build/readers "$SCHEMA" "$bad"/* 2>&1)
for file in "$bad"/*; do
  refused "${file##*/}" "$(grep "^not ok ${file##*/}_is_read - " <<<"$verdicts")"
done
sed 's/<\/hops>//' "$good/one_flow.xml" >"$bad/element.xml"
refused element.xml "$(xmllint --noout "$bad/element.xml" 2>&1)"
sed 's/"/ /' "$good/one_flow.dot" >"$bad/quote.dot"
refused quote.dot "$(dot -Tcanon -o /dev/null "$bad/quote.dot" 2>&1)"
