# mtr-trace: build, check, install.  `make help` lists targets and variables.
#
# What users own is set with ?= ; what the code needs stands in variables of
# its own, so that `make CFLAGS=-O0` drops nothing that the build depends on.

NMAP       ?= nmap
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
DNET_LIBS  ?= -l:libdumbnet.a
PCAP_LIBS  ?= -lpcap
PREFIX     ?= /usr/local
BOOTSTRAP  ?= scripts/bootstrap$(if $(YES), -y)

# Nmap 7.93 embeds Lua 5.3, later ones 5.4; only Nmap itself knows which.
NMAP_LUA   := $(shell $(NMAP) --version 2>/dev/null | sed -n 's/.*liblua-\(5\.[0-9]\).*/lua\1/p')
LUAS       ?= $(sort lua5.4 $(filter lua5.3,$(NMAP_LUA)))
TEST_LUAS  ?= lua5.4 lua5.3

# nodelete: our thread may outlive lua_close.  exclude-libs and the static
# libdumbnet: Nmap exports its private libdnet, with other struct layouts.
REQUIRED   := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -pthread -MMD -MP
WARNINGS   := -Wall -Wextra -Wshadow -Wconversion
# Asserts are for the tests: a failed one must not end Nmap.
RELEASE    := -DNDEBUG
LIBS       := $(DNET_LIBS) $(PCAP_LIBS) -lpthread -lm
MODULE     := -shared -Wl,-z,nodelete -Wl,--exclude-libs,ALL
SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# The rooms of cext, lowest first: tests/graph proves who includes whom.
PURE_ROOMS  := base wire engine results discovery
ENGINE_SRCS := $(foreach r,$(PURE_ROOMS) prober,$(wildcard cext/$(r)/*.c))
CORE_SRCS   := $(ENGINE_SRCS) $(filter-out cext/lua/http.c cext/lua/httpd.c cext/lua/mmdb.c,$(wildcard cext/lua/*.c))
# Databases in MaxMind's format: left out where libmaxminddb is missing.
MMDB_LIBS   ?= $(shell $(PKG_CONFIG) --libs libmaxminddb 2>/dev/null)
# The time to first byte: left out where libcurl is missing. Linked plainly, as all else would
# give it another OpenSSL than the one that Nmap has.
CURL_LIBS   ?= $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null)
HTTP_SRCS   := $(wildcard cext/http/*.c)
# The service's pages: left out where libmicrohttpd or zlib is missing.
HTTPD_LIBS  ?= $(shell $(PKG_CONFIG) --atleast-version=0.9.71 libmicrohttpd 2>/dev/null && \
	$(PKG_CONFIG) --libs libmicrohttpd zlib 2>/dev/null)
HTTPD_SRCS  := $(wildcard cext/httpd/*.c)
OPTIONAL    := $(if $(MMDB_LIBS),mmdb.so) $(if $(CURL_LIBS),http.so) $(if $(HTTPD_LIBS),httpd.so)
MODULES     := $(foreach l,$(LUAS),$(addprefix build/$(l)/mtrtrace/,core.so $(OPTIONAL)))

V ?= 0
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@echo "  $(1)")

all: $(MODULES)
	@:

# $(1): files of cext without .c. $(2): the folder of a Lua's objects. $(3): that of what sees no
# Lua, compiled once for all.
objects = $(patsubst %,$(2)/obj/%.o,$(filter lua/%,$(1))) $(patsubst %,$(3)/%.o,$(filter-out lua/%,$(1)))
names   = $(patsubst cext/%.c,%,$(1))

build/obj/%.o: cext/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(REQUIRED) -Icext $(WARNINGS) $(RELEASE) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# $(1): a Lua, as lua5.4.  $(2): its build folder.  $(3): flags.  $(4): the objects of all Luas.
define MODULE_RULES
$(2)/obj/%.o: cext/%.c Makefile
	@mkdir -p $$(@D)
	$$(call say,CC    $$@)
	$$(Q)$$(CC) $$(REQUIRED) -Icext $(or $(3),$$(WARNINGS) $$(RELEASE)) $$(call lua_cflags,$(1)) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<

$(2)/mtrtrace/core.so: $(call objects,$(call names,$(CORE_SRCS)),$(2),$(4))
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $$(MODULE) $(3) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)

$(2)/mtrtrace/mmdb.so: $(call objects,lua/mmdb base/mmdbdata,$(2),$(4))
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) -shared $(3) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(MMDB_LIBS)

$(2)/mtrtrace/http.so: $(call objects,$(call names,$(HTTP_SRCS)) lua/http lua/options base/ipaddr base/err,$(2),$(4))
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $$(MODULE) $(3) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(CURL_LIBS) -ldl -lpthread

$(2)/mtrtrace/httpd.so: $(call objects,$(call names,$(HTTPD_SRCS)) lua/httpd lua/options base/ipaddr base/err,$(2),$(4))
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) -shared -Wl,--exclude-libs,ALL $(3) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(HTTPD_LIBS)

-include $(wildcard $(2)/obj/*/*.d)
endef
-include $(wildcard build/obj/*/*.d)
# Systems name their Luas lua5.4, lua-5.4, lua54 or just lua.
lua_cflags = $(or $(LUA_CFLAGS),$(shell for n in $(1) $(subst lua,lua-,$(1)) $(subst .,,$(1)) lua; do \
	$(PKG_CONFIG) --cflags $$n 2>/dev/null && break; done))
$(foreach l,$(LUAS),$(eval $(call MODULE_RULES,$(l),build/$(l),,build/obj)))

include tests/tests.mk

# ---- use -------------------------------------------------------------------

# A sub-make, because which Lua to build for is known only once Nmap is there.
run:
	@scripts/keep-owner $(MAKE) --no-print-directory run-now

run-now:
	@$(BOOTSTRAP)
	@$(MAKE) --no-print-directory all
	@$(if $(TARGET),scripts/run-in-tree $(ARGS) $(TARGET),tests/net/demo $(ARGS))

# The library's documentation, by LDoc.
# Pictures of the manual, from one simulated trace; needs chromium.
screenshots: all build/lua5.4/mtrsim.so
	tests/screenshots

doc:
	ldoc -q -p mtr-trace -t "mtr-trace library" -d build/doc nse

# ---- install ---------------------------------------------------------------

INSTALL    ?= install
# Nmap's own answer, its attributes in any order; asked from / because it would
# warn of our scripts folder.  Once only, and not before it is needed.
SCRIPT_DIR ?= $(eval SCRIPT_DIR := $$(shell cd / && $(NMAP) --script-help banner -oX - 2>/dev/null | \
	grep -o '<directory [^>]*name="scripts"[^>]*>' | sed 's|.*path="\([^"]*\)".*|\1|' | \
	xargs -r readlink -m))$(SCRIPT_DIR)
LUA_DIR    ?= $(PREFIX)/share/lua/$*
C_DIR      ?= $(PREFIX)/lib/lua/$*
LUA_FILES  := $(patsubst nse/%,%,$(wildcard nse/*.lua nse/mtrtrace/*/*.lua))
VERSIONS   := $(LUAS:lua%=%)

