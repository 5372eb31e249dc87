-- SPDX-License-Identifier: BSD-2-Clause
-- When the command asks web servers, and what it tells of the target.
local check = require "check"
local options = require "mtrtrace.cli.options"
local run = require "mtrtrace.cli.run"

-- The names and look-up times of the web enrichers of a run over so many
-- targets; each look-up takes 2 ms.
local function asked(count, shows, found)
  local clock, names, list = 0, {}, {}
  for i = 1, count do
    names[i] = i == 1 and "192.0.2.1" or "host" .. i
  end
  found.asn, found.names, found.os = "off", "no", "off"
  local host = {
    now = function() return clock end,
    spawn = function(body) body() end,
    resolve = function(name)
      clock = clock + 0.002
      return { name:find "^%d" and name or "192.0.2.2" }
    end,
  }
  run.new({ host = host, core = { version = "1" }, targets = names,
    options = assert(options.check(found)),
    readers = { {}, { shows_web = shows } },
    trace = function(_, _, _, beside)
      for _, enricher in ipairs(beside) do
        list[#list + 1] = enricher.settings
      end
      return { reached = true }
    end }):start()
  return list
end

local ROWS = {
  { name = "by_default", count = 2, shows = true, want = 2 },
  { name = "sixteen_targets", count = 16, shows = true, want = 16 },
  { name = "not_of_seventeen_targets", count = 17, shows = true, want = 0 },
  { name = "of_seventeen_on_request", count = 17, shows = true, want = 17,
    http = "on" },
  { name = "not_where_it_is_off", count = 1, shows = true, want = 0,
    http = "off" },
  { name = "not_where_nobody_shows_it", count = 1, want = 0, http = "on" },
}

for _, row in ipairs(ROWS) do
  check.case(row.name, function()
    check.equal(#asked(row.count, row.shows, { http = row.http }), row.want)
  end)
end

check.case("only_names_have_a_look_up", function()
  local list = asked(2, true, {})
  check.equal({ list[1].address, list[1].name == nil,
    list[1].dns_ms == nil }, { "192.0.2.1", true, true })
  check.equal({ list[2].address, list[2].name }, { "192.0.2.2", "host2" })
  check.equal(("%.3f"):format(list[2].dns_ms), "2.000")
end)

check.finish()
