#!/bin/bash
# The script argument baseline: what differs from an earlier run, kept as Nmap's
# XML, as JSON or as a recording of the command; by each Nmap.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
lab_silent 2
target=$(lab_target 4) dir=$LAB_SCRATCH

cli -n --asn off --http off -j --record "$dir/base.rec" --output "$dir/base.json" "$target"

# against FLAVOUR FILE: notes of a run that is compared with it
against() {
  trace "$1" --script-args "mtr-trace={asn=off,http=off,os=off,baseline=$(scratch_of "$1")/$2}" "$target"
  NOTES=$(show notes)
}

for f in $FLAVOURS; do
  trace "$f" --script-args 'mtr-trace={asn=off,http=off,os=off}' "$target"
  cp "$XML" "$dir/base.xml"
  for file in base.xml base.json base.rec; do
    against "$f" $file
    is "${f}_nothing_differs_from_${file#*.}" "$(grep -F base <<<"$NOTES")" \
      "Nothing differs from $(scratch_of "$f")/$file."
  done
  trace "$f" --script-args "mtr-trace={asn=off,http=off,os=off,baseline=$(scratch_of "$f")/base.xml}" "$(lab_addr 4 3)"
  is "${f}_baseline_without_the_target" "$(show notes)" "$(scratch_of "$f")/base.xml has no trace of this target by icmp."
  lab_rule r1 forward iifname up ip protocol icmp drop
  against "$f" base.xml
  like "${f}_loss_of_the_target_is_a_difference" "$NOTES" \
    "^Since $(scratch_of "$f")/base\.xml: The target does not reply any more: 0 of [0-9]+ instead of 10 of 10 probes answered; "
  lab_clear r1
  against "$f" nothing
  is "${f}_a_missing_file_is_one_line" "$(grep -o 'ERROR: [^&"]*' "$XML")" \
    "ERROR: mtr-trace.baseline: $(scratch_of "$f")/nothing: No such file or directory"
done
