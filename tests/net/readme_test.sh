#!/bin/bash
# Every command of the README that traces, as it stands there but for the target
# and the interface, in both Nmaps; and its first sample of output, in such a lab
# as it came from: what stands there is what is printed now, but for the figures.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
if [ ! -e "$TREE/README.md" ]; then
  skip readme "no README.md"
  exit 0
fi
find_flavours
lab_up --routers 8 --no-ration || exit 1

# Nmap finds the script by its name, as where it is installed.
mkdir -p "$LAB_SCRATCH/nmap/scripts" && cp "$TREE/nse/mtr-trace.nse" "$LAB_SCRATCH/nmap/scripts" || exit 1

# commands PROGRAM: what follows "sudo PROGRAM" in blocks of code, up to two
# blanks and a remark
commands() {
  sed -nE "s/^    (\\$ )?sudo ($1 .*)/\\2/p" "$TREE/README.md" | sed -E 's/   *[^ ].*//'
}

# here COMMAND: for the lab
here() {
  local family=4
  [[ $1 != *' -6 '* ]] || family=6
  sed -E "s/TARGET(\.\.\.)?|example\.com|10\.0\.[0-9]+\.2$/$(lab_target $family)/g; s/-e eth1/-e eth0/" <<<"$1"
}

# run_command FLAVOUR COMMAND: by a shell, as a user would; what it printed
run_command() {
  in_flavour "$1" c env NMAPDIR="$(scratch_of "$1")/nmap" \
    sh -c "cd '$(scratch_of "$1")' && PATH=$TREE/scripts:\$PATH && timeout 120 $(here "$2")" 2>&1 </dev/null
}

# The target's row, whatever the form of the output.
reached='10\.0\.8\.2|fd00:0:0:108::2'

# Those of Nmap at once: most of their time it looks for names of its own.
n=0 runs=()
while IFS= read -r command; do
  n=$((n + 1))
  for flavour in $FLAVOURS; do
    run_command "$flavour" "$command" >"$LAB_SCRATCH/$flavour-$n" &
    runs+=("$!:$flavour:$n")
  done
done < <(commands nmap | grep -v 'packets=60')
at_least readme_nmap_commands "$n" 5
for run in "${runs[@]}"; do
  IFS=: read -r pid flavour n <<<"$run"
  wait "$pid"
  is "${flavour}_readme_nmap_${n}_status" "$?" 0
  like "${flavour}_readme_nmap_$n" "$(cat "$LAB_SCRATCH/$flavour-$n")" \
    "^\|[_ ] +9 +($reached) .* 0\.0%|^\|[_ ] +9 +($reached) +0\.0%"
done

n=0
lab_target 4 >"$LAB_SCRATCH/targets"
while IFS= read -r command; do
  n=$((n + 1))
  out=$(run_command deb12 "$command")
  is "readme_command_${n}_status" "$?" 0
  case $command in
    *--output*) out=$(cat "$LAB_SCRATCH/${command##*--output }") ;;
  esac
  like "readme_command_$n" "$out" "$reached"
done < <(commands mtr-trace)
at_least readme_commands "$n" 6

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
command=$(commands nmap | grep -F 'packets=60')
is readme_sample "$(run_command deb12 "${command/packets=60/packets=45}" | shape)" "$(shape <"$TREE/README.md")"
