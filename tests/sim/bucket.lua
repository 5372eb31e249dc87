-- SPDX-License-Identifier: BSD-2-Clause
--- How routers rate-limit their ICMP errors: token buckets as vendors build
-- them (RFC 4443 section 2.4 f; icmp_ratelimit of Linux; defaults of IOS and
-- Junos). Times are nanoseconds.
-- @module sim.bucket
local M = {}

local MS = 1000000

--- By name: `burst` tokens at most, `refill` of them every `every_ms`; with
-- `smooth` a token grows continuously instead of by the clock's tick. `scope`
-- "source": a bucket for each address that is answered; "pair": and that was
-- asked, as of hosts of their own.
M.presets = {
  linux4 = { burst = 6, every_ms = 1000, smooth = true, scope = "source",
    global = { burst = 50, every_ms = 20, refill = 20 } },
  linux6 = { burst = 6, every_ms = 100, smooth = true, scope = "source" },
  linux6_48 = { burst = 6, every_ms = 250, smooth = true, scope = "source" },
  ios = { burst = 10, every_ms = 100 },
  iosxr = { burst = 10, every_ms = 1000 },
  junos = { burst = 52, every_ms = 1000, refill = 52 },
  freebsd = { burst = 100, every_ms = 1000, refill = 100 },
}

local function one(spec, random)
  local burst, every = spec.burst, spec.every_ms * MS
  local refill = spec.refill or 1
  local tokens, last_tick, last_ns = burst, 0, 0
  -- A router did not boot when the trace began: ticks have a phase.
  local phase = spec.smooth and 0 or random.whole(0, every // 1 - 1)

  if spec.start == "empty" then
    tokens = 0
  elseif spec.start and spec.start ~= "full" then
    tokens = spec.start
  end

  local function grow(now_ns)
    if spec.smooth then
      if now_ns > last_ns then
        tokens = tokens + (now_ns - last_ns) / every * refill
        last_ns = now_ns
      end
    else
      local tick = (now_ns + phase) // every | 0
      if tick > last_tick then
        tokens = tokens + (tick - last_tick) * refill
        last_tick = tick
      end
    end
    if tokens > burst then
      tokens = burst
    end
  end

  if not spec.smooth then
    last_tick = phase // every | 0
  end

  return {
    has = function(now_ns)
      grow(now_ns)
      return tokens >= 1
    end,
    spend = function()
      tokens = tokens - 1
    end,
  }
end

local function per_source(spec, random)
  local buckets = {}
  return function(source)
    local bucket = buckets[source]
    if not bucket then
      bucket = one(spec, random)
      buckets[source] = bucket
    end
    return bucket
  end
end

--- Makes a router's rate limiting.
-- @tparam string|table spec a preset's name, or its fields; `start`: "full",
--   "empty" or tokens; `preset` fills in what is not given
-- @tparam table random
-- @treturn function (now_ns, source, target) to true where a token was there
--   and is spent; Linux spends from both of its buckets or from none
function M.new(spec, random)
  if type(spec) == "string" then
    spec = { preset = spec }
  end
  local full = {}
  for key, value in pairs(spec.preset and M.presets[spec.preset] or {}) do
    full[key] = value
  end
  for key, value in pairs(spec) do
    full[key] = value
  end
  local whole = one(full, random)
  local of = full.scope and full.scope ~= "all" and per_source(full, random)
    or function() return whole end
  local global = full.global and one(full.global, random)

  return function(now_ns, source, target)
    local bucket = of(full.scope == "pair" and source .. target or source)
    if not bucket.has(now_ns) or global and not global.has(now_ns) then
      return false
    end
    bucket.spend()
    if global then
      global.spend()
    end
    return true
  end
end

return M
