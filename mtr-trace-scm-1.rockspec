rockspec_format = "3.0"
package = "mtr-trace"
version = "scm-1"
source = {
  -- For `luarocks make` in a copy of the sources.
  url = "git+file://.",
}
description = {
  summary = "MTR-grade path tracing for Nmap and for Lua",
  detailed = [[
The Lua library and C engine behind the Nmap script mtr-trace.nse, which this
rock carries in its nse folder: run it by path, or copy it to Nmap's scripts.
The command mtr-trace comes by `make install`.]],
  license = "BSD-2-Clause",
}
dependencies = {
  "lua >= 5.4, < 5.5",
}
external_dependencies = {
  PCAP = { header = "pcap.h" },
  DUMBNET = { header = "dumbnet.h" },
}
build = {
  type = "make",
  build_variables = {
    LUAS = "lua5.4",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
  },
  install_target = "install-for-5.4",
  install_variables = {
    LUAS = "lua5.4",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    LUA_DIR = "$(LUADIR)",
    C_DIR = "$(LIBDIR)",
  },
  copy_directories = { "nse" },
}
