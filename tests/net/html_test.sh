#!/bin/bash
# The page of HTML as parsers, a validator and a browser without network take
# it.  html_test.sh FOLDER: writes the pages there, with screenshots to look at.

if [ $# -gt 0 ]; then
  cd "$(dirname "$0")/../.." && mkdir -p "$1" && tests/lua lua5.4 tests/unit/pages.lua "$1" &&
    exec tests/net/html_pages.py "$1" show
  exit 1
fi
. "$(dirname "$0")/lib.sh"
cd "$TREE" || exit 1

tests/lua lua5.4 tests/unit/pages.lua "$LAB_SCRATCH" || not_ok pages "could not be written"

# One more, of real routers, by the command.
lab_up --routers 3 --no-rate-limit || exit 1
tree_env "$TREE"
said=$(lab_run "${ENV[@]}" ip netns exec "$LAB-c" timeout 60 scripts/mtr-trace -n --asn off -c 3 \
  --html "$LAB_SCRATCH/real.html" "$(lab_target 4)" 2>&1 </dev/null)
is command_reaches_the_target $? 0
like command_prints_its_report_too "$said" "^4 +$(lab_target 4) "
like command_writes_the_page "$(cat "$LAB_SCRATCH/real.html")" "<h1>Path to $(lab_target 4)</h1>"

# HTML has allowed headings in a <summary> since this tidy was written.
if command -v tidy >/dev/null; then
  for page in "$LAB_SCRATCH"/*.html; do
    name=tidy_$(basename "$page" .html)
    [ "$name" != tidy_thousand ] || continue
    said=$(tidy -quiet -errors -utf8 --drop-empty-elements no "$page" 2>&1 >/dev/null |
      grep -v '</summary>')
    is "$name" "$(head -n 4 <<<"$said")" ""
  done
else
  not_ok tidy "not installed (scripts/bootstrap --tests)"
fi

if /usr/bin/python3 -c 'import html5lib' 2>/dev/null; then
  tests/net/html_pages.py "$LAB_SCRATCH"
else
  not_ok html5lib "not installed (scripts/bootstrap --tests)"
fi
