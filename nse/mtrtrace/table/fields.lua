-- SPDX-License-Identifier: BSD-2-Clause

--- The field table: the definition of every column. The text table, structured
-- output and the list of valid column names are made from it. Pure.
--
-- A field is { name, key, title, unit, width, kind, hop, responder, about }.
-- `name` is the column's name in options; `key` is the name with the unit.
-- `hop` and `responder` are the source of the value: a key of the hop or
-- responder of a trace result, or a function of it. The first line of a hop
-- shows the hop's value where there is one, further lines show the
-- responder's; where several flows give responders figures of their own, every
-- line shows the responder's. A `derived` field follows from others and is not
-- part of structured output. `remark` (a function of the hop or responder) and
-- `marks` (a function of the hop) give the text after the value in the table.
-- `longest` is the length at which the table, but no other report, cuts a
-- text.
-- @module mtrtrace.table.fields
local bursts = require "mtrtrace.base.bursts"
local extension = require "mtrtrace.flows.extension"
local format = require "mtrtrace.base.format"
local marks = require "mtrtrace.table.marks"
local os_words = require "mtrtrace.os.words"
local path_words = require "mtrtrace.verdict.places"
local reverse = require "mtrtrace.verdict.reverse"
local special = require "mtrtrace.base.special"
local ttfb_keys = require "mtrtrace.web.keys"
local verdict_keys = require "mtrtrace.verdict.keys"

local M = {}

local function asn(responder)
  return responder.asn or (special.label(responder.special))
end

local function organization(responder)
  return responder.organization
    or select(2, special.label(responder.special))
end

local function of_bursts(key)
  return function(hop)
    local found = bursts.of(hop)
    return found and found[key]
  end
end

local function host_name(responder)
  return responder.name or responder.address
end

local function code_list(responder)
  local seen = {}
  for i, c in ipairs(responder.codes or {}) do
    seen[i] = c.type and ("%d/%d"):format(c.type, c.code) or c.name
  end
  return #seen > 0 and table.concat(seen, ",") or nil
end

-- Returns the interval of the loss. From 100 probes on the interval is narrow
-- enough to be left out; the loss of a silent hop is no estimate.
local function loss_remark(from)
  return from.loss > 0 and from.sent < 100 and not from.silent
    and " " .. format.interval(from.loss_low, from.loss_high) or ""
end

local function dropped(hop)
  return hop.sent - hop.received
end

local function of_rate_limit(key)
  return function(hop) return hop.rate_limit and hop.rate_limit[key] end
end

local function sample_interval(hop)
  return marks.is_resampled(hop) and hop.rate_limit.sample_interval_s or nil
end

local function of_place(key)
  return function(responder)
    return responder.place and responder.place[key]
  end
end

-- Returns a getter for a figure of the echo requests to the hop itself. The
-- type is checked because a recording may hold any value.
local function of_direct(key)
  return function(responder)
    local direct = responder.direct
    local value = type(direct) == "table" and direct[key]
    return type(value) == "number" and value or nil
  end
end

local direct_low, direct_high = of_direct "loss_low", of_direct "loss_high"
local direct_loss, direct_sent = of_direct "loss", of_direct "sent"

local function direct_remark(responder)
  local low, high = direct_low(responder), direct_high(responder)
  return low and high and direct_loss(responder) > 0
    and (direct_sent(responder) or 100) < 100
    and " " .. format.interval(low, high) or ""
end

local function os_guess(responder)
  return os_words.label(responder.os)
end

local function is(key)
  return function(hop) return hop[key] and true or false end
end

local function numbers(key)
  return function(responder)
    return responder[key] and path_words.ranges(responder[key])
  end
end

local function folded_range(row)
  return ("%d-%d"):format(row.hop.ttl, row.last_ttl)
end

local function star()
  return "*"
end

