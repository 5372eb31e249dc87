-- SPDX-License-Identifier: BSD-2-Clause
-- show.lua FILE [--host ADDRESS] WHAT...: one thing out of Nmap's XML, for
-- shell tests.
--   text            what mtr-trace printed
--   get KEY...      its values, on one line; - where there is none
--   ttfb KEY...     values of the time to first byte, in the same way
--   hops KEY...     a line for each hop: its number, then these values of the
--                   hop or else of its first responder
--   ports KEY...    a line for each traced port: its values
--   sum KEY         of a value over all hops
--   codes           a line for each ICMP code: hop, address, type/code, name
--   notes           a line each
--   of SCRIPT       what another script printed
local nmapxml = require "nmapxml"

local SHOW = {}

function SHOW.text(trace)
  print(trace.text)
end

function SHOW.get(trace, keys)
  local values = {}
  for i, key in ipairs(keys) do
    values[i] = trace.data[key] or "-"
  end
  print(table.concat(values, " "))
end

function SHOW.ttfb(trace, keys)
  SHOW.get({ data = trace.data.ttfb or {} }, keys)
end

local function value(hop, key)
  local main = hop.responders[1] or {}
  return hop[key] or main[key] or "-"
end

function SHOW.hops(trace, keys)
  for _, hop in ipairs(trace.data.hops or {}) do
    local values = { hop.hop }
    for _, key in ipairs(keys) do
      values[#values + 1] = value(hop, key)
    end
    print(table.concat(values, " "))
  end
end

function SHOW.ports(trace, keys)
  for _, port in ipairs(trace.data.ports or {}) do
    SHOW.get({ data = port }, keys)
  end
end

function SHOW.sum(trace, keys)
  local sum = 0
  for _, hop in ipairs(trace.data.hops or {}) do
    sum = sum + (tonumber(value(hop, keys[1])) or 0)
  end
  print(("%.0f"):format(sum))
end

function SHOW.codes(trace)
  for _, hop in ipairs(trace.data.hops or {}) do
    for _, responder in ipairs(hop.responders) do
      for _, code in ipairs(responder.codes or {}) do
        print(hop.hop, responder.ip, ("%s/%s"):format(code.type or "-",
          code.code or "-"), code.name)
      end
    end
  end
end

function SHOW.notes(trace)
  for _, note in ipairs(trace.data.notes or {}) do
    print(note)
  end
end

local words = { table.unpack(arg, 2) }
local address
if words[1] == "--host" then
  address = words[2]
  words = { table.unpack(words, 3) }
end

local function show()
  local run = nmapxml.read(arg[1])
  if words[1] == "of" then
    local host = run.hosts[1] or { scripts = {} }
    local script = host.scripts[words[2]] or run.scripts[words[2]]
    print(script and script.text or "-")
  else
    SHOW[words[1]](nmapxml.trace(run, address), { table.unpack(words, 2) })
  end
end

local ok, err = pcall(show)
if not ok then
  print(err)
end
