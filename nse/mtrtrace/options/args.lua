-- SPDX-License-Identifier: BSD-2-Clause

--- Script arguments: from Nmap's raw table to checked options, or to one
-- sentence that names the argument, its value and what is accepted. Full keys
-- ("mtr-trace.packets") and the nested form (mtr-trace={packets=5}) are read,
-- and, as stdnse.get_script_args has it, the last part alone ("packets"),
-- where no other script documents that key. Pure but for the file of
-- udp-payload, which is read.
-- @module mtrtrace.options.args
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local nearest = require "mtrtrace.base.nearest"
local payloadfile = require "mtrtrace.options.payloadfile"
local sources = require "mtrtrace.asn.sources"
local unicode = require "mtrtrace.base.unicode"
local values = require "mtrtrace.options.values"

local M = {}

local SCRIPT = "mtr-trace"

local whole, seconds = values.whole, values.seconds

local SERVER = "a server such as whois.example.net or 192.0.2.1:43"

local function asn_words()
  local words = sources.names()
  words[#words + 1] = "off"
  return words
end

-- One row per argument. `read` converts text to a value; it returns nil for
-- invalid text, or nil and true for a word that stands for the value nil.
local ARGS = {
  { name = "packets", default = 10, read = whole, min = 1, max = 100000,
    want = "a whole number" },
  { name = "timeout", default = 5, read = seconds, min = 0.001, max = 3600,
    want = "a time such as 5s or 500ms" },
  { name = "max-time", read = seconds, min = 0.1, max = 604800,
    want = "a time such as 20s or 5m" },
  { name = "protocol", default = "icmp", read = values.choice,
    want = "one of ", words = { "icmp", "udp", "tcp", "tcp-session" } },
  { name = "reset", default = "no", read = values.choice,
    want = "one of ", words = { "yes", "no" } },
  { name = "port", read = whole, min = 1, max = 65535,
    want = "a whole number" },
  { name = "source-port", read = whole, min = 1, max = 65535,
    want = "a whole number" },
  { name = "udp-payload", read = values.payload, want = "one of ",
    words = { "plain", "dns", "quic", "ntp", "stun", "snmp" },
    more = " or FILE@OFFSET" },
  { name = "first-hop", default = 1, read = whole, min = 1, max = 255,
    want = "a whole number" },
  { name = "max-hops", default = 30, read = whole, min = 1, max = 255,
    want = "a whole number" },
  { name = "interval", read = seconds, word = "auto", min = 0.01,
    max = 3600, want = "auto or a time such as 500ms or 1s" },
  { name = "size", read = values.size, min = 28, max = 65535,
    want = "a whole number of bytes",
    more = ", or with - in front for random sizes up to that" },
  { name = "tos", default = 0, read = whole, hex = true, min = 0, max = 255,
    want = "a whole number" },
  { name = "ecn", default = "no", read = values.choice, want = "one of ",
    words = { "no", "yes", "accecn" } },
  { name = "max-silent", default = 5, read = whole, min = 1, max = 255,
    want = "a whole number" },
  { name = "columns", read = values.columns, list = true,
    want = "a list such as {hop,ip,avg} out of ",
    words = values.column_words() },
  { name = "asn", read = values.words, list = true, alone = "off",
    want = ("off, or a list such as {%s} out of "):format(
      table.concat(sources.default_order {}, ",")),
    words = asn_words() },
  { name = "names", default = "yes", read = values.choice,
    want = "one of ", words = { "yes", "no" } },
  { name = "asn-db", read = values.path, want = "the name of a file" },
  { name = "geo-db", read = values.path, want = "the name of a file" },
  { name = "geo-out", read = values.path, want = "the name of a file" },
  { name = "baseline", read = values.path, want = "the name of a file" },
  { name = "os", default = "echo", read = values.choice,
    want = "one of ", words = { "passive", "echo", "active", "off" } },
  { name = "flows", default = 1, read = whole, min = 1, max = 64,
    want = "a whole number" },
  { name = "paths", read = whole, word = "off", min = 50, max = 99,
    want = "off or a confidence in percent" },
  { name = "snmp", default = "no", read = values.choice,
    want = "one of ", words = { "yes", "no" } },
  { name = "http", default = "on", read = values.choice, want = "one of ",
    words = { "on", "off" } },
  { name = "url", read = values.url,
    want = "a path such as /health or a URL such as https://name:8443/" },
  { name = "http-count", default = 1, read = whole, min = 1, max = 100,
    want = "a whole number" },
  { name = "http-timeout", default = 10, read = seconds, min = 0.1,
    max = 600, want = "a time such as 10s or 500ms" },
  { name = "http-method", default = "GET", read = values.choice,
    want = "one of ", words = { "GET", "HEAD" } },
  { name = "direct", default = "no", read = values.choice,
    want = "one of ", words = { "yes", "no" } },
  { name = "ports", read = values.ports, list = true, word = "filtered",
    most = 1000, want = "filtered, or a list of 1 to 1000 ports such as "
      .. "{22,25,U:53}" },
  { name = "max-ports", default = 8, read = whole, min = 1, max = 1000,
    want = "a whole number" },
  { name = "pmtu", default = "no", read = values.choice,
    want = "one of ", words = { "yes", "no" } },
}

-- Arguments that replace the server of an ASN source.
for _, row in ipairs(sources.all()) do
  ARGS[#ARGS + 1] = row.argument
    and { name = row.argument, read = values.server, want = SERVER } or nil
end

-- Last parts of keys that other scripts and libraries of Nmap document too:
-- "port=443" may be meant for one of these. A test compares this list with
-- the installed Nmap's.
local SHARED = { "timeout", "protocol", "port", "ports", "size", "asn",
  "names", "paths", "url" }

local IS_SHARED = {}
for _, name in ipairs(SHARED) do
  IS_SHARED[name] = true
end

local BY_NAME, NAMES = {}, {}
for i, arg in ipairs(ARGS) do
  BY_NAME[arg.name], NAMES[i] = arg, arg.name
end

local function accepted(arg)
  if arg.words then
    return arg.want .. table.concat(arg.words, ", ") .. (arg.more or "")
  elseif not arg.min then
    return arg.want
  end
  return ("%s from %s to %s%s"):format(arg.want, format.decimal(arg.min),
    format.decimal(arg.max), arg.read == seconds and " s" or arg.more or "")
end

local function short(text)
  return unicode.cut(format.clean(text), 60)
end

-- Lists stand in braces in Nmap only.
local function bad(prefix, arg, shown, hint)
  local want = accepted(arg)
  if prefix == "--" then
    want = want:gsub("{(.-)}", "%1")
  end
  return ("%s%s=%s: expected %s%s"):format(prefix, arg.name, short(shown),
    want, hint or "")
end

-- Returns the value as text; nil where the value has a wrong type.
local function flatten(arg, value)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  for i, part in ipairs(value) do
    parts[i] = type(part) == "table" and "{...}" or tostring(part)
  end
  local text = table.concat(parts, ",")
  return arg.list and text or nil, "{" .. text .. "}"
end

local function read_one(prefix, arg, value)
  if value == true then
    return nil, ("%s%s: no value given: expected %s"):format(
      prefix, arg.name, accepted(arg))
  end
  local text, shown = flatten(arg, value)
  if not text then
    return nil, bad(prefix, arg, shown, ", not a list")
  end
  local result, is_word, culprit = arg.read(text, arg)
  if result == nil and not is_word then
    local hint = culprit and ("; %s is none of these, the nearest is %s")
      :format(short(culprit), nearest.find(culprit, arg.words))
    return nil, bad(prefix, arg, shown or text, hint)
  end
  return result
end

local function collect_nested(found, nested)
  if type(nested) ~= "table" then
    return
  end
  for key, value in pairs(nested) do
    if type(key) == "string" then
      found[key] = value
    else
      found[tostring(value)] = true
    end
  end
end

-- Returns the script's arguments by short name; true for one without a value.
-- A full key overrides the nested form.
local function collect(raw)
  local found = {}
  collect_nested(found, raw[SCRIPT])
  for key, value in pairs(raw) do
    local word = type(key) == "string" and key or value
    local name = type(word) == "string"
      and word:match("^mtr%-trace%.(.*)$")
    if name and word == key then
      found[name] = value
    elseif name and found[name] == nil then
      found[name] = true
    end
  end
  return found
end

-- A table under a short key belongs to another script, unless the argument is
-- a list.
local function is_short(raw, arg)
  local value = raw[arg.name]
  return type(value) == "string" or type(value) == "number"
    or arg.list and type(value) == "table"
end

-- Adds arguments given by the last part of the key alone; a full key overrides
-- them. Returns a hint for each that may belong to another script.
local function collect_short(raw, found)
  local hints = {}
  for _, arg in ipairs(ARGS) do
    local name = arg.name
    if found[name] == nil and is_short(raw, arg) then
      if not IS_SHARED[name] then
        found[name] = raw[name]
      else
        hints[#hints + 1] = ("%s is not read, because other scripts have an "
          .. "argument of that name: use %s.%s"):format(name, SCRIPT, name)
      end
    end
  end
  return hints
end

local function misshapen(nested)
  return nested ~= nil and type(nested) ~= "table"
    and ("%s=%s: expected a table such as %s={packets=5}"):format(SCRIPT,
      short(nested), SCRIPT)
end

local function unknown(found)
  local names = {}
  for name in pairs(found) do
    names[#names + 1] = not BY_NAME[name] and name or nil
  end
  table.sort(names)
  local name = names[1]
  return name and ("%s.%s: no such argument, the nearest is %s.%s")
    :format(SCRIPT, short(name), SCRIPT, nearest.find(name, NAMES))
end

-- Nmap splits an unquoted list at its commas, so all words but the first would
-- be ignored silently.
local function cut_list(raw, value, arg)
  for _, word in ipairs(type(value) == "string" and raw or {}) do
    if type(word) == "string" and arg.read(word, arg) then
      return ("%s.%s=%s: expected a list in braces, such as {%s,%s}")
        :format(SCRIPT, arg.name, short(value), short(value), word)
    end
  end
end

local function cut_lists(raw, found)
  for _, arg in ipairs(ARGS) do
    local err = arg.list and cut_list(raw, found[arg.name], arg)
    if err then
      return err
    end
  end
end

local function payload_text(payload)
  return type(payload) == "table" and short(payload.text) or payload
end

-- Returns an error for each option that has no effect with the protocol.
local function unused(prefix, options, found)
  local list = {}
  for _, name in ipairs { "port", "source-port" } do
    list[#list + 1] = found[name] and options.protocol == "icmp"
      and ("%s%s=%s: icmp has no ports, expected %sprotocol=udp or tcp with "
        .. "it"):format(prefix, name, tostring(found[name]), prefix) or nil
  end
  list[#list + 1] = options.udp_payload and options.protocol ~= "udp"
    and ("%sudp-payload=%s: expected %sprotocol=udp with it"):format(prefix,
      payload_text(options.udp_payload), prefix) or nil
  list[#list + 1] = options.ecn == "accecn" and options.protocol ~= "tcp"
    and ("%secn=accecn: expected %sprotocol=tcp with it"):format(prefix,
      prefix) or nil
  return list
end

-- Requests have the size that their protocol gives them; QUIC's are padded.
local function payload_conflict(prefix, options)
  local payload = options.udp_payload
  if payload and options.size
    and not (payload == "plain" or payload == "quic") then
    return ("%ssize=%d: expected %sudp-payload=plain or quic with it, or "
      .. "none"):format(prefix, options.size, prefix)
  end
end

-- Probes in a session have one size, and ports that the capture knows.
local SESSION_PORT, SESSION_PORTS = 28672, 4096

local function session_conflict(prefix, options)
  local in_session = options.protocol == "tcp-session"
  local port = options.source_port
  local last = SESSION_PORT + SESSION_PORTS - (options.flows or 1)
  if options.reset == "yes" and not in_session then
    return ("%sreset=yes: expected %sprotocol=tcp-session with it"):format(
      prefix, prefix)
  elseif in_session and options.size then
    return ("%ssize=%d: probes of protocol=tcp-session have one size, "
      .. "expected none with it"):format(prefix, options.size)
  elseif in_session and port and (port < SESSION_PORT or port > last) then
    return ("%ssource-port=%d: expected a whole number from %d to %d with "
      .. "protocol=tcp-session"):format(prefix, port, SESSION_PORT, last)
  end
end

local function conflict(prefix, options)
  for _, name in ipairs(options.asn) do
    local needs = sources.get(name).needs
    if needs and not options[sources.option(needs)] then
      return ("%sasn=%s: expected %s%s=FILE with it"):format(prefix, name,
        prefix, needs)
    end
  end
  local err = session_conflict(prefix, options)
    or payload_conflict(prefix, options)
  if err then
    return err
  end
  if options.snmp == "yes" and options.os == "off" then
    return ("%ssnmp=yes: expected %sos other than off with it"):format(
      prefix, prefix)
  end
  if options.geo_out and not options.geo_db then
    return ("%sgeo-out=%s: expected %sgeo-db=FILE with it"):format(prefix,
      short(options.geo_out), prefix)
  elseif options.first_hop > options.max_hops then
    return ("%sfirst-hop=%d: expected a whole number from 1 to "
      .. "%smax-hops, which is %d"):format(prefix, options.first_hop,
        prefix, options.max_hops)
  end
end

local DIRECT = { "direct_rtt", "direct_loss" }

-- The columns of direct figures turn on the pings, and the pings turn on the
-- columns unless the user chose others.
local function complete_direct(options)
  for _, name in ipairs(options.columns or {}) do
    options.direct = name:find "^direct_" and "yes" or options.direct
  end
  if not options.columns then
    options.columns = fields.default_names()
    table.move(DIRECT, 1, options.direct == "yes" and #DIRECT or 0,
      #options.columns + 1, options.columns)
  end
end

-- Parses the values found; returns nil with the first error.
local function read_all(prefix, found)
  local options = {}
  for _, arg in ipairs(ARGS) do
    local value, err = arg.default, nil
    if found[arg.name] ~= nil then
      value, err = read_one(prefix, arg, found[arg.name])
    end
    if err then
      return nil, err
    end
    options[(arg.name:gsub("-", "_"))] = value
  end
  -- Only one that the user set is kept; see enrichers.engine_options.
  options.timeout_given = found.timeout ~= nil or nil
  complete_direct(options)
  options.asn = options.asn or sources.default_order(options)
  return options
end

--- Returns all arguments, for the documentation and its test.
-- @treturn {table,...} each with `name` and `default`; must not be changed
function M.all()
  return ARGS
end

--- Reads the file that UDP probes carry, if any. Called separately from
-- `check`, after the command has switched to the user who called sudo, because
-- the probes must not hold a file that this user may not read.
-- @tparam string prefix what stands before a name in a message: "--"
-- @tparam table options checked; `udp_payload` gets its `bytes`
-- @tparam ?function fetch finds a file by name, as nmap.fetchfile does
-- @treturn ?string an error, one sentence
function M.load(prefix, options, fetch)
  local payload = options.udp_payload
  if type(payload) == "table" then
    local file, err = payloadfile.read(payload, fetch)
    return not file and ("%sudp-payload=%s: %s"):format(prefix,
      payload_text(payload), short(err)) or nil
  end
end

--- Checks the arguments of one run.
-- @tparam table raw nmap.registry.args
-- @tparam ?function fetch finds a file by name, as nmap.fetchfile does
-- @treturn ?table options as core.trace takes them (times in seconds);
--   `columns`, an array of field keys; and for the look-ups `asn`, an array
--   of sources, `names`, and servers as { host, port }; `os` and `snmp`
--   for the OS guess; what has no default may be absent
-- @treturn ?string the first error, one sentence
-- @treturn ?table `given`: what was found, by argument; `hints`: sentences on
--   short keys that were not read
function M.read(raw, fetch)
  local found = collect(raw)
  local err = misshapen(raw[SCRIPT]) or unknown(found)
  if err then
    return nil, err
  end
  local hints = collect_short(raw, found)
  local options
  options, err = read_all(SCRIPT .. ".", found)
  err = err or cut_lists(raw, found)
    or unused(SCRIPT .. ".", options, found)[1]
    or conflict(SCRIPT .. ".", options)
    or M.load(SCRIPT .. ".", options, fetch)
  return not err and options or nil, err, { given = found, hints = hints }
end

--- Names that are read with a full key only.
-- @treturn {string,...} not to be changed
function M.shared()
  return SHARED
end

--- What an argument accepts, in words.
-- @tparam string name
-- @treturn string such as "one of icmp, udp"
function M.accepted(name)
  return accepted(BY_NAME[name])
end

--- The argument of a name.
-- @tparam string name such as "first-hop"
-- @treturn ?table its row
function M.get(name)
  return BY_NAME[name]
end

--- Reads one value.
-- @tparam string prefix what stands before the name in a message: "--"
-- @tparam table arg a row like those of this module: `name`, `read`, `want`
-- @tparam string text
-- @treturn ?value
-- @treturn ?string one sentence
function M.value(prefix, arg, text)
  return read_one(prefix, arg, text)
end

--- Checks options that do not come from Nmap.
-- @tparam string prefix what stands before a name in a message: "--"
-- @tparam table found texts by the argument's name
-- @treturn ?table options as `read` gives them, and `warnings`: sentences on
--   what has no effect. mtr ignores a port with ICMP, so that is no error
--   here, nor is a payload of UDP with other protocols
-- @treturn ?string the first error, one sentence
function M.check(prefix, found)
  local options, err = read_all(prefix, found)
  err = err or conflict(prefix, options)
  if err then
    return nil, err
  end
  options.warnings = unused(prefix, options, found)
  if options.protocol == "icmp" then
    options.port, options.source_port = nil, nil
  end
  if options.protocol ~= "udp" then
    options.udp_payload = nil
  end
  if options.protocol ~= "tcp" and options.ecn == "accecn" then
    options.ecn = "no"
  end
  return options
end

return M
