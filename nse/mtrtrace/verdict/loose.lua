-- SPDX-License-Identifier: BSD-2-Clause

--- Replies that were matched without the probe's cookie: a NAT rewrote their
-- quotes, which are too short for the cookie, so only checksum, identification
-- or sequence number were checked (cext/README.md, "Forged replies"). Pure.
-- @module mtrtrace.verdict.loose
local words = require "mtrtrace.verdict.words"

local M = {}

-- Length of a quote with the cookie: IPv4 header, transport header of eight
-- bytes, checksum balance and cookie.
local WHOLE = 20 + 8 + 2 + 4

local function differs(answer, quoted, sent)
  return answer[quoted] ~= nil and answer[sent] ~= nil
    and answer[quoted] ~= answer[sent]
end

local function is_translated(answer)
  return answer.quoted_source ~= nil or answer.quoted_target ~= nil
    or differs(answer, "quoted_ident", "sent_ident")
    or differs(answer, "quoted_source_port", "sent_source_port")
    or differs(answer, "quoted_target_port", "sent_target_port")
end

local function is_loose(answer)
  if not answer.quoted or not answer.quoted_id or not is_translated(answer)
  then
    return false
  elseif answer.protocol == "tcp" then
    return differs(answer, "quoted_id", "sent_id")
  end
  return answer.quoted < WHOLE
end

--- Whether replies of a responder were matched without the cookie.
-- @tparam table responder of a result, with `answers`
-- @treturn boolean
function M.of(responder)
  for _, answer in ipairs(responder.answers or {}) do
    if is_loose(answer) then
      return true
    end
  end
  return false
end

--- The note about such replies.
-- @tparam table result
-- @treturn ?string nil if there are none
function M.line(result)
  local ttls = {}
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      if M.of(responder) and ttls[#ttls] ~= hop.ttl then
        ttls[#ttls + 1] = hop.ttl
      end
    end
  end
  return #ttls > 0 and ("A NAT rewrote the quotes of %s and did not restore "
    .. "them: their replies are matched by checksum, identification or "
    .. "sequence number alone."):format(words.these_hops(ttls)) or nil
end

return M
