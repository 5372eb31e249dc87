-- SPDX-License-Identifier: BSD-2-Clause
-- The Nmap script itself, in a stand-in for NSE.
local args = require "mtrtrace.options.args"
local check = require "check"
local fake_core = require "fake_core"
local fake_http = require "fake_http"
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local sample = require "sample"

local PATH = "nse/mtr-trace.nse"

local function source()
  local file = assert(io.open(PATH))
  local text = file:read "a"
  file:close()
  return text
end

local function nothing() end

local NMAP = {
  registry = {},
  timing_level = function() return 3 end,
  address_family = function() return "inet" end,
  get_payload_length = function() return 0 end,
  get_ttl = function() return 64 end,
  get_interface = nothing,
  get_port_state = nothing,
  get_ports = nothing,
  list_interfaces = nothing,
  is_privileged = function() return true end,
  verbosity = function() return 0 end,
  clock = function() return 0 end,
}
local STDNSE = {
  sleep = nothing, verbose = nothing, verbose1 = nothing, debug1 = nothing,
  output_table = function() return {} end,
  new_thread = function(body) body() end,
}
package.loaded.nmap = NMAP
package.loaded.stdnse = STDNSE
package.loaded["mtrtrace.http"] = fake_http.new {}

-- The script as NSE loads it: its globals are its own.
local function load_script(arguments, core)
  NMAP.registry = { args = arguments or {} }
  package.loaded["mtrtrace.core"] = core
  local env = setmetatable({ SCRIPT_NAME = "mtr-trace" }, { __index = _G })
  assert(loadfile(PATH, "t", env))()
  return env
end

local TARGET = { ip = "93.184.216.34", targetname = "www.example.com" }

local function engine()
  return fake_core.new { sample.result { sample.hop(1, {
    sample.responder("192.168.1.1") }) } }
end

check.case("script_has_what_nse_asks_for", function()
  local script = load_script()
  check.equal(script.categories, { "discovery", "safe", "external" })
  check.equal(script.hostrule(TARGET), true)
  for _, key in ipairs { "description", "author", "license", "action" } do
    check.equal(script[key] ~= nil, true, key)
  end
end)

check.case("action_gives_structure_and_indented_text", function()
  local core = engine()
  local structure, text = load_script({ ["mtr-trace.columns"] = "hop,ip" },
    core).action(TARGET)
  check.equal(structure.name, "www.example.com")
  check.equal(text, "\n  Target: www.example.com (93.184.216.34)\n"
    .. "  TTFB: no TLS on 443 and no service on 80\n\n  Hop  IP Address\n"
    .. "  1    192.168.1.1")
  check.equal(core.options.target, "93.184.216.34")
end)

check.case("bad_argument_sends_nothing_and_is_said_once", function()
  local core = engine()
  local script = load_script({ ["mtr-trace.packets"] = "0" }, core)
  local structure, text = script.action(TARGET)
  check.equal(structure, nil)
  check.contains(text, "ERROR: mtr-trace.packets=0: ")
  check.equal({ script.action(TARGET) }, {})
  check.equal(core.options, nil)
end)

check.case("missing_engine_is_one_line_with_the_cure", function()
  local script = load_script()
  package.preload["mtrtrace.core"] = function()
    error("module 'mtrtrace.core' not found:", 0)
  end
  local _, text = script.action(TARGET)
  local again = { script.action(TARGET) }
  package.preload["mtrtrace.core"] = nil
  check.contains(text, "ERROR: mtrtrace.core is not installed for Lua 5.")
  check.equal(again, {})
end)

check.case("missing_library_is_one_line_with_the_cure", function()
  local script = load_script({}, engine())
  local before = package.loaded["mtrtrace.host.nse"]
  package.loaded["mtrtrace.host.nse"] = nil
  package.preload["mtrtrace.host.nse"] = function() error("gone", 0) end
  local _, text = script.action(TARGET)
  local again = { script.action(TARGET) }
  package.preload["mtrtrace.host.nse"] = nil
  package.loaded["mtrtrace.host.nse"] = before
  check.contains(text, "ERROR: the Lua library mtrtrace is missing")
  check.equal(again, {})
end)

check.case("world_error_is_an_error_line", function()
  local _, text = load_script({}, fake_core.refusing("no route to it",
    "NOROUTE")).action(TARGET)
  check.equal(text, "ERROR: no route to it")
end)

check.case("lack_of_privilege_leaves_no_output", function()
  check.equal({ load_script({}, fake_core.refusing("no rights",
    "PERMISSION")).action(TARGET) }, {})
end)

-- The documentation of one argument, on one line.
local function documented(name)
  local text = source():gsub("\n%-%- +", " ")
  return text:match("@args mtr%-trace%." .. name:gsub("%-", "%%-")
    .. " ([^\n]*)")
end

for _, arg in ipairs(args.all()) do
  check.case("documentation_of_" .. arg.name .. "_has_its_default",
    function()
      local text = documented(arg.name)
      check.contains(text, "Default: ", ("@args mtr-trace.%s of %s"):format(
        arg.name, PATH))
      if type(arg.default) == "number" then
        check.contains(text, "Default: <code>"
          .. format.decimal(arg.default))
      elseif arg.default then
        check.contains(text, ("Default: <code>%s</code>")
          :format(arg.default))
      end
    end)
end

check.case("documentation_names_every_column", function()
  local text = documented("columns")
  for _, field in ipairs(fields.all()) do
    check.contains(text, "<code>" .. field.name .. "</code>",
      "@args mtr-trace.columns of " .. PATH)
  end
end)

check.finish()
