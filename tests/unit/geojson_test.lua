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
    .. '"geo_country":"SE","geo_city":"Solna","avg":1.52}},\n'
    .. '{"type":"Feature","geometry":{"type":"Point","coordinates":'
    .. '[-118.24,34.05]},"properties":{"target":"93.184.216.34","hop":3,'
    .. '"ip":"93.184.216.34","geo_country":"US","avg":1.52}},\n'
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
local function says(value, length)
  return { get = function() return value, length end }
end

check.case("database_without_the_library_says_so", function()
  package.preload["mtrtrace.mmdb"] = function() error("not there", 0) end
  local db, err = database.open("x.mmdb")
  package.preload["mtrtrace.mmdb"] = nil
  check.equal(db, nil)
  check.contains(err, "install libmaxminddb")
end)

for name, value in pairs { text = "3301", negative = -1, fraction = 1.5,
  zero = 0 } do
  check.case("database_with_a_number_that_is_" .. name, function()
    check.equal(database.origins(says(value, 16), "f")("62.20.1.1").origins,
      {})
  end)
end

check.case("places_out_of_range_are_left_out", function()
  check.equal(database.places(says(1e9))("62.20.1.1"), nil)
  check.equal(database.places(says(0 / 0))("62.20.1.1"), nil)
  check.equal(database.places(says("\27\7"))("62.20.1.1"), nil)
end)

check.finish()
