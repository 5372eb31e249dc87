-- SPDX-License-Identifier: BSD-2-Clause
-- The table of sources: its rows are complete, and every page that names the
-- sources names all of them, and the hosts that get a user's addresses.
local args = require "mtrtrace.options.args"
local check = require "check"
local enrichers = require "mtrtrace.session.enrichers"
local options = require "mtrtrace.cli.options"
local sources = require "mtrtrace.asn.sources"
local speaker = require "mtrtrace.asn.speaker"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- The text of a page without line breaks and comment signs.
local function flat(text)
  return (text:gsub("\n%-*%s*", " "))
end

-- Reports the missing text; the page itself is too long for a message.
local function has(text, word, page)
  check.equal(text:find(word, 1, true) ~= nil, true, page .. ": " .. word)
end

local SCRIPT = read "nse/mtr-trace.nse"
local CHAPTER = read "nse/doc/asn-sources.md"

local function thousands(number)
  return (tostring(number):gsub("(%d)(%d%d%d)$", "%1,%2"))
end

local function documented(argument)
  local text = SCRIPT:match("@args mtr%-trace%."
    .. argument:gsub("%-", "%%-") .. " (.-)\n%-%- @")
  return text and flat("\n" .. text) or ""
end

check.case("protocols_are_spoken", function()
  for _, row in ipairs(sources.all()) do
    local known = row.protocol == "file" or sources.over_dns(row.name)
      or speaker.speaks(row.protocol)
    check.equal(known, true, row.name)
    check.equal(row.servers ~= nil, row.protocol ~= "file", row.name)
    check.equal(row.servers ~= nil, row.most ~= nil, row.name)
  end
end)

check.case("sources_refer_to_sources_and_arguments", function()
  for _, row in ipairs(sources.all()) do
    for _, key in ipairs { "stand_in", "last_resort_of" } do
      check.equal(not row[key] or sources.get(row[key]) ~= nil, true,
        row.name .. "." .. key)
    end
    for _, key in ipairs { "argument", "needs" } do
      check.equal(not row[key] or args.get(row[key]) ~= nil, true,
        row.name .. "." .. key)
    end
  end
end)

check.case("a_source_is_an_option_of_both_programs", function()
  local words = table.concat(args.get("asn").words, " ") .. " "
  for _, row in ipairs(sources.all()) do
    check.contains(words, row.name .. " ")
    if row.argument then
      check.contains(options.get(row.argument).about, row.servers[1].host)
      check.equal(options.get(row.argument).arg, row.argument)
    end
  end
end)

check.case("default_order_asks_a_users_database_alone", function()
  check.equal(sources.default_order {}, { "irr", "cymru" })
  check.equal(sources.default_order { asn_db = "x" }, { "db" })
end)

check.case("a_users_server_replaces_those_of_its_source", function()
  local servers = sources.servers { cymru_server = { host = "a", port = 9 } }
  check.equal(servers.cymru, { { host = "a", port = 9, named = true } })
  check.equal(servers.irr, sources.get("irr").servers)
  check.equal(servers.db, nil)
end)

check.case("dns_sources_need_a_resolver", function()
  local host = { no_txt = "no resolver" }
  for _, name in ipairs(sources.names(function(row)
    return sources.over_dns(row.name)
  end)) do
    check.equal({ enrichers.new(host, { asn = { name } },
      { core = { version = "1" }, store = {} }, {}) },
      { nil, "no resolver", "asn" })
  end
end)

check.case("nsedoc_lists_the_sources", function()
  local text = documented "asn"
  for _, row in ipairs(sources.all()) do
    has(text, "<code>" .. row.name .. "</code>", "@args")
  end
  has(text, "<code>{" .. table.concat(sources.default_order {}, ",")
    .. "}</code>", "@args")
end)

check.case("nsedoc_names_the_servers_that_get_addresses", function()
  local about = flat(SCRIPT:match "description = (%[%[.-%]%])")
  for _, row in ipairs(sources.all()) do
    local own = row.argument and documented(row.argument)
    for _, host in ipairs(row.argument and sources.hosts(row) or {}) do
      has(about, host, "description")
      has(own, "<code>" .. host .. "</code>", "@args")
    end
  end
end)

check.case("the_chapter_has_a_line_for_each", function()
  for _, row in ipairs(sources.all()) do
    local line = CHAPTER:match("\n(| `" .. row.name:gsub("%-", "%%-")
      .. "` |[^\n]*)") or ""
    for _, host in ipairs(sources.hosts(row)) do
      has(line, host, row.name)
    end
    has(line, row.protocol == "file" and "none" or row.protocol, row.name)
    has(line, row.most and thousands(row.most) or "none", row.name)
    check.equal(line:find "together with" ~= nil, row.together == true,
      row.name)
  end
end)

check.case("the_readme_names_the_servers_that_get_addresses", function()
  local text = read "README.md"
  for _, row in ipairs(sources.all()) do
    for _, host in ipairs(row.argument and sources.hosts(row) or {}) do
      has(text, host, "README.md")
    end
  end
end)

check.finish()
