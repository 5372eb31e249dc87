-- SPDX-License-Identifier: BSD-2-Clause
--- How guesses and their evidence are worded. Pure.
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

local TTLS = {
  { "exceeded_ttl", "time exceeded" }, { "unreachable_ttl", "unreachable" },
  { "echo_ttl", "echo reply" }, { "reset_ttl", "reset" },
  { "syn_ack_ttl", "SYN-ACK" },
}

local function ttls(facts)
  local parts = {}
  for _, row in ipairs(TTLS) do
    if facts[row[1]] then
      parts[#parts + 1] = ("%d (%s)"):format(facts[row[1]], row[2])
    end
  end
  return #parts > 0 and "initial TTL " .. table.concat(parts, ", ") or nil
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
  local parts = {}
  for _, row in ipairs(IDS) do
    if facts[row[1]] then
      parts[#parts + 1] = ("%s (%s)"):format(facts[row[1]], row[2])
    end
  end
  return #parts > 0 and "IP-ID " .. table.concat(parts, ", ") or nil
end

local function text(pattern, key)
  return function(facts)
    return facts[key] and pattern:format(facts[key]) or nil
  end
end

-- Every part of a line, in order: what is known of it, or nil.
local PARTS = {
  ttls, quote,
  function(facts) return TOS[facts.error_tos] end,
  text("echo DF %s", "echo_df"), ids,
  text("MPLS labels", "mpls"),
  function(facts)
    return facts.interface_names and "interfaces "
      .. table.concat(facts.interface_names, " ") or nil
  end,
  text("MAC vendor %s", "mac_vendor"),
  text("%s address", "virtual_router"),
  text("locally administered MAC", "local_mac"),
  text("SNMP enterprise %d", "snmp_enterprise"),
  text("SNMP engine of %s", "snmp_mac_vendor"),
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
