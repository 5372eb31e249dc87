# shellcheck shell=bash
# What the network tests share; to be sourced.  It stops the test with a skip
# where there is no root, and takes the lab down on every way out.  Files go
# into $LAB_SCRATCH, which goes away with the lab.

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
PATH=$PATH:/usr/sbin:/sbin
unset MAKEFLAGS MFLAGS MAKELEVEL # a make in a test is not the one that runs it
unset SUDO_UID SUDO_GID # the command would write as that user, not into $LAB_SCRATCH
export LC_ALL=C.UTF-8 TERM=xterm # whatever machine runs the tests
# shellcheck source=tests/net/lab
. "$TREE/tests/net/lab"

ok() { echo "ok $*"; }
not_ok() { echo "not ok $1 - ${*:2}"; }
skip() { echo "skip $1 - ${*:2}"; }

# is NAME GOT WANTED: one case; prints both values where they differ
is() {
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', wanted '$3'"; fi
}

# like NAME TEXT REGEX: one case; the text has a line that matches
like() {
  if grep -Eq -- "$3" <<<"$2"; then ok "$1"; else not_ok "$1" "nothing like '$3' in: $(tail -n 20 <<<"$2")"; fi
}

# unlike NAME TEXT REGEX: one case; the text has no such line
unlike() {
  if grep -Eq -- "$3" <<<"$2"; then not_ok "$1" "something like '$3' in: $2"; else ok "$1"; fi
}

if ! LAB_WHY=$(lab_possible 2>&1); then
  skip "$(basename "$0")" "${LAB_WHY#lab: }"
  exit 0
fi
lab_trap
LAB_SCRATCH=$(mktemp -d) || exit 1

# The Nmaps to test: deb12 is the machine's own, whatever it is; deb13 the one
# in build/debian13 where that can be made.  Sets FLAVOURS.
# shellcheck disable=SC2034 # used by the tests
find_flavours() {
  local why
  FLAVOURS=deb12
  if why=$("$TREE/tests/net/debian13" 2>&1); then
    FLAVOURS='deb12 deb13'
  elif [ $? -eq 2 ]; then
    skip "$(basename "$0")_deb13" "${why#*: }"
  else
    not_ok "$(basename "$0")_deb13" "debootstrap failed: $why"
  fi
}

# tree_env TREE: sets ENV to a command prefix that points Lua into the tree
tree_env() {
  ENV=(env -u LUA_PATH -u LUA_CPATH -u NMAPDIR
    LUA_PATH_5_3="$1/nse/?.lua;;" LUA_PATH_5_4="$1/nse/?.lua;;"
    LUA_CPATH_5_3="$1/build/lua5.3/?.so;;" LUA_CPATH_5_4="$1/build/lua5.4/?.so;;")
}

# in_flavour FLAVOUR NS COMMAND...: the command in a namespace of the lab, on the
# machine itself or in Debian 13, where the tree is /mnt and LAB_SCRATCH is /srv.
# `ip netns exec` gives it a mount namespace of its own: what is mounted there is
# gone with it.
# A file hosts in $LAB_SCRATCH takes the place of /etc/hosts.
# A signal to the test ends it at once.
in_flavour() {
  local flavour=$1 ns=$2
  shift 2
  tree_env "$(tree_of "$flavour")"
  case $flavour in
    deb12)
      # shellcheck disable=SC2016 # for the shell inside
      [ ! -e "$LAB_SCRATCH/hosts" ] ||
        set -- sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$LAB_SCRATCH/hosts" "$@"
      lab_run "${ENV[@]}" ip netns exec "$LAB-$ns" "$@"
      ;;
    deb13)
      # shellcheck disable=SC2016 # for the shell inside
      lab_run "${ENV[@]}" ip netns exec "$LAB-$ns" sh -c '
        root=$1 tree=$2 scratch=$3 && shift 3 &&
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
        mount --bind "$tree" "$root/mnt" && mount --bind "$scratch" "$root/srv" &&
        { [ ! -e "$scratch/hosts" ] || mount --bind "$scratch/hosts" "$root/etc/hosts"; } &&
        exec chroot "$root" "$@"' - "$TREE/build/debian13" "$TREE" "$LAB_SCRATCH" "$@"
      ;;
    *) lab_die "no such flavour: $flavour" ;;
  esac
}

# The tree's path as a flavour sees it.
tree_of() {
  if [ "$1" = deb13 ]; then echo /mnt; else echo "$TREE"; fi
}

# The test's own folder as a flavour sees it.
scratch_of() {
  if [ "$1" = deb13 ]; then echo /srv; else echo "$LAB_SCRATCH"; fi
}

