-- SPDX-License-Identifier: BSD-2-Clause
-- The time to first byte: the enricher over a stand-in for mtrtrace.http,
-- and the words of its line.
local check = require "check"
local fake_http = require "fake_http"
local line = require "mtrtrace.web.line"
local sample = require "sample"
local structured = require "mtrtrace.report.structured"
local ttfb = require "mtrtrace.web.ttfb"

local report, failure = fake_http.report, fake_http.failure

local NAME, ADDRESS = "www.example.com", "192.0.2.1"
local HTTPS, HTTP = "https://www.example.com/", "http://www.example.com/"

local function settings(changes)
  local out = { address = ADDRESS, name = NAME, count = 1, timeout = 10,
    method = "GET", agent = "mtr-trace/0" }
  for key, value in pairs(changes or {}) do
    out[key] = value or nil
  end
  return out
end

local function trace(best)
  local target = sample.responder(ADDRESS, { target = true,
    best_ms = best or 24.1 })
  return sample.result { sample.hop(1, { sample.responder "10.0.0.1" }),
    sample.hop(2, { target }) }
end

-- Runs to the end, or to the last poll; gives the annotated result.
local function measure(http, changes, polls, best)
  local enricher = ttfb.new(http, settings(changes),
    not http and "built without libcurl" or nil)
  local left = polls or 200
  while enricher:poll() > 0 and left > 0 do
    left = left - 1
  end
  enricher:leave()
  local result = trace(best)
  enricher:annotate(result)
  return result
end

-- ---- lines -----------------------------------------------------------------

local UNVERIFIED = { report(88.1, { wait_ms = 30 }) }

local function untrusted(changes)
  return { failure("certificate", changes), UNVERIFIED[1] }
end