-- Fields in the order of the columns; `default` columns are in the table
-- without any option.
local FIELDS = {
  { name = "hop", title = "Hop", unit = "TTL", width = 4, kind = "count",
    default = true, hop = "ttl", later = "", folded = folded_range,
    about = "TTL at which the hop replied" },
  { name = "ip", title = "IP Address", width = 15, kind = "name",
    default = true, responder = "address", silent = "*", folded = star,
    about = "address that replied; * for a silent hop" },
  { name = "host", title = "Host", width = 20, kind = "name",
    responder = host_name, silent = "*", folded = star, derived = true,
    about = "name of the address, or the address where it has none" },
  { name = "loss", title = "Loss%", unit = "%", width = 6, kind = "share",
    default = true, hop = "loss", responder = "loss",
    remark = loss_remark, marks = marks.of,
    about = "share of finished counted probes without a reply" },
  { name = "loss_low", title = "Loss-Low%", unit = "%", width = 6,
    kind = "share", hop = "loss_low", responder = "loss_low",
    about = "lower end of the 95 % interval of the loss (Wilson)" },
  { name = "loss_high", title = "Loss-High%", unit = "%", width = 6,
    kind = "share", hop = "loss_high", responder = "loss_high",
    about = "upper end of the 95 % interval of the loss (Wilson)" },
  { name = "sent", title = "Sent", unit = "probes", width = 5,
    kind = "count", default = true, hop = "sent", responder = "sent",
    about = "finished counted probes" },
  { name = "received", title = "Recv", unit = "probes", width = 5,
    kind = "count", default = true, hop = "received",
    responder = "received", about = "answered counted probes" },
  { name = "dropped", title = "Drop", unit = "probes", width = 5,
    kind = "count", hop = dropped, derived = true,
    about = "finished counted probes that were not answered" },
  { name = "last", title = "Last(ms)", unit = "ms", width = 8, kind = "ms",
    responder = "last_ms", about = "round trip of the last reply" },
  { name = "avg", title = "Avg(ms)", unit = "ms", width = 8, kind = "ms",
    default = true, responder = "avg_ms", about = "mean round trip" },
  { name = "gmean", title = "GMean(ms)", unit = "ms", width = 8, kind = "ms",
    responder = "gmean_ms", about = "geometric mean of the round trips" },
  { name = "best", title = "Best(ms)", unit = "ms", width = 8, kind = "ms",
    responder = "best_ms", about = "shortest round trip" },
  { name = "worst", title = "Worst(ms)", unit = "ms", width = 8,
    kind = "ms", responder = "worst_ms", about = "longest round trip" },
  { name = "median", title = "Median(ms)", unit = "ms", width = 8,
    kind = "ms", responder = "median_ms", about = "median round trip" },
  { name = "p95", title = "P95(ms)", unit = "ms", width = 8, kind = "ms",
    responder = "p95_ms", about = "95th percentile of the round trips" },
  { name = "stdev", title = "StDev(ms)", unit = "ms", width = 8,
    kind = "ms", default = true, responder = "stdev_ms",
    about = "sample standard deviation of the round trips" },
  { name = "jitter", title = "Jitter(ms)", unit = "ms", width = 8,
    kind = "ms", default = true, responder = "jitter_ms",
    about = "mean difference of consecutive round trips" },
  { name = "jitter_last", title = "Jitter-Last(ms)", unit = "ms", width = 8,
    kind = "ms", responder = "jitter_last_ms",
    about = "difference of the last two consecutive round trips" },
  { name = "jitter_worst", title = "Jitter-Max(ms)", unit = "ms", width = 8,
    kind = "ms", responder = "jitter_worst_ms",
    about = "largest difference of consecutive round trips" },
  { name = "jitter_rfc3550", title = "Jitter-RFC3550(ms)", unit = "ms",
    width = 8, kind = "ms", responder = "jitter_rfc3550_ms",
    about = "interarrival jitter, smoothed as in RFC 3550" },
  { name = "reply_ttl", title = "Reply-TTL", unit = "TTL", width = 4,
    kind = "count", responder = "reply_ttl",
    about = "TTL of the hop's reply on arrival" },
  { name = "late", title = "Late", unit = "probes", width = 5,
    kind = "count", hop = "late", responder = "late",
    about = "replies that came after their probe's deadline" },
  { name = "duplicates", title = "Dup", unit = "replies", width = 5,
    kind = "count", hop = "duplicates", responder = "duplicates",
    about = "further replies to a probe already answered" },
  { name = "unlisted", title = "Unlisted", unit = "replies", width = 5,
    kind = "count", hop = "unlisted",
    about = "replies from responders beyond the 64 that are listed" },
  { name = "send_errors", title = "SendErr", unit = "probes", width = 5,
    kind = "count", hop = "send_errors",
    about = "probes this host could not send; they are not loss" },
  { name = "unreachable", title = "Unreach", unit = "probes", width = 5,
    kind = "count", hop = "unreachable",
    about = "of the lost probes, those that a router reported unreachable" },
  { name = "loss_periods", title = "Loss-Periods", width = 5,
    kind = "count", hop = of_bursts "periods",
    about = "runs of consecutive lost probes (loss periods of RFC 3357)" },
  { name = "longest_loss_period", title = "Loss-Longest", unit = "probes",
    width = 5, kind = "count", hop = of_bursts "longest",
    about = "lost probes in the longest loss period" },
  { name = "loss_distance", title = "Loss-Dist", unit = "probes", width = 5,
    kind = "count", hop = of_bursts "distance",
    about = "median distance of consecutive losses (RFC 3357)" },
  { name = "loss_bursts", title = "Bursts", width = 5,
    kind = "count", hop = of_bursts "bursts",
    about = "loss periods of two probes or more" },
  { name = "loss_burst_min", title = "Burst-Min(s)", unit = "s", width = 6,
    kind = "seconds", hop = of_bursts "min_s",
    about = "duration of the shortest burst" },
  { name = "loss_burst_max", title = "Burst-Max(s)", unit = "s", width = 6,
    kind = "seconds", hop = of_bursts "max_s",
    about = "duration of the longest burst" },
  { name = "total_sent", title = "Total-Sent", unit = "probes", width = 5,
    kind = "count", hop = "total_sent",
    about = "all probes sent, including those that test for rate limiting" },
  { name = "total_received", title = "Total-Recv", unit = "probes", width = 5,
    kind = "count", hop = "total_received",
    about = "all probes answered, those that test for rate limiting too" },
  { name = "rate_limited", title = "Rate-Limited", width = 12, kind = "flag",
    hop = marks.is_resampled,
    about = "whether Loss% is of a rate-limited, slower sample (r)" },
  { name = "burst_sent", title = "Burst-Sent", unit = "probes", width = 5,
    kind = "count", hop = of_rate_limit "burst_sent",
    about = "back-to-back probes that test for rate limiting" },
  { name = "burst_received", title = "Burst-Recv", unit = "probes", width = 5,
    kind = "count", hop = of_rate_limit "burst_received",
    about = "answered probes of the burst test" },
  { name = "sample_interval", title = "Interval(s)", unit = "s", width = 6,
    kind = "seconds", hop = sample_interval,
    about = "interval of the probes of the rate-limited sample" },
  { name = "initial_sent", title = "Initial-Sent", unit = "probes", width = 5,
    kind = "count", hop = of_rate_limit "initial_sent",
    about = "probes of the initial sample, which was replaced" },
  { name = "initial_received", title = "Initial-Recv", unit = "probes",
    width = 5, kind = "count", hop = of_rate_limit "initial_received",
    about = "answered probes of the initial sample" },
  { name = "shared", title = "Shared", unit = "probes", width = 5,
    kind = "count", hop = of_rate_limit "shared",
    about = "counted probes that other traces sent" },
  { name = "better_beyond", title = "Better-Beyond", width = 13, kind = "flag",
    hop = is "better_beyond",
    about = "whether hops beyond show that its loss is not path loss" },
  { name = "flow", title = "Flow", width = 4, kind = "count",
    responder = "flow", about = "number of the flow with the reply" },
  { name = "share", title = "Share%", unit = "%", width = 6, kind = "share",
    responder = "share",
    about = "share of the flows answered at this TTL that pass it" },
  { name = "flows", title = "Flows", width = 8, kind = "name",
    responder = numbers "flows",
    about = "numbers of the flows to which it replied" },
  { name = "path", title = "Path", width = 4, kind = "name",
    responder = numbers "paths",
    about = "numbers of the paths through it, where there are several flows" },
  { name = "back", title = "Back", unit = "hops", width = 4, kind = "count",
    responder = reverse.return_hops, derived = true,
    about = "hops of the return path, from the TTL of the replies" },
  { name = "mpls", title = "MPLS", width = 20, kind = "name",
    responder = extension.labels,
    about = "label stack of the received probe: label, traffic class, TTL" },
  { name = "interfaces", title = "Interfaces", width = 20, kind = "name",
    responder = extension.interfaces,
    about = "interfaces named in its ICMP extensions" },
  { name = "objects", title = "Objects", width = 12, kind = "name",
    responder = extension.unknown,
    about = "ICMP extension objects of other classes: class/type, bytes" },
  { name = "extension", title = "Extension", width = 9, kind = "name",
    responder = extension.state,
    about = "state of its ICMP extensions: ok, old-style, checksum wrong" },
  { name = "codes", title = "ICMP", width = 8, kind = "name",
    responder = code_list, text_only = true,
    about = "every ICMP type/code seen from the address" },
  { name = "special", title = "Range", width = 10, kind = "name",
    responder = "special",
    about = "class of a special-purpose address, such as private or cgn" },
  { name = "asn", title = "ASN", width = 8, kind = "name", default = true,
    responder = asn, about = "autonomous system that announces the address" },
  { name = "organization", title = "Organization", width = 16,
    kind = "name", longest = 48, default = true, responder = organization,
    about = "holder of the autonomous system" },
  { name = "name", title = "Name", width = 20, kind = "name",
    responder = "name", about = "name of the address, by reverse DNS" },
  { name = "prefix", title = "Prefix", width = 18, kind = "name",
    responder = "prefix", about = "announced prefix that holds the address" },
  { name = "registry", title = "Registry", width = 8, kind = "name",
    responder = "registry", about = "registry that allocated the prefix" },
  { name = "country", title = "CC", width = 2, kind = "name",
    responder = "country", about = "country the prefix is registered in" },
  { name = "rpki", title = "RPKI", width = 9, kind = "name",
    responder = "rpki", about = "route origin validation: valid, invalid "
      .. "or not_found, by the IRR server" },
  { name = "announced", title = "Announced", width = 9, kind = "flag",
    responder = "announced",
    about = "whether a route to the address is seen in BGP" },
  { name = "asn_source", title = "ASN Source", width = 20, kind = "name",
    responder = "source", about = "servers and registries the ASN is from" },
  { name = "geo_country", title = "Country", width = 2, kind = "name",
    responder = of_place "country", about = "country, by the database" },
  { name = "geo_region", title = "Region", width = 12, kind = "name",
    responder = of_place "region", about = "region, by the database" },
  { name = "geo_city", title = "City", width = 12, kind = "name",
    responder = of_place "city", about = "city, by the database" },
  { name = "latitude", title = "Latitude", unit = "degrees", width = 9,
    kind = "degrees", responder = of_place "latitude",
    about = "north of the equator, by the database" },
  { name = "longitude", title = "Longitude", unit = "degrees", width = 9,
    kind = "degrees", responder = of_place "longitude",
    about = "east of Greenwich, by the database" },
  { name = "direct_rtt", title = "Direct-RTT(ms)", unit = "ms", width = 8,
    kind = "ms", responder = of_direct "rtt_ms",
    about = "mean round trip of echo requests to the address itself" },
  { name = "direct_loss", title = "Direct-Loss%", unit = "%", width = 6,
    kind = "share", responder = direct_loss, remark = direct_remark,
    about = "share of these echo requests without a reply, if any got one" },
  { name = "direct_sent", title = "Direct-Sent", unit = "probes", width = 5,
    kind = "count", responder = direct_sent,
    about = "echo requests that were sent to the address itself" },
  { name = "os", title = "OS Guess", width = 12, kind = "name",
    default = true, responder = os_guess,
    about = "operating system, from evidence only; ? where in doubt" },
}

