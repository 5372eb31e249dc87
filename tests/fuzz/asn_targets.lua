-- SPDX-License-Identifier: BSD-2-Clause
--- What registries may send, as targets of the fuzzer: each dialogue from its
-- bytes to the facts that are shown. Nothing raises, what would be shown is
-- printable and bounded, and it does not matter in which pieces bytes come.
-- @module fuzz.asn_targets
local check = require "check"
local clean = require "mtrtrace.asn.clean"
local cymru = require "mtrtrace.asn.cymru"
local merge = require "mtrtrace.asn.merge"
local prefix = require "mtrtrace.asn.prefix"
local rpsl = require "mtrtrace.asn.rpsl"
local source = require "mtrtrace.asn.source"
local sources = require "mtrtrace.asn.sources"
local speaker = require "mtrtrace.asn.speaker"
local special = require "mtrtrace.base.special"
local unicode = require "mtrtrace.base.unicode"

local V4, V6 = special.bytes "192.0.2.7", special.bytes "2600::7"
local OTHER = special.bytes "198.51.100.9"
local LONGEST_SHOWN = 1000

-- ---- properties -----------------------------------------------------------

local function printable(value)
  if type(value) == "table" then
    for _, item in pairs(value) do
      printable(item)
    end
  elseif type(value) == "string" then
    -- UTF-8 without control, invisible and bidirectional characters.
    check.equal(#value <= LONGEST_SHOWN and utf8.len(value) ~= nil
      and not value:find("[%z\1-\31\127]") and unicode.clean(value) == value,
      true, value:sub(1, 300))
  end
end

