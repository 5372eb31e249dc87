-- SPDX-License-Identifier: BSD-2-Clause

--- The HTTP responses of the service, by path. A page is a function of the
-- service's state and the request; only /probe waits, for a trace.
-- @module mtrtrace.service.pages
local exposition = require "mtrtrace.service.exposition"
local formats = require "mtrtrace.report.formats"
local html = require "mtrtrace.service.html"
local uri = require "mtrtrace.service.request"

local M = {}

local TEXT, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"

local function text(status, body)
  return { status = status, type = TEXT, body = body .. "\n" }
end

--- Metrics in the format that the client prefers.
-- @tparam table request the request
-- @tparam function page returns the pieces of the text; called with true for
--   OpenMetrics
-- @treturn table
function M.metrics(request, page)
  local openmetrics = exposition.wants_openmetrics(request.accept)
  return { status = 200, body = page(openmetrics),
    gzip = exposition.wants_gzip(request.accept_encoding),
    type = openmetrics and exposition.OPENMETRICS or exposition.PROMETHEUS,
    fields = { "Vary", "Accept, Accept-Encoding" } }
end

local function web_page(request, body)
  return { status = 200, type = HTML, body = body,
    gzip = exposition.wants_gzip(request.accept_encoding),
    fields = { "Cache-Control", "no-store" } }
end

local function report(service, request, label, parameters)
  local one = service.roster:find(label, parameters.protocol)
  if not one then
    return text(404, "no such target: / lists all of them")
  end
  local result = one:result()
  if not result then
    return text(503, one.err or "the first round has not ended yet")
  end
  local view = service.view(one.spec)
  view.below = html.history(one.log:changes(service.now_s()), one.log.count)
  local format = formats.get "html"
  format.trace(result, view)
  return web_page(request, format.tail(view))
end

local PAGES = {}

PAGES["/metrics"] = function(service, request)
  return M.metrics(request, function(openmetrics)
    return service.roster:page(openmetrics, service.process())
  end)
end

PAGES["/healthz"] = function()
  return text(200, "ok")
end

PAGES["/readyz"] = function(service)
  if service.stopping() then
    return text(503, "ending")
  end
  return service.roster:is_ready() and text(200, "ready")
    or text(503, "the first round has not ended yet")
end

PAGES["/"] = function(service, request)
  return web_page(request, html.list(service.roster.list, service.version))
end

PAGES["/probe"] = function(service, request, parameters)
  return service.probe(request, parameters)
end

--- Answers a request. May yield.
-- @tparam table service `roster`; `version`; `now_s()`: seconds since 1970;
--   `process()`: values of the process; `view(spec)`: settings of a report;
--   `stopping()`; `probe(request, parameters)`
-- @tparam table request { uri, accept, accept_encoding, timeout }
-- @treturn table { status, type, body, gzip, fields }
function M.answer(service, request)
  local path, parameters = uri.parse(request.uri)
  local page = PAGES[path]
  if page then
    return page(service, request, parameters)
  end
  local label = path:match "^/report/(.+)$"
  if label then
    return report(service, request, label, parameters)
  end
  return text(404, "not found: /, /metrics, /probe, /report/TARGET, /healthz "
    .. "and /readyz are there")
end

return M