# run_nmap FLAVOUR NS ARG...: that Nmap with the tree's script
run_nmap() {
  local flavour=$1 ns=$2
  shift 2
  in_flavour "$flavour" "$ns" timeout 60 nmap -n -sn -Pn --script "$(tree_of "$flavour")/nse/mtr-trace.nse" "$@"
}

# trace FLAVOUR [NMAP OPTION...]: a run from the client; leaves its XML in $XML,
# what it said besides in $XML.err and its milliseconds in TOOK
# shellcheck disable=SC2034 # used by the tests
trace() {
  local began=${EPOCHREALTIME/[.,]/}
  XML=$LAB_SCRATCH/trace.xml
  run_nmap "$1" c -oX - "${@:2}" >"$XML" 2>"$XML.err"
  TOOK=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

net_lua() { # FILE ARG...
  LUA_PATH="$TREE/tests/net/?.lua;;" lua5.4 "$TREE/tests/net/$1" "${@:2}"
}

# show WHAT...: one thing out of $XML, see show.lua
show() { net_lua show.lua "$XML" "$@" 2>&1; }

# compare NAME KEY=VALUE...: $XML with the truth, see compare.lua
compare() { net_lua compare.lua "$XML" "$@"; }

# lab_hops FAMILY [COUNT]: the addresses of the path, parted by commas
lab_hops() {
  local hop list=
  for ((hop = 1; hop <= ${2:-LAB_N + 1}; hop++)); do list=$list,$(lab_addr "$1" $hop); done
  echo "${list#,}"
}

# at_most NAME GOT MOST, at_least NAME GOT LEAST: one case; whole numbers
at_most() {
  if [ "$2" -le "$3" ]; then ok "$1"; else not_ok "$1" "$2, at most $3 wanted"; fi
}

at_least() {
  if [ "$2" -ge "$3" ]; then ok "$1"; else not_ok "$1" "$2, at least $3 wanted"; fi
}

# in_time NAME GOT MOST: at_most for a time that is mostly spent on a core. Where more processes want to run than there
# are cores, each gets less of one: as many times longer, but no more than twice.
in_time() {
  local load cores share
  read -r load _ </proc/loadavg
  cores=$(nproc)
  share=$((10#${load/./} / cores))
  share=$((share < 100 ? 100 : share > 200 ? 200 : share))
  at_most "$1" "$2" $(($3 * share / 100))
}

# count_sent NAME [MATCH...]: from now on counts what the client sends that
# matches these nftables expressions; sent NAME: how much that was
count_sent() {
  lab_exec c nft -f - <<END
add table inet count
add counter inet count $1
add chain inet count output { type filter hook output priority 10; }
add rule inet count output oifname eth0 ${*:2} counter name $1
END
}

sent() { lab_exec c nft list counter inet count "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

# until_sent NAME COUNT: waits until that much was sent, 10 s at most
until_sent() {
  local i
  for ((i = 0; i < 100; i++)); do
    [ "$(sent "$1")" -lt "$2" ] || return 0
    sleep 0.1
  done
  return 1
}

count_no_more() { lab_exec c nft delete table inet count; }

# undisturbed COMMAND...: up to three times, until `ttfb` tells of no retransmission: a busy host
# sends a segment again by itself
undisturbed() {
  for _ in 1 2 3; do
    "$@"
    [[ $(ttfb) == *retransmission* ]] || return 0
  done
}

# watch FILE EXPRESSION OPTION...: tcpdump of what leaves the client and matches, from now on;
# watched: until now
watch() { watch_device eth0 "$1" "ether src $(lab_exec c cat /sys/class/net/eth0/address) and ($2)" "${@:3}"; }

# watch_device DEVICE FILE EXPRESSION OPTION...: the same of all that a device of the client's carries
watch_device() {
  local i
  : >"$LAB_SCRATCH/tcpdump"
  ip netns exec "$LAB-c" tcpdump -i "$1" -B 8192 --immediate-mode "${@:4}" "$3" \
    >"$2" 2>"$LAB_SCRATCH/tcpdump" </dev/null &
  WATCHER=$!
  for ((i = 0; i < 100; i++)); do
    ! grep -q 'listening on' "$LAB_SCRATCH/tcpdump" || return 0
    sleep 0.05
  done
}

# What tcpdump has not read when it is ended is lost.
watched() {
  local i captured received
  for ((i = 0; i < 100; i++)); do
    kill -USR1 "$WATCHER"
    sleep 0.05
    read -r captured received < <(sed -n 's/^tcpdump: \([0-9]*\) packets\? captured, \([0-9]*\) .*/\1 \2/p' \
      "$LAB_SCRATCH/tcpdump" | tail -n 1)
    [ -z "$captured" ] || [ "$captured" != "$received" ] || break
  done
  kill "$WATCHER"
  wait "$WATCHER" 2>/dev/null
}