# No --script-updatedb: run by a user it writes a private script.db that hides
# the system's; selection by name needs none. `make script-db` adds one line.
# What root builds on the way goes to the owner of the tree.
install:
	@scripts/keep-owner $(MAKE) --no-print-directory install-now

install-now: all build/command
	$(Q)scripts/folders make $(FOLDER_LIST) $(foreach d,$(INSTALL_DIRS),'$(DESTDIR)$d')
	@$(MAKE) --no-print-directory install-files
	@[ -n '$(filter /usr /usr/local,$(PREFIX))$(filter-out file,$(origin LUA_DIR))' ] || echo "Nmap's Lua does not search $(PREFIX)." \
		"For Nmap set LUA_PATH='$(PREFIX)/share/lua/$(NMAP_LUA:lua%=%)/?.lua;;' LUA_CPATH='$(PREFIX)/lib/lua/$(NMAP_LUA:lua%=%)/?.so;;'"
	@[ ! -f '$(DESTDIR)$(SCRIPT_DIR)/script.db' ] || grep -qs '"mtr-trace.nse"' '$(DESTDIR)$(SCRIPT_DIR)/script.db' || \
		echo "To choose the script by Nmap's rules (--script 'mtr-trace and safe') as well: sudo make script-db"

install-files: install-script install-command $(VERSIONS:%=install-for-%)

