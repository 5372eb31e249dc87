-- SPDX-License-Identifier: BSD-2-Clause

--- The time to first byte of the target's web server, an enricher of
-- mtrtrace.session.tracer. Requests run in threads of mtrtrace.http; this
-- module starts them one after the other, polls them and never yields. It
-- tries https first, then http if there is no TLS service. After a failed
-- verification of the certificate it measures again without verification, and
-- the output says so.
--
-- The module mtrtrace.http is { start = function(options) -> request or nil,
-- text, name }; a request is { done(), result(), close() }.
-- @module mtrtrace.web.ttfb
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Timeout for the TCP connection if another scheme can still be tried.
local CONNECT_S = 3

-- Failures after which the next scheme is tried.
local NO_SERVICE = {
  refused = true, unreachable = true, connect = true, tls = true,
  closed_port = true,
}

local NOT_TRUSTED = { certificate = true, no_ca = true }

-- OpenSSL's X509_V_ERR codes.
local VERDICTS = {
  [2] = "issuer not known", [9] = "not yet valid", [10] = "expired",
  [18] = "self-signed", [19] = "self-signed issuer",
  [20] = "issuer not known", [21] = "issuer not known", [23] = "revoked",
}

local Ttfb = {}
Ttfb.__index = Ttfb

-- ---- the request -----------------------------------------------------------

local function bare(address)
  return (address:gsub("%%.*", ""))
end

local function bracketed(address)
  return address:find(":", 1, true) and "[" .. address .. "]" or address
end

-- The name the user typed, or the address: never a reverse name.
local function host_of(settings)
  local name = settings.name and settings.name:gsub("%.$", "")
  if name and name:find("^[%w][%w._-]*$") then
    return name
  end
  return bracketed(bare(settings.address))
end

local DEFAULT_PORT = { http = 80, https = 443 }

local function try_of(scheme, host, port, path)
  local shown = port ~= DEFAULT_PORT[scheme] and ":" .. port or ""
  return {
    scheme = scheme, port = port, host = host,
    url = ("%s://%s%s%s"):format(scheme, host, shown, path),
  }
end

-- The schemes in the order in which they are tried.
local function tries_of(settings)
  local url = settings.url or { path = "/" }
  if url.scheme then
    return { try_of(url.scheme, url.host, url.port, url.path) }
  end
  local host = host_of(settings)
  return { try_of("https", host, 443, url.path),
    try_of("http", host, 80, url.path) }
end

-- ---- one request after the other -------------------------------------------

local function give_up(self, failure)
  self.failed, self.over = failure, true
end

-- Continues with the next scheme.
local function try_next(self, failure)
  local try = self.tries[self.at]
  self.misses[#self.misses + 1] = {
    scheme = try.scheme, port = try.port, failure = failure,
  }
  self.at, self.http11 = self.at + 1, false
end

local function skip_closed(self)
  local closed = self.settings.closed or function() end
  while self.tries[self.at] and closed(self.tries[self.at].port) do
    try_next(self, "closed_port")
  end
  if not self.tries[self.at] then
    self.over = true
  end
end

local function verdict_of(report, try)
  if report.failure == "no_ca" then
    return "no CA certificates to verify it with"
  end
  local text = unicode.clean(report.text or "")
  if not VERDICTS[report.verify] and text:find("subject name", 1, true) then
    return "not for " .. try.host
  end
  return VERDICTS[report.verify] or text
end

local function no_service(report)
  return NO_SERVICE[report.failure]
    or report.failure == "timeout" and report.phase == "connecting"
end

