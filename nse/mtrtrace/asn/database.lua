-- SPDX-License-Identifier: BSD-2-Clause
--- Files in MaxMind's format as a source: origins out of an ASN database,
-- places out of a city database. Reads through mtrtrace.mmdb, which may be
-- missing; asks nobody.
-- @module mtrtrace.asn.database
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"
local special = require "mtrtrace.special"

local M = {}

local function text_of(value)
  return type(value) == "string" and clean.text(value) or nil
end

local function number_of(value, least, most)
  return type(value) == "number" and value >= least and value <= most
    and value or nil
end

--- Opens a file.
-- @tparam string path
-- @treturn ?table of mtrtrace.mmdb
-- @treturn ?string one sentence
function M.open(path)
  local ok, mmdb = pcall(require, "mtrtrace.mmdb")
  if not ok then
    return nil, "mtrtrace.mmdb is not installed: install libmaxminddb and "
      .. "its headers, then run 'make install' in the mtr-trace sources "
      .. "again"
  end
  local db, err = mmdb.open(path)
  return db, err and clean.text(err)
end

--- Origins of addresses.
-- @tparam table db with the keys of GeoLite2-ASN
-- @tparam string file name that the answers bear
-- @treturn function of an address, gives an answer as mtrtrace.asn.merge
--   takes it
function M.origins(db, file)
  return function(address)
    local asn, length = db:get(address, "autonomous_system_number")
    local origins = {}
    if math.type(asn) == "integer" and asn > 0 then
      origins[1] = {
        asn = asn,
        prefix = prefix.of(special.bytes(address), length),
        organization = text_of(db:get(address,
          "autonomous_system_organization")),
      }
    end
    return { source = "db", server = file, origins = origins }
  end
end

--- Places of addresses.
-- @tparam table db with the keys of GeoLite2-City
-- @treturn function of an address, gives { country, region, city, latitude,
--   longitude } or nil
function M.places(db)
  return function(address)
    local place = {
      country = text_of(db:get(address, "country", "iso_code")),
      region = text_of(db:get(address, "subdivisions", "0", "names", "en")),
      city = text_of(db:get(address, "city", "names", "en")),
      latitude = number_of(db:get(address, "location", "latitude"), -90, 90),
      longitude = number_of(db:get(address, "location", "longitude"), -180,
        180),
    }
    return next(place) and place or nil
  end
end

return M