local LINES = {
  { name = "https", answers = { [HTTPS] = report(124.56) },
    want = "124.56 ms  (https, HTTP/2 200; TCP 24.1 + TLS 50.2 + "
      .. "wait 50.3; server processing time 26.2)" },
  { name = "http_where_443_is_refused",
    answers = { [HTTP] = report(74.4, { tls_ms = false, version = "1.1" }) },
    want = "74.40 ms  (http, HTTP/1.1 200; TCP 24.1 + wait 50.3; "
      .. "server processing time 26.2)" },
  { name = "http_where_443_speaks_no_tls", answers = {
    [HTTPS] = failure("tls", { phase = "tls" }),
    [HTTP] = report(1.5, { tls_ms = false, version = "1.1" }) },
    want = "1.50 ms  (http, HTTP/1.1 200; " },
  { name = "http_where_443_swallows_connections", answers = {
    [HTTPS] = failure("timeout"),
    [HTTP] = report(1.5, { tls_ms = false, version = "1.1" }) },
    want = "1.50 ms  (http, HTTP/1.1 200; " },
  { name = "redirect_shows_its_location", answers = {
    [HTTPS] = report(9.5, { status = 301, location = "https://x.test/" }) },
    want = "9.50 ms  (https, HTTP/2 301 to https://x.test/; TCP" },
  { name = "location_loses_its_control_characters", answers = {
    [HTTPS] = report(9.5, { status = 302, location = "/\27[2Ja\7" }) },
    want = "HTTP/2 302 to /[2Ja; " },
  { name = "another_port_is_named", changes = { url = { scheme = "https",
    host = "a.test", port = 8443, path = "/" } },
    answers = { ["https://a.test:8443/"] = report(5) },
    want = "5.00 ms  (https on 8443, HTTP/2 200; " },
  { name = "several_requests", changes = { count = 3 },
    answers = { [HTTPS] = { report(130), report(124.56), report(126) } },
    want = "124.56 / 126.00 / 130.00 ms min / median / max of 3  (https, " },
  { name = "wait_below_the_round_trip", best = 51,
    answers = { [HTTPS] = report(124.56) },
    want = "wait 50.3; server processing time too short to tell)" },
  { name = "lost_packet_is_not_the_servers_time",
    answers = { [HTTPS] = report(124.56, { retransmissions = 1 }) },
    want = "wait 50.3; 1 TCP retransmission)" },
  { name = "lost_packets_of_a_request_in_the_middle", changes = { count = 2 },
    answers = { [HTTPS] = { report(1, { retransmissions = 0 }),
      report(2, { retransmissions = 2 }) } },
    want = "wait 50.3; 2 TCP retransmissions)" },
  { name = "name_look_up_is_named", changes = { dns_ms = 3.2 },
    answers = { [HTTPS] = report(124.56) },
    want = "server processing time 26.2; DNS 3.20 before)" },
  { name = "refused", answers = {},
    want = "no TLS on 443 and no service on 80", whole = true },
  { name = "refused_on_one_port", answers = {},
    changes = { url = { scheme = "http", host = "a.test", port = 81,
      path = "/" } }, want = "could not connect (refused)", whole = true },
  { name = "different_reasons_are_named",
    answers = { [HTTPS] = failure "timeout" },
    want = "no TLS on 443 and no service on 80 (443 timed out, 80 refused)",
    whole = true },
  { name = "unreachable", answers = { [HTTPS] = failure "unreachable",
    [HTTP] = failure "unreachable" },
    want = "no TLS on 443 and no service on 80 (unreachable)" },
  { name = "timed_out_in_tls", answers = { [HTTPS] = failure("timeout",
    { phase = "tls", tcp_ms = 24.1 }) },
    want = "timed out in TLS after 10 s  (https; TCP 24.1)", whole = true },
  { name = "a_time_that_did_not_pass_is_not_named", answers = { [HTTPS] =
    failure("timeout", { phase = "tls", tcp_ms = 24.1, elapsed_ms = 3004 }) },
    want = "timed out in TLS after 3 s  (https; TCP 24.1)", whole = true },
  { name = "the_limit_is_named_where_it_passed", answers = { [HTTPS] =
    failure("timeout", { phase = "tls", tcp_ms = 24.1,
      elapsed_ms = 10001.7 }) },
    want = "timed out in TLS after 10 s  (https; TCP 24.1)", whole = true },
  { name = "interim_response_beside_the_answer", answers = { [HTTPS] =
    report(124.56, { interim_ms = 80.12, interim_status = 103 }) },
    want = "124.56 ms  (https, HTTP/2 200; TCP 24.1 + TLS 50.2 + wait 50.3; "
      .. "103 Early Hints after 80.1; " },
  { name = "interim_response_alone", answers = { [HTTPS] = failure("timeout",
    { phase = "waiting", tcp_ms = 24.1, tls_ms = 50.2, interim_ms = 80.12,
      interim_status = 199 }) },
    want = "timed out waiting for first byte after 10 s  (https; TCP 24.1 + "
      .. "TLS 50.2; 199 after 80.1)", whole = true },
  { name = "http_1_1_is_asked_again", answers = { [HTTPS] = {
    failure("http11", { phase = "waiting" }),
    report(30.5, { version = "1.1" }) } },
    want = "30.50 ms  (https, HTTP/1.1 200; " },
  { name = "http_1_1_is_asked_again_once", answers = { [HTTPS] = {
    failure("http11", { phase = "waiting" }),
    failure("http", { phase = "waiting" }) } },
    want = "no HTTP on 443", whole = true },
  { name = "distrusted_and_no_tls_the_second_time", answers = { [HTTPS] = {
    failure("certificate", { verify = 18 }), failure "tls" } },
    want = "certificate not trusted (self-signed); request repeated, its TLS "
      .. "handshake failed", whole = true },
  { name = "timed_out_waiting", changes = { timeout = 0.5 },
    answers = { [HTTP] = failure("timeout", { phase = "waiting",
      tcp_ms = 1 }) },
    want = "no TLS on 443; on 80: timed out waiting for first byte after "
      .. "0.5 s  (http; TCP 1.00)", whole = true },
  { name = "not_http", answers = { [HTTPS] = failure("http",
    { phase = "header" }) }, want = "no HTTP on 443", whole = true },
  { name = "closed", answers = { [HTTPS] = failure("closed",
    { phase = "waiting" }) }, want = "connection closed before a response" },
  { name = "header_too_long", answers = { [HTTPS] = failure("header",
    { phase = "header", ttfb_ms = 3 }) },
    want = "response header is over 64 KiB" },
  { name = "interface_that_cannot_be_used", answers = {
    [HTTPS] = failure("local", { text = "cannot use interface x: no" }) },
    want = "not measured (cannot use interface x: no)", whole = true },
  { name = "request_that_does_not_start", answers = {
    [HTTPS] = { error = "NODEVICE", text = "no interface x" } },
    want = "not measured (no interface x)", whole = true },
  { name = "certificate_self_signed",
    answers = { [HTTPS] = untrusted { verify = 18 } },
    want = "certificate not trusted (self-signed); TTFB 88.1 ms over an "
      .. "unverified connection  (https, HTTP/2 200; " },
  { name = "certificate_expired",
    answers = { [HTTPS] = untrusted { verify = 10 } },
    want = "certificate not trusted (expired); TTFB 88.1 ms over" },
  { name = "certificate_of_somebody_else", answers = { [HTTPS] =
    untrusted { verify = 1, text = "SSL: no alternative certificate subject "
      .. "name matches target host name 'x'" } },
    want = "certificate not trusted (not for www.example.com); TTFB 88.1" },
  { name = "certificate_in_other_words",
    answers = { [HTTPS] = untrusted { verify = 77 } },
    want = "certificate not trusted (words of libcurl); TTFB 88.1 ms" },
  { name = "no_certificates_to_trust_by",
    answers = { [HTTPS] = { failure "no_ca", UNVERIFIED[1] } },
    want = "certificate not trusted (no CA certificates to verify it with)" },
  { name = "unverified_and_failed", answers = { [HTTPS] = {
    failure("certificate", { verify = 18 }),
    failure("timeout", { phase = "waiting", tcp_ms = 24.1,
      tls_ms = 50.2 }) } },
    want = "certificate not trusted (self-signed); timed out waiting for "
      .. "first byte after 10 s  (https; TCP 24.1 + TLS 50.2)",
    whole = true },
  { name = "distrusted_without_verification_as_well", answers = { [HTTPS] = {
    failure("certificate", { verify = 18 }), failure "certificate" } },
    want = "certificate not trusted (self-signed); not measured (words of "
      .. "libcurl)", whole = true },
  { name = "not_finished", polls = 3, answers = { [HTTPS] =
    { done = false, phase = "waiting", tcp_ms = 24.1, tls_ms = 50.2 } },
    want = "not finished (waiting for first byte)  (https; TCP 24.1 + "
      .. "TLS 50.2)", whole = true },
  { name = "not_finished_connecting", polls = 3, answers = { [HTTPS] =
    { done = false, phase = "connecting" } },
    want = "not finished (connecting)", whole = true },
  { name = "not_finished_of_several", polls = 3, changes = { count = 3 },
    answers = { [HTTPS] = { report(9), { done = false,
      phase = "tls" } } },
    want = "9.00 / 9.00 / 9.00 ms min / median / max of 1 (3 requested)" },
  { name = "failure_behind_the_first_of_several", changes = { count = 3 },
    answers = { [HTTPS] = { report(9), failure("timeout",
      { phase = "tls" }) } },
    want = "9.00 / 9.00 / 9.00 ms min / median / max of 1 (3 requested; "
      .. "then timed out in TLS after 10 s)  (https, HTTP/2 200; TCP " },
  { name = "busy_is_asked_again", polls = 3,
    answers = { [HTTPS] = { error = "BUSY", text = "x" } },
    want = "not finished (not started)", whole = true },
  { name = "ports_known_to_be_closed", answers = {},
    changes = { closed = function() return true end },
    want = "not measured (ports 443 and 80 are closed)", whole = true },
  { name = "port_of_the_url_known_to_be_closed", answers = {},
    changes = { closed = function(port) return port == 81 end,
      url = { scheme = "http", host = "a.test", port = 81, path = "/" } },
    want = "not measured (port 81 is closed)", whole = true },
  { name = "no_tls_and_the_other_port_known_to_be_closed",
    answers = { [HTTPS] = failure("tls", { phase = "tls" }) },
    changes = { closed = function(port) return port == 80 end },
    want = "no TLS on 443 and no service on 80", whole = true },
}
check.rows(LINES, function(row)
  local http = fake_http.new(row.answers)
  local result = measure(http, row.changes, row.polls, row.best)
  local text = line.render(result.ttfb)
  if row.whole then
    check.equal(text, row.want)
  end
  check.contains(text, row.want)
  check.equal(http.open, 0)
  structured.build(result, {}, function() return {} end)
end)

