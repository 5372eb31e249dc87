-- SPDX-License-Identifier: BSD-2-Clause

--- Classes of IPv4 identification series, and counters that several protocols
-- share. Pure.
-- Reference: LFP, Albakour et al., IMC 2023.
-- @module mtrtrace.os.ipid
local M = {}

local RANGE = 65536

-- Greatest step of a counter between two of our probes, with the packets that
-- the device sends to others; random numbers exceed it most of the time.
local STEP = 1300
local LEAST = 3

local function by_order(a, b)
  if a.at_s ~= b.at_s then
    return a.at_s < b.at_s
  end
  if a.index ~= b.index then
    return a.index < b.index
  end
  return a.ip_id < b.ip_id
end

local function in_order(list)
  local sorted = {}
  for i, answer in ipairs(list) do
    sorted[i] = answer
  end
  table.sort(sorted, by_order)
  return sorted
end

local function counts_up(list)
  local total = 0
  for i = 2, #list do
    local step = (list[i].ip_id - list[i - 1].ip_id) % RANGE
    if step == 0 then
      return false
    end
    total = total + step
  end
  return total <= STEP * (#list - 1)
end

local function all_equal(list)
  for _, answer in ipairs(list) do
    if answer.ip_id ~= list[1].ip_id then
      return false
    end
  end
  return true
end

-- Whether replies copy the identification of requests; requires requests with
-- different ones.
local function echoed(list)
  local various = false
  for _, answer in ipairs(list) do
    if answer.sent_id == nil or answer.ip_id ~= answer.sent_id then
      return false
    end
    various = various or answer.sent_id ~= list[1].sent_id
  end
  return various
end

--- The class of a series.
-- @tparam {table,...} list replies with `ip_id`, `sent_id`, `at_s`, `index`
-- @treturn ?string "echoed", "zero", "constant", "increment" or "random";
--   nil for too few replies
function M.class(list)
  if #list < 2 then
    return nil
  elseif echoed(list) then
    return "echoed"
  elseif all_equal(list) then
    return list[1].ip_id == 0 and "zero" or "constant"
  elseif #list < LEAST then
    return nil
  end
  return counts_up(in_order(list)) and "increment" or "random"
end

--- Whether two series come from one counter.
-- @tparam {table,...} a of class "increment"
-- @tparam {table,...} b of class "increment"
-- @treturn boolean
function M.shared(a, b)
  local merged = {}
  for _, list in ipairs { a, b } do
    for _, answer in ipairs(list) do
      merged[#merged + 1] = answer
    end
  end
  return counts_up(in_order(merged))
end

return M
