-- SPDX-License-Identifier: BSD-2-Clause

--- A bounded number of the host's threads that serve a queue together. Nmap
-- may end a thread together with the target that it was started for, without
-- notice, so a thread counts as dead after a deadline. Reads no clock but the
-- host's.
-- @module mtrtrace.asn.pool
local M = {}

-- Time after which a thread counts as dead, unless it sets `until_s` itself.
local ALIVE_S = 60

local Pool = {}
Pool.__index = Pool

--- Removes the dead threads.
-- @tparam number now
-- @treturn {table,...} the removed threads
function Pool:reap(now)
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

--- Starts threads, up to the limit of the pool.
-- @tparam table host { now, spawn, debug }
-- @tparam integer wanted number of threads
-- @tparam function serve body of a thread; called with the thread's table,
--   whose `until_s` is the time after which the thread counts as dead
function Pool:start(host, wanted, serve)
  local now = host.now()
  self:reap(now)
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