check.case("without_libcurl", function()
  check.equal(line.render(measure(nil).ttfb),
    "not measured (built without libcurl)")
end)

check.case("not_asked_for_is_a_dash", function()
  check.equal(line.render(nil), "-")
end)

-- ---- the requests ---------------------------------------------------------

local function requests(answers, changes)
  local http = fake_http.new(answers)
  measure(http, changes)
  return http.requests
end

local NAMES = {
  { name = "name_as_typed", want = HTTPS },
  { name = "name_without_its_last_dot", changes = { name = NAME .. "." },
    want = HTTPS },
  { name = "address_where_there_is_no_name", changes = { name = false },
    want = "https://192.0.2.1/" },
  { name = "ipv6_address_in_brackets", want = "https://[2001:db8::1]/",
    changes = { name = false, address = "2001:db8::1" } },
  { name = "zone_stays_out_of_the_url", want = "https://[fe80::1]/",
    changes = { name = false, address = "fe80::1%eth0" } },
  { name = "name_that_is_none_gives_way_to_the_address",
    changes = { name = "a/b@c" }, want = "https://192.0.2.1/" },
  { name = "path", changes = { url = { path = "/health" } },
    want = HTTPS .. "health" },
}
check.rows(NAMES, function(row)
  local first = requests({}, row.changes)[1]
  check.equal({ first.url, first.port }, { row.want, 443 })
  check.equal(first.address, row.changes and row.changes.address or ADDRESS)
end)

