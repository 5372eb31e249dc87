-- SPDX-License-Identifier: BSD-2-Clause

--- The time to first byte in one line, or the reason for its absence. Pure:
-- the table of mtrtrace.web.ttfb in, text out.
-- @module mtrtrace.web.line
local format = require "mtrtrace.base.format"
local unicode = require "mtrtrace.base.unicode"

local M = {}

local short = format.short_ms

local PHASE = {
  connecting = "connecting", tls = "in TLS",
  waiting = "waiting for first byte", header = "in the response header",
}

local MISS = {
  refused = "refused", closed_port = "closed", unreachable = "unreachable",
  timeout = "timed out", connect = "not connected", tls = "no TLS",
}

-- ---- failures --------------------------------------------------------------

local function seconds(value)
  return format.decimal(value) .. " s"
end

-- The time until a timeout. Near the limit it is the limit itself, as timers
-- fire a little early or late.
local NEAR_S = 0.1

local function passed(t)
  local elapsed_s = t.elapsed_s or t.timeout
  if elapsed_s > t.timeout - NEAR_S then
    return seconds(t.timeout)
  end
  return seconds(tonumber(("%.1f"):format(elapsed_s)))
end

local FAILURES = {
  refused = function() return "could not connect (refused)" end,
  unreachable = function() return "could not connect (unreachable)" end,
  connect = function(t)
    return ("could not connect (%s)"):format(t.reason)
  end,
  timeout = function(t)
    return ("timed out %s after %s"):format(PHASE[t.phase] or "", passed(t))
  end,
  -- Unverified: an earlier handshake got a certificate, so there is TLS.
  tls = function(t)
    return t.unverified and "request repeated, its TLS handshake failed"
      or ("no TLS on %d"):format(t.port)
  end,
  http = function(t) return ("no HTTP on %d"):format(t.port) end,
  closed = function()
    return "connection closed before a response"
  end,
  header = function() return "response header is over 64 KiB" end,
}
FAILURES["local"] = function(t)
  return ("not measured (%s)"):format(t.reason)
end
FAILURES.certificate, FAILURES.no_ca = FAILURES["local"], FAILURES["local"]

-- ---- the figures -----------------------------------------------------------

