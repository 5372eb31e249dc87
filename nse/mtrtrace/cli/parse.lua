-- SPDX-License-Identifier: BSD-2-Clause

--- Parses a command line with argparse: words to texts by option name. Pure:
-- neither prints nor exits.
-- @module mtrtrace.cli.parse
local options = require "mtrtrace.cli.options"

local M = {}

M.ABOUT = [[
Traces the path to each TARGET (a name or an address) and shows loss, latency
and jitter for every hop, with kernel timestamps at both ends. Without root or
CAP_NET_RAW it uses sockets that need no rights and shows less.]]

local EPILOG = [[
Times are 500ms, 5s, 2m; bare numbers are seconds. Exit status: 0 all targets
were reached, 1 one was not, 2 usage or a file that cannot be used, 3 no
permission to send or capture, 4 an alert was raised (--alert).]]

-- Notes what an option of the line sets: by name, in order.
local function note(given, row, value)
  for name, text in pairs(row.sets or { [row.name] = value }) do
    given[name] = given[name] or {}
    given[name][#given[name] + 1] = { text = text, row = row }
  end
end

-- Two protocols exclude each other, as in mtr (a TCP session is TCP), and rows
-- on standard output any other format. Else the last option counts.
local function clash(given)
  local first = (given.protocol or {})[1]
  for _, other in ipairs(given.protocol or {}) do
    if other.row ~= first.row
      and other.text:sub(1, 3) ~= first.text:sub(1, 3) then
      return ("%s and %s: expected one of them"):format(
        options.title(first.row), options.title(other.row))
    end
  end
  for _, format in ipairs(given.rows and given.format or {}) do
    if not given["rows-to"] and format.text ~= "report" then
      return ("--rows and %s: expected one of them, or --rows-to=FILE for the "
        .. "rows"):format(options.title(format.row))
    end
  end
end

--- Stores an option.
-- @tparam table found changed in place
-- @tparam table row of mtrtrace.cli.options
-- @tparam string|boolean value
function M.take(found, row, value)
  if row.refused then
    found.refused = found.refused or ("%s: mtr has it, mtr-trace has not: "
      .. "%s"):format(options.title(row), row.refused)
  elseif row.sets then
    for name, text in pairs(row.sets) do
      found[name] = text
    end
  else
    found[row.name] = row.flag and true or value
  end
end

local function add(parent, row, found, given)
  local make = row.value and parent.option or parent.flag
  local option = make(parent, row.short
    and ("-%s --%s"):format(row.short, row.name) or "--" .. row.name)
  if row.also then
    option:hidden_name("--" .. row.also)
  end
  if row.value then
    option:args(1):argname(row.value)
  end
  option:description(M.about(row)):count "*"
  -- argparse's own label repeats the value for each name, on two lines.
  function option._get_label_lines()
    return { (row.short and ("-%s, "):format(row.short) or "    ")
      .. "--" .. row.name .. (row.value and " " .. row.value or "") }
  end
  option:action(function(_, _, value)
    note(given, row, value)
    M.take(found, row, value)
  end)
  return option
end

--- Returns a row's text in the help.
-- @tparam table row
-- @treturn string with the default, where there is one
function M.about(row)
  local default = row.default
  return (row.about or "")
    .. (default and (" (default: %s)"):format(default) or "")
end

--- Returns argparse's parser of the command.
-- @tparam table argparse the module
-- @tparam table found gets texts by option name, and `targets`
-- @tparam ?table given gets what each option of the line sets
-- @treturn table
function M.parser(argparse, found, given)
  given = given or {}
  local parser = argparse("mtr-trace", M.ABOUT, EPILOG):add_help(false)
    :usage("Usage: mtr-trace [OPTION...] TARGET...")
    :help_max_width(79):help_description_margin(32)
  parser:argument("targets"):args "*":argname "TARGET"
    :description "name or address of a host to trace"
    :action(function(_, _, words) found.targets = words end)
  for _, group in ipairs(options.GROUPS) do
    local members = {}
    for _, row in ipairs(options.all()) do
      if row.group == group.key then
        members[#members + 1] = add(parser, row, found, given)
      end
    end
    parser:group(group.title, table.unpack(members))
  end
  return parser
end

-- Returns whether the next word is the value of the option, or of the last one
-- of several letters such as "-rwc".
local function awaits_value(word)
  local letters = word:match "^%-(%w+)$" or ""
  for at = 1, #letters do
    local row = options.of_word("-" .. letters:sub(at, at))
    if row and row.value then
      return at == #letters
    end
  end
  local row = options.of_word(word)
  return row and row.value ~= nil
end

-- A number below 0 is a value, although it looks like an option: mtr takes
-- packets of random size by "-s -100".
local function join_negative(words)
  local joined = {}
  for _, word in ipairs(words) do
    local before = joined[#joined]
    if before and word:find "^%-%.?%d" and awaits_value(before) then
      joined[#joined] = before .. (before:find "^%-%-" and "=" or "") .. word
    else
      joined[#joined + 1] = word
    end
  end
  return joined
end

--- Parses a command line.
-- @tparam table argparse the module
-- @tparam {string,...} words
-- @tparam ?table found options from earlier words or settings
-- @tparam ?boolean lenient whether options that only mtr has are skipped
--   instead of refused
-- @treturn ?table the same: texts by option name, and `targets`, an array
-- @treturn ?string the first error, one sentence; where `lenient`, the options
--   that were skipped
function M.words(argparse, words, found, lenient)
  found = found or {}
  local given = {}
  local parser = M.parser(argparse, found, given)
  for _, row in ipairs(options.all()) do
    if row.refused then
      add(parser, row, found, given)
    end
  end
  local ok, err = parser:pparse(join_negative(words))
  if not ok then
    -- Suggestions for a single letter are dropped: any letter is near to it.
    return nil, (tostring(err):gsub("(option '%-[^-]')\n.*", "%1")
      :gsub("\n", "; "))
  end
  local clashing = clash(given)
  if clashing then
    return nil, clashing
  end
  local refused = found.refused
  found.refused = nil
  if refused and not lenient then
    return nil, refused
  end
  return found, refused
end

return M
