#!/bin/bash
# `luarocks make` from the rockspec gives a plain Lua 5.4 what it needs, and
# `luarocks remove` takes it away.  In a copy, as a build in the tree would mix.

. "$(dirname "$0")/lib.sh"

if ! command -v luarocks >/dev/null; then
  skip luarocks "luarocks is not installed"
  exit 0
fi
dir=$LAB_SCRATCH
mkdir "$dir/src" && cd "$TREE" && cp -r Makefile ./*.rockspec cext nse scripts tests "$dir/src" || exit 1

cd "$dir/src" || exit 1
rocks() { luarocks --lua-version 5.4 --tree "$dir/tree" "$@" 2>&1; }
log=$(rocks make --no-doc mtr-trace-scm-1.rockspec) || {
  not_ok luarocks_make "$(tail -n 5 <<<"$log")"
  exit 1
}
ok luarocks_make
got=$(env -u LUA_PATH -u LUA_CPATH LUA_PATH_5_4="$dir/tree/share/lua/5.4/?.lua" \
  LUA_CPATH_5_4="$dir/tree/lib/lua/5.4/?.so" lua5.4 -e 'print(require("mtrtrace.core").version)' 2>&1)
like luarocks_tree_has_a_working_core "$got" '^[0-9]+\.[0-9]+'
! pkg-config --exists libcurl ||
  is luarocks_tree_has_http "$(find "$dir/tree" -name http.so | wc -l)" 1
is luarocks_tree_has_no_command "$(find "$dir/tree/bin" -name 'mtr-trace*' 2>/dev/null)" ""
is luarocks_tree_has_the_script "$(find "$dir/tree" -name mtr-trace.nse | wc -l)" 1
rocks remove mtr-trace >/dev/null
is luarocks_remove_leaves_nothing "$(find "$dir/tree" -path '*mtrtrace*' ! -path '*/lib/luarocks/*')" ""
