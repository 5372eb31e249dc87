-- SPDX-License-Identifier: BSD-2-Clause
--- From an entry of nmap-os-db to the replies that it implies, in the
-- engine's form. Values that an entry leaves open (ranges, alternatives, a
-- test without a reply) are absent. Nmap's UDP probe has 328 bytes; for a
-- smaller probe the quote is cut to its size, as padding is unknown. Entries
-- have no information on time exceeded, on TOS, or on echoed identifications.
-- @module osdb_evidence
local M = {}

local DISTANCE = 5
local NMAP_SIZE = 328
local STARTS = { 0x20, 0x40, 0x80, 0xff }

local function hex(text)
  return text and text:match("^%x+$") and tonumber(text, 16) or nil
end

-- TG is Nmap's guess of the initial TTL, T the range that was observed.
local function start_of(test)
  if test.TG then
    return hex(test.TG)
  end
  local low, high = (test.T or ""):match("^(%x+)%-(%x+)$")
  local found
  for _, start in ipairs(low and STARTS or {}) do
    if start >= hex(low) and start <= hex(high) then
      found = found == nil and start or false
    end
  end
  return found or nil
end

local function answered(test)
  return test and test.R ~= "N" and start_of(test) or nil
end

local function reply(probe, kind, start, i, more)
  local out = { probe = probe, kind = kind, at = i / 10, index = i,
    reply_ttl = start - DISTANCE + 1, sent_id = 7 * i }
  for key, value in pairs(more) do
    out[key] = value
  end
  return out
end

-- Far from the identifications of the echo replies, unless TCP and ICMP share
-- a counter.
local APART = 40000

-- Identifications of a class; "RI" may be random or those of our probes.
local IDS = {
  I = function(i) return 100 + i end,
  Z = function() return 0 end,
  RD = function(i) return i * 25031 % 65536 end,
}

local function id_of(class, i, apart)
  local id = IDS[class] and IDS[class](i)
  return id and id > 0 and apart and (id + APART) % 65536 or id
end

local DF = { Y = true, N = false }
local CHECKSUM = { G = true, I = false, Z = false }

-- Longer than the probe: for other sizes the padding is unknown.
local function quote_of(quoted, probe_size)
  if quoted > NMAP_SIZE then
    return probe_size == NMAP_SIZE and quoted or nil
  end
  return math.min(quoted, probe_size)
end

local function add_unreachable(answers, test, probe_size)
  local start, size = answered(test), hex(test and test.IPL)
  local quoted = size and quote_of(size - 28, probe_size)
  if start then
    table.insert(answers, reply("udp", "unreachable", start, 1, {
      protocol = "udp", type = 3, code = 3, df = DF[test.DF],
      size = quoted and quoted + 28, quoted = quoted,
      sent_size = probe_size, sent_df = false,
      quoted_checksum_ok = CHECKSUM[test.RIPCK],
    }))
  end
  return start
end

local ECHO_DF = {
  N = function() return false end, Y = function() return true end,
  S = function(sent) return sent end, O = function(sent) return not sent end,
}

-- The code of the reply to a request with code 9.
local CODE = { S = 9, Z = 0 }

local function add_echoes(answers, entry)
  local test = entry.IE
  local start = answered(test)
  for i = 10, start and 12 or 0 do
    local sent = i == 10
    local df = ECHO_DF[test.DFI]
    table.insert(answers, reply("echo", "echo-reply", start, i, {
      protocol = "icmp", type = 0, sent_df = sent,
      sent_code = i == 12 and 9 or 0, code = i < 12 and 0 or CODE[test.CD],
      df = df and df(sent), ip_id = id_of((entry.SEQ or {}).II, i),
    }))
  end
  return start
end

local function add_resets(answers, entry)
  local test = answered(entry.T6) and entry.T6 or entry.T5
  local start, series = answered(test), entry.SEQ or {}
  for i = 20, start and 22 or 0 do
    table.insert(answers, reply("tcp", "bare-rst", start, i, {
      protocol = "tcp", df = DF[test.DF],
      ip_id = id_of(series.CI, i, series.SS ~= "S"),
    }))
  end
end

--- The subject that an entry describes.
-- @tparam table entry of osdb
-- @tparam integer probe_size of the UDP probe
-- @treturn ?table nil if the entry lacks the initial TTL of errors or of echo
--   replies: no rule fires with only one of them
function M.subject(entry, probe_size)
  local answers = {}
  local error_start = add_unreachable(answers, entry.U1, probe_size)
  local echo_start = add_echoes(answers, entry)
  add_resets(answers, entry)
  if error_start and echo_start then
    return { address = "192.0.2.1", family = 4, ttl = { DISTANCE },
      target = true, answers = answers }
  end
end

--- The same for a target that sends no errors and no resets.
-- @treturn ?table nil if its echo replies are unknown
function M.pinged(entry)
  local answers = {}
  if add_echoes(answers, entry) then
    return { address = "192.0.2.1", family = 4, ttl = { DISTANCE },
      target = true, answers = answers }
  end
end

local FORWARDS = { ["router"] = true, ["switch"] = true,
  ["broadband router"] = true, ["WAP"] = true, ["firewall"] = true,
  ["bridge"] = true, ["load balancer"] = true }

local function forwards(entry)
  for _, class in ipairs(entry.classes) do
    if FORWARDS[class.device] then
      return true
    end
  end
  return false
end

--- The same for a hop that gets echo requests only, if its time exceeded is
-- like port unreachable.
-- @treturn ?table nil if the device is no router
function M.hop(entry, probe_size)
  local subject = forwards(entry) and M.subject(entry, probe_size)
  if not subject then
    return nil
  end
  local answers = {}
  for _, answer in ipairs(subject.answers) do
    if answer.kind == "unreachable" then
      answer.kind, answer.probe = "time-exceeded", "trace"
      answer.sent_ttl = DISTANCE
    end
    answers[#answers + 1] = answer.kind ~= "bare-rst" and answer or nil
  end
  subject.answers, subject.target = answers, false
  return subject
end

return M