check.case("one_request_where_https_answers", function()
  check.equal(#requests { [HTTPS] = report(5) }, 1)
end)

check.case("as_many_requests_as_asked_for", function()
  check.equal(#requests({ [HTTPS] = report(5) }, { count = 7 }), 7)
end)

check.case("verification_is_given_up_only_after_it_failed", function()
  local list = requests { [HTTPS] = untrusted { verify = 18 } }
  check.equal({ #list, list[1].unverified, list[2].unverified },
    { 2, false, true })
end)

check.case("distrust_does_not_lead_to_http", function()
  local list = requests { [HTTPS] = { failure("certificate", { verify = 18 }),
    failure "refused" } }
  check.equal({ #list, list[2].url }, { 2, HTTPS })
end)

check.case("closed_port_is_not_asked", function()
  local list = requests({}, { closed = function(port) return port == 443 end })
  check.equal({ #list, list[1].url, list[1].port }, { 1, HTTP, 80 })
end)

check.case("connect_timeout_is_shorter_where_another_port_is_left", function()
  local list = requests({}, { timeout = 2 })
  check.equal({ list[1].connect_timeout, list[2].connect_timeout }, { 1.0, 2 })
  check.equal(requests({})[1].connect_timeout, 3)
end)

check.case("head_and_the_rest_are_handed_on", function()
  local first = requests({}, { method = "HEAD", interface = "eth7",
    source = "192.0.2.9", ca_file = "/x", ca_dir = "/y" })[1]
  check.equal({ first.head, first.interface, first.source, first.ca_file,
    first.ca_dir, first.timeout, first.agent },
    { true, "eth7", "192.0.2.9", "/x", "/y", 10, "mtr-trace/0" })
end)

check.case("request_starts_with_the_first_poll", function()
  local http = fake_http.new { [HTTPS] = { done = false,
    phase = "connecting" } }
  local enricher = ttfb.new(http, settings())
  check.equal(#http.requests, 0)
  check.equal({ enricher:poll(), #http.requests, http.open }, { 1, 1, 1 })
  check.equal({ enricher:poll(), #http.requests }, { 1, 1 })
  enricher:leave()
  check.equal(http.open, 0)
  enricher:leave()
end)

-- ---- for programs ----------------------------------------------------------

local function values(http, changes)
  local out = structured.build(measure(http, changes), {}, function()
    return {}
  end)
  return out.ttfb
end

check.case("values_of_a_measurement", function()
  local t = values(fake_http.new { [HTTPS] = report(124.561,
    { status = 301, location = "/a\7b" }) })
  check.equal({ t.outcome, t.ttfb_ms, t.tcp_ms, t.tls_ms, t.wait_ms,
    t.server_time_ms },
    { "measured", "124.561", "24.1", "50.2", "50.3", "26.2" })
  check.equal({ t.url, t.scheme, t.port, t.address, t.method },
    { HTTPS, "https", "443", ADDRESS, "GET" })
  check.equal({ t.protocol, t.status, t.tls_version, t.certificate },
    { "HTTP/2", "301", "TLSv1.3", "trusted" })
  check.equal({ t.location, t.count, t.median_ms, t.phase == nil },
    { "/ab", "1", "124.561", true })
  check.contains(t.text, "124.56 ms  (https, HTTP/2 301 to /ab; ")
end)

check.case("values_of_a_failure", function()
  local t = values(fake_http.new { [HTTPS] = failure("timeout",
    { phase = "tls", tcp_ms = 24.1 }) })
  check.equal({ t.outcome, t.failure, t.phase, t.tcp_ms, t.ttfb_ms == nil },
    { "failed", "timeout", "tls", "24.1", true })
end)

check.case("phases_add_up_to_the_median", function()
  for count = 1, 4 do
    local reports = {}
    for i, total in ipairs { 7, 30, 4, 12 } do
      reports[i] = report(total, { tcp_ms = i, tls_ms = 2,
        wait_ms = total - i - 2 })
    end
    local t = measure(fake_http.new { [HTTPS] = reports },
      { count = count }).ttfb
    check.equal(t.tcp_ms + t.tls_ms + t.wait_ms, t.median_ms)
    check.equal(t.ttfb_ms, t.median_ms)
    check.equal(t.median_ms, ({ 7.0, 18.5, 7.0, 9.5 })[count])
  end
end)

check.case("http_1_1_is_wanted_of_that_scheme_alone", function()
  local http = fake_http.new { [HTTPS] = { failure("http11",
    { phase = "waiting" }), report(9, { version = "1.1" }),
    report(9, { version = "1.1" }) } }
  local enricher = ttfb.new(http, settings { count = 2 })
  for _ = 1, 6 do
    enricher:poll()
  end
  local wanted = {}
  for i, options in ipairs(http.requests) do
    wanted[i] = options.http11 or false
  end
  check.equal(wanted, { false, true, true })
end)

check.finish()
