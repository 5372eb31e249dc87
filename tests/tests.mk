# The test half of the Makefile.  A test program prints "ok NAME", "not ok NAME
# - why" or "skip NAME - why" per case; tests/run runs them all and sums up.

ASAN       := build/test
HELPERS    := $(filter-out %_test.c,$(wildcard tests/unit/*.c))
C_TESTS    := $(patsubst tests/%.c,$(ASAN)/%,\
	$(filter-out $(if $(CURL_LIBS),,%/http_test.c) $(if $(HTTPD_LIBS),,%/httpd_test.c),\
	$(wildcard tests/unit/*_test.c tests/sim/*_test.c tests/fuzz/*_test.c)))
LUA_TESTS  := $(filter-out tests/unit/core_%,$(wildcard tests/unit/*_test.lua)) \
	$(wildcard tests/fuzz/*_test.lua)
CORE_TESTS := $(wildcard tests/unit/core_*_test.lua)
# The longest first, so that none is left over at the end.
NET_SLOW   := $(patsubst %,tests/net/%_test.sh,formats routing ttfb install arguments os trace \
	unprivileged_nmap readme fallback luarocks rate_limit paths sendfail lookup command_lookup \
	pmtu prometheus loss screen)
NET_TESTS  := $(NET_SLOW) $(filter-out $(NET_SLOW),\
	$(wildcard tests/net/*_test.sh tests/net/*_test.lua))

# ---- C under ASan and UBSan, and plain for valgrind (which bears no ASan) ---

# No warnings here: the sanitizers make gcc see conversions that are not there.
# tests/lint compiles every file with them as errors.
$(eval $(call MODULE_RULES,lua5.4,$(ASAN)/asan,$(SANITIZE),$(ASAN)/cext))

# $(1): the programs' folder.  $(2): flags.  $(3): what each is linked with, if not with all.
define PROGRAM_RULES
$(1)/%.o: %.c Makefile tests/tests.mk
	@mkdir -p $$(@D)
	$$(call say,CC    $$@)
	$$(Q)$$(CC) $$(REQUIRED) $(or $(2),$$(WARNINGS)) -Icext -Itests/unit -Itests/fuzz $(2) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<

$(1)/%_test: $(1)/tests/%_test.o $(patsubst %.c,$(1)/%.o,$(or $(3),$(HELPERS) $(ENGINE_SRCS)))
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $(2) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(eval $(call PROGRAM_RULES,$(ASAN),$(SANITIZE)))
$(eval $(call PROGRAM_RULES,$(ASAN)/plain,))

# All state machines at once, on memory that is used again at once.
MACHINES := $(patsubst %,tests/fuzz/%.c,machines connect promises fates interfere network labs reuse)
WRAP     := -Wl,--wrap=calloc,--wrap=free
$(foreach d,$(ASAN) $(ASAN)/plain,$(foreach t,fuzz/fuzz_machines sim/schedules,\
	$(eval $(d)/$(t)_test: $(MACHINES:%.c=$(d)/%.o))))
%/fuzz/fuzz_machines_test %/sim/schedules_test: LDFLAGS += $(WRAP)

# Threads of ours beside a program's: also under ThreadSanitizer, which bears no other.
TSAN     := $(if $(CURL_LIBS),$(ASAN)/tsan/unit/http_test)
$(eval $(call PROGRAM_RULES,$(ASAN)/tsan,-fsanitize=thread,tests/unit/check.c cext/base/err.c cext/base/ipaddr.c))
$(foreach d,$(ASAN) $(ASAN)/plain $(ASAN)/tsan,$(eval $(d)/unit/http_test: $(HTTP_SRCS:%.c=$(d)/%.o)))
%/unit/http_test: LIBS += $(CURL_LIBS) -ldl
$(foreach d,$(ASAN) $(ASAN)/plain,$(eval $(d)/unit/httpd_test: $(HTTPD_SRCS:%.c=$(d)/%.o)))
%/unit/httpd_test: LIBS += $(HTTPD_LIBS)
-include $(wildcard $(ASAN)/*/*.d $(ASAN)/*/*/*.d $(ASAN)/*/*/*/*.d)
.SECONDARY:

VALGRIND := $(C_TESTS:$(ASAN)/%=$(ASAN)/plain/%)

include tests/sim/sim.mk

# Programs at a time. Those in namespaces sleep most of the time: the others run
# beside them, at a lower priority so that they change no time that is measured.
JOBS     ?= 2
NET_JOBS ?= 4

# ---- what is run: one command line per word in quotes -----------------------

C_RUNS    := 'tests/fuzz/minute machines' '$(ASAN)/sim/schedules_test 10000' \
	$(filter-out %/schedules_test,$(C_TESTS)) $(TSAN) $(VALGRIND:%='tests/valgrind %')
# A rate of errors over thousands of seeded worlds is the same in every Lua: it is counted in one.
LUA_ONCE  := tests/unit/verdict_quality_test.lua
LUA_RUNS  := $(patsubst %,'tests/lua $(firstword $(TEST_LUAS)) %',$(LUA_ONCE)) \
	$(foreach l,$(TEST_LUAS),$(patsubst %,'tests/lua $(l) %',$(filter-out $(LUA_ONCE),$(LUA_TESTS)))) \
	$(foreach l,$(LUAS),$(CORE_TESTS:%='tests/lua $(l) %')) \
	$(CORE_TESTS:%='tests/lua --asan lua5.4 %')

test-c: $(C_TESTS) $(VALGRIND) $(TSAN)
	@tests/run -j $(JOBS) $(C_RUNS)

test-lua: all $(if $(CORE_TESTS),$(ASAN)/asan/mtrtrace/core.so)
	@tests/run -j $(JOBS) $(LUA_RUNS)

test-net: all
	@tests/run -j $(NET_JOBS) $(NET_TESTS)

lint: all
	@tests/run 'tests/lint $(LUAS)'

check:
	@scripts/keep-owner $(MAKE) --no-print-directory check-now

# Steps of their own, because make has to be read again once the packages are
# there, and because nothing is built while tests of `make install` read the tree.
check-now:
	@$(BOOTSTRAP) --tests
	@$(MAKE) --no-print-directory -j $(JOBS) check-programs
	@$(MAKE) --no-print-directory check-built

check-programs: all $(C_TESTS) $(VALGRIND) $(TSAN) $(if $(CORE_TESTS),$(ASAN)/asan/mtrtrace/core.so)

check-built: check-programs
	@tests/run -j $(NET_JOBS) $(NET_TESTS) $(SIM_TUN) \
		-j $(JOBS)@15 $(SIM_LUA) 'tests/lint $(LUAS)' $(C_RUNS) $(LUA_RUNS)

# Not part of check, which replays the corpus and fuzzes the Lua readers for a few
# seconds: FUZZ_SECONDS for each harness, of libFuzzer for those in C. What that
# finds is left in build/fuzz; what fails becomes a row of a unit test. FUZZ_SEED
# is that of the Lua harnesses.
FUZZ_SECONDS ?= 60
FUZZ_SEED    ?= 1
fuzz: $(patsubst tests/fuzz/fuzz_%_test.c,fuzz-%,$(wildcard tests/fuzz/*_test.c)) \
	$(patsubst tests/fuzz/%_test.lua,fuzz-lua-%,$(wildcard tests/fuzz/*_test.lua))

fuzz-lua-%: tests/fuzz/%_test.lua
	tests/lua lua5.4 $< $(FUZZ_SECONDS) $(FUZZ_SEED)

# The state machines are run so often that what slows each run down has to go: coverage of
# comparisons, big tables, the upkeep of rare features, long inputs. With FUZZ_LONG=1 runs are long
# instead, and begin with the corpus.
FUZZ_CC_machines  := -DMTR_SMALL_BOUNDS -fno-sanitize-coverage=trace-cmp,trace-gep,trace-div,indirect-calls,stack-depth
FUZZ_RUN_machines := -entropic=0 $(if $(FUZZ_LONG),,-max_len=40)
FUZZ_SEEDS_machines := $(if $(FUZZ_LONG),tests/fuzz/corpus/machines)
FUZZ_SEEDS_icmpext := tests/fuzz/corpus/icmpext
FUZZ_SEEDS_wire_parse := tests/fuzz/corpus/wire
FUZZ_ASAN := quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2
FUZZ_SRCS := $(HELPERS) $(foreach r,$(PURE_ROOMS),$(wildcard cext/$(r)/*.c)) cext/prober/addresses.c

build/fuzz/%: tests/fuzz/fuzz_%_test.c $(FUZZ_SRCS) $(MACHINES) $(wildcard cext/*/*.h tests/fuzz/*.h)
	@mkdir -p $(@D)
	clang -g -O2 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DFUZZING \
		-D_GNU_SOURCE -std=c11 -Icext -Itests/unit -Itests/fuzz $(FUZZ_CC_$*) -o $@ $< \
		$(if $(filter machines,$*),$(MACHINES) $(WRAP)) $(FUZZ_SRCS) $(LIBS)

fuzz-%: build/fuzz/%
	@mkdir -p build/fuzz/found-$*$(FUZZ_LONG)
	ASAN_OPTIONS=$(FUZZ_ASAN) $(if $(FUZZ_LONG),FUZZ_LONG=1) build/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -max_len=512 \
		-timeout=60 -rss_limit_mb=1500 -print_final_stats=1 \
		$(FUZZ_RUN_$*) -artifact_prefix=build/fuzz/ build/fuzz/found-$*$(FUZZ_LONG) \
		$(FUZZ_SEEDS_$*)

bench: all
	@set -e; for b in tests/bench/*_bench; do [ ! -x "$$b" ] || "$$b"; done

format:
	clang-format -i $(wildcard cext/*/*.[ch] tests/*/*.[ch])

.PHONY: fuzz test-c test-lua test-net lint check check-now check-programs check-built bench format