script-db:
	scripts/script-db add '$(DESTDIR)$(SCRIPT_DIR)'

install-script:
	$(if $(SCRIPT_DIR),,$(error $(NMAP) names no scripts directory; install Nmap or set SCRIPT_DIR))
	$(INSTALL) -d '$(DESTDIR)$(SCRIPT_DIR)'
	$(INSTALL) -m 644 nse/mtr-trace.nse '$(DESTDIR)$(SCRIPT_DIR)/mtr-trace.nse'

$(VERSIONS:%=install-for-%): install-for-%: $(addprefix build/lua%/mtrtrace/,core.so $(OPTIONAL))
	$(INSTALL) -d '$(DESTDIR)$(C_DIR)/mtrtrace'
	$(INSTALL) -m 755 $^ '$(DESTDIR)$(C_DIR)/mtrtrace'
	$(Q)set -e; for f in $(LUA_FILES); do \
		$(INSTALL) -D -m 644 "nse/$$f" '$(DESTDIR)$(LUA_DIR)'/"$$f"; done

# Folders that the installation needs, and where those are noted that it made.
LUA_FOLDERS   = $(sort $(patsubst %/,%,$(dir $(LUA_FILES))))
FOLDER_LIST   = '$(DESTDIR)$(SHARE)/mtr-trace/folders'
INSTALL_DIRS  = $(SCRIPT_DIR) $(foreach f,$(COMMAND_FILES),$(patsubst %/,%,$(dir $(COMMAND_$f)))) \
	$(foreach v,$(VERSIONS),$(call dirs_of,$v))
dirs_of       = $(call chosen,C_DIR,$(PREFIX)/lib/lua/$(1))/mtrtrace \
	$(addprefix $(call chosen,LUA_DIR,$(PREFIX)/share/lua/$(1))/,$(filter-out .,$(LUA_FOLDERS)))
chosen        = $(if $(filter file,$(origin $(1))),$(2),$($(1)))

# The command, for Lua 5.4: installed files by the file they are made as.
SHARE     := $(PREFIX)/share
COMMAND_mtr-trace             = $(PREFIX)/bin/mtr-trace
COMMAND_mtr-trace.schema.json = $(SHARE)/mtr-trace/mtr-trace.schema.json
COMMAND_mtr-trace.8           = $(SHARE)/man/man8/mtr-trace.8
COMMAND_bash                  = $(SHARE)/bash-completion/completions/mtr-trace
COMMAND_zsh                   = $(SHARE)/zsh/site-functions/_mtr-trace
# fish looks below /usr/local/share only where XDG_DATA_DIRS names it.
COMMAND_fish                  = $(if $(filter /usr/local,$(PREFIX)),/etc/fish/completions,$(SHARE)/fish/vendor_completions.d)/mtr-trace.fish
COMMAND_FILES := mtr-trace mtr-trace.schema.json mtr-trace.8 bash zsh fish
LUA_COMMAND   ?= lua5.4

