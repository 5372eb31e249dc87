#!/bin/bash
# `make install` puts exactly these files below DESTDIR and `make uninstall`
# takes exactly these away; the installed Nmap then runs from what was installed.

. "$(dirname "$0")/lib.sh"
cd "$TREE" || exit 1

dest=$LAB_SCRATCH
scripts=$(cd / && nmap --script-help banner -oX - |
  sed -n '/name="scripts"/s/.*<directory[^>]*path="\([^"]*\)".*/\1/p')
scripts=$(readlink -m "$scripts")
versions=5.4
! nmap --version | grep -q liblua-5.3 || versions='5.3 5.4'

wanted() {
  local version
  echo "$scripts/mtr-trace.nse"
  printf '/opt/x/%s\n' bin/mtr-trace share/mtr-trace/mtr-trace.schema.json share/mtr-trace/folders
  ! lua5.4 -e 'require "argparse"' 2>/dev/null || printf '/opt/x/share/%s\n' man/man8/mtr-trace.8 \
    bash-completion/completions/mtr-trace zsh/site-functions/_mtr-trace fish/vendor_completions.d/mtr-trace.fish
  for version in $versions; do
    echo "/opt/x/lib/lua/$version/mtrtrace/core.so"
    ! pkg-config --exists libcurl || echo "/opt/x/lib/lua/$version/mtrtrace/http.so"
    ! pkg-config --exists libmicrohttpd zlib || echo "/opt/x/lib/lua/$version/mtrtrace/httpd.so"
    ! pkg-config --exists libmaxminddb || echo "/opt/x/lib/lua/$version/mtrtrace/mmdb.so"
    (cd nse && find . -name '*.lua') | sed "s|^\.|/opt/x/share/lua/$version|"
  done
}

# What is root's in a copy of the tree that belongs to another user, after `make install` by root.
owners_after_install() {
  mkdir "$dest/copy" && cp -r Makefile cext nse scripts tests "$dest/copy" && chown -R 12345:12345 "$dest/copy" &&
    make -s -C "$dest/copy" install DESTDIR="$dest/other" PREFIX=/opt/x LUAS=lua5.4 >/dev/null 2>&1 || echo "not installed"
  find "$dest/copy" -uid 0
  rm -rf "$dest/copy"
}

placed() { (cd "$dest" && find . ! -type d | sed 's/^\.//' | sort); }

files=$(wanted | sort)
make -s install DESTDIR="$dest" PREFIX=/opt/x >/dev/null || not_ok install "make install failed"
is install_places_exactly_these_files "$(placed)" "$files"
like install_says_what_nmap_needs "$(make -s install DESTDIR="$dest" PREFIX=/opt/x)" \
  "^Nmap's Lua does not search /opt/x\..* LUA_PATH='/opt/x/share/lua/${versions%% *}/\?\.lua;;'"
unlike install_in_the_usual_place_says_nothing "$(make -s install DESTDIR="$dest/usual" 2>&1)" "does not search"
rm -rf "${dest:?}/usual"
# Without the rights, one line says so.
out=$(chmod 755 "$dest" && setpriv --reuid 65534 --clear-groups scripts/folders make "$dest/a/list" "$dest/b" "$dest/c" 2>&1)
is install_without_rights_says_so_once "$out" \
  "install: mkdir: cannot create directory '$dest/b': Permission denied (as root, or with another DESTDIR or PREFIX)"
is install_makes_no_script_db "$(find "$dest" -name script.db)" ""

