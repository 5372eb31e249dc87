-- SPDX-License-Identifier: BSD-2-Clause
--- A stand-in for mtrtrace.http: answers by URL, sends nothing.
-- @module fake_http
local M = {}

local Request = {}
Request.__index = Request

function Request:done()
  self.http.polls = self.http.polls + 1
  return self.report.done
end

function Request:result()
  return self.report
end

function Request:close()
  self.http.open = self.http.open - 1
end

--- A module whose requests end at once, with the reports in `answers`.
-- @tparam table answers by URL a report or an array of reports, one for each
--   request, of which the last one stays; a URL that is not there is refused
-- @treturn table also counts: `open`, `polls`, and `requests`: the options
function M.new(answers)
  local http = { open = 0, polls = 0, requests = {} }
  function http.start(options)
    http.requests[#http.requests + 1] = options
    local report = answers[options.url]
      or { done = true, failure = "refused", phase = "connecting" }
    if report.error then
      return nil, report.text, report.error
    end
    if report[1] then
      report = #report > 1 and table.remove(report, 1) or report[1]
    end
    http.open = http.open + 1
    return setmetatable({ http = http, report = report }, Request)
  end
  return http
end

--- A report of an answer.
-- @tparam number ttfb_ms
-- @tparam ?table changes
-- @treturn table
function M.report(ttfb_ms, changes)
  local report = {
    done = true, phase = "body", status = 200, version = "2", verify = 0,
    ttfb_ms = ttfb_ms, tcp_ms = 24.1, tls_ms = 50.2, wait_ms = 50.3,
    tls_version = "TLSv1.3",
  }
  for key, value in pairs(changes or {}) do
    report[key] = value or nil
  end
  return report
end

--- A report of a failure.
-- @tparam string failure
-- @tparam ?table changes
-- @treturn table
function M.failure(failure, changes)
  local report = { done = true, phase = "connecting", failure = failure,
    verify = 0, text = "words of libcurl" }
  for key, value in pairs(changes or {}) do
    report[key] = value
  end
  return report
end

return M
