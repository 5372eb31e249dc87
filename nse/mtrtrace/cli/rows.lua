-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that writes flat rows: one of each probe as its outcome is known,
-- or of hops or runs at the end of each trace. See mtrtrace.rows.*.
-- @module mtrtrace.cli.rows
local lines = require "mtrtrace.rows.lines"
local make = require "mtrtrace.rows.make"

local M = {}

local Rows = {}
Rows.__index = Rows

local function put(self, row)
  self.out:write(lines.line(self.kind, row))
end

function Rows:start(trace)
  if self.kind == "probes" then
    self.probes[trace.index] = make.probes(self.about, trace)
  end
end

function Rows:events(trace, list)
  local probes = self.probes[trace.index]
  for _, event in ipairs(probes and list or {}) do
    local row = probes:take(event)
    if row then
      put(self, row)
    end
  end
  self.out:flush()
end

function Rows:finish(trace, result, err)
  self.probes[trace.index] = nil
  if self.kind == "runs" then
    local row = make.run(self.about, trace, result, err)
    row.time_s = row.time_s or os.time()
    put(self, row)
  elseif self.kind == "hops" and result then
    for _, row in ipairs(make.hops(self.about, trace, result)) do
      put(self, row)
    end
  end
  self.out:flush()
end

--- Whether rows are the command's standard output.
-- @tparam table options checked
-- @treturn boolean
function M.owns_output(options)
  return options.rows ~= nil and options.rows_to == nil
end

--- Checks the combination of options.
-- @tparam table options checked
-- @treturn ?string one sentence
function M.refusal(options)
  for _, name in ipairs { "rows-to", "rows-size", "vantage", "labels" } do
    local needs = name == "rows-size" and "rows-to" or "rows"
    if options[(name:gsub("-", "_"))] and not options[(needs:gsub("-",
      "_"))] then
      return ("--%s goes with --%s"):format(name, needs)
    end
  end
end

--- Returns a reader.
-- @tparam table out with write(text) and flush(), a whole line at a time
-- @tparam table options checked: `rows`, `vantage`, `labels`
-- @tparam string host name of this host
-- @treturn table
function M.new(out, options, host)
  return setmetatable({ out = out, kind = options.rows, probes = {},
    wants_events = options.rows == "probes" or nil,
    shows_web = options.rows == "runs" or nil,
    about = { vantage = options.vantage or host, labels = options.labels },
  }, Rows)
end

return M
