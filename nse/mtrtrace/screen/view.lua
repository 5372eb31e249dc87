-- SPDX-License-Identifier: BSD-2-Clause

--- Selects what reports show, from the checked options. Pure.
-- @module mtrtrace.screen.view
local M = {}

local DEFAULT = { "loss", "sent", "received", "last", "avg", "best", "worst",
  "stdev", "jitter", "asn", "organization", "os" }

-- Default width of a report, and bounds of the width of a terminal.
local WIDTH, LEAST_WIDTH, MOST_WIDTH = 80, 40, 10000

-- Returns the columns that identify a hop.
local function who(options)
  if options.names == "no" then
    return { "hop", "ip" }
  elseif options.show_ips then
    return { "hop", "ip", "name" }
  end
  return { "hop", "host" }
end

local function has(list, key)
  for _, other in ipairs(list) do
    if other == key then
      return true
    end
  end
  return false
end

local function append(list, keys)
  for _, key in ipairs(keys) do
    if not has(list, key) then
      list[#list + 1] = key
    end
  end
  return list
end

-- Returns the columns that options of their own add to any other columns.
local function extra(options)
  local list = options.mpls and { "mpls" } or {}
  if options.direct == "yes" and not options.columns then
    append(list, { "direct_rtt", "direct_loss" })
  end
  return list
end

local function columns(options)
  if options.columns then
    return append({ table.unpack(options.columns) }, extra(options))
  end
  local list = who(options)
  if options.order then
    append(list, options.aslookup and { "asn" } or {})
    return append(append(list, options.order), extra(options))
  end
  return append(append(list, DEFAULT), extra(options))
end

--- Returns the columns that identify a hop, followed by others.
-- @tparam {string,...} now keys that are shown
-- @tparam {string,...} keys of the columns that follow
-- @treturn {string,...}
function M.with_host(now, keys)
  local list = {}
  for _, key in ipairs { "hop", "ip", "host", "name", "asn" } do
    list[#list + 1] = has(now, key) and key or nil
  end
  return append(list, keys)
end

--- Returns the largest width of the report.
-- @tparam table options checked
-- @tparam ?integer terminal columns of the terminal, where output goes to one
-- @tparam function getenv
-- @treturn ?integer nil where -w turns cutting off
function M.width(options, terminal, getenv)
  if options.wide then
    return nil
  end
  local width = terminal or math.tointeger(tonumber(getenv "COLUMNS")) or WIDTH
  return math.max(LEAST_WIDTH, math.min(width, MOST_WIDTH))
end

--- Returns the view of a run.
-- @tparam table options checked
-- @tparam ?string version of this program
-- @tparam ?integer targets number of targets
-- @tparam ?integer width of the report, see `width`
-- @treturn table `columns`, `chosen` where the user chose them, `max_silent`,
--   `who`: the keys that identify a hop; `version`, `targets`, `width`, and
--   `seen`, with which reports avoid repetition
function M.of(options, version, targets, width)
  return {
    columns = columns(options), who = who(options),
    max_silent = options.max_silent, width = width,
    chosen = (options.columns or options.order) and true or false,
    version = version, targets = targets, seen = {},
  }
end

return M
