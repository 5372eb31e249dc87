-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on MPLS tunnels of the forward path (classes of Donnet et al.
-- 2012): by label stacks (explicit, or opaque with only the last hop visible),
-- by quoted TTLs (implicit), and by one address at two TTLs. Pure.
-- @module mtrtrace.verdict.tunnels
local evidence = require "mtrtrace.verdict.quotes"
local words = require "mtrtrace.verdict.words"

local M = {}

local function in_words(first, last)
  return words.sentence(words.hops(first, last))
end

local function range(v, first, last)
  v.hop = first == last and first or nil
  v.from = first < last and first or nil
  v.to = first < last and last or nil
  return v
end

local function labels_of(run)
  local list = {}
  for _, item in ipairs(run) do
    list[#list + 1] = ("%d"):format(item.stack[1].label)
  end
  return table.concat(list, ", ")
end

local function explicit(run)
  local first, last = run[1].ttl, run[#run].ttl
  return range({ kind = "tunnel", what = "explicit",
    hops = last - first + 1,
    text = ("%s %s inside an MPLS tunnel (label%s %s)."):format(
      in_words(first, last), first == last and "is" or "are",
      first == last and "" or "s", labels_of(run)) }, first, last)
end

-- The label's TTL was 255 at the ingress, so the rest is the number of hidden
-- hops.
local function opaque(item)
  local ttl = item.stack[1].ttl
  return { kind = "tunnel", what = "opaque", hop = item.ttl,
    hops = 255 - ttl,
    text = ("Hint: hop %d ends an MPLS tunnel that hides about %s: its "
      .. "label %d has a TTL of %d left."):format(item.ttl,
      words.plural(255 - ttl, "hop", "hops"), item.stack[1].label, ttl) }
end

-- A label TTL of 1 belongs to an explicit tunnel, one from here on to an
-- opaque one; values in between prove neither.
local NEAR_255 = 240

local function add_stacks(out, hops, stack_of)
  local run = {}
  local function close()
    out[#out + 1] = #run > 0 and explicit(run) or nil
    run = {}
  end
  for _, hop in ipairs(hops) do
    local main = hop.responders[1]
    local stack = main and stack_of(main)
    local ttl = stack and (stack[1].ttl or 1)
    if ttl and ttl <= 1 then
      run[#run + 1] = { ttl = hop.ttl, stack = stack }
    else
      close()
      out[#out + 1] = ttl and ttl >= NEAR_255 and ttl < 255
        and opaque { ttl = hop.ttl, stack = stack } or nil
    end
  end
  close()
end

local function quoted_ttl(answer)
  return answer.type ~= 3 and answer.quoted_ttl or nil
end

-- Inside a tunnel with TTL propagation, the IP TTL is not decremented, so the
-- quoted one rises from hop to hop. Routers without RFC 4950 send no label
-- stack.
local function implicit(first, last, most)
  return range({ kind = "tunnel", what = "implicit",
    hops = last - first + 1,
    text = ("Hint: %s seem to be inside an MPLS tunnel, though they send no "
      .. "label stack: the TTL they quote rises from 1 to %d."):format(
      words.hops(first, last), most) }, first, last)
end

local function add_implicit(out, hops, stack_of)
  local before, start = nil, nil
  local function close()
    if start and before.value >= 3 then
      out[#out + 1] = implicit(start, before.ttl, before.value)
    end
    start = nil
  end
  for _, hop in ipairs(hops) do
    local main = hop.responders[1]
    local item = evidence.along({ hop }, quoted_ttl)[1]
    local plain = item and not main.target and not stack_of(main)
    if plain and before and item.value == before.value + 1
      and hop.ttl == before.ttl + 1 and item.value > 1 then
      start = start or item.value == 2 and before.ttl or nil
    else
      close()
    end
    before = plain and item or nil
  end
  close()
end

-- Whether it sent any reply other than time exceeded, as the end of a path
-- does.
local function ends(responder)
  for _, code in ipairs(responder.codes or {}) do
    if code.name and code.name ~= "time exceeded in transit" then
      return true
    end
  end
  return responder.target
end

local function same_twice(a, b, target)
  local one, two = a.responders[1], b.responders[1]
  return one and two and #a.responders == 1 and #b.responders == 1
    and one.address == two.address and one.address ~= target
    and not ends(one) and not ends(two) and b.ttl == a.ttl + 1
end

local function quotes_zero(answer)
  return answer.quoted_ttl == 0
end

-- A router that forwards packets with a TTL of 0 makes its neighbour appear
-- twice, too; mtrtrace.verdict.nat reports that.
local function add_twice(out, hops, target)
  for i = 1, #hops - 1 do
    local a, b = hops[i], hops[i + 1]
    if same_twice(a, b, target) and not evidence.answer(a, quotes_zero) then
      out[#out + 1] = { kind = "tunnel", what = "duplicate",
        from = a.ttl, to = b.ttl,
        text = ("Hint: hops %d and %d are both %s, as at the end of a "
          .. "hidden MPLS tunnel."):format(a.ttl, b.ttl,
          a.responders[1].address) }
    end
  end
end

--- The tunnels of a path.
-- @tparam {table,...} hops of a flow's result
-- @tparam function stack_of returns the label stack of a responder, or nil
-- @tparam ?string target its address; beyond a NAT hops reply with it
-- @treturn {table,...} verdicts of kind tunnel; `what`: explicit, opaque,
--   implicit or duplicate
function M.list(hops, stack_of, target)
  local out = {}
  add_stacks(out, hops, stack_of)
  add_implicit(out, hops, stack_of)
  add_twice(out, hops, target)
  return out
end

return M
