#!/bin/bash
# Every command of the README and of the chapters in nse/doc, as it stands there
# but for the target and the interface: those of the README in both Nmaps, those
# of a chapter in the newest. And the README's sample of output, in such a lab as
# it came from: what stands there is what is printed now, but for the figures.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
if [ ! -e "$TREE/README.md" ]; then
  skip readme "no README.md"
  exit 0
fi
find_flavours
last=${FLAVOURS##* }
lab_up --routers 8 --no-rate-limit || exit 1

# Nmap finds the script by its name, as where it is installed.
mkdir -p "$LAB_SCRATCH/nmap/scripts" && cp "$TREE/nse/mtr-trace.nse" "$LAB_SCRATCH/nmap/scripts" || exit 1

# commands PROGRAM FILE: what follows "sudo" or nothing in blocks of code, up to
# two blanks and a remark; what needs a terminal or a database is left out
commands() {
  sed -nE "s/^    (\\$ )?(sudo )?($1 .*)/\\3/p" "$2" | sed -E 's/   *[^ ].*//' | grep -vE -- ' -t |clickhouse-client'
}

# here COMMAND: for the lab
here() {
  local family=4
  [[ $1 != *' -6 '* ]] || family=6
  sed -E "s/TARGET(\.\.\.)?|example\.com|10\.0\.[0-9]+\.2$/$(lab_target $family)/g; s/-e eth1/-e eth0/" <<<"$1"
}

# run_command FLAVOUR FOLDER COMMAND: by a shell in this folder, as a user would;
# what it printed
run_command() {
  in_flavour "$1" c env NMAPDIR="$(scratch_of "$1")/nmap" \
    sh -c "cd '$(scratch_of "$1")/$2' && PATH=$(tree_of "$1")/scripts:\$PATH && timeout ${LIMIT:-120} $(here "$3")" 2>&1 </dev/null
}

# serves NAME FOLDER COMMAND: two cases; the service begins, and ends well by a SIGTERM. One at a
# time, as all have one port.
serves() {
  local out
  out=$(
    exec 9>"$LAB_SCRATCH/serve.lock" && flock 9
    LIMIT="--preserve-status 5" run_command deb12 "$2" "$3"
  )
  is "${1}_status" $? 0
  like "$1" "$out" '^mtr-trace: serving on http://127\.0\.0\.1:9099/'
}

# The target's row, whatever the form of the output.
reached='10\.0\.8\.2|fd00:0:0:108::2'

# new_folder NAME: where the commands of one text run
new_folder() {
  mkdir -p "$LAB_SCRATCH/$1" && lab_target 4 >"$LAB_SCRATCH/$1/targets"
  printf '#!/bin/sh\n' >"$LAB_SCRATCH/$1/notify" && chmod +x "$LAB_SCRATCH/$1/notify"
  printf 'a request, 0000 its number' >"$LAB_SCRATCH/$1/request.bin"
}

# Those of Nmap at once: most of their time it looks for names of its own.
n=0 runs=()
for flavour in $FLAVOURS; do new_folder "$flavour"; done
while IFS= read -r command; do
  n=$((n + 1))
  for flavour in $FLAVOURS; do
    run_command "$flavour" "$flavour" "$command" >"$LAB_SCRATCH/$flavour-$n" &
    runs+=("$!:$flavour:$n")
  done
done < <(commands nmap "$TREE/README.md" | grep -v 'packets=60')
at_least readme_nmap_commands "$n" 5
for run in "${runs[@]}"; do
  IFS=: read -r pid flavour n <<<"$run"
  wait "$pid"
  is "${flavour}_readme_nmap_${n}_status" "$?" 0
  like "${flavour}_readme_nmap_$n" "$(cat "$LAB_SCRATCH/$flavour-$n")" \
    "^\|[_ ] +9 +($reached) .* 0\.0%|^\|[_ ] +9 +($reached) +0\.0%"
done

# shown FOLDER COMMAND OUTPUT: what the command wrote, wherever it went
shown() {
  case $2 in
    *' --output '*) cat "$LAB_SCRATCH/$1/${2##* --output }" ;;
    *' > '*) cat "$LAB_SCRATCH/$1/${2##* > }" ;;
    *) echo "$3" ;;
  esac
}

# of_text FOLDER FILE: its commands, one after the other; the order is the text's,
# as one may read what another wrote
of_text() {
  local command out status n=0 name=$1
  while IFS= read -r command; do
    n=$((n + 1))
    if [[ $command == *'--diff before after'* ]]; then # two runs of one path, which chance may tell to differ
      for out in before after; do [ -e "$LAB_SCRATCH/$1/$out" ] || cp "$LAB_SCRATCH/$1"/{run,$out}; done
      out=$(run_command deb12 "$1" "$command")
      is "${name}_command_${n}_status" "$(($? <= 1))" 1
      like "${name}_command_$n" "$out" difference
      continue
    fi
    if [[ $command == *' --serve '* ]]; then
      serves "${name}_command_$n" "$1" "$command"
      continue
    elif [[ $command == nmap* ]]; then # without its own wait for names, which the lab does not have
      out=$(run_command "$last" "$1" "${command/#nmap /nmap -n }")
    else
      out=$(run_command deb12 "$1" "$command")
    fi
    status=$?
    is "${name}_command_${n}_status" "$status" 0
    case $command in
      *' --doctor') like "${name}_command_$n" "$out" capture ;;
      *'| jq '*) is "${name}_command_$n" "$(grep -c '^0' <<<"$out")" 9 ;;
      *) like "${name}_command_$n" "$(shown "$1" "$command" "$out")" "$reached" ;;
    esac
    unlike "${name}_command_${n}_no_error" "$out" 'ERROR|usage:'
  done < <(commands "$3" "$2")
  at_least "${name}_commands" $n "$4"
}

# Each text in a folder of its own, all at once.
new_folder readme
of_text readme "$TREE/README.md" mtr-trace 9 >"$LAB_SCRATCH/readme.out" &
for file in "$TREE"/nse/doc/*.md; do
  name=$(basename "$file" .md)
  [ "$name" != library ] || continue # its examples are programs: library_test.sh
  new_folder "$name"
  of_text "$name" "$file" '(nmap|mtr-trace)' 1 >"$LAB_SCRATCH/$name.out" &
done
wait
cat "$LAB_SCRATCH"/*.out

# ---- the first sample ---------------------------------------------------------

# shape: the sample's lines with each figure made N; what the losses of the day
# decide (a range beside a loss, an echo reply that is gone with its evidence,
# which hops are told of together) left out
shape() {
  sed -nE '/^ *\| mtr-trace:/,/^ *\|_/p' | sed -E 's/^ +//; s/ \([0-9]+-[0-9]+\)//; s/ \([0-9]+ to [0-9]+ possible\)//
    s/[0-9]+(\.[0-9]+)*(-[0-9.]+)?/N/g; s/ +/ /g; s/N% \?/N%/; s/ $//
    s/Hops? N( to N|, N)* rate-limits? .*/Hops N rate-limit .../; s/(Linux-based\??|unknown)$/OS/' | uniq
}

for router in 1 2 3 5; do
  lab_sysctl "r$router" ipv4/icmp_ratelimit=1000
done
lab_drop_every 5 7 ip protocol icmp # prime to the four hops behind, so each loses; not the request
# Forty packets, a second apart, show the same as sixty in less time.
command=$(commands nmap "$TREE/README.md" | grep -F 'packets=60')
is readme_sample "$(run_command deb12 readme "${command/packets=60/packets=45}" | shape)" "$(shape <"$TREE/README.md")"
