-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local database = require "mtrtrace.asn.database"
local geojson = require "mtrtrace.report.geojson"
local sample = require "sample"

local function hop(ttl, address, place, changes)
  local responder = sample.responder(address, changes)
  responder.place = place
  return sample.hop(ttl, { responder })
end

check.case("path_is_points_and_a_line", function()
  local text = geojson.render { sample.result {
    hop(1, "192.168.1.1"),
    hop(2, "62.20.1.1", { country = "SE", city = "Solna", latitude = 59.36,
      longitude = 18 }, { asn = "AS3301", name = 'a"\\\27b' }),
    hop(3, "93.184.216.34", { country = "US", latitude = 34.05,
      longitude = -118.24 }),
  } }
  check.equal(text, '{"type":"FeatureCollection","features":[\n'
    .. '{"type":"Feature","geometry":{"type":"Point","coordinates":'
    .. '[18,59.36]},"properties":{"target":"93.184.216.34","hop":2,'
    .. '"ip":"62.20.1.1","name":"a\\"\\\\b","asn":"AS3301",'
    .. '"geo_country":"SE","geo_city":"Solna","avg_ms":1.52}},\n'
    .. '{"type":"Feature","geometry":{"type":"Point","coordinates":'
    .. '[-118.24,34.05]},"properties":{"target":"93.184.216.34","hop":3,'
    .. '"ip":"93.184.216.34","geo_country":"US","avg_ms":1.52}},\n'
    .. '{"type":"Feature","geometry":{"type":"LineString","coordinates":'
    .. '[[18,59.36],[-118.24,34.05]]},"properties":{"target":'
    .. '"93.184.216.34"}}\n]}\n')
end)

check.case("path_without_places_is_empty", function()
  check.equal(geojson.render { sample.result { hop(1, "5.5.5.5",
    { country = "SE" }) } },
    '{"type":"FeatureCollection","features":[\n\n]}\n')
end)

-- A database that says anything.
local function database_with(value, length)
  return { get = function() return value, length end }
end

check.case("database_without_the_library_says_so", function()
  package.preload["mtrtrace.mmdb"] = function() error("not there", 0) end
  local db, err = database.open_asn("x.mmdb")
  package.preload["mtrtrace.mmdb"] = nil
  check.equal(db, nil)
  check.contains(err, "install libmaxminddb")
end)

for name, value in pairs { text = "nine", negative = -1, fraction = 1.5,
  zero = 0 } do
  check.case("database_with_a_number_that_is_" .. name, function()
    local db = database_with(value, 16)
    check.equal(database.origins(db, "f")("62.20.1.1").origins,
      {})
  end)
end

-- A database with one record, by paths of keys.
local function holding(record, length)
  return {
    get = function(_, _, ...)
      local value = record[table.concat({ ... }, ".")]
      return value, value and length
    end,
    keys = function()
      local list = {}
      for path in pairs(record) do
        list[#list + 1] = path
      end
      return list
    end, close = function() end }
end

local LAYOUTS = {
  { name = "maxmind", record = { autonomous_system_number = 3301,
    autonomous_system_organization = "N\u{e4}t" } },
  { name = "ipinfo", record = { asn = "AS3301", as_name = "N\u{e4}t",
    country = "Sweden" } },
  { name = "ipinfo_asn", record = { asn = "AS3301", name = "N\u{e4}t",
    domain = "example.net" } },
  { name = "flat", record = { as_number = "3301", as_org = "N\u{e4}t" } },
  { name = "nested", record = { ["asn.asn"] = "AS3301",
    ["asn.name"] = "N\u{e4}t" } },
}
check.rows(LAYOUTS, function(row)
  local origin = database.origins(holding(row.record, 16), "f")("62.20.1.1")
    .origins[1]
  check.equal({ origin.asn, origin.organization, origin.prefix.length },
    { 3301, "N\u{e4}t", 16 })
end)

local PLACES = {
  { name = "places_of_maxmind", record = { ["country.iso_code"] = "SE",
    ["subdivisions.0.names.en"] = "E", ["city.names.en"] = "Link\u{f6}ping",
    ["location.latitude"] = 58.4, ["location.longitude"] = 15.6 } },
  { name = "places_of_ipinfo", record = { country = "SE", region = "E",
    city = "Link\u{f6}ping", lat = "58.4", lng = "15.6" } },
  { name = "flat_places", record = { country_code = "se", state1 = "E",
    city = "Link\u{f6}ping", latitude = 58.4, longitude = 15.6,
    country = "Sweden" } },
}
check.rows(PLACES, function(row)
  check.equal(database.places(holding(row.record))("62.20.1.1"),
    { country = "SE", region = "E", city = "Link\u{f6}ping",
      latitude = 58.4, longitude = 15.6 })
end)

check.case("a_database_without_the_fields_is_one_line", function()
  package.preload["mtrtrace.mmdb"] = function()
    return { open = function() return holding { colour = "x", size = 1 } end }
  end
  local db, err = database.open_asn("x.mmdb")
  local places, why = database.open_places("x.mmdb")
  package.preload["mtrtrace.mmdb"] = nil
  package.loaded["mtrtrace.mmdb"] = nil
  check.equal({ db, places }, {})
  check.equal(err, "x.mmdb: none of the fields autonomous_system_number (or "
    .. "asn) is in it, but colour, size")
  check.contains(why, "x.mmdb: none of the fields country.iso_code (or "
    .. "country), ")
end)

check.case("places_out_of_range_are_left_out", function()
  check.equal(database.places(database_with(1e9))("62.20.1.1"), nil)
  check.equal(database.places(database_with(0 / 0))("62.20.1.1"), nil)
  check.equal(database.places(database_with("\27\7"))("62.20.1.1"), nil)
end)

check.finish()
