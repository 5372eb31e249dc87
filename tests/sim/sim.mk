# The simulation: the module mtrsim is the pure engine for Lua tests, without
# the files that touch a socket, a capture or a clock. mtrtun is a TUN device,
# on which the same model runs in real time.

SIM_OBJS  := $(foreach r,$(PURE_ROOMS),$(patsubst cext/%.c,%,$(wildcard cext/$(r)/*.c))) prober/report \
	$(addprefix lua/,events found replay replies result)
TUN_SO    := build/lua5.4/mtrtun.so $(ASAN)/asan/mtrtun.so
SIM_SO    := build/lua5.4/mtrsim.so $(ASAN)/asan/mtrsim.so $(TUN_SO)

# $(1): build folder.  $(2): flags.  $(3): the engine with its asserts, as the C tests have it.
define SIM_RULES
$(1)/sim/obj/%.o: cext/%.c Makefile tests/sim/sim.mk
	@mkdir -p $$(@D)
	$$(call say,CC    $$@)
	$$(Q)$$(CC) $$(REQUIRED) $(or $(2),$$(WARNINGS)) -Icext \
		$$(call lua_cflags,lua5.4) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<

$(1)/obj/sim_%.o: tests/sim/%.c Makefile tests/sim/sim.mk
	@mkdir -p $$(@D)
	$$(call say,CC    $$@)
	$$(Q)$$(CC) $$(REQUIRED) $(or $(2),$$(WARNINGS)) -Icext \
		$$(call lua_cflags,lua5.4) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<

$(1)/mtrsim.so: $(1)/obj/sim_lsim.o $(1)/obj/sim_lsim_search.o $(call objects,$(SIM_OBJS),$(1)/sim,$(3))
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $$(MODULE) $(2) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(DNET_LIBS) -lm

$(1)/mtrtun.so: $(1)/obj/sim_ltun.o
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $$(MODULE) $(2) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^

-include $(1)/obj/sim_lsim.d $(1)/obj/sim_lsim_search.d $(1)/obj/sim_ltun.d $$(wildcard $(1)/sim/obj/*/*.d)
endef
$(eval $(call SIM_RULES,build/lua5.4,,$(ASAN)/plain/cext))
$(eval $(call SIM_RULES,$(ASAN)/asan,$(SANITIZE),$(ASAN)/cext))

# What is slow runs once, with the release build; the rest under ASan as well.
SIM_TESTS := $(wildcard tests/sim/*_test.lua)
SIM_SLOW  := $(filter tests/sim/loss_% tests/sim/speed_%,$(SIM_TESTS))
# Where there are three seeds a case, one is enough there.
# The longest first, so that none is left to run alone at the end.
SIM_FIRST := $(patsubst %,tests/sim/%_test.lua,loss limits property)
SIM_LUA   := $(patsubst %,'tests/lua lua5.4 %',$(SIM_FIRST)) \
	'tests/lua --asan lua5.4 tests/sim/limits_test.lua 1' \
	$(patsubst %,'tests/lua lua5.4 %',$(filter-out $(SIM_FIRST),$(SIM_TESTS))) \
	$(patsubst %,'tests/lua --asan lua5.4 %',$(filter-out $(SIM_SLOW) %/limits_test.lua,$(SIM_TESTS)))
SIM_TUN   := $(patsubst %,'%',$(wildcard tests/sim/*_test.sh))

check-programs: $(SIM_SO)

bench: build/lua5.4/mtrsim.so build/lua5.4/mtrtun.so

test-sim: all $(SIM_SO)
	@tests/run -j $(JOBS) $(SIM_LUA) -j 1 $(SIM_TUN)

.PHONY: test-sim
