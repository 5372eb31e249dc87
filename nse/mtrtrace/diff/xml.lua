-- SPDX-License-Identifier: BSD-2-Clause

--- Parses the XML that Nmap and this program write: elements, attributes,
-- texts and the predefined entities. No XML parser is available both in Nmap
-- and in the command. Pure; entities that a document defines are not expanded,
-- and no other file is read.
-- @module mtrtrace.diff.xml
local M = {}

local ENTITIES = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }

-- Neither Nmap nor this program writes documents as deep as this.
local MOST_DEPTH = 64

local function character(code)
  return code and code > 0 and code <= 0x10ffff and utf8.char(code) or ""
end

local function plain(text)
  return (text:gsub("&(#?x?)(%w+);", function(sign, name)
    if sign == "#" then
      return character(math.tointeger(tonumber(name)))
    elseif sign == "#x" then
      return character(math.tointeger(tonumber(name, 16)))
    end
    return ENTITIES[name] or ""
  end))
end

local function attributes(text)
  local out = {}
  for name, _, value in text:gmatch "([%w:_.-]+)%s*=%s*([\"'])(.-)%2" do
    out[name] = plain(value)
  end
  return out
end

-- Returns where the tag that begins at a place ends; quoted values may hold
-- ">".
local function end_of_tag(text, at)
  while true do
    local place = text:find("[\"'>]", at)
    local c = place and text:sub(place, place)
    if c == nil or c == ">" then
      return place
    end
    local last = text:find(c, place + 1, true)
    if not last then
      return nil
    end
    at = last + 1
  end
end

-- Returns the end of a comment, declaration or processing instruction; nil
-- where an element begins.
local function skip(text, at)
  for _, pair in ipairs { { "<!--", "-->" }, { "<?", "?>" } } do
    if text:sub(at, at + #pair[1] - 1) == pair[1] then
      local _, last = text:find(pair[2], at, true)
      return last or #text
    end
  end
  return text:sub(at, at + 1) == "<!" and (end_of_tag(text, at) or #text)
    or nil
end

local function open(stack, tag)
  local name, rest = tag:match "^([%w:_.-]+)(.*)$"
  if not name or #stack >= MOST_DEPTH then
    return nil
  end
  local parent = stack[#stack]
  local node = { name = name, attr = attributes(rest), text = "" }
  parent[#parent + 1] = node
  if not rest:find "/%s*$" then
    stack[#stack + 1] = node
  end
  return true
end

local function close(stack, name)
  if #stack < 2 or stack[#stack].name ~= name then
    return nil
  end
  stack[#stack] = nil
  return true
end

-- Handles one tag; returns false where the text is no tag.
local function take(stack, tag)
  local closing = tag:match "^/([%w:_.-]+)%s*$"
  if closing then
    return close(stack, closing)
  end
  return open(stack, tag)
end

--- Parses a document. A truncated document is parsed as far as it goes.
-- @tparam string text
-- @treturn ?table the root: its elements, each { name, attr, text, and its
--   own elements }
-- @treturn ?string one sentence; nil where the document is whole
function M.read(text)
  local root = { name = "", attr = {}, text = "" }
  local stack, at = { root }, 1
  while true do
    local from = text:find("<", at, true)
    if not from then
      break
    end
    local top = stack[#stack]
    if from > at then
      top.text = top.text .. plain(text:sub(at, from - 1))
    end
    local last = skip(text, from)
    if not last then
      last = end_of_tag(text, from + 1)
      if not last then
        return root, "the document was cut"
      elseif not take(stack, text:sub(from + 1, last - 1)) then
        return nil, "no well-formed XML"
      end
    end
    at = last + 1
  end
  return root, #stack > 1 and "the document was cut" or nil
end

return M