local BY_WORD = {}
for _, field in ipairs(FIELDS) do
  field.key = format.key(field.name, field.kind)
  BY_WORD[field.key], BY_WORD[field.name] = field, field
end

local function pick(source, from)
  if source == nil or from == nil then
    return nil
  elseif type(source) == "function" then
    return source(from)
  end
  return from[source]
end

local function absent(field, row)
  if not row.responder and field.silent then
    return field.silent
  elseif not row.first and field.later then
    return field.later
  end
  return "-"
end

--- Returns the text of a column in a row of the text table.
-- @tparam table field
-- @tparam table row as made by mtrtrace.table.rows
-- @treturn string "-" where there is no value
function M.cell(field, row)
  if row.last_ttl then
    return field.folded and field.folded(row) or ""
  end
  local source, from = field.responder, row.responder
  if row.first and field.hop and not (row.own and source) then
    source, from = field.hop, row.hop
  end
  local value = pick(source, from)
  if value == nil then
    return absent(field, row)
      .. (field.marks and row.first and field.marks(row.hop) or "")
  end
  return format.kinds[field.kind].text(value)
    .. (field.remark and field.remark(from) or "")
    .. (field.marks and row.first and field.marks(row.hop) or "")
end

--- Returns the source of a field's value for programs; reading many values by
-- their source is faster than many calls of raw.
-- @tparam table field
-- @tparam string scope see raw
-- @treturn ?string key of the value; nil where the scope lacks the field
-- @treturn ?function (from) to the value, instead of the key
-- @treturn ?function (value, not nil) to the text that raw gives
function M.source(field, scope)
  local source, to_raw = field[scope], format.kinds[field.kind].raw
  if source == nil or field.text_only then
    return nil
  elseif type(source) == "function" then
    return nil, source, to_raw
  end
  return source, nil, to_raw
