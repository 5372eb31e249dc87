-- SPDX-License-Identifier: BSD-2-Clause

--- The targets of a run: from arguments, a file or standard input.
-- @module mtrtrace.cli.targets
local format = require "mtrtrace.base.format"
local target = require "mtrtrace.cli.target"

local M = {}

-- Largest number of targets, and of bytes in a file of targets.
local MOST, MOST_BYTES = 1000000, 32 << 20

local WANT = "expected a host name, an address, HOST:PORT or an http(s) URL"

local BOM = "^\239\187\191" -- UTF-8's, as editors on Windows write it

local function short(word)
  return format.clean(word):sub(1, 60)
end

local function read_line(list, line, where)
  local word = line:gsub("#.*", ""):match("^%s*(.-)%s*$")
  if word == "" then
    return true
  elseif #list >= MOST then
    return nil, ("%s: more than %d targets"):format(where, MOST)
  elseif not target.parse(word) then
    return nil, ("%s: '%s': %s"):format(where, short(word), WANT)
  end
  list[#list + 1] = word
  return true
end

--- Adds the targets of a text, one on each line; # starts a comment.
-- @tparam {string,...} list
-- @tparam string text
-- @tparam string name of the file, for messages
-- @treturn ?boolean true
-- @treturn ?string one sentence
function M.read(list, text, name)
  local number = 0
  for line in (text:gsub(BOM, "") .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local ok, err = read_line(list, line, ("%s:%d"):format(name, number))
    if not ok then
      return nil, err
    end
  end
  return true
end

local function read_file(list, path)
  local file, open_err = io.stdin, nil
  if path ~= "-" then
    file, open_err = io.open(path, "r")
  end
  if not file then
    return nil, open_err
  end
  local name = path == "-" and "standard input" or path
  local text, err = file:read(MOST_BYTES + 1)
  if file ~= io.stdin then
    file:close()
  end
  if err then
    return nil, ("%s: %s"):format(path, err)
  elseif text and #text > MOST_BYTES then
    return nil, ("%s: a list of targets of at most %d MiB expected"):format(
      name, MOST_BYTES >> 20)
  end
  return M.read(list, text or "", name)
end

--- Returns all targets of a run.
-- @tparam ?{string,...} words of the command line
-- @tparam ?string filename of the option -F; "-" is standard input
-- @tparam table uv the module luv
-- @treturn ?{string,...}
-- @treturn ?string one sentence
function M.list(words, filename, uv)
  local list, files = {}, { filename }
  for _, word in ipairs(words or {}) do
    if word == "-" then
      return nil, ("'-': %s; -F - reads them from standard input"):format(WANT)
    elseif not target.parse(word) then
      return nil, ("'%s': %s"):format(short(word), WANT)
    else
      list[#list + 1] = word
    end
  end
  if #list == 0 and #files == 0 and uv.guess_handle(0) ~= "tty" then
    files[1] = "-"
  end
  for _, path in ipairs(files) do
    local ok, err = read_file(list, path)
    if not ok then
      return nil, err
    end
  end
  return list
end

return M
