-- SPDX-License-Identifier: BSD-2-Clause
--- A fuzzer for pure Lua: mutates inputs, keeps those that take the code
-- from one line to another where no input did before, and goes on from them.
-- The same seed gives the same run. It knows nothing of what it tests.
-- @module fuzz.fuzzer
local random = require "sim.random"

local M = {}

local LONGEST = 4096

-- ---- coverage: pairs of lines that follow each other -----------------------

-- A hook that marks in `seen` what is new of the files of nse/, and counts it
-- in `seen.n`.
local function hook_of(seen)
  local ids, last, next_id = {}, 0, 1
  return function(_, line)
    local source = debug.getinfo(2, "S").source
    local lines = ids[source]
    if lines == nil then
      lines = source:find("nse/mtrtrace/", 1, true) and {} or false
      ids[source] = lines
    end
    if not lines then
      return
    end
    local id = lines[line]
    if not id then
      id, next_id = next_id, next_id + 1
      lines[line] = id
    end
    local pair = last << 20 | id
    last = id
    if not seen[pair] then
      seen[pair], seen.n = true, seen.n + 1
    end
  end
end

-- Whether an input shows anything new, and what went wrong.
local function is_new(target, hook, seen, data)
  local before = seen.n
  debug.sethook(hook, "l")
  local ok, result = pcall(target.run, data)
  debug.sethook()
  if ok and target.check then
    ok, result = pcall(target.check, data, result)
  end
  return seen.n > before, not ok and tostring(result) or nil
end

-- ---- mutations ------------------------------------------------------------

local function cut(text, rng)
  local from = rng.whole(1, #text + 1)
  return text:sub(1, from - 1), text:sub(from)
end

local MUTATIONS = {
  function(text, rng) -- another byte
    local left, right = cut(text, rng)
    return left .. string.char(rng.whole(0, 255)) .. right:sub(2)
  end,
  function(text, rng, target) -- a word of the language
    local left, right = cut(text, rng)
    return left .. rng.pick(target.words)
      .. right:sub(rng.whole(1, 4))
  end,
  function(text, rng) -- a piece less
    local left, right = cut(text, rng)
    return left .. right:sub(rng.whole(1, 24))
  end,
  function(text, rng) -- a piece twice
    local left, right = cut(text, rng)
    local piece = right:sub(1, rng.whole(1, 60))
    return left .. piece:rep(rng.pick { 2, 2, 2, 20 }) .. right
  end,
  function(text, rng, _, corpus) -- the end of another input
    return (cut(text, rng)) .. select(2, cut(rng.pick(corpus), rng))
  end,
  function(text, rng) -- no more than the beginning
    return (cut(text, rng))
  end,
  function(text, rng) -- another number
    local left, right = cut(text, rng)
    return left .. right:gsub("%d+", function(digits)
      return rng.pick { tostring(tonumber(digits) + rng.whole(-2, 2)), "0",
        digits .. "0", "4294967296", "99999999999999999999" }
    end, 1)
  end,
}

local function mutate(target, rng, corpus)
  local text = rng.pick(corpus)
  for _ = 1, rng.whole(1, 4) do
    text = rng.pick(MUTATIONS)(text, rng, target, corpus):sub(1, LONGEST)
  end
  return text
end

-- ---- a run ----------------------------------------------------------------

--- Runs a target until it fails or the limit is reached.
-- @tparam table target `run`, a function of an input that raises where the
--   code is wrong; `check`, one of the input and what `run` gave, that does
--   the same without a look at coverage; `seeds`; `words`, pieces that
--   inputs are made of
-- @tparam table limit `seed`; and `runs`, or `seconds` of processor time
-- @treturn table `runs`, `kept` (inputs), `pairs` (of lines); `input` and
--   `err` where it failed
function M.run(target, limit)
  local rng, seen, corpus = random.new(limit.seed), { n = 0 }, {}
  local hook, began, runs = hook_of(seen), os.clock(), 0
  local function try(data)
    local new, err = is_new(target, hook, seen, data)
    runs = runs + 1
    corpus[#corpus + 1] = new and data or nil
    return err
  end
  local function result(data, err)
    return { runs = runs, kept = #corpus, pairs = seen.n, input = data,
      err = err }
  end
  for _, data in ipairs(target.seeds) do
    local err = try(data)
    if err then
      return result(data, err)
    end
  end
  while limit.runs and runs < limit.runs
    or limit.seconds and os.clock() - began < limit.seconds do
    local data = mutate(target, rng, corpus)
    local err = try(data)
    if err then
      return result(data, err)
    end
  end
  return result()
end

return M