local function phases(t)
  local parts = {}
  for _, part in ipairs { { "TCP", t.tcp_ms }, { "TLS", t.tls_ms },
    { "wait", t.wait_ms } } do
    parts[#parts + 1] = part[2] and part[1] .. " " .. short(part[2])
  end
  return #parts > 0 and table.concat(parts, " + ") or nil
end

local PORT = { http = 80, https = 443 }

local function service(t)
  return t.port == PORT[t.scheme] and t.scheme
    or ("%s on %d"):format(t.scheme, t.port)
end

local function answer(t)
  if not t.status then
    return nil
  end
  local location = t.location
    and " to " .. unicode.cut_bytes(t.location, 200) or ""
  return ("%s %d%s"):format(t.protocol or "HTTP", t.status, location)
end

local function server_time(t)
  if (t.retransmissions or 0) > 0 then
    return t.retransmissions == 1 and "1 TCP retransmission"
      or ("%d TCP retransmissions"):format(t.retransmissions)
  end
  return t.server_time_ms
    and "server processing time " .. short(t.server_time_ms)
    or t.too_short and "server processing time too short to tell" or nil
end

local STATUS = { [100] = "Continue", [101] = "Switching Protocols",
  [102] = "Processing", [103] = "Early Hints" }

-- The interim response (1xx), if any.
local function interim(t)
  if not t.interim_status then
    return nil
  end
  local name = STATUS[t.interim_status]
  return ("%d%s after %s"):format(t.interim_status, name and " " .. name
    or "", short(t.interim_ms or 0))
end

local function look_up(t)
  return t.dns_ms and ("DNS %s before"):format(short(t.dns_ms))
end

local function join(separator, ...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[#parts + 1] = select(i, ...) or nil
  end
  return table.concat(parts, separator)
end

local function details(t)
  return ("  (%s)"):format(join("; ", join(", ", service(t), answer(t)),
    phases(t), interim(t), server_time(t), look_up(t)))
end

local function how_many(t)
  if t.count == t.asked then
    return tostring(t.count)
  end
  local why = t.failure and "; then " .. FAILURES[t.failure](t) or ""
  return ("%d (%d requested%s)"):format(t.count, t.asked, why)
end

local function figure(t)
  if t.asked == 1 then
    return format.kinds.ms.text(t.ttfb_ms) .. " ms"
  end
  local ms = format.kinds.ms.text
  return ("%s / %s / %s ms min / median / max of %s"):format(ms(t.min_ms),
    ms(t.median_ms), ms(t.max_ms), how_many(t))
end

local function distrust(t)
  return ("certificate not trusted (%s)"):format(t.certificate)
end

local function measured(t)
  if not t.unverified then
    return figure(t) .. details(t)
  end
  local value = t.asked == 1 and short(t.ttfb_ms) .. " ms" or figure(t)
  return ("%s; TTFB %s over an unverified connection%s"):format(distrust(t),
    value, details(t))
end

-- ---- without a figure ------------------------------------------------------

local function closed_ports(misses)
  local ports = {}
  for i, miss in ipairs(misses) do
    ports[i] = tostring(miss.port)
  end
  return (#ports == 1 and "port %s is closed" or "ports %s are closed")
    :format(table.concat(ports, " and "))
end

local function skipped(t)
  local miss, other = t.misses[1], t.misses[2]
  if miss and miss.failure ~= "closed_port" then
    return ("no TLS on %d and no service on %d"):format(miss.port,
      other.port)
  end
  return ("not measured (%s)"):format(t.reason or closed_ports(t.misses))
end

-- The phases that an unfinished request has completed.
local function so_far(t)
  local text = join("; ", phases(t), interim(t))
  return text ~= "" and text or nil
end

local function unfinished(t)
  local text = "not finished (" .. (PHASE[t.phase] or "not started") .. ")"
  local sofar = so_far(t)
  if t.unverified then
    text = distrust(t) .. "; " .. text
  end
  return sofar and ("%s  (%s; %s)"):format(text, service(t), sofar) or text
end

local NO_SERVICE = { refused = true, unreachable = true, connect = true }

local function no_service(t)
  return NO_SERVICE[t.failure]
    or t.failure == "timeout" and t.phase == "connecting"
end

-- Text for two failed schemes; the reason is left out if both were refused.
local function no_service_text(t, miss)
  local text = ("no TLS on %d and no service on %d"):format(miss.port,
    t.port)
  local first, second = MISS[miss.failure], MISS[t.failure]
  if first == second then
    return first == "refused" and text or ("%s (%s)"):format(text, first)
  end
  return ("%s (%d %s, %d %s)"):format(text, miss.port, first, t.port, second)
end

local function failed(t)
  local miss = t.misses[1]
  if miss and no_service(t) then
    return no_service_text(t, miss)
  end
  local text = FAILURES[t.failure](t)
  if miss then
    text = ("no TLS on %d; on %d: %s"):format(miss.port, t.port, text)
  end
  if t.unverified then
    text = distrust(t) .. "; " .. text
  end
  local sofar = t.failure ~= "local" and so_far(t)
  return sofar and ("%s  (%s; %s)"):format(text, service(t), sofar) or text
end

local OUTCOMES = {
  measured = measured, unfinished = unfinished, failed = failed,
  skipped = skipped,
}

--- Renders the time to first byte.
-- @tparam ?table ttfb as mtrtrace.web.ttfb returns it; nil if it was not
--   measured
-- @treturn string without "TTFB: " in front, safe to print
function M.render(ttfb)
  return ttfb and format.clean(OUTCOMES[ttfb.outcome](ttfb)) or "-"
end

return M
