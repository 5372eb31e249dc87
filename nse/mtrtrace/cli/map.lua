-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that writes the paths of a run as GeoJSON at the end.
-- @module mtrtrace.cli.map
local geojson = require "mtrtrace.report.geojson"

local M = {}

local Map = {}
Map.__index = Map

function Map:finish(trace, result)
  self.results[trace.index] = result
  self.count = math.max(self.count, trace.index)
end

function Map:close()
  local list = {}
  for i = 1, self.count do
    list[#list + 1] = self.results[i]
  end
  self.out:write(geojson.render(list))
end

--- Returns a reader.
-- @tparam table out see mtrtrace.report.out
-- @treturn table a reader
function M.new(out)
  return setmetatable({ out = out, results = {}, count = 0 }, Map)
end

return M
