-- SPDX-License-Identifier: BSD-2-Clause

--- The targets of the service: a file with one target on each line, with
-- options and labels of its own. An invalid line is skipped and reported.
-- Pure, except `load`.
--
--   www.example.com protocol=tcp port=443 team=web
--
-- A name of an option of the command, such as packets or first-hop, is an
-- option; every other name is a label of the target's metrics and rows.
-- @module mtrtrace.cli.watchlist
local args = require "mtrtrace.options.args"
local families = require "mtrtrace.service.families"
local format = require "mtrtrace.base.format"
local options = require "mtrtrace.cli.options"
local settings = require "mtrtrace.cli.settings"
local target = require "mtrtrace.cli.target"

local M = {}

-- Limits: targets, bytes of the file, labels of a target, bytes of a value.
local MOST, MOST_BYTES, MOST_LABELS, LONGEST = 10000, 4 << 20, 16, 200

-- Options that a target may have: these groups, and some others.
local GROUPS = { probes = true, web = true }
local ALSO = { ipv4 = true, ipv6 = true, address = true, interface = true,
  family = true }
local NOT = { mark = true } -- takes rights that are given up at the start

local function row_of(name)
  local row = options.get(name)
  return row and not row.refused and row or nil
end

local function is_own(name, row)
  return ALSO[name] or row and GROUPS[row.group] and not NOT[name]
end

local SWITCH = { yes = true, no = false }

-- Stores an option's text.
local function set_option(found, name, row, value)
  if name == "family" and (value == "4" or value == "6") then
    found.family = value
  elseif row and row.value then
    found[name] = value
  elseif row and SWITCH[value] ~= nil then
    for key, text in pairs(SWITCH[value] and row.sets or {}) do
      found[key] = text
    end
  else
    return ("%s=%s: expected %s"):format(name, format.clean(value):sub(1, 60),
      row and "yes or no" or "4 or 6")
  end
end

local function set_label(labels, seen, name, value)
  if families.RESERVED[name] or name:find "^__" then
    return ("'%s' cannot be the name of a label: it is taken"):format(name)
  elseif seen[name] then
    return ("%s is given twice"):format(name)
  elseif #labels == MOST_LABELS then
    return ("more than %d labels"):format(MOST_LABELS)
  elseif #value > LONGEST then
    return ("%s: a text of at most %d bytes expected"):format(name, LONGEST)
  end
  seen[name] = true
  labels[#labels + 1] = { name, format.clean(value) }
end

local function take_pair(found, labels, seen, word)
  local name, value = word:match "^([%a_][%w_-]*)=(.*)$"
  if not name then
    return ("'%s': expected option=value or label=value"):format(
      format.clean(word):sub(1, 60))
  end
  local row = row_of(name)
  if is_own(name, row) then
    return set_option(found, name, row, value)
  elseif row then
    return ("%s is an option of the whole service"):format(name)
  elseif name:find("-", 1, true) then
    return ("'%s' is no option, and no name of a label"):format(name)
  end
  return set_label(labels, seen, name, value)
end

-- Targets with the same options share one table, as there may be thousands.
local function checked(self, found)
  local parts = {}
  for name, value in pairs(found) do
    parts[#parts + 1] = ("%s=%s"):format(name, tostring(value))
  end
  table.sort(parts)
  local key = table.concat(parts, "\0")
  local known = self.known[key]
  if not known then
    local own, err = options.check(found)
    err = err or args.load("--", own)
    own = not err and own or nil
    known = { options = own, err = err }
    self.known[key] = known
  end
  return known.options, known.err
end

local function copy(from)
  local to = {}
  for key, value in pairs(from) do
    to[key] = value
  end
  return to
end

--- Parses one target.
-- @tparam table self see new
-- @tparam {string,...} words the target, and option=value or label=value
-- @treturn ?table as mtrtrace.service.entry takes it
-- @treturn ?string one sentence
local function read_words(self, words)
  local word, found, labels, seen = words[1], copy(self.base), {}, {}
  local what = target.parse(word)
  if not what then
    return nil, ("'%s': expected a host name, an address, HOST:PORT or an "
      .. "http(s) URL"):format(format.clean(word):sub(1, 60))
  end
  for i = 2, #words do
    local err = take_pair(found, labels, seen, words[i])
    if err then
      return nil, err
    end
  end
  local own, err = checked(self, found)
  if not own then
    return nil, (err:gsub("^%-%-", ""))
  end
  return { name = word, label = format.clean(word), options = own,
    labels = labels, what = what,
    web = found.http == "on" or found.url ~= nil or what.url ~= nil }
end

local function add(self, list, seen, words)
  local spec, err = read_words(self, words)
  local key = spec and spec.label .. " " .. spec.options.protocol
  if key and seen[key] then
    return ("%s is there twice by %s"):format(spec.label,
      spec.options.protocol)
  elseif spec and #list >= MOST then
    return ("more than %d targets"):format(MOST)
  elseif spec then
    seen[key], list[#list + 1] = true, spec
  end
  return err
end

local List = {}
List.__index = List

local BOM = "^\239\187\191"

--- Parses a text of targets.
-- @tparam string text
-- @tparam string name of the file, for messages
-- @treturn {table,...} specs, see mtrtrace.service.entry; those of the command
--   line first
-- @treturn {string,...} an error for each invalid line
function List:read(text, name)
  local list, seen, errors, number = {}, {}, {}, 0
  self.known = {}
  for _, word in ipairs(self.words) do
    local err = add(self, list, seen, { word })
    errors[#errors + 1] = err
  end
  for line in (text:gsub(BOM, "") .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local words = settings.words((line:gsub("^%s*#.*", "")
      :gsub("%s#.*", "")))
    local err = not words and "a quote has no end"
      or words[1] and add(self, list, seen, words)
    errors[#errors + 1] = err and ("%s:%d: %s"):format(name, number, err)
      or nil
  end
  return list, errors
end

--- Checks one target that does not come from a file, with options by name.
-- @tparam string word
-- @tparam table texts of options
-- @treturn ?table spec
-- @treturn ?string one sentence
function List:one(word, texts)
  local base = copy(self.base)
  for key, value in pairs(texts) do
    base[key] = value
  end
  return read_words({ base = base, known = self.known }, { word })
end

--- Loads the file.
-- @treturn ?{table,...} specs; nil where the file cannot be read
-- @treturn {string,...}|string errors of lines, or the error of reading
function List:load()
  if not self.path then
    return self:read("", "")
  end
  local file, err = io.open(self.path, "rb")
  if not file then
    return nil, err
  end
  local text
  text, err = file:read(MOST_BYTES + 1)
  file:close()
  if err then
    return nil, ("%s: %s"):format(self.path, err)
  elseif text and #text > MOST_BYTES then
    return nil, ("%s: a list of targets of at most %d MiB expected"):format(
      self.path, MOST_BYTES >> 20)
  end
  return self:read(text or "", self.path)
end

--- Returns the targets of a service.
-- @tparam {string,...} words of the command line
-- @tparam ?string path of the file
-- @tparam table found texts of options by name, for all targets
-- @treturn table { read, one, load }
function M.new(words, path, found)
  local base = copy(found)
  base.targets = nil
  return setmetatable({ words = words, path = path, base = base,
    known = {} }, List)
end

return M
