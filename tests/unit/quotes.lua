-- SPDX-License-Identifier: BSD-2-Clause
--- Results of one flow whose replies quote the probes as received, for the
-- tests of verdicts on quotes. A path is { hops = N, tos, nats = { { after =
-- TTL of the NAT, and the fields quoted beyond it } }, marks = {
-- { after, tos = function(tos) } }, quirks = { [TTL] = function(answer,
-- responder) }, silent = { [TTL] = true } }.
-- @module quotes
local sample = require "sample"

local M = {}

M.SOURCE, M.TARGET = "10.0.0.1", "198.18.0.9"

function M.swap(n)
  return (n & 0xff) << 8 | n >> 8
end

local function sent_of(path, ttl)
  return { kind = "time-exceeded", type = 11, code = 0, reply_ttl = 64,
    quoted = 28, quoted_ttl = 1, sent_ttl = ttl, sent_tos = path.tos or 0,
    sent_id = 1000 + ttl, sent_source_port = 28672, sent_target_port = 33434,
    sent_checksum = 0x1234 + ttl }
end

local function received_of(path, ttl)
  local a = sent_of(path, ttl)
  a.quoted_tos, a.quoted_id, a.quoted_checksum = a.sent_tos, a.sent_id,
    a.sent_checksum
  a.quoted_source_port = a.sent_source_port
  a.quoted_target_port = a.sent_target_port
  for _, nat in ipairs(path.nats or {}) do
    if nat.after < ttl then
      for key, value in pairs(nat) do
        a["quoted_" .. key] = key ~= "after" and value or nil
      end
      a.quoted_after, a.quoted_delta = nil, nil
      a.quoted_checksum = (a.quoted_checksum + (nat.delta or 0)) % 0xffff
      if nat.id then
        a.quoted_id = nat.id + ttl
      end
    end
  end
  for _, mark in ipairs(path.marks or {}) do
    if mark.after < ttl then
      a.quoted_tos = mark.tos(a.quoted_tos)
    end
  end
  return a
end

--- The result of a flow through the path.
function M.result(path, changes)
  local hops = {}
  for ttl = 1, path.hops do
    if path.silent and path.silent[ttl] then
      hops[ttl] = sample.silent(ttl)
    else
      local answer = received_of(path, ttl)
      local responder = sample.responder("10.1.0." .. ttl,
        { answers = { answer } })
      if path.quirks and path.quirks[ttl] then
        path.quirks[ttl](answer, responder)
      end
      hops[ttl] = sample.hop(ttl, { responder })
    end
  end
  return sample.result(hops, changes or { source = M.SOURCE,
    target = M.TARGET, protocol = "udp" })
end

--- The texts of the verdicts.
function M.texts(list)
  local texts = {}
  for i, v in ipairs(list) do
    texts[i] = v.text
  end
  return texts
end

-- Random values of records, including those that no engine returns.
local function random_answer(R)
  local function some(value)
    return R.chance(0.7) and value or nil
  end
  local function word() return some(R.whole(0, 65535)) end
  return { kind = "time-exceeded", type = some(R.pick { 3, 11 }), code = 0,
    quoted = some(R.whole(0, 500)), quoted_ttl = some(R.whole(0, 5)),
    quoted_tos = some(R.whole(0, 255)), sent_tos = some(R.whole(0, 255)),
    quoted_id = word(), sent_id = word(), quoted_checksum = word(),
    sent_checksum = word(), quoted_source_port = word(),
    sent_source_port = word(), quoted_target_port = word(),
    sent_target_port = word(), quoted_ident = word(), sent_ident = word(),
    quoted_source = some(R.pick { "0.0.0.0", "203.0.113.1", "::" }),
    quoted_target = some "192.168.0.9",
    extensions = some { checksum = R.pick { "ok", "bad", "none" },
      compliant = R.chance(0.5), mpls = some { { label = R.whole(0, 99),
        tc = some(1), bottom = true, ttl = some(R.whole(0, 255)) } },
      interfaces = some { { role = some "incoming", index = some(3),
        name = some "a\27b", address = some "10.0.0.9" } },
      unknown = some { { class = some(9), type = 1,
        bytes = some "0001" } } } }
end

--- A random result of one flow.
function M.random(R)
  local hops = {}
  for ttl = 1, R.whole(0, 12) do
    local list = {}
    for i = 1, R.whole(0, 2) do
      list[i] = sample.responder("10.1.0." .. R.whole(1, 6), {
        reply_ttl = R.chance(0.9) and R.whole(0, 255) or nil,
        echo_ttl = R.chance(0.5) and R.whole(1, 255) or nil,
        target = R.chance(0.1), answers = R.chance(0.9)
          and { random_answer(R), random_answer(R) } or nil })
    end
    hops[ttl] = #list > 0 and sample.hop(ttl, list) or sample.silent(ttl)
  end
  return sample.result(hops, { source = M.SOURCE, target = M.TARGET })
end

return M
