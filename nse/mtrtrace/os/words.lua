-- SPDX-License-Identifier: BSD-2-Clause

--- Wording of guesses and their evidence. Pure.
-- @module mtrtrace.os.words
local M = {}

--- A guess in the table.
-- @tparam ?table guess of mtrtrace.os.judge
-- @treturn ?string such as "Junos", "Junos?" or "unknown"; nil without one
function M.label(guess)
  if not guess then
    return nil
  elseif not guess.label then
    return "unknown"
  end
  return guess.label .. (guess.doubtful and "?" or "")
end

-- Limit for one line of text; structured output has all candidates.
local MOST_FITTING = 4

--- A guess and its confidence; without a guess the candidates that fit.
-- @tparam table guess of mtrtrace.os.judge
-- @treturn string such as "Junos (high confidence)"
function M.verdict(guess)
  if guess.label then
    return ("%s (%s confidence)"):format(M.label(guess), guess.confidence)
  end
  local names = {}
  for i, candidate in ipairs(guess.candidates or {}) do
    names[i] = candidate.name
  end
  if #names == 0 or #names > MOST_FITTING then
    return M.label(guess)
  end
  local last = table.remove(names)
  return ("%s (fits %s%s)"):format(M.label(guess),
    #names > 0 and table.concat(names, ", ") .. " or " or "", last)
end

local KINDS = {
  { "exceeded", "time exceeded" }, { "unreachable", "unreachable" },
  { "echo", "echo reply" }, { "reset", "reset" }, { "syn_ack", "SYN-ACK" },
}

local function rows_of(suffix)
  local rows = {}
  for i, kind in ipairs(KINDS) do
    rows[i] = { kind[1] .. suffix, kind[2] }
  end
  return rows
end

local TTLS, HOP_LIMITS = rows_of "_ttl", rows_of "_hop_limit"

-- Kinds of replies grouped by value: "64 (time exceeded, echo reply), 255
-- (reset)".
local function by_value(facts, rows)
  local values, kinds = {}, {}
  for _, row in ipairs(rows) do
    local value = facts[row[1]]
    if value and not kinds[value] then
      values[#values + 1], kinds[value] = value, {}
    end
    if value then
      table.insert(kinds[value], row[2])
    end
  end
  for i, value in ipairs(values) do
    values[i] = ("%s (%s)"):format(value, table.concat(kinds[value], ", "))
  end
  return #values > 0 and table.concat(values, ", ") or nil
end

local function ttls(facts)
  local text, limits = by_value(facts, TTLS), by_value(facts, HOP_LIMITS)
  return text and "initial TTL " .. text
    or limits and "initial hop limit " .. limits
end

local function quote(facts)
  local kind = facts.quote
  if not kind then
    return nil
  end
  return math.type(kind) and ("quotes %d bytes"):format(kind)
    or ("quotes %s"):format(kind == "whole" and "the whole probe"
      or "the minimum")
end

local TOS = {
  control = "error TOS of network control", zero = "error TOS 0",
  copied = "error TOS copied", other = "error TOS unusual",
}

local IDS = {
  { "echo_id", "echo" }, { "exceeded_id", "time exceeded" },
  { "unreachable_id", "unreachable" }, { "reset_id", "reset" },
}

local function ids(facts)
  local text = by_value(facts, IDS)
  return text and "IP-ID " .. text
end

local function text(pattern, key)
  return function(facts)
    return facts[key] and pattern:format(facts[key]) or nil
  end
end

-- SNMP agents that run on any system: their enterprise number names no vendor.
local SOFTWARE = { [8072] = "net-snmp" }

local function snmp(facts)
  local number, vendor = facts.snmp_enterprise, facts.snmp_mac_vendor
  local software = SOFTWARE[number]
  local agent = software and ("SNMP agent %s, which is software only")
    :format(software) or number and ("SNMP enterprise %d"):format(number)
  return agent and agent
    .. (vendor and (", engine of %s"):format(vendor) or "")
end

-- The parts of a line, in order; each returns nil if its fact is unknown.
local PARTS = {
  ttls, quote,
  function(facts) return TOS[facts.error_tos] end,
  text("echo DF %s", "echo_df"), text("echo code %s", "echo_code"), ids,
  text("MPLS labels", "mpls"),
  function(facts)
    return facts.interface_names and "interfaces "
      .. table.concat(facts.interface_names, " ") or nil
  end,
  text("MAC vendor %s", "mac_vendor"),
  text("%s address", "virtual_router"),
  text("locally administered MAC", "local_mac"),
  snmp,
  text("Nmap's OS detection", "nmap_os"),
  text("name like %s (a hint only)", "hint"),
  function(facts)
    return #facts.rules > 0 and "rules " .. table.concat(facts.rules, " ")
      or nil
  end,
}

--- The evidence of a guess in one line.
-- @tparam table guess its `evidence` and `conflicts`
-- @treturn string
function M.line(guess)
  local parts = {}
  for _, part in ipairs(PARTS) do
    parts[#parts + 1] = part(guess.evidence)
  end
  if #parts == 0 then
    parts[1] = "no evidence"
  end
  for _, conflict in ipairs(guess.conflicts) do
    parts[#parts + 1] = "conflict: " .. conflict
  end
  return table.concat(parts, "; ")
end

return M
