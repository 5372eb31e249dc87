-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts as lines of text. Adjacent hops with equal rate-limit figures
-- share one line; every other verdict has its own. Pure.
-- @module mtrtrace.verdict.lines
local words = require "mtrtrace.verdict.words"

local M = {}

local function continues(group, verdict, wording)
  return group ~= nil and wording ~= nil and group.wording == wording
    and group.to + 1 == verdict.hop
end

local function line_of(group)
  if group.from == group.to then
    return group.text
  end
  return ("%s rate-limit their ICMP replies: each %s."):format(
    words.sentence(words.hops(group.from, group.to)), group.wording)
end

--- Lines of a list of verdicts.
-- @tparam {table,...} verdicts in the order in which they are shown
-- @treturn {string,...}
function M.list(verdicts)
  local groups, group = {}, nil
  for _, v in ipairs(verdicts) do
    local wording = v.kind == "rate_limited" and words.rate_limited(v) or nil
    if continues(group, v, wording) then
      group.to = v.hop
    else
      group = { text = v.text, wording = wording, from = v.hop, to = v.hop }
      groups[#groups + 1] = group
    end
  end
  local lines = {}
  for i, g in ipairs(groups) do
    lines[i] = line_of(g)
  end
  return lines
end

return M