if lua5.4 -e 'require "argparse"; require "luv"' 2>/dev/null; then
  # Below the folder that it was made for, as DESTDIR alone would be another one.
  # shellcheck disable=SC2016 # for the shell in the namespace
  out=$(cd / && unshare -m sh -c 'mkdir -p /opt && mount --bind "$1" /opt && exec /opt/x/bin/mtr-trace --version' - "$dest/opt" 2>&1)
  like installed_command_runs "$out" '^mtr-trace [0-9]+\.[0-9]+'
  is installed_command_takes_its_own_library "$(grep -c '^package\.c*path = "/opt/x/[a-z]*/lua/5.4/?' "$dest/opt/x/bin/mtr-trace")" 2
  is man_page_has_no_warning "$(man --warnings -l "$dest/opt/x/share/man/man8/mtr-trace.8" 2>&1 >/dev/null)" ""
  is bash_completion_is_read "$(bash -n "$dest/opt/x/share/bash-completion/completions/mtr-trace" 2>&1)" ""
fi

# By default the completions are where each shell looks without being told to, as a fresh user.
# shellcheck disable=SC2016 # for the shell asked
looks_in() { # SHELL
  case $1 in
    fish) env -i HOME="$dest/home" PATH="$PATH" fish -c 'printf "%s\n" $fish_complete_path' ;;
    zsh) env -i PATH="$PATH" zsh -f -c 'printf "%s\n" $fpath' ;;
  esac
}
mkdir "$dest/home"
for shell in fish zsh; do
  if ! command -v "$shell" >/dev/null; then
    skip "$shell"_finds_its_completion "$shell is not installed"
    continue
  fi
  file=$(make -n install-command DESTDIR= | grep -o "'[^']*'" | tr -d "'" | grep "/$shell/")
  like "$shell"_finds_its_completion "$(looks_in "$shell")" "^$(dirname "$file")\$"
done
rm -rf "${dest:?}/home"

# A second installation forgets no folder that the first one made; one that was there is nobody's.
mkdir -p "$dest/opt/x/share/zsh/site-functions/before"
make -s install DESTDIR="$dest" PREFIX=/opt/x >/dev/null || not_ok install_again "make install failed"
rmdir "$dest/opt/x/share/zsh/site-functions/before"

# Nmap's rules know a script from its database, whose other lines stay as they are.
cp "$scripts/script.db" "$dest$scripts/script.db"
like install_tells_of_the_database "$(make -s install DESTDIR="$dest" PREFIX=/opt/x)" 'sudo make script-db$'
by_rule() { nmap --datadir "$dest${scripts%/scripts}" --script-help 'mtr-trace and safe' 2>&1 | grep -c '^mtr-trace$'; }
is rule_does_not_find_it_at_first "$(by_rule)" 0
for time in first second; do
  make -s script-db DESTDIR="$dest" PREFIX=/opt/x >/dev/null || not_ok script_db "make script-db failed"
  is "rule_finds_it_$time" "$(by_rule)" 1
  is "one_line_is_added_$time" "$(diff "$scripts/script.db" "$dest$scripts/script.db" | tail -n +2)" \
    '> Entry { filename = "mtr-trace.nse", categories = { "discovery", "safe", "external", } }'
done

# A file of somebody else beside ours outlives us.
touch "$dest/opt/x/share/lua/5.4/other.lua"
make -s uninstall DESTDIR="$dest" PREFIX=/opt/x >/dev/null || not_ok uninstall "make uninstall failed"
is uninstall_leaves_the_database_as_it_was "$(cmp "$scripts/script.db" "$dest$scripts/script.db" 2>&1)" ""
rm "$dest$scripts/script.db"
is uninstall_leaves_only_what_is_not_ours "$(placed)" /opt/x/share/lua/5.4/other.lua
is uninstall_leaves_no_folder_of_ours "$(find "$dest" -type d ! -path "$dest" | sed "s|^$dest||" | sort | xargs)" \
  "/opt /opt/x /opt/x/share /opt/x/share/lua /opt/x/share/lua/5.4 /usr /usr/share /usr/share/nmap /usr/share/nmap/scripts"

# Files of root's in somebody's tree could not be built anew by their owner.
is install_leaves_nothing_of_roots_in_the_tree "$(owners_after_install)" ""
