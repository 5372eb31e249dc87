-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of the time to first byte, in the order of structured output, with
-- their kinds of value. Read through mtrtrace.table.fields.
-- @module mtrtrace.web.keys
local format = require "mtrtrace.base.format"

local KEYS = {
  { name = "outcome", kind = "name",
    about = "measured, unfinished, failed or skipped" },
  { name = "ttfb", kind = "ms",
    about = "start of the request to the first byte of the response" },
  { name = "dns", kind = "ms",
    about = "look-up of the target's name, before the request" },
  { name = "tcp", kind = "ms", about = "TCP connection" },
  { name = "tls", kind = "ms", about = "TLS handshake" },
  { name = "wait", kind = "ms",
    about = "end of the handshake to the first byte" },
  { name = "interim", kind = "ms",
    about = "start of the request to an interim response, such as 103" },
  { name = "interim_status", kind = "count",
    about = "of the first interim response (1xx)" },
  { name = "server_time", kind = "ms",
    about = "wait less the shortest round trip to the destination" },
  { name = "retransmissions", kind = "count",
    about = "TCP retransmissions of this host until the first byte" },
  { name = "count", kind = "count", about = "measured requests" },
  { name = "min", kind = "ms", about = "shortest ttfb" },
  { name = "median", kind = "ms", about = "median ttfb" },
  { name = "max", kind = "ms", about = "longest ttfb" },
  { name = "url", kind = "name", about = "requested URL" },
  { name = "method", kind = "name", about = "GET or HEAD" },
  { name = "address", kind = "name", about = "address of the server" },
  { name = "port", kind = "count", about = "its port" },
  { name = "scheme", kind = "name", about = "https or http" },
  { name = "protocol", kind = "name", about = "such as HTTP/2" },
  { name = "status", kind = "count", about = "status of the response" },
  { name = "tls_version", kind = "name", about = "such as TLSv1.3" },
  { name = "certificate", kind = "name",
    about = "trusted, or the reason why it is not" },
  { name = "location", kind = "name", about = "target of a redirect" },
  { name = "phase", kind = "name", about = "phase of a failed or "
    .. "unfinished request: connecting, tls, waiting, header" },
  { name = "failure", kind = "name", about = "refused, unreachable, timeout, "
    .. "connect, tls, certificate, no_ca, http, closed, header or local" },
}

for _, field in ipairs(KEYS) do
  field.key = format.key(field.name, field.kind)
  field.ttfb = field.key
end

return KEYS
