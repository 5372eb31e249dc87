-- SPDX-License-Identifier: BSD-2-Clause

--- Alert rules: parses the text of --alert and decides whether a window of
-- probes meets a rule. Pure.
--
-- A rule is { text, metric, limit, reaches: whether a value equal to the limit
-- meets the rule, count: consecutive windows that have to meet it }. A window
-- is { sent, answered, times: RTTs in ms, in the order of the probes }.
-- @module mtrtrace.alert.rule
local M = {}

--- Counted probes to the target per window.
M.WINDOW = 10

local MOST_COUNT, MOST_RULES = 1000, 16

local function mean(times)
  local sum = 0
  for _, ms in ipairs(times) do
    sum = sum + ms
  end
  return #times > 0 and sum / #times or nil
end

local function extreme(pick)
  return function(window)
    local found
    for _, ms in ipairs(window.times) do
      found = found and pick(found, ms) or ms
    end
    return found
  end
end

local METRICS = {
  loss = { unit = "%", of = function(window)
    return 100 * (window.sent - window.answered) / window.sent
  end },
  avg = { unit = "ms", of = function(window) return mean(window.times) end },
  best = { unit = "ms", of = extreme(math.min) },
  worst = { unit = "ms", of = extreme(math.max) },
  jitter = { unit = "ms", of = function(window)
    local steps = {}
    for i = 2, #window.times do
      steps[i - 1] = math.abs(window.times[i] - window.times[i - 1])
    end
    return mean(steps)
  end },
}

-- Returns the limit in the metric's unit; nil where the text is invalid.
local function limit_of(metric, text)
  local number, unit = text:match "^(%d+%.?%d*)(%a*%%?)$"
  number = tonumber(number)
  if not number then
    return nil
  elseif METRICS[metric].unit == "%" then
    return (unit == "%" or unit == "") and number <= 100 and number or nil
  elseif unit == "s" then
    return number * 1000
  end
  return (unit == "ms" or unit == "") and number or nil
end

local function rule_of(text)
  local condition, count = text:match "^(.-)%s*,%s*for=(%d+)$"
  condition = condition or text
  local metric, sign, limit = condition:match "^(%a+)%s*(>=?)%s*(%S+)$"
  if not metric or not METRICS[metric] then
    return nil
  end
  count = math.tointeger(tonumber(count or 1))
  limit = limit_of(metric, limit)
  if not limit or not count or count < 1 or count > MOST_COUNT then
    return nil
  end
  return { text = text, metric = metric, limit = limit, count = count,
    reaches = sign == ">=" }
end

--- Parses the text of --alert: rules separated by semicolons.
-- @tparam string text such as "loss>5%,for=3; avg>=80ms"
-- @treturn ?{table,...} rules; nil where the text is invalid
function M.read(text)
  local rules = {}
  for part in (text .. ";"):gmatch "%s*(.-)%s*;" do
    local rule = rule_of(part)
    if not rule then
      return nil
    end
    rules[#rules + 1] = rule
  end
  return #rules <= MOST_RULES and rules or nil
end

--- Applies a rule to a window.
-- @tparam table rule
-- @tparam table window
-- @treturn ?boolean whether the window meets the rule; nil where the metric is
--   not measured, such as latency without a reply
-- @treturn ?number the value
function M.meets(rule, window)
  local value = METRICS[rule.metric].of(window)
  if value == nil then
    return nil
  end
  return value > rule.limit or rule.reaches and value == rule.limit, value
end

--- The unit of a rule's values.
-- @tparam table rule
-- @treturn string "%" or "ms"
function M.unit(rule)
  return METRICS[rule.metric].unit
end

return M