local function take(self, report)
  local try = self.tries[self.at]
  if not report.failure then
    self.samples[#self.samples + 1] = report
    self.over = #self.samples >= self.settings.count
  elseif NOT_TRUSTED[report.failure] and not self.untrusted then
    self.untrusted = verdict_of(report, try)
  elseif report.failure == "http11" and not self.http11 then
    self.http11 = true
  elseif no_service(report) and self.tries[self.at + 1]
    and #self.samples == 0 and not self.untrusted then
    try_next(self, report.failure)
    skip_closed(self)
  else
    give_up(self, report)
  end
end

local function start(self)
  local settings, try = self.settings, self.tries[self.at]
  local connect_timeout = self.tries[self.at + 1]
    and math.min(CONNECT_S, settings.timeout / 2) or settings.timeout
  local request, text, name = self.http.start {
    url = try.url, port = try.port, address = settings.address,
    interface = settings.interface, source = settings.source,
    timeout = settings.timeout, connect_timeout = connect_timeout,
    head = settings.method == "HEAD", agent = settings.agent,
    http11 = self.http11,
    unverified = self.untrusted ~= nil,
    ca_file = settings.ca_file, ca_dir = settings.ca_dir,
  }
  self.request = request
  if not request and name ~= "BUSY" then
    give_up(self, { failure = "local", phase = "connecting", text = text })
  end
end

-- ---- the enricher ---------------------------------------------------------

--- Advances the measurement; to be called every 0.1 s or so.
-- @treturn integer 1 while a request is outstanding, else 0
function Ttfb:poll()
  if self.request and self.request:done() then
    local report = self.request:result()
    self.request:close()
    self.request = nil
    take(self, report)
  end
  if not self.over and not self.request then
    start(self)
  end
  return self.over and 0 or 1
end

--- Stops waiting and keeps the phases that were measured so far.
function Ttfb:leave()
  if self.request then
    self.partial = self.request:result()
    self.request:close()
    self.request = nil
  end
end

-- ---- the result ------------------------------------------------------------

local function sorted(samples)
  local list = { table.unpack(samples) }
  table.sort(list, function(a, b) return a.ttfb_ms < b.ttfb_ms end)
  return list
end

-- The shortest RTT to the destination, if the trace reached it.
local function best_of(result)
  local best
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local time = responder.target and responder.best_ms
      best = time and math.min(best or time, time) or best
    end
  end
  return best
end

-- Adds the server processing time. It is unknown after a retransmission, whose
-- delay is part of the wait, and if the wait is shorter than the trace's RTT.
local function add_server_time(out, result)
  local best = out.wait_ms and (out.retransmissions or 0) == 0
    and best_of(result)
  if best then
    out.server_time_ms = out.wait_ms >= best and out.wait_ms - best or nil
    out.too_short = out.wait_ms < best
  end
end

local TIMES = { "ttfb_ms", "tcp_ms", "tls_ms", "wait_ms" }

local function add_report(out, report)
  for _, key in ipairs(TIMES) do
    out[key] = report[key]
  end
  out.status = report.status
  out.interim_ms, out.interim_status = report.interim_ms,
    report.interim_status
  out.location = report.location and unicode.clean(report.location)
  out.tls_version, out.retransmissions = report.tls_version,
    report.retransmissions
  out.protocol = report.version and "HTTP/" .. report.version
end

-- Adds the phases of the median request, so that they add up to the median;
-- with an even number of requests the means of the middle two.
local function add_samples(out, samples)
  local list = sorted(samples)
  local low, high = list[(#list + 1) // 2], list[#list // 2 + 1]
  add_report(out, low)
  for _, key in ipairs(TIMES) do
    out[key] = low[key] and high[key] and (low[key] + high[key]) / 2
  end
  out.retransmissions = math.max(low.retransmissions or 0,
    high.retransmissions or 0)
  out.count, out.min_ms, out.max_ms = #list, list[1].ttfb_ms,
    list[#list].ttfb_ms
  out.median_ms = out.ttfb_ms
end

local function outcome(self, out)
  local rest = self.failed or self.partial
  if self.failed or rest and #self.samples == 0 then
    out.phase, out.failure = rest.phase, rest.failure
    out.elapsed_s = rest.elapsed_ms and rest.elapsed_ms / 1000
    out.reason = rest.text and unicode.clean(rest.text)
  end
  if #self.samples > 0 then
    add_samples(out, self.samples)
    return "measured"
  elseif rest then
    add_report(out, rest)
    return self.failed and "failed" or "unfinished"
  end
  return self.over and "skipped" or "unfinished"
end

--- Adds `ttfb` to a result.
-- @tparam table result as given by trace:result(); gets `ttfb`, a table with
--   the values of mtrtrace.web.keys and further ones for mtrtrace.web.line
function Ttfb:annotate(result)
  local settings, try = self.settings, self.tries[self.at]
  local out = {
    address = bare(settings.address), method = settings.method,
    asked = settings.count, timeout = settings.timeout,
    misses = self.misses, reason = self.why, dns_ms = settings.dns_ms,
  }
  if try and self.http then
    out.url, out.scheme, out.port = try.url, try.scheme, try.port
  end
  out.outcome = outcome(self, out)
  if out.tls_ms or self.untrusted then
    out.certificate = self.untrusted or "trusted"
    out.unverified = self.untrusted ~= nil
  end
  add_server_time(out, result)
  result.ttfb = out
end

--- Adds `ttfb` during the trace, once it is known.
-- @tparam table result
function Ttfb:preview(result)
  if self.over then
    self:annotate(result)
  end
end

--- Makes the measurement of one target; the request starts with the first
-- poll.
-- @tparam ?table http the module mtrtrace.http
-- @tparam table settings `address`, numeric; `name` as the user typed it, if
--   any; `url` as of mtrtrace.options.values; `count`, `timeout` (s),
--   `method`; `interface`, `source`, `ca_file`, `ca_dir`: may be nil; `agent`;
--   `closed`: function that returns true for a port known to be closed, may
--   be nil; `dns_ms`: duration of the look-up of the name, if there was one
-- @tparam ?string why the reason if there is no module, a few words
-- @treturn table
function M.new(http, settings, why)
  local self = setmetatable({
    http = http, settings = settings, why = why, tries = tries_of(settings),
    at = 1, misses = {}, samples = {}, over = http == nil,
  }, Ttfb)
  if http then
    skip_closed(self)
  end
  return self
end

return M
