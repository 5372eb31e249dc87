-- SPDX-License-Identifier: BSD-2-Clause
-- The front door for programs, and the loader behind it.
local check = require "check"
local fake_core = require "fake_core"
local loader = require "mtrtrace.session.loader"
local mtrtrace = require "mtrtrace"
local sample = require "sample"

-- Runs a body with a stand-in for the engine: a table, or a text that its
-- loading fails with.
local function with_core(core, body)
  local before = package.preload["mtrtrace.core"]
  package.loaded["mtrtrace.core"] = nil
  package.preload["mtrtrace.core"] = function()
    return type(core) == "table" and core or error(core, 0)
  end
  local ok, err = pcall(body)
  package.loaded["mtrtrace.core"] = nil
  package.preload["mtrtrace.core"] = before
  if not ok then
    error(err, 0)
  end
end

check.case("trace_waits_and_gives_the_enriched_result", function()
  local core = fake_core.new { sample.result {},
    sample.result { sample.hop(1, { sample.responder "10.0.0.1" }) } }
  with_core(core, function()
    local result = mtrtrace.trace { target = "10.0.0.1" }
    check.equal(result.hops[1].responders[1].special, "private")
    check.equal(core.options, { target = "10.0.0.1" })
    check.equal(core.closed, 1)
  end)
end)

check.case("trace_hands_errors_on", function()
  with_core(fake_core.refusing("no", "PERMISSION"), function()
    local result, text, name = mtrtrace.trace { target = "10.0.0.1" }
    check.equal({ result == nil, text, name }, { true, "no", "PERMISSION" })
  end)
end)

check.case("version_is_the_engines", function()
  with_core(fake_core.new {}, function()
    check.equal(mtrtrace.version(), "0.0.0")
  end)
end)

check.case("missing_engine_is_an_answer", function()
  with_core("module 'mtrtrace.core' not found:\n\tno field", function()
    local result, text, name = mtrtrace.trace { target = "10.0.0.1" }
    check.equal({ result == nil, name }, { true, "MISSING" })
    check.contains(text, "make install")
    check.equal({ mtrtrace.version() }, { nil, text })
  end)
end)

local AT = "error loading module 'mtrtrace.core' from file '/x/core.so':\n\t"
local DIAGNOSES = {
  { name = "not_installed", err = "module 'mtrtrace.core' not found:\n\tno",
    want = "mtrtrace.core is not installed for Lua 5.3: run 'make install'" },
  { name = "built_for_an_older_lua",
    err = AT .. "/x/core.so: undefined symbol: lua_newuserdata",
    want = "built for another Lua than this one (5.3): run 'make install'" },
  { name = "built_for_a_newer_lua",
    err = AT .. "/x/core.so: undefined symbol: lua_newuserdatauv",
    want = "built for another Lua than this one (5.3)" },
  { name = "refused_by_its_own_check",
    err = "version mismatch: app. needs Lua 504, module 503",
    want = "built for another Lua than this one (5.3)" },
  { name = "library_missing", err = AT .. "libpcap.so.0.8: cannot open "
      .. "shared object file: No such file or directory",
    want = "mtrtrace.core needs libpcap.so.0.8, which is not installed" },
  { name = "anything_else_in_one_line", err = "x\n\ty",
    want = "mtrtrace.core cannot be loaded: x y" },
}
check.rows(DIAGNOSES, function(row)
  local text = loader.diagnose(row.err, "5.3")
  check.contains(text, row.want)
  check.equal(text:find("\n", 1, true), nil)
end)

check.finish()
