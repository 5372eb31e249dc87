#!/bin/bash
# A plain user's Nmap, and root's with --unprivileged: the path that is there,
# by sockets that need no rights. IPv4 in one Nmap, IPv6 in the other.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
lab_exec c sysctl -qw net.ipv4.ping_group_range='0 2147483647'
USER_ID=65534
declare -A nmap_of=([4]=deb12 [6]=${FLAVOURS##* })

# user_nmap FLAVOUR OPTION...: the plain user's Nmap with the script; XML in $XML
user_nmap() {
  local flavour=$1
  XML=$LAB_SCRATCH/user.xml
  in_flavour "$flavour" c setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --bounding-set -all \
    timeout 60 nmap -n -sn -Pn --script "$(tree_of "$flavour")/nse/mtr-trace.nse" -oX - "${@:2}" >"$XML" 2>"$XML.err"
}

for family in 4 6; do
  f=${nmap_of[$family]}
  if ! in_flavour "$f" c setpriv --reuid $USER_ID --clear-groups test -r "$(tree_of "$f")/nse/mtr-trace.nse"; then
    skip "user_v$family" "the tree is not readable for others"
    continue
  fi
  for p in icmp udp tcp; do
    user_nmap "$f" -$family --script-args mtr-trace.protocol=$p "$(lab_target $family)"
    compare "${p}_v$family" hops="$(lab_hops $family)" protocol=$p sockets=unprivileged
  done
done
for f in $FLAVOURS; do
  trace "$f" --unprivileged "$(lab_target 4)"
  compare "${f}_unprivileged_as_root" hops="$(lab_hops 4)" sockets=unprivileged
  trace "$f" "$(lab_target 4)"
  is "${f}_root" "$(show get sockets)" raw
done
