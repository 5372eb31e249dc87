-- SPDX-License-Identifier: BSD-2-Clause

--- Loads the C engine, or says in one sentence what is missing and the cure.
-- Never raises, so a script that asks for it cannot end all of Nmap.
-- @module mtrtrace.session.loader
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

--- What the failure to load the web part means to a user.
-- @tparam string err message of the failed require
-- @treturn string a few words
function M.diagnose_http(err)
  local library = err:match("([%w_.+-]+%.so[%d.]*): cannot open shared")
  if library and not library:find("^http%.so") then
    return ("%s is not installed"):format(library)
  elseif err:find("module 'mtrtrace.http' not found", 1, true) then
    return "built without libcurl"
  end
  return (err:gsub("^.-mtrtrace%.http: ", ""):gsub("%s+", " "):sub(1, 200))
end

--- The web part, which may be missing.
-- @treturn ?table the module mtrtrace.http
-- @treturn ?string why there is none: a few words
function M.http()
  local ok, http = pcall(require, "mtrtrace.http")
  if ok then
    return http
  end
  return nil, M.diagnose_http(tostring(http))
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
