-- SPDX-License-Identifier: BSD-2-Clause

--- Finds the known word that is closest to a mistyped one. Pure.
-- @module mtrtrace.base.nearest
local M = {}

-- Levenshtein distance, one row of the matrix at a time.
local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local change = a:byte(i) == b:byte(j) and 0 or 1
      local cost = math.min(row[j] + 1, row[j - 1] + 1, diagonal + change)
      diagonal, row[j] = row[j], cost
    end
  end
  return row[#b]
end

local function begins(candidate, word)
  return word ~= "" and candidate:sub(1, #word) == word
end

--- Returns the closest of some words: a word that begins with the mistyped
-- one, else the word with the least edit distance; the first of equals.
-- @tparam string word only the first 64 bytes are compared
-- @tparam {string,...} known not empty
-- @treturn string one of `known`
function M.find(word, known)
  word = word:sub(1, 64):lower():gsub("_", "-")
  local best, least
  for _, candidate in ipairs(known) do
    local name = candidate:gsub("_", "-")
    local d = begins(name, word) and 0 or distance(word, name)
    if not least or d < least then
      best, least = candidate, d
    end
  end
  return best
end

return M
