-- SPDX-License-Identifier: BSD-2-Clause

--- The note on probing inside a TCP connection: whether probes were SYNs
-- instead, how often the connection was made again, and whether a device on
-- the path replied for the target. Pure.
-- @module mtrtrace.table.session
local reverse = require "mtrtrace.verdict.reverse"
local words = require "mtrtrace.verdict.words"

local M = {}

local function why(session)
  local error = session.error and (": %s"):format(session.error) or ""
  return (session.cause or "unknown") .. error
end

-- Returns the clause on SYNs sent instead of segments of the connection.
local function fallback(session)
  if not session.fallback then
    return nil
  elseif (session.connections or 0) == 0 then
    return ("no TCP session (%s), so the probes are SYNs"):format(
      why(session))
  end
  return ("the TCP session ended (%s) and could not be opened again, so later "
    .. "probes are SYNs"):format(why(session))
end

local function anew(session)
  local lost = session.connections_lost or 0
  if lost == 0 or session.fallback then
    return nil
  end
  return ("the TCP session ended %s (%s) and was opened again"):format(
    words.plural(lost, "time", "times"), why(session))
end

local function unnamed(session)
  return session.match == "order" and "the target's replies do not name "
    .. "their probe (no duplicate SACK): one probe at a time was in flight, "
    .. "and replies are matched in order" or nil
end

local function distance(ttl)
  return ("TTL %d, %s"):format(ttl, words.plural(
    reverse.return_hops({ reply_ttl = ttl }), "hop back", "hops back"))
end

-- Replies with different TTLs come from different devices.
local function between(session)
  local syn_ack, ack = session.syn_ack_ttl, session.ack_ttl
  if not (syn_ack and ack) or syn_ack == ack then
    return nil
  end
  return ("the connection was answered from elsewhere (%s) than the probes "
    .. "in it (%s): a device on the path replies for the target"):format(
    distance(syn_ack), distance(ack))
end

local function injected(session)
  local reset = session.reset_ttl
  local target = session.ack_ttl or session.syn_ack_ttl
  if not (reset and target) or reset == target then
    return nil
  end
  return ("the reset came from elsewhere (%s) than the target's replies "
    .. "(%s)"):format(distance(reset), distance(target))
end

--- Returns the note.
-- @tparam table result as given by trace:result()
-- @treturn ?string nil where there is nothing to say
function M.note(result)
  local session, parts = result.session, {}
  if not session then
    return nil
  end
  for _, part in ipairs { fallback, anew, unnamed, between, injected } do
    parts[#parts + 1] = part(session)
  end
  local text = table.concat(parts, "; ")
  return text ~= "" and words.sentence(text) .. "." or nil
end

return M
