#!/bin/bash
# The two commands of the README: `make run` traces a lab of its own and takes
# it down, also when ended from outside; what root made goes to the tree's
# owner; bootstrap has nothing to do here, and stops where there is no apt.

. "$(dirname "$0")/lib.sh"
cd "$TREE" || exit 1

left_of() { ip netns list | grep -c "^$1-"; } # PREFIX
lab_named_in() { grep -o 'mtl-[0-9.]*[0-9]' <<<"$1" | head -n 1; }

out=$(make run BOOTSTRAP=true ARGS='--script-args mtr-trace.packets=2' 2>&1)
like run_without_target_traces_the_far_end "$out" '^\|_ +9 +10\.0\.8\.2 +0\.0% +2 +2 '
is run_takes_its_lab_down "$(left_of "$(lab_named_in "$out")")" 0

# Only make itself gets the signal, as from `kill` or a service manager.
exec 3< <(exec make run BOOTSTRAP=true ARGS='--script-args mtr-trace.packets=1000' 2>&1)
child=$!
name=
while read -r line <&3; do
  [ -n "$name" ] || name=$(lab_named_in "$line")
  [[ $line != "Starting Nmap"* ]] || break
done
like run_is_up "$(left_of "$name")" '^10$'
kill -TERM $child
cat <&3 >"$LAB_SCRATCH/rest"
is ended_run_takes_its_lab_down "$(left_of "$name")" 0
is ended_run_leaves_no_folder "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name "$name")" ""

# A small tree of somebody else's.
mkdir -p "$LAB_SCRATCH/tree/scripts" && cp scripts/keep-owner "$LAB_SCRATCH/tree/scripts"
chown -R 12345:12345 "$LAB_SCRATCH/tree"
"$LAB_SCRATCH/tree/scripts/keep-owner" sh -c "mkdir '$LAB_SCRATCH/tree/build'; touch '$LAB_SCRATCH/tree/build/x'"
is what_root_made_is_the_owners "$(find "$LAB_SCRATCH/tree" -printf '%U ' | xargs -n 1 | sort -u)" 12345
"$LAB_SCRATCH/tree/scripts/keep-owner" false
is exit_status_is_handed_on $? 1

# Where no namespaces can be made, root or not.
out=$(setpriv --bounding-set -sys_admin --inh-caps -sys_admin -- tests/net/demo 2>&1)
like lab_without_namespaces_says_so "$out" '^lab: needs network namespaces, which cannot be made here'
out=$(setpriv --reuid 65534 --clear-groups tests/net/demo 2>&1)
like lab_without_root_says_so "$out" '^lab: needs network namespaces, and these need root'

# Before it installs, bootstrap asks on a terminal: in a namespace where apt-get is a script.
mkdir "$LAB_SCRATCH/apt"
printf '#!/bin/sh\necho "apt-get $*" >>%s/log\ncase "$*" in *--print-uris*) printf "%%s\\n" "%s" "%s" ;; esac\n' \
  "$LAB_SCRATCH/apt" "'http://deb/a' a_1.deb 1900000 MD5Sum:0" "'http://deb/b' b_1.deb 100000 MD5Sum:1" >"$LAB_SCRATCH/apt/apt-get"
printf '#!/bin/sh\nexit 1\n' >"$LAB_SCRATCH/apt/dpkg-query"
chmod +x "$LAB_SCRATCH/apt"/*
asked() { # ANSWER ARG...: the terminal's text, with what apt-get was called for in the log
  : >"$LAB_SCRATCH/apt/log"
  printf '%s\n' "$1" | PATH=$LAB_SCRATCH/apt:$PATH env -u CI unshare -m sh -c '
    mount -t tmpfs mtl-policy /usr/sbin && shift && exec "$@"' - - script -qec "scripts/bootstrap ${*:2} $to" /dev/null 2>&1
}
to=
# What is not told to print alone may install.
installs() { grep -vc -- '--print-uris' "$LAB_SCRATCH/apt/log"; }
like bootstrap_asks "$(asked n)" 'install them\? \[Y/n\]'
is bootstrap_takes_no_for_an_answer "$(asked n >/dev/null; installs)" 0
like bootstrap_says_how_much "$(asked n)" '^2 packages, 2\.0 MB to download'
to="2>&1 | cat >$LAB_SCRATCH/apt/out"
like bootstrap_asks_where_its_output_goes_elsewhere "$(asked n)" 'install them\? \[Y/n\]'
is bootstrap_installs_nothing_unasked_there "$(installs)" 0
to=
is bootstrap_takes_yes_for_an_answer "$(asked y >/dev/null; installs)" 1
unlike bootstrap_asks_nothing_with_y "$(asked n -y)" 'install them'
is bootstrap_installs_with_y "$(asked n -y >/dev/null; installs)" 1

# As nobody, so that a test never installs anything.
out=$(setpriv --reuid 65534 --clear-groups sh -s <scripts/bootstrap 2>&1)
case $out in
  *'needs root'*) skip bootstrap_with_nothing_missing_is_silent "packages are missing here" ;;
  *) is bootstrap_with_nothing_missing_is_silent "$out" "" ;;
esac
mkdir "$LAB_SCRATCH/bin" && ln -s "$(command -v cat)" "$LAB_SCRATCH/bin/cat"
is bootstrap_has_help "$(scripts/bootstrap --help 2>&1) $?" "usage: scripts/bootstrap [-y] [--tests] 0"
out=$(PATH=$LAB_SCRATCH/bin /bin/sh scripts/bootstrap 2>&1)
is bootstrap_without_apt_stops $? 1
for manager in dnf pacman apk brew; do
  like "bootstrap_names_packages_for_$manager" "$out" "$manager: .*pcap"
done
