-- SPDX-License-Identifier: BSD-2-Clause

--- Whether Nmap runs other scripts beside this one, which no script is told:
-- they are chosen on Nmap's command line.
-- @module mtrtrace.host.nse_alone
local M = {}

-- -A and the C of -sC choose the default scripts.
local function chooses_defaults(word)
  return word:find "^%-A" ~= nil or word:find "^%-s%u*C" ~= nil
end

local function is_this_script(value)
  local name = value:match "([^/]*)$"
  return name == "mtr-trace" or name == "mtr-trace.nse"
end

--- Whether these words of a command line choose this script and no other. In
-- doubt they do not: a word that looks like an option may be another's value.
-- @tparam {string,...} words without the program's name
-- @treturn boolean
function M.read(words)
  local chosen = {}
  for i, word in ipairs(words) do
    local value = word:match "^%-%-?script=(.*)$"
    if word:find "^%-%-?script$" then
      value = words[i + 1]
    end
    chosen[#chosen + 1] = value
    if chooses_defaults(word) then
      return false
    end
  end
  return #chosen == 1 and is_this_script(chosen[1])
end

return M