-- Pieces of a text: by halves, and at places that depend on its bytes.
local function halves(text)
  return { text:sub(1, #text // 2), text:sub(#text // 2 + 1) }
end

local function scattered(text)
  local pieces, at, x = {}, 1, #text * 7919 + 1
  while at <= #text do
    x = (x * 1103515245 + (text:byte(at)) + 12345) & 0x7fffffff
    local length = (x >> 8) % 40 + 1
    pieces[#pieces + 1] = text:sub(at, at + length - 1)
    at = at + length
  end
  return pieces
end

local MOST_SINGLES = 300

local function singles(text)
  local pieces = {}
  for i = 1, math.min(#text, MOST_SINGLES) do
    pieces[i] = text:sub(i, i)
  end
  pieces[#pieces + 1] = text:sub(#pieces + 1)
  return pieces
end

-- A whole dialogue: what is shown in the end, and what was wrong.
local function dialogue(name, pieces)
  local store = {}
  local row = { name = name, most = 100,
    protocol = sources.get(name).protocol }
  local one = source.new(store, row, { { host = "server.test", port = 43 } })
  local talk, err = speaker.new(one, "1.0"), nil
  talk:hello()
  for _, bytes in ipairs { V4, V6, OTHER } do
    one:want(bytes)
  end
  local query = one:take()
  while query and talk:room() > 0 do
    talk:encode(query)
    query = one:take()
  end
  if name == "irr" then -- asked before any answer, whatever the pieces
    talk:encode { key = "AS7", asn = 7 }
  end
  for _, piece in ipairs(pieces) do
    err = err or talk:feed(piece)
  end
  err = err or talk:closed()
  local shown = { err = err, refused = talk.refused }
  for i, bytes in ipairs { V4, V6, OTHER } do
    shown[i] = merge.facts({ one:get(bytes) }, store.holders)
  end
  return shown
end

local function speaks(name)
  local target = {}
  function target.run(data)
    local whole = dialogue(name, { data })
    printable(whole)
    return whole
  end
  function target.check(data, whole)
    local want = check.show(whole)
    for _, cut in ipairs { halves, scattered, singles } do
      check.equal(check.show(dialogue(name, cut(data))), want, "in pieces")
    end
  end
  return target
end

local function lines_of(data)
  local out = {}
  for line in (data .. "\n"):gmatch("([^\n]*)\n") do
    out[#out + 1] = line
  end
  return out
end

local function fits(origins, bytes)
  for _, origin in ipairs(origins or {}) do
    check.equal(prefix.contains(origin.prefix, bytes), true)
    check.equal(origin.asn > 0 and origin.asn <= 4294967295, true)
  end
end

local function texts_run(data)
  local texts = lines_of(data)
  for _, bytes in ipairs { V4, V6 } do
    local origins, err = cymru.origins(texts, bytes)
    printable { err or "" }
    fits(origins, bytes)
    printable(merge.facts({ { source = "cymru-dns",
      origins = origins or {} } }, {}))
  end
  printable(cymru.holder(texts, 7) or {})
end

local function rpsl_run(data)
  for _, bytes in ipairs { V4, V6 } do
    fits(rpsl.origins(data, bytes), bytes)
  end
  printable(rpsl.holder(data, 7) or {})
end

local function clean_run(data)
  local text, trimmed = clean.text(data), clean.trim(data)
  printable { text or "" }
  check.equal(text == nil or #text <= 200 and text ~= "", true)
  check.equal(text and clean.text(text), text)
  check.equal(clean.trim(trimmed), trimmed)
  check.equal(trimmed:find("^%s") or trimmed:find("%s$"), nil)
end

-- Three sources about one address, each in its language.
local function merge_run(data)
  local irr, bulk, dns = data:match("^([^\f]*)\f?([^\f]*)\f?(.*)$")
  local origins = {}
  for _, line in ipairs(lines_of(bulk)) do
    local bytes, more = cymru.line(line)
    table.move(bytes == V4 and more or {}, 1, more and #more or 0,
      #origins + 1, origins)
  end
  local answers = {
    { source = "irr", server = "irr.test", origins = rpsl.origins(irr, V4),
      holders = { [7] = rpsl.holder(irr, 7) } },
    { source = "cymru", server = "bulk.test", origins = origins },
    { source = "cymru-dns", server = "dns.test",
      origins = cymru.origins(lines_of(dns), V4) or {} },
  }
  local facts = merge.facts(answers, {})
  printable(facts)
  check.equal((facts.asn == nil), facts.origins == nil)
  check.equal(#(facts.origins or {}) <= 3 * LONGEST_SHOWN, true)
end

-- ---- seeds ----------------------------------------------------------------

local ROUTES = "route:   192.0.2.0/24\norigin:  AS7\nsource:  RADB\n"
  .. "rpki-ov-state: valid # x\n\nroute6: 2600::/16\ndescr: two\n lines\n"
  .. "+ here\norigin: AS1.10\nsource: RIPE\n\n"
local HOLDER = "aut-num: AS7\nas-name: SEVEN\ndescr: Seven Ltd\n"
  .. "org: ORG-7\nsource: RIPE\n"

local function reply(text)
  return ("A%d\n%sC\n"):format(#text, text)
end

local IRR = "C\nC\n" .. reply(ROUTES) .. reply(ROUTES) .. "D\n"
  .. reply(HOLDER) .. "D\n"
local BULK = "Bulk mode; test [2026]\n"
  .. "7  | 192.0.2.7 | 192.0.2.0/24 | US | arin | 1998-01-01 | SEVEN, US\n"
  .. "8 9 | 2600::7 | 2600::/16 | GB | ripencc | | A | B, GB\r\n"
  .. "NA | 198.51.100.9 | NA | | | | NA\n"
local TEXTS = "7 8 | 192.0.2.0/24 | US | arin | 1998-01-01\n"
  .. "7 | 192.0.0.0/16 | US\n9 | 2600::/16 | GB | ripencc |\n"
  .. "7 | US | arin | 2002-01-04 | SEVEN, US"
local RIPE = "% a head\n\n" .. ROUTES .. "% a tail\n\n\n"

local WORDS = { "\n", "\r\n", "\n\n", "|", " | ", "NA", "C\n", "D\n", "E\n",
  "F no\n", "A0\n", "A10\n", "/24", "/0", "/33", "::", ":", "route:",
  "route6:", "origin:", "AS7", "AS", "source:", "aut-num: AS7\n", "descr:",
  "#", "%", "%ERROR:101:", "%ERROR:201: no\n", "192.0.2.0/24", "192.0.2.7",
  "2600::/16", "\27[2J", "\0", "\255", "\f", (" "):rep(64), ("9"):rep(12),
  ("x"):rep(600), "rpki-ov-state: valid\n" }

local function target(name, seeds, run)
  return { name = name, seeds = seeds, words = WORDS, run = run }
end

local function dialogue_target(name, seeds, which)
  local out, spoken = target(name, seeds), speaks(which)
  out.run, out.check = spoken.run, spoken.check
  return out
end

--- The targets, as fuzz.fuzzer takes them, each with a `name`.
return {
  dialogue_target("irrd", { IRR, "C\nC\n",
    "C\r\nC\r\nA2\nx\nC\r\nF \27[2Jno\7\nE\n" }, "irr"),
  dialogue_target("cymru_bulk", { BULK, "Error: no\n" }, "cymru"),
  dialogue_target("ripe", { RIPE, "%ERROR:101: none\n%\n\n\n",
    "%ERROR:201: no\27[2J\7\n\n\n" }, "ripe"),
  target("cymru_dns", { TEXTS, "" }, texts_run),
  target("rpsl", { ROUTES, HOLDER, ROUTES .. "\n" .. HOLDER }, rpsl_run),
  target("clean", { " a\tb\27[2J \195\182 ", "", ("x "):rep(300) },
    clean_run),
  target("merge", { ROUTES .. HOLDER .. "\f" .. BULK .. "\f" .. TEXTS,
    "\f" .. BULK, "\f\f" .. TEXTS }, merge_run),
}
