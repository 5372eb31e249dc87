-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of the time to first byte, once: in the order of structured
-- output, with the kind of value of each. A part of the field table, read
-- through mtrtrace.table.fields.
-- @module mtrtrace.web.keys
local KEYS = {
  { key = "outcome", kind = "name",
    about = "measured, unfinished, failed or skipped" },
  { key = "ttfb", kind = "ms", from = "ttfb_ms",
    about = "start of the request to the first byte of the answer" },
  { key = "dns", kind = "ms", from = "dns_ms",
    about = "look-up of the target's name, before the request" },
  { key = "tcp", kind = "ms", from = "tcp_ms", about = "TCP connection" },
  { key = "tls", kind = "ms", from = "tls_ms", about = "TLS handshake" },
  { key = "wait", kind = "ms", from = "wait_ms",
    about = "end of the handshake to the first byte" },
  { key = "interim", kind = "ms", from = "interim_ms",
    about = "start of the request to an interim response, such as 103" },
  { key = "interim_status", kind = "count",
    about = "of the first interim response (1xx)" },
  { key = "think", kind = "ms", from = "server_time_ms",
    about = "wait less the shortest round trip to the destination" },
  { key = "retransmissions", kind = "count",
    about = "packets that this host sent again until the first byte" },
  { key = "count", kind = "count", about = "requests that were measured" },
  { key = "min", kind = "ms", from = "min_ms", about = "shortest ttfb" },
  { key = "median", kind = "ms", from = "median_ms", about = "median ttfb" },
  { key = "max", kind = "ms", from = "max_ms", about = "longest ttfb" },
  { key = "url", kind = "name", about = "what was asked for" },
  { key = "method", kind = "name", about = "GET or HEAD" },
  { key = "address", kind = "name", about = "address that was asked" },
  { key = "port", kind = "count", about = "its port" },
  { key = "scheme", kind = "name", about = "https or http" },
  { key = "protocol", kind = "name", about = "such as HTTP/2" },
  { key = "status", kind = "count", about = "of the answer" },
  { key = "tls_version", kind = "name", about = "such as TLSv1.3" },
  { key = "certificate", kind = "name",
    about = "trusted, or why it is not" },
  { key = "location", kind = "name", about = "where a redirect points to" },
  { key = "phase", kind = "name", about = "where it failed or was left: "
    .. "connecting, tls, waiting, header" },
  { key = "failure", kind = "name", about = "refused, unreachable, timeout, "
    .. "connect, tls, certificate, no_ca, http, closed, header or local" },
}

for _, field in ipairs(KEYS) do
  field.ttfb = field.from or field.key
end

return KEYS