# The man page and the completions come from the table of options, by argparse.
build/command: $(wildcard nse/mtrtrace/*/*.lua) scripts/mtr-trace scripts/mtr-trace.schema.json Makefile
	@mkdir -p $@ && rm -f $@/*
	$(Q)sed '/IN-TREE$$/d' scripts/mtr-trace >$@/mtr-trace && cp scripts/mtr-trace.schema.json $@
	$(Q)if $(LUA_COMMAND) -e 'require "argparse"' 2>/dev/null; then \
		$(LUA_COMMAND) scripts/mtr-trace --man >$@/mtr-trace.8 && for shell in bash zsh fish; do \
		$(LUA_COMMAND) scripts/mtr-trace --completion $$shell >$@/$$shell || exit; done; \
	else echo "  argparse for Lua 5.4 is missing: no man page, no completions"; fi
	@touch $@

install-command: all build/command
	$(Q)set -e; $(foreach f,$(COMMAND_FILES),[ ! -e build/command/$f ] || \
		$(INSTALL) -D -m $(if $(filter mtr-trace,$f),755,644) build/command/$f '$(DESTDIR)$(COMMAND_$f)'; )
	$(Q)sed -i 's|^.* PATHS$$|$(call search,path,LUA_DIR,share,lua)$(call search,cpath,C_DIR,lib,so)|' '$(DESTDIR)$(COMMAND_mtr-trace)'

# A line of Lua that makes the command look in the folder of $(2) first.
search = package.$(1) = "$(call chosen,$(2),$(PREFIX)/$(3)/lua/5.4)/?.$(4);" .. package.$(1)\n

uninstall-command:
	rm -f $(foreach f,$(COMMAND_FILES),'$(DESTDIR)$(COMMAND_$f)')

# Files by name, folders only when that leaves them empty.
uninstall: uninstall-command $(VERSIONS:%=uninstall-for-%)
	$(if $(SCRIPT_DIR),rm -f '$(DESTDIR)$(SCRIPT_DIR)/mtr-trace.nse')
	$(if $(SCRIPT_DIR),scripts/script-db remove '$(DESTDIR)$(SCRIPT_DIR)')
	$(Q)scripts/folders remove $(FOLDER_LIST)

$(VERSIONS:%=uninstall-for-%): uninstall-for-%:
	cd '$(DESTDIR)$(C_DIR)/mtrtrace' 2>/dev/null && rm -f core.so mmdb.so http.so httpd.so || true
	$(Q)cd '$(DESTDIR)$(LUA_DIR)' 2>/dev/null && rm -f $(LUA_FILES) || true
	$(Q)for d in '$(DESTDIR)$(C_DIR)' '$(DESTDIR)$(LUA_DIR)'; do [ ! -d "$$d/mtrtrace" ] || \
		find "$$d/mtrtrace" -depth -type d -empty -delete; done

clean:
	@test ! -d build || find build -mindepth 1 -maxdepth 1 ! -name debian13 -exec rm -rf {} +

distclean:
	rm -rf build

define HELP
targets:
  all          build core.so for $(LUAS)
  run          install what is missing, build, trace TARGET (none: a lab of 8 routers); as root
  check        install what the tests need, build, lint, all tests; as root
  doc          the library's documentation into build/doc, by LDoc
  screenshots  draw the pictures of the manual again; needs chromium
  lint         style and static checks
  test-c test-lua test-net   one part of the tests, with what is installed
  bench        measure against mtr; prints ratios
  fuzz         FUZZ_SECONDS for each parser, with FUZZ_SEED
  format       rewrite the C files with clang-format
  install uninstall   for Nmap ($(NMAP)) and plain interpreters, and the command mtr-trace
  script-db    add the installed script to Nmap's script.db, for rules such as "mtr-trace and safe"
  clean distclean     remove build/; clean keeps build/debian13
variables:
  TARGET ARGS          what `run` traces, and further Nmap options
  LUAS="$(LUAS)"       the Luas to build for
  LUA_CFLAGS           instead of what pkg-config says
  CC CFLAGS CPPFLAGS LDFLAGS PKG_CONFIG INSTALL NMAP   the usual
  DNET_LIBS="$(DNET_LIBS)" PCAP_LIBS="$(PCAP_LIBS)"   the libraries
  MMDB_LIBS="$(MMDB_LIBS)"   libmaxminddb, optional: empty leaves mmdb.so out
  CURL_LIBS="$(CURL_LIBS)"   libcurl, optional: empty leaves http.so out
  HTTPD_LIBS="$(HTTPD_LIBS)"   libmicrohttpd and zlib, optional: empty leaves httpd.so out
  PREFIX="$(PREFIX)" DESTDIR SCRIPT_DIR LUA_DIR C_DIR  where install puts things
  BOOTSTRAP=true       install no packages;  YES=1 ask no question before it does
  V=1                  show commands
endef
export HELP
help:
	@echo "$$HELP"

.PHONY: all doc screenshots run run-now script-db install install-now install-files install-script install-command uninstall uninstall-command clean distclean help \
	$(VERSIONS:%=install-for-%) $(VERSIONS:%=uninstall-for-%)
