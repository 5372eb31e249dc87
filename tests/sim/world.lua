-- SPDX-License-Identifier: BSD-2-Clause
--- World files: reads them as data and refuses what they may not say.
--
-- A world is a table:
--
--   prober   address of the host that traces
--   target   address of the traced host
--   nodes    name = node, see NODE below
--   path     list of node names from the prober to the target; in place of a
--            name may stand { balance = "flow" | "packet" | "destination" |
--            "prefix",
--            { names }, { names }, ... }: parallel branches, of any lengths
--   back     { hops, delay_ms }: the way back is so much longer
--   changes  list of { at_s, path, back }: from then on
--
-- Delays (DELAY) are a number of ms or { base_ms, jitter_ms, shape }.
-- Losses (LOSS) are a share from 0 to 1; { enter, leave, share }, Gilbert's
-- bursts by packet; or { good_ms, bad_ms, share }, the same in time.
-- @module sim.world
local bucket = require "sim.bucket"
local forged = require "sim.forged"
local quote = require "sim.quote"
local services = require "sim.services"

local M = {}

local check

-- Each kind of value is a function (value, where) that raises.

local function fail(where, value, wanted)
  error(("%s is %s: %s expected"):format(where, tostring(value), wanted), 0)
end

local function number(least, most)
  return function(value, where)
    if type(value) ~= "number" or not (value >= least and value <= most) then
      fail(where, value, ("a number from %g to %g"):format(least, most))
    end
  end
end

local function text(value, where)
  if type(value) ~= "string" then
    fail(where, value, "a string")
  end
end

local function flag(value, where)
  if type(value) ~= "boolean" then
    fail(where, value, "true or false")
  end
end

