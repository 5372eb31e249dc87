-- SPDX-License-Identifier: BSD-2-Clause

--- Files in MaxMind's format as a source: origins from an ASN database,
-- places from a city database. Reads through mtrtrace.mmdb, which may be
-- missing, and sends no query to any server.
-- @module mtrtrace.asn.database
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"
local rpsl = require "mtrtrace.asn.rpsl"
local special = require "mtrtrace.base.special"
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Fields listed in an error message; a database may have a hundred.
local MOST_NAMED = 12

local function text_of(value)
  return type(value) == "string" and clean.text(value) or nil
end

-- Some databases store numbers as text.
local function number_of(value, least, most)
  value = type(value) == "string" and #value <= 40 and tonumber(value)
    or value
  return type(value) == "number" and value >= least and value <= most
    and value or nil
end

local function asn_of(value)
  if math.type(value) == "integer" then
    return value > 0 and value <= 4294967295 and value or nil
  end
  return type(value) == "string" and rpsl.asn(clean.trim(value)) or nil
end

local function country_of(value)
  local text = text_of(value)
  return text and text:find "^%a%a$" and text:upper() or nil
end

-- ---- layouts --------------------------------------------------------------

-- Paths of keys to each value: those of MaxMind and DB-IP first, then those
-- of GeoIP2 Enterprise, IPinfo and databases without nested keys. A row is
-- { reader, path, ... }; the first path with a value is used.
local ASN = {
  asn = { asn_of, "autonomous_system_number",
    "traits.autonomous_system_number", "as_number", "asn.asn",
    "as.number", "asn" },
  organization = { text_of, "autonomous_system_organization",
    "traits.autonomous_system_organization", "as_name",
    "as_organization", "as_org", "asn.name", "as.name", "name",
    "organization", "org", "isp" },
}

local PLACE = {
  country = { country_of, "country.iso_code", "country_code",
    "country_iso_code", "country_code2", "country" },
  region = { text_of, "subdivisions.0.names.en", "region_name", "region",
    "state1", "state", "subdivision" },
  city = { text_of, "city.names.en", "city_name", "city" },
  latitude = { function(value) return number_of(value, -90, 90) end,
    "location.latitude", "latitude", "lat" },
  longitude = { function(value) return number_of(value, -180, 180) end,
    "location.longitude", "longitude", "lng", "lon" },
}

local function keys_of(path)
  local keys = {}
  for key in path:gmatch "[^.]+" do
    keys[#keys + 1] = key
  end
  return table.unpack(keys)
end

-- The first value of a row, and the length of its prefix in the database.
local function value_of(db, address, row)
  for i = 2, #row do
    local found, length = db:get(address, keys_of(row[i]))
    local value = row[1](found)
    if value ~= nil then
      return value, length
    end
  end
end

local function has_one(has, row)
  for i = 2, #row do
    if has[row[i]] then
      return true
    end
  end
  return false
end

-- An error text if the database has none of the named fields.
local function missing(db, rows, names)
  local found, has, wanted = db:keys(), {}, {}
  for _, path in ipairs(found) do
    has[path] = true
  end
  for i, name in ipairs(names) do
    if has_one(has, rows[name]) then
      return nil
    end
    wanted[i] = ("%s (or %s)"):format(rows[name][2], rows[name][#rows[name]])
  end
  table.sort(found)
  return ("none of the fields %s is in it, but %s"):format(
    table.concat(wanted, ", "), #found > 0 and table.concat(found, ", ", 1,
      math.min(#found, MOST_NAMED)) or "no record")
end

local function open(path)
  local ok, mmdb = pcall(require, "mtrtrace.mmdb")
  if not ok then
    return nil, "mtrtrace.mmdb is not installed: install libmaxminddb and "
      .. "its headers, then run 'make install' in the mtr-trace sources "
      .. "again"
  end
  local db, err = mmdb.open(path)
  return db, err and clean.text(err)
end

-- Opens a file that must have at least one of the named fields.
local function open_with(path, rows, names)
  local db, err = open(path)
  local wrong = db and missing(db, rows, names)
  if wrong then
    db:close()
    return nil, unicode.clean(("%s: %s"):format(path, wrong))
  end
  return db, err
end

--- Opens a database of networks.
-- @tparam string path
-- @treturn ?table of mtrtrace.mmdb
-- @treturn ?string an error, also if no field holds an AS number
function M.open_asn(path)
  return open_with(path, ASN, { "asn" })
end

--- Opens a database of places.
-- @tparam string path
-- @treturn ?table of mtrtrace.mmdb
-- @treturn ?string an error, also if no field holds a place
function M.open_places(path)
  return open_with(path, PLACE, { "country", "region", "city", "latitude" })
end

--- Origins of addresses.
-- @tparam table db see open_asn
-- @tparam string file name reported as the server of the answers
-- @treturn function that returns the answer for an address, in the form of
--   mtrtrace.asn.merge
function M.origins(db, file)
  return function(address)
    local asn, length = value_of(db, address, ASN.asn)
    local origins = {}
    if asn then
      origins[1] = {
        asn = asn, prefix = prefix.of(special.bytes(address), length),
        organization = (value_of(db, address, ASN.organization)),
      }
    end
    return { source = "db", server = file, origins = origins }
  end
end

--- Places of addresses.
-- @tparam table db see open_places
-- @treturn function that returns { country, region, city, latitude,
--   longitude } for an address, or nil
function M.places(db)
  return function(address)
    local place = {}
    for name, row in pairs(PLACE) do
      place[name] = (value_of(db, address, row))
    end
    return next(place) and place or nil
  end
end

return M