end

--- Returns a field's value for programs, in the field's unit, without
-- exponent.
-- @tparam table field
-- @tparam string scope "hop", "responder", "verdict" or "ttfb"
-- @tparam table from a hop, responder, verdict or time to first byte
-- @treturn ?string nil where there is no value; a flag is a boolean
function M.raw(field, scope, from)
  local value = pick(field[scope], from)
  if value == nil or field.text_only then
    return nil
  end
  return format.kinds[field.kind].raw(value)
end

--- Returns the fields of verdicts of all kinds, in order.
-- @treturn {table,...} { key, kind, about }; must not be changed
function M.of_verdicts()
  return verdict_keys
end

-- Columns by the letters of mtr's option -o.
local LETTERS = {
  L = "loss", D = "dropped", R = "received", S = "sent", N = "last",
  B = "best",
  A = "avg", W = "worst", V = "stdev", G = "gmean", J = "jitter_last",
  M = "jitter", X = "jitter_worst", I = "jitter_rfc3550",
}

--- Returns the column of a letter of mtr's option -o.
-- @tparam string letter
-- @treturn ?string
function M.of_letter(letter)
  return LETTERS[letter]
end

--- Returns the fields of the time to first byte, in order.
-- @treturn {table,...} { key, kind, about }; must not be changed
function M.of_ttfb()
  return ttfb_keys
end

--- Returns all fields, in the order of the columns.
-- @treturn {table,...} must not be changed
function M.all()
  return FIELDS
end

--- Returns the names of the columns of the default table, in order.
-- @treturn {string,...}
function M.default_names()
  local names = {}
  for _, field in ipairs(FIELDS) do
    names[#names + 1] = field.default and field.name or nil
  end
  return names
end

--- Returns the field with a name or key.
-- @tparam string word a column's name or key
-- @treturn ?table nil for an unknown one
function M.get(word)
  return BY_WORD[word]
end

return M
