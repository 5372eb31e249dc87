-- SPDX-License-Identifier: BSD-2-Clause

--- Nmap's --script-timeout and --host-timeout, which no script is told: both
-- end a script without its output. They stand on Nmap's command line and in
-- NMAP_ARGS; how old the process is bounds how much of a host's time is gone.
-- @module mtrtrace.host.nse_timeouts
local M = {}

local UNITS = { [""] = 1, ms = 0.001, s = 1, m = 60, h = 3600 }

-- Nmap looks once a second; what is left writes the table.
local MARGIN_S, LEAST_S = 1.5, 0.5

-- -T5 gives each host 15 minutes.
local INSANE, INSANE_S = 5, 900

local TICKS = 100 -- a second, in /proc

local function seconds(text)
  local number, unit = tostring(text):match("^([%d.]+)(%a*)$")
  local factor = UNITS[unit or ""]
  return tonumber(number) and factor and tonumber(number) * factor
end

-- getopt takes - for --, _ for -, and as much of a name as is no other's.
local NAMES = { { "host-timeout", 5 }, { "script-timeout", 9 } }

local function option(word)
  local name, value = word:match("^%-%-?([%a_-]+)=?(.*)$")
  name = name and name:gsub("_", "-")
  for _, row in ipairs(NAMES) do
    if name and #name >= row[2] and row[1]:sub(1, #name) == name then
      return row[1], word:find("=", 1, true) and value or nil
    end
  end
end

--- The timeouts among the words of a command line; the last ones count.
-- @tparam {string,...} words without the program's name
-- @treturn table `script-timeout`, `host-timeout`: seconds, nil where unset
function M.read(words)
  local found, i = {}, 1
  while words[i] do
    local name, value = option(words[i])
    if name and not value then
      i = i + 1
      value = words[i]
    end
    if name then
      local s = seconds(value)
      found[name] = s and s > 0 and s or nil -- 0: none
    end
    i = i + 1
  end
  return found
end

local function contents(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text or ""
end

--- The words that Nmap was given, those of NMAP_ARGS first.
-- @treturn {string,...}
function M.words()
  local words = {}
  for word in (os.getenv "NMAP_ARGS" or ""):gmatch "%S+" do
    words[#words + 1] = word
  end
  local skip = true
  for word in contents("/proc/self/cmdline"):gmatch "([^\0]*)\0" do
    words[#words + 1] = not skip and word or nil
    skip = false
  end
  return words
end

--- How long this process has been running.
-- @treturn number seconds; 0 where that is not known
function M.age()
  local uptime = tonumber(contents("/proc/uptime"):match "^[%d.]+")
  local fields, n = contents("/proc/self/stat"):match "^.*%) (.*)$", 2
  for field in (fields or ""):gmatch "%S+" do
    n = n + 1
    if n == 22 and uptime and tonumber(field) then
      return math.max(0, uptime - tonumber(field) / TICKS)
    end
  end
  return 0
end

local function before(timeout, used)
  local left = timeout - used
  return math.max(LEAST_S, left - math.min(MARGIN_S, timeout / 3))
end

--- When a script that begins now has to be done.
-- @tparam table timeouts as read gives them
-- @tparam integer level of -T
-- @tparam number used of the host's time at most, seconds
-- @treturn ?number seconds from now; nil for no limit
-- @treturn ?string name of the timeout
function M.left(timeouts, level, used)
  local script, host = timeouts["script-timeout"], timeouts["host-timeout"]
  if not host and level >= INSANE then
    host = INSANE_S
  end
  local by_script = script and before(script, 0)
  local by_host = host and before(host, used < host and used or 0)
  if by_host and (not by_script or by_host < by_script) then
    return by_host, "host-timeout"
  end
  return by_script, by_script and "script-timeout"
end

return M
