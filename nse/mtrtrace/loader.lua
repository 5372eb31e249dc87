-- SPDX-License-Identifier: BSD-2-Clause
--- Loads the C engine, or says in one sentence what is missing and the cure.
-- Never raises, so a script that asks for it cannot end all of Nmap.
-- @module mtrtrace.loader
local M = {}

local function version()
  return (_VERSION:match("%d+%.%d+"))
end

--- What the failure of a require means to a user.
-- @tparam string err message of the failed require
-- @tparam string lua version of the interpreter, such as "5.3"
-- @treturn string one sentence
function M.diagnose(err, lua)
  local library = err:match("([%w_.+-]+%.so[%d.]*): cannot open shared")
  if library and not library:find("^core%.so") then
    return ("mtrtrace.core needs %s, which is not installed: install it "
      .. "(scripts/bootstrap in the mtr-trace sources does)"):format(library)
  elseif err:find("undefined symbol: lua", 1, true)
    or err:find("version mismatch", 1, true) then
    return ("mtrtrace.core was built for another Lua than this one (%s): "
      .. "run 'make install' in the mtr-trace sources again"):format(lua)
  elseif err:find("module 'mtrtrace.core' not found", 1, true) then
    return ("mtrtrace.core is not installed for Lua %s: run 'make install' "
      .. "in the mtr-trace sources"):format(lua)
  end
  return "mtrtrace.core cannot be loaded: "
    .. err:gsub("%s+", " "):sub(1, 200)
end

--- The C engine.
-- @treturn ?table the module mtrtrace.core
-- @treturn ?string one sentence with the cure
function M.core()
  local ok, core = pcall(require, "mtrtrace.core")
  if ok then
    return core
  end
  return nil, M.diagnose(tostring(core), version())
end

return M