local function one_of(...)
  local names, set = { ... }, {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  table.sort(names)
  return function(value, where)
    if not set[value] then
      fail(where, value, "one of " .. table.concat(names, ", "))
    end
  end
end

local function keys_of(t)
  local names = {}
  for name in pairs(t) do
    names[#names + 1] = name
  end
  return one_of(table.unpack(names))
end

local function record(fields)
  return function(value, where)
    check(value, fields, where)
  end
end

local function list_of(kind)
  return function(value, where)
    if type(value) ~= "table" then
      fail(where, value, "a list")
    end
    for i, item in ipairs(value) do
      kind(item, ("%s[%d]"):format(where, i))
    end
    for key in pairs(value) do
      if math.type(key) ~= "integer" or key < 1 or key > #value then
        error(("%s: unknown key '%s'"):format(where, tostring(key)), 0)
      end
    end
  end
end

local function either(...)
  local kinds = { ... } -- type() of the value = kind, the last for the rest
  return function(value, where)
    for i = 1, #kinds - 1, 2 do
      if type(value) == kinds[i] then
        return kinds[i + 1](value, where)
      end
    end
    fail(where, value, "something else")
  end
end

local positive, share = number(0, 1e9), number(0, 1)
local byte, word = number(0, 255), number(0, 65535)

local DELAY = either("number", positive, "table", record {
  base_ms = positive, jitter_ms = positive,
  shape = one_of("uniform", "exponential", "normal"),
})
local LOSS = either("number", share, "table", record {
  enter = share, leave = share, good_ms = positive, bad_ms = positive,
  share = share,
})
local LINK = {
  delay_ms = DELAY, forward_ms = DELAY, back_ms = DELAY,
  loss = LOSS, loss_forward = LOSS, loss_back = LOSS,
  queue = record { service_ms = positive, limit_ms = positive,
    others_every_ms = positive },
  rate_kbit = positive, -- forward, in the order in which packets come
  queue_packets = positive, -- more than so many waiting are dropped (50)
  stalls = record { every_ms = positive, for_ms = positive }, -- forward, means
  reorder = record { share = share, delay_ms = positive },
  mtu = number(28, 65535), -- larger packets: too big, whatever their DF says
}
local RATE_LIMIT = {
  preset = keys_of(bucket.presets), burst = positive, every_ms = positive,
  refill = positive, smooth = flag, scope = one_of("source", "pair", "all"),
  start = either("number", positive, "string", one_of("full", "empty")),
  global = record { burst = positive, every_ms = positive, refill = positive },
}
local IP_ID = one_of("increment", "zero", "random", "echo")
local TOS = either("number", byte, "string", one_of("linux", "copy"))
local DF = either("boolean", flag, "string", one_of("reflect"))
local REPLY = record { ttl = byte, tos = TOS, df = DF, ip_id = IP_ID,
  code = one_of("zero") } -- of echo replies; that of the request
local NODE = {
  address = text,
  link = record(LINK),     -- the one that leads here
  host = flag,             -- takes packets to its address, forwards none
  also = list_of(text),    -- a host: its other addresses; it answers from the
                           -- one that a probe was sent to
  answers = share,         -- of the probes; 0: silent
  from = either("string", text, "table", list_of(text)), -- instead of address
  rate_limit = either("string", keys_of(bucket.presets), "table",
    record(RATE_LIMIT)),
  answer_ms = DELAY,       -- slow in answering only
  ttl = byte,              -- initial, of its answers (64)
  tos = TOS,               -- of errors (linux)
  df = DF,
  ip_id = IP_ID,           -- increment
  counters = one_of("shared", "apart"), -- what increments (shared)
  replies = record { exceeded = REPLY, unreachable = REPLY, echo = REPLY,
    tcp = REPLY },         -- what one kind of answer has of its own
  direct = flag,           -- a router: answers what is sent to itself
  quote = number(0, 65535),-- bytes behind the quoted IP header; all that fits
  quote_pad = number(0, 65535), -- quotes are filled up to so many bytes
  inner_options = number(1, 10),
  inner_headers = list_of(keys_of(quote.header_names)),
  extension = record {
    labels = list_of(record { label = number(0, 1048575),
      tc = number(0, 7), ttl = byte }),
    interfaces = list_of(record { role = number(0, 3), name = text,
      index = word, address = text, mtu = word }),
    unknown = list_of(record { class = byte, type = byte, bytes = text }),
    malformed = keys_of(quote.malformations),
  },
  duplicate = record { share = share, copies = positive, delay_ms = DELAY },
  late = record { share = share, delay_ms = DELAY },
  reject = record { type = byte, code = byte, mtu = word,
    share = share }, -- instead of forwarding
  firewall = list_of(record { protocol = one_of("icmp", "udp", "tcp"),
    port = word, action = one_of("drop", "prohibit", "reset",
      "answer", "accept") }),
                           -- of what it forwards: the first rule that fits;
                           -- a reset, or an answer
                           -- (SYN-ACK), bears the target's address
  outage = record { from_s = positive, down_s = positive, every_s = positive,
    type = byte, code = byte, early = flag }, -- of the link beyond: down_s
                             -- of every_s; reported, or without a type
                             -- silent; early: before the TTL is looked at
  forged = list_of(keys_of(forged.kinds)), -- before each answer
  nat = record { source = text, target = text, source_port = word,
    target_port = word, restore = one_of("all", "addresses", "none"),
    hides = flag },          -- errors from beyond it bear its old target
  set_tos = byte,          -- of what it forwards
  congested = share,       -- of what it forwards and may be marked CE, is
  clears_ecn = flag,       -- the ECN flags of the SYNs that it forwards
  black_hole = flag,       -- does not say that a packet is too big
  zero_ttl = flag,         -- forwards what it should have let expire
  -- hosts
  echo = flag,             -- answers pings (true)
  udp = one_of("closed", "open"),
  service = record(services.FIELDS(one_of)), -- by UDP: sim.services
  tcp = one_of("open", "closed", "reset", "filtered", "prohibited"),
  ecn = one_of("no", "yes", "accecn", "reflect"), -- of its SYN-ACKs (no)
  expires = flag,          -- answers TTL 1 as a router would
}

function check(value, fields, where)
  if type(value) ~= "table" then
    fail(where, value, "a table")
  end
  for key, item in pairs(value) do
    local kind = fields[key]
    if not kind then
      error(("%s: unknown key '%s'"):format(where, tostring(key)), 0)
    end
    kind(item, ("%s.%s"):format(where, key))
  end
end

local function check_path(path, where, nodes)
  if type(path) ~= "table" then
    fail(where, path, "a list")
  end
  for i, item in ipairs(path) do
    local here = ("%s[%d]"):format(where, i)
    if type(item) == "table" then
      one_of("flow", "packet", "destination", "prefix")(item.balance,
        here .. ".balance")
      for j, branch in ipairs(item) do
        check_path(branch, ("%s[%d]"):format(here, j), nodes)
      end
    elseif not nodes[item] then
      fail(here, item, "the name of a node")
    end
  end
end

--- Raises, with the place in the world, what is wrong with it.
-- @tparam table world
-- @treturn table the same
function M.check(world)
  local function nodes(value, where)
    for name, node in pairs(value) do
      local here = ("%s.%s"):format(where, tostring(name))
      check(node, NODE, here)
      text(node.address, here .. ".address")
    end
  end
  local function path(value, where)
    check_path(value, where, world.nodes)
  end
  local back = record { hops = byte, delay_ms = positive }
  local fields = { prober = text, target = text, nodes = nodes, path = path,
    back = back, changes = list_of(record { at_s = positive, path = path,
      back = back }) }
  check(world, fields, "world")
  for _, key in ipairs { "prober", "target", "nodes", "path" } do
    if not world[key] then
      error(("world.%s is missing"):format(key), 0)
    end
  end
  return world
end

--- Reads a world file; it sees no globals.
-- @tparam string file
-- @treturn table
function M.load(file)
  local chunk, err = loadfile(file, "t", {})
  if not chunk then
    error(err, 0)
  end
  return M.check(chunk())
end

return M
