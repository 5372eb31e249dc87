-- SPDX-License-Identifier: BSD-2-Clause

--- Options from the settings file and the environment. The file has lines
-- "option = value", # starts a comment. A program with privileges reads the
-- file, so the file's owner decides which options are allowed. Pure, except
-- `load`.
-- @module mtrtrace.cli.settings
local args = require "mtrtrace.options.args"
local nearest = require "mtrtrace.base.nearest"
local options = require "mtrtrace.cli.options"
local parse = require "mtrtrace.cli.parse"

local M = {}

local MOST_BYTES = 65536

-- ---- lines ----------------------------------------------------------------

local function is_setting(row)
  return not row.refused and not row.alone and not row.last
end

local function row_of(name)
  for _, row in ipairs(options.all()) do
    if is_setting(row) and (row.name == name or row.also == name) then
      return row
    end
  end
end

local function names()
  local list = {}
  for _, row in ipairs(options.all()) do
    list[#list + 1] = is_setting(row) and row.name or nil
  end
  return list
end

local SWITCH = { yes = true, no = false }

local function read_switch(found, row, value)
  if SWITCH[value] == nil then
    return ("%s=%s: expected yes or no"):format(row.name, value)
  elseif SWITCH[value] then
    parse.take(found, row, true)
  end
end

local function read_value(found, row, value)
  local rule = row.arg and args.get(row.arg) or row
  local _, err = args.value("", rule, value)
  if not err then
    parse.take(found, row, value)
  end
  return err
end

-- Reads a line; returns an error or nil. The error does not quote a line that
-- is no setting: the path may name another user's file with secrets.
local function read_line(found, line, foreign)
  local text = line:gsub("^%s*#.*", ""):match("^%s*(.-)%s*$")
  local key, value = text:match("^([%w-]+)%s*=%s*(.*)$")
  if text == "" then
    return nil
  elseif not key then
    return "expected a line such as packets = 20"
  end
  local row = row_of(key)
  if not row then
    return ("no such option: %s, the nearest is %s"):format(key:sub(1, 40),
      nearest.find(key, names()))
  elseif row.writes and foreign then
    return ("%s is not taken from a file of another user's"):format(key)
  elseif row.value then
    return read_value(found, row, value)
  end
  return read_switch(found, row, value)
end

--- Reads the text of a settings file.
-- @tparam table found gets texts by option name
-- @tparam string text
-- @tparam string name of the file, for messages
-- @tparam boolean foreign whether it belongs to another user than the one
--   the program runs as
-- @treturn ?string the first error, one sentence
function M.read(found, text, name, foreign)
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local err = read_line(found, line, foreign)
    if err then
      return ("%s:%d: %s"):format(name, number, err)
    end
  end
end

--- Splits a line into words like a shell: by blanks, with quotes and
-- backslashes.
-- @tparam string text
-- @treturn ?{string,...} nil for an unterminated quote
function M.words(text)
  local words, word, quote, at = {}, nil, nil, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" and quote ~= "'" then
      at = at + 1
      word = (word or "") .. text:sub(at, at)
    elseif c == quote then
      quote = nil
    elseif not quote and c:find "['\"]" then
      quote, word = c, word or ""
    elseif not quote and c:find "%s" then
      words[#words + 1], word = word, nil
    else
      word = (word or "") .. c
    end
    at = at + 1
  end
  words[#words + 1] = word
  return not quote and words or nil
end

-- ---- owner of the file ----------------------------------------------------

local WRITABLE_BY_OTHERS = 18 -- 022

--- Whether a file may set options of the program.
-- @tparam table stat `uid`, `mode`, `type`, `size`
-- @tparam integer user the program runs as
-- @tparam ?integer sudo_user the user who called it through sudo
-- @treturn ?boolean true, or nil
-- @treturn ?string the reason, to follow the file's name in a sentence
-- @treturn ?boolean whether that is an error, not just a file of another user
function M.trusted(stat, user, sudo_user)
  if stat.type ~= "file" or stat.size > MOST_BYTES then
    return nil, "is no file of settings", true
  elseif stat.uid ~= user and stat.uid ~= 0
    and not (user == 0 and stat.uid == sudo_user) then
    return nil, ("is not read: it belongs to user %d"):format(stat.uid)
  elseif stat.mode & WRITABLE_BY_OTHERS ~= 0 then
    return nil, "is not read: others than its owner may write to it", true
  end
  return true
end

local function home_of(uid)
  for line in io.lines "/etc/passwd" do
    local id, home = line:match("^[^:]*:[^:]*:(%d+):[^:]*:[^:]*:([^:]*)")
    if tonumber(id) == uid then
      return home
    end
  end
end

-- Returns the paths at which the file may be, in order of preference.
local function places(getenv, sudo_user)
  local list = {}
  local function add(folder, rest)
    if folder and folder:sub(1, 1) == "/" then
      list[#list + 1] = folder .. rest
    end
  end
  add(getenv "XDG_CONFIG_HOME", "/mtr-trace/config")
  local ok, home = pcall(home_of, sudo_user)
  add(sudo_user and ok and home, "/.config/mtr-trace/config")
  add(getenv "HOME", "/.config/mtr-trace/config")
  return list
end

-- Loads a file. The owner is checked on the open descriptor, so the file
-- cannot be exchanged between check and read.
local function load_file(uv, path, user, sudo_user)
  local fd, err = uv.fs_open(path, "r", 0)
  if not fd then
    return nil, tostring(err):match("^%u+: (.-): /") or tostring(err), true
  end
  local stat = uv.fs_fstat(fd)
  local ok, why, is_error = M.trusted(stat, user, sudo_user)
  local text = ok and uv.fs_read(fd, MOST_BYTES, 0)
  uv.fs_close(fd)
  return text or nil, why, is_error, stat.uid ~= user
end

--- Loads the settings of a run.
-- @tparam table uv the module luv
-- @tparam table found gets texts by option name
-- @tparam ?string path of the option --config
-- @treturn ?string the first error, one sentence
-- @treturn ?string a warning, one sentence
function M.load(uv, found, path)
  local user = uv.getuid()
  local sudo_user = user == 0 and tonumber(os.getenv "SUDO_UID") or nil
  for _, place in ipairs(path and { path } or places(os.getenv, sudo_user)) do
    local text, why, is_error, foreign = load_file(uv, place, user, sudo_user)
    if text then
      return M.read(found, text, place, foreign)
    elseif path or uv.fs_stat(place) then
      local line = ("%s: %s"):format(place, why)
      if path or is_error then
        return line
      end
      return nil, line
    end
  end
end

return M
