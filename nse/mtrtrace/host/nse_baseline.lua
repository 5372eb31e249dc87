-- SPDX-License-Identifier: BSD-2-Clause

--- The script argument baseline: the file is read once in a run of Nmap, by
-- Nmap's own reader of JSON.
-- @module mtrtrace.host.nse_baseline
local baseline = require "mtrtrace.diff.baseline"
local load = require "mtrtrace.diff.load"

local M = {}

local function decode(text)
  local ok, value = require "json".parse(text)
  return ok and value or nil
end

--- Reads the file.
-- @tparam table store what is kept in this run of Nmap
-- @tparam table options checked arguments
-- @tparam ?table core the module mtrtrace.core
-- @treturn ?boolean true, also where no file is given
-- @treturn ?string one sentence
function M.read(store, options, core)
  if options.baseline and not store.baseline then
    local traces, err = load.file(options.baseline, { core = core,
      decode = decode })
    if not traces then
      return nil, "mtr-trace.baseline: " .. err
    end
    store.baseline = traces
  end
  return true
end

--- Adds to a result what differs.
-- @tparam table store
-- @tparam table options checked arguments
-- @tparam table result judged; gets `baseline`, lines
-- @tparam ?string name of the target as the user typed it
function M.compare(store, options, result, name)
  if options.baseline then
    result.baseline = baseline.lines(store.baseline, result, name,
      options.baseline)
  end
end

return M
