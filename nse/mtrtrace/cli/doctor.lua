-- SPDX-License-Identifier: BSD-2-Clause

--- The option --doctor of the command: checks this host for the requirements
-- of a trace. Contacts no other host, except a whois server named by the user.
-- @module mtrtrace.cli.doctor
local checks = require "mtrtrace.doctor.checks"
local report = require "mtrtrace.doctor.report"

local M = {}

local FORMATS = { report = report.text, json = report.json }

local CONNECT_MS, MOST_BYTES = 3000, 65536

local function read(path)
  local file = io.open(path, "r")
  local text = file and file:read(MOST_BYTES)
  if file then
    file:close()
  end
  return text
end

-- Returns host and port of a server as parsed by mtrtrace.options.values.
local function place_of(server)
  return server.host, server.port or 43
end

local function connect(uv, server)
  local host, port = place_of(server)
  local found, err = uv.getaddrinfo(host, nil, { socktype = "stream" })
  if not found or not found[1] then
    return nil, tostring(err or "no address")
  end
  local socket, timer, done, why = uv.new_tcp(), uv.new_timer(), false, nil
  socket:connect(found[1].addr, port, function(failure)
    done, why = true, failure
  end)
  timer:start(CONNECT_MS, 0, function()
    done, why = true, why or "no answer in 3 s"
  end)
  while not done do
    uv.run "once"
  end
  socket:close()
  timer:close()
  uv.run "nowait"
  return not why, why
end

local function nmap_version()
  local pipe = io.popen "nmap --version 2>/dev/null"
  local text = pipe and pipe:read(MOST_BYTES)
  if pipe then
    pipe:close()
  end
  return text
end

-- Folders in which a Lua version looks for C modules.
local FOLDERS = { "/usr/local/lib/lua/", "/usr/lib/lua/", "/usr/lib64/lua/",
  "/usr/lib/x86_64-linux-gnu/lua/", "/usr/lib/aarch64-linux-gnu/lua/" }

-- Returns the first readable file of those that a pattern yields.
local function first_of(pattern, list)
  for _, item in ipairs(list) do
    local path = pattern:format(item)
    local found = io.open(path, "rb")
    if found then
      found:close()
      return path
    end
  end
end

local function finds(file, lua)
  return first_of("%s" .. lua .. "/" .. file, FOLDERS)
end

local function script()
  return first_of("%s/share/nmap/scripts/mtr-trace.nse",
    { "/usr", "/usr/local" })
end

local function has(module)
  return (pcall(require, module))
end

--- Checks the combination of options and targets.
-- @tparam table options checked
-- @tparam {string,...} targets
-- @treturn ?string one sentence
function M.refusal(options, targets)
  if #targets > 0 then
    return "--doctor goes with no target"
  elseif not FORMATS[options.format] then
    return ("--doctor: expected --report or --json, got --%s"):format(
      options.format)
  end
end

--- Runs the checks.
-- @tparam table env `core`, `core_error`, `uv` and `dkjson`: modules, nil
--   where missing
-- @tparam table options checked
-- @treturn string the report
-- @treturn boolean whether traces are possible
function M.run(env, options)
  local server = env.uv and options.whois_server
  local rows = checks.run { read = read, has = has, lua = _VERSION,
    core = env.core, core_error = env.core_error, nmap = nmap_version,
    whois = server and ("%s:%d"):format(place_of(server)) or nil,
    connect = function() return connect(env.uv, server) end,
    finds = finds, script = script, unprivileged = options.unprivileged }
  local usable = not checks.is_broken(rows)
  return options.format == "json"
    and report.json(rows, usable, env.dkjson) or report.text(rows), usable
end

return M
