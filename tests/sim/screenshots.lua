-- SPDX-License-Identifier: BSD-2-Clause
-- screenshots.lua FOLDER: the picture of the live screen (screen.svg) and the
-- HTML page (page.html) of the manual, from one simulated trace; the same
-- bytes in every run. tests/screenshots calls it.
local actions = require "mtrtrace.screen.actions"
local core = require "mtrtrace.core"
local draw = require "mtrtrace.screen.draw"
local driver = require "sim.driver"
local fields = require "mtrtrace.table.fields"
local glyphs = require "mtrtrace.screen.glyphs"
local html = require "mtrtrace.report.html"
local palette = require "mtrtrace.screen.palette"
local state = require "mtrtrace.screen.state"
local tracer = require "mtrtrace.session.tracer"
local world = require "sim.world"

local FOLDER = assert(arg[1], "a folder is expected")
local NAME, SEED, COLUMNS, LINES = "www.example.com", 7, 118, 20
local STARTED_NS = 1795274108541135313

-- Addresses and AS numbers for documentation (RFC 5737, RFC 5398).
local HOPS = {
  { "192.168.1.1", 0.4, rate_limit = "linux4", os = "Linux-based" },
  { "198.51.100.1", 3.1, rate_limit = "linux4", asn = "AS64496",
    organization = "Example Access", os = "Linux-based" },
  { "198.51.100.9", 1.2, asn = "AS64496", organization = "Example Access",
    os = "Junos" },
  { "198.51.100.33", 2.0, asn = "AS64496", organization = "Example Access",
    os = "Cisco IOS XR" },
  { "192.0.2.17", 7.5, loss = 0.05, asn = "AS64500",
    organization = "Example Transit", os = "Junos" },
  { "192.0.2.45", 1.1, answers = 0.6, asn = "AS64500",
    organization = "Example Transit", os = "Nokia SR OS" },
  { "203.0.113.2", 2.4, asn = "AS64511", organization = "Example Hosting",
    os = "Linux-based" },
  { "203.0.113.80", 0.2, host = true, asn = "AS64511",
    organization = "Example Hosting", os = "Linux-based", doubtful = true },
}

local function network()
  local nodes, path, known = {}, {}, {}
  for i, hop in ipairs(HOPS) do
    local name = "n" .. i
    path[i], known[hop[1]] = name, hop
    nodes[name] = { address = hop[1], rate_limit = hop.rate_limit,
      host = hop.host, answers = hop.answers,
      link = { loss = hop.loss, delay_ms = {
        base_ms = hop[2], jitter_ms = 0.3, shape = "exponential" } } }
  end
  return world.check { prober = "192.168.1.10", target = HOPS[#HOPS][1],
    nodes = nodes, path = path }, known
end

local function enrich(result, known)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local facts = known[responder.address]
      responder.asn, responder.organization = facts.asn, facts.organization
      responder.os = { label = facts.os, doubtful = facts.doubtful,
        confidence = "high", candidates = {}, conflicts = {}, evidence = {} }
    end
  end
  return result
end

local function write(name, text)
  local file = assert(io.open(FOLDER .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

-- ---- the live screen as SVG -----------------------------------------------

local CELL_WIDTH, CELL_HEIGHT, EDGE = 7.2, 15, 10

-- The terminal's 256 colours that the palette uses, and its attributes.
local COLOURS = { ["75"] = "#5fafff", ["245"] = "#8a8a8a", ["71"] = "#5faf5f",
  ["179"] = "#d7af5f", ["203"] = "#ff5f5f", ["73"] = "#5fafaf" }

local function class_rules(styles)
  local rules = {}
  for name, sgr in pairs(styles) do
    local rule = {}
    rule[1] = sgr:find "^1" and "font-weight:bold" or nil
    local colour = COLOURS[sgr:match "38;5;(%d+)"]
    rule[#rule + 1] = colour and "fill:" .. colour or nil
    if #rule > 0 then
      rules[#rules + 1] = (".%s{%s}"):format(name, table.concat(rule, ";"))
    end
  end
  table.sort(rules)
  return table.concat(rules)
end

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;",
    [">"] = "&gt;" }))
end

-- A text for each run of cells of one style that is not blank.
local function row_of(canvas, y)
  local parts, base, x = {}, (y - 1) * canvas.width, 1
  while x <= canvas.width do
    local style, last, text = canvas.styles[base + x], x, {}
    while last <= canvas.width and canvas.styles[base + last] == style do
      text[#text + 1] = canvas.chars[base + last]
      last = last + 1
    end
    local run = table.concat(text):gsub(" +$", "")
    local blanks = #run:match "^ *"
    if run ~= "" and blanks < #run then
      local shown = run:sub(blanks + 1)
      parts[#parts + 1] = ('<text x="%.1f" y="%d" textLength="%.1f"%s>%s'
        .. "</text>"):format(EDGE + (x - 1 + blanks) * CELL_WIDTH,
        EDGE + y * CELL_HEIGHT - 4, utf8.len(shown) * CELL_WIDTH,
        style ~= "" and ' class="' .. style .. '"' or "", escape(shown))
    end
    x = last
  end
  return table.concat(parts, "\n")
end

local function svg(canvas)
  local width = canvas.width * CELL_WIDTH + 2 * EDGE
  local height = canvas.height * CELL_HEIGHT + 2 * EDGE
  local parts = { ('<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" '
    .. 'height="%d" viewBox="0 0 %.0f %d">'):format(width, height, width,
    height), "<style>text{font:12px monospace;fill:#d0d0d0;"
    .. "white-space:pre}" .. class_rules(palette.of(256)) .. "</style>",
    '<rect width="100%" height="100%" rx="6" fill="#121212"/>' }
  for y = 1, canvas.height do
    local row = row_of(canvas, y)
    parts[#parts + 1] = row ~= "" and row or nil
  end
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts, "\n")
end

local function screen(result, stream, known)
  local shown = state.new { targets = { NAME }, max_silent = 5,
    columns = { "hop", "host", "loss", "sent", "received", "last", "avg",
      "best", "worst", "stdev", "asn", "os" },
    interval = 0.2, new_counter = core.replay, version = core.version,
    mode = state.MODES[1], options = { protocol = "icmp" },
    glyphs = glyphs.utf8 }
  local trace = { index = 1, name = NAME, target = result.target,
    head = result, options = { max_hops = 30, max_silent = 5 } }
  local tab = shown:tab_of(trace)
  tab:start(trace)
  tab:events(stream)
  shown:refresh()
  enrich(tab.result, known)
  tracer.enrich(tab.result)
  actions.press(shown, "end")
  return draw.draw(shown, COLUMNS, LINES)
end

-- ---- both -----------------------------------------------------------------

local net, known = network()
local result, t = driver.trace(net, { packets = 100, interval = 0.2,
  events = true }, { seed = SEED, limit_s = 600 })
result.started_ns = STARTED_NS
result.interface, result.mtu = "eth0", 1500
write("screen.svg", svg(screen(result, t.stream, known)))

tracer.enrich(enrich(result, known))
local view = { columns = fields.default_names(), max_silent = 5,
  version = core.version, targets = 1, seen = {}, name = NAME }
write("page.html", html.trace(result, view)
  .. (type(html.tail) == "function" and html.tail(view) or html.tail or ""))
