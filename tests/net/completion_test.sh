#!/bin/bash
# The completions in the three shells: values of options, lists, interfaces,
# files, host names. In zsh by keys on a terminal, which tmux is.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
dir=$LAB_SCRATCH
export HOME=$dir
for shell in bash zsh fish; do
  "$TREE/scripts/mtr-trace" --completion $shell >"$dir/$shell" || not_ok "completion_$shell" "cannot be written"
done
touch "$dir/a-file"
# A host that every shell knows of, whatever is in the machine's /etc/hosts.
mkdir "$dir/.ssh" && echo "known.example ssh-ed25519 AAAA" >"$dir/.ssh/known_hosts"
echo "192.0.2.1 known.example" >"$dir/host-names" && export HOSTFILE=$dir/host-names
cd "$dir" || exit 1

# WORDS of the line | one completion that must be among the answers | one that must not
rows() {
  cat <<'ROWS'
option|--proto|--protocol|--pmtu
choice|--protocol |icmp|a-file
choice_of_the_command|--completion |fish|a-file
list|--asn |cymru-dns|a-file
further_word_of_a_list|--columns hop,lo|loss_low|ip
interface|-I |lo|a-file
long_interface|--interface |lo|a-file
file|--html a-|a-file|bash
mtrs_name|--report-cy|--report-cycles|--record
host|known|known.example|a-file
host_behind_a_number|-c 5 known|known.example|a-file
no_file_for_a_number|-c ||a-file
ROWS
}

# answers in lines: what the shell offers for "mtr-trace $1"
from_bash() {
  # shellcheck disable=SC2016 # for the shell inside
  bash -c '. ./bash; compopt() { :; }
    IFS=" " read -ra COMP_WORDS <<<"mtr-trace $1"; [[ $1 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mtr_trace; printf "%s\n" "${COMPREPLY[@]}"' - "$1"
}
from_fish() {
  # shellcheck disable=SC2016 # for the shell inside
  LINE="mtr-trace $1" fish --no-config -c 'source ./fish; complete -C "$LINE"' | cut -f 1
}

tmux_() { tmux -L "mtl-$$-zsh" -f /dev/null "$@"; }
stop_zsh() { tmux_ kill-server 2>/dev/null; }
lab_at_end stop_zsh

# shellcheck disable=SC2016 # for zsh
start_zsh() {
  printf 'PS1="$ "\nfpath=(%s/fpath $fpath)\nautoload -U compinit && compinit -u -D\n' "$dir" >"$dir/.zshrc"
  printf 'LISTMAX=1000\nunsetopt auto_menu\n' >>"$dir/.zshrc"
  mkdir "$dir/fpath" && cp "$dir/zsh" "$dir/fpath/_mtr-trace"
  tmux_ new-session -d -x 150 -y 50 'zsh -i'
  shows '$*' >/dev/null
}

# shows PATTERN: prints the screen once PATTERN is on it; 10 s at most
shows() {
  local try screen
  for ((try = 0; try < 100; try++)); do
    screen=$(tmux_ capture-pane -p)
    # shellcheck disable=SC2053 # a pattern
    [[ $screen != $1 ]] || { echo "$screen" && return; }
    sleep 0.1
  done
  echo "no answer: $screen"
}

# A single answer is put into the line, several are listed under it; both are
# complete once the mark typed behind the Tab is there. The screen is empty
# before, as the last line has that mark as well.
from_zsh() {
  tmux_ send-keys C-u C-l
  shows '$*([[:space:]])' >/dev/null
  tmux_ send-keys -l "mtr-trace $1"
  tmux_ send-keys Tab
  tmux_ send-keys -l "@@"
  shows '*@@*' | sed 's/@@//; s/=/\n/g' | tr -s ' ' '\n'
}

check_shell() { # SHELL
  local name line want unwanted got
  while IFS='|' read -r name line want unwanted; do
    got=$("from_$1" "$line" 2>&1 | sed 's/^hop,//') # zsh lists the last word alone
    if [ -n "$want" ] && ! grep -Fxq -- "$want" <<<"$got"; then
      not_ok "$1_$name" "no $want in: $(xargs <<<"$got")"
    elif grep -Fxq -- "$unwanted" <<<"$got"; then
      not_ok "$1_$name" "$unwanted in: $(xargs <<<"$got")"
    else
      ok "$1_$name"
    fi
  done < <(rows)
}

check_shell bash
if command -v fish >/dev/null; then check_shell fish; else skip fish_completion "fish is not installed"; fi
if command -v zsh >/dev/null && command -v tmux >/dev/null; then
  start_zsh
  check_shell zsh
else
  skip zsh_completion "zsh or tmux is not installed"
fi
