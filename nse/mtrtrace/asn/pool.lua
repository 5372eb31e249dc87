-- SPDX-License-Identifier: BSD-2-Clause

--- A bounded number of the host's threads that serve a queue together. A
-- thread may die without a word, with the target that it ran for: it is
-- missed after a while. Reads no clock but the host's.
-- @module mtrtrace.asn.pool
local M = {}

-- A thread that does not say otherwise is taken for dead after so long.
local ALIVE_S = 60

local Pool = {}
Pool.__index = Pool

--- Forgets the threads that died.
-- @tparam number now
-- @treturn {table,...} these threads
function Pool:bury(now)
  local dead = {}
  for thread in pairs(self.threads) do
    if now > thread.until_s then
      self.threads[thread] = nil
      dead[#dead + 1] = thread
    end
  end
  return dead
end

local function alive(self)
  local count = 0
  for _ in pairs(self.threads) do
    count = count + 1
  end
  return count
end

--- Starts threads, as far as there is room for them.
-- @tparam table host { now, spawn, debug }
-- @tparam integer wanted how many
-- @tparam function serve body of a thread; gets its own table, where
--   `until_s` is when it is taken for dead
function Pool:start(host, wanted, serve)
  local now = host.now()
  self:bury(now)
  for _ = 1, math.min(wanted, self.most - alive(self)) do
    local thread = { until_s = now + ALIVE_S }
    self.threads[thread] = true
    host.spawn(function()
      local ok, err = pcall(serve, thread)
      self.threads[thread] = nil
      if not ok then
        host.debug(("%s: internal error: %s"):format(self.name,
          tostring(err)))
      end
    end)
  end
end

--- A pool without threads.
-- @tparam string name for the log
-- @tparam integer most threads at a time
-- @treturn table
function M.new(name, most)
  return setmetatable({ name = name, most = most, threads = {} }, Pool)
end

return M
