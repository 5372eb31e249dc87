-- SPDX-License-Identifier: BSD-2-Clause

--- Merges the answers of several sources about one address: the route seen in
-- BGP comes first, the registration in the IRR annotates it, every difference
-- is kept. Pure; adds nothing that no source answered for this address.
-- @module mtrtrace.asn.merge
local prefix = require "mtrtrace.asn.prefix"
local sources = require "mtrtrace.asn.sources"

local M = {}

local function as_text(asn)
  return ("AS%d"):format(asn)
end

-- Limit for one line of text; `origins` has the full list.
local MOST_SHOWN = 4

local function join(list, separator)
  if #list == 0 then
    return nil
  end
  local text = table.concat(list, separator, 1, math.min(#list, MOST_SHOWN))
  return #list > MOST_SHOWN and text .. separator .. "..." or text
end

local function add_once(list, seen, value)
  if value ~= nil and not seen[value] then
    seen[value] = true
    list[#list + 1] = value
  end
end

-- The answer that is shown first: the first one with a route seen in BGP, else
-- the first one with an origin.
local function leader(answers)
  local first
  for _, answer in ipairs(answers) do
    if #answer.origins > 0 then
      if sources.observes_bgp(answer.source) then
        return answer
      end
      first = first or answer
    end
  end
  return first
end

local function numbers_of(answer)
  local list, seen = {}, {}
  for _, origin in ipairs(answer.origins) do
    add_once(list, seen, origin.asn)
  end
  table.sort(list)
  return list, seen
end

local function observed_none(answers)
  for _, answer in ipairs(answers) do
    if sources.observes_bgp(answer.source) then
      return true
    end
  end
  return false
end

-- Origins that another source names and the leader does not.
local function others(answers, lead, known)
  local parts = {}
  for _, answer in ipairs(answers) do
    local list = {}
    for _, asn in ipairs(answer ~= lead and numbers_of(answer) or {}) do
      add_once(list, known, as_text(asn))
    end
    if #list > 0 then
      parts[#parts + 1] = answer.source .. " " .. join(list, "/")
    end
  end
  return parts
end

-- "AS1/AS2": several origins. "AS1 (irr AS2)": sources differ. "AS1 (irr)":
-- registered, but not seen in BGP by any queried source.
local function asn_text(answers, lead)
  local list, known = {}, {}
  for _, asn in ipairs((numbers_of(lead))) do
    add_once(list, known, as_text(asn))
  end
  local text = join(list, "/")
  local parts = others(answers, lead, known)
  if not sources.observes_bgp(lead.source) and observed_none(answers) then
    table.insert(parts, 1, lead.source)
  end
  return #parts > 0 and ("%s (%s)"):format(text, table.concat(parts, ", "))
    or text
end

-- The source's own name of the holder takes precedence over that of other
-- sources.
local function name_of(answer, origin, holders)
  local own = answer.holders and answer.holders[origin.asn]
  local holder = own or holders[origin.asn]
  return origin.organization or holder and holder.name or nil
end

local function organization(lead, holders)
  local list, seen = {}, {}
  for _, origin in ipairs(lead.origins) do
    add_once(list, seen, name_of(lead, origin, holders))
  end
  return join(list, " / ")
end

local function first_of(origins, key, asn)
  for _, origin in ipairs(origins) do
    if origin[key] and (not asn or origin.asn == asn) then
      return origin[key]
    end
  end
end

-- The RPKI state of the first origin; other origins have states of their own.
local function rpki(answers, asn)
  for _, answer in ipairs(answers) do
    local state = first_of(answer.origins, "rpki", asn)
    if state then
      return state
    end
  end
end

-- "cymru whois.cymru.com", "irr rr.ntt.net RADB+RIPE"
local function source_text(answer)
  local list, seen = {}, {}
  for _, origin in ipairs(answer.origins) do
    add_once(list, seen, origin.irr_source)
  end
  return join({ answer.source, answer.server or join(list, "+"),
    answer.server and join(list, "+") }, " ")
end

local function sources_text(answers)
  local list = {}
  for _, answer in ipairs(answers) do
    list[#list + 1] = #answer.origins > 0 and source_text(answer) or nil
  end
  return join(list, ", ")
end

local function origin_rows(answers, holders)
  local rows = {}
  for _, answer in ipairs(answers) do
    for _, origin in ipairs(answer.origins) do
      rows[#rows + 1] = {
        asn = as_text(origin.asn), source = answer.source,
        server = answer.server, irr_source = origin.irr_source,
        prefix = origin.prefix and prefix.text(origin.prefix),
        rpki = origin.rpki, organization = name_of(answer, origin, holders),
        country = origin.country, registry = origin.registry,
        allocated = origin.allocated,
      }
    end
  end
  return rows
end

-- Whether BGP has a route; nil (unknown) if no source that observes BGP
-- answered.
local function announced(answers)
  local seen = nil
  for _, answer in ipairs(answers) do
    if sources.observes_bgp(answer.source) then
      seen = seen or #answer.origins > 0
    end
  end
  return seen
end

--- The facts about an address.
-- @tparam {table,...} answers in the order of preference: { source, server,
--   origins, holders }; a source that did not answer is absent
-- @tparam table holders by AS number: { name }
-- @treturn table `asn`, `organization`, `prefix`, `registry`, `country`,
--   `source`, `rpki`, `announced`, `origins`; unknown facts are absent
function M.facts(answers, holders)
  local lead = leader(answers)
  local facts = { announced = announced(answers) }
  if not lead then
    return facts
  end
  facts.asn = asn_text(answers, lead)
  facts.organization = organization(lead, holders)
  facts.prefix = lead.origins[1].prefix
    and prefix.text(lead.origins[1].prefix)
  facts.registry = first_of(lead.origins, "registry")
  facts.country = first_of(lead.origins, "country")
  facts.rpki = rpki(answers, lead.origins[1].asn)
  facts.source = sources_text(answers)
  facts.origins = origin_rows(answers, holders)
  return facts
end

return M
