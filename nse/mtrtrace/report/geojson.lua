-- SPDX-License-Identifier: BSD-2-Clause

--- The paths as GeoJSON (RFC 7946): a point for each address whose place is
-- known, and a line through them for each target. Pure: results in, text
-- out.
-- @module mtrtrace.report.geojson
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"

local M = {}

local function quote(text)
  return '"' .. format.clean(text):gsub('[\\"]', "\\%0") .. '"'
end

local function position(place)
  return ("[%s,%s]"):format(format.decimal(place.longitude),
    format.decimal(place.latitude))
end

-- What a map shows of a hop, by keys of the field table.
local SHOWN = { "ip", "name", "asn", "organization", "geo_country",
  "geo_region", "geo_city", "avg_ms" }

local function properties(result, hop, responder)
  local parts = {
    '"target":' .. quote(result.target), ('"hop":%d'):format(hop.ttl),
  }
  for _, key in ipairs(SHOWN) do
    local value = fields.raw(fields.get(key), "responder", responder)
    if value ~= nil then
      parts[#parts + 1] = quote(key) .. ":"
        .. (key == "avg_ms" and value or quote(value))
    end
  end
  return table.concat(parts, ",")
end

local function feature(kind, coordinates, text)
  return ('{"type":"Feature","geometry":{"type":"%s","coordinates":%s},'
    .. '"properties":{%s}}'):format(kind, coordinates, text)
end

local function placed(responder)
  local place = responder.place
  return place and place.latitude and place.longitude and place
end

local function add_path(features, result)
  local line = {}
  for _, hop in ipairs(result.hops) do
    for i, responder in ipairs(hop.responders) do
      local place = placed(responder)
      features[#features + 1] = place and feature("Point", position(place),
        properties(result, hop, responder)) or nil
      line[#line + 1] = i == 1 and place and position(place) or nil
    end
  end
  if #line > 1 then
    features[#features + 1] = feature("LineString",
      "[" .. table.concat(line, ",") .. "]",
      '"target":' .. quote(result.target))
  end
end

--- Renders results.
-- @tparam {table,...} results as given by trace:result(), with places
-- @treturn string a FeatureCollection
function M.render(results)
  local features = {}
  for _, result in ipairs(results) do
    add_path(features, result)
  end
  return '{"type":"FeatureCollection","features":[\n'
    .. table.concat(features, ",\n") .. "\n]}\n"
end

return M
