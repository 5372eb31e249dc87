-- SPDX-License-Identifier: BSD-2-Clause

--- Setup of the command's process before any input is read: limit of open
-- files, standard streams, privileges.
-- @module mtrtrace.cli.process
local M = {}

-- File descriptors needed by the engine, the event loop, the resolver's
-- threads and an HTTP request.
local LEAST_FILES = 64

-- File descriptors of these that must be free; the calling process may have
-- left some open.
local LEAST_FREE = 48

--- Checks the limit of open files.
-- @tparam ?string text of /proc/self/limits
-- @treturn ?string an error, one sentence; nil where the limit is high enough
--   or unknown
function M.refusal(text)
  local soft = (text or ""):match("Max open files%s+(%d+)%s")
  if soft and tonumber(soft) < LEAST_FILES then
    return ("the limit of open files is %s: at least %d expected (ulimit -n)")
      :format(soft, LEAST_FILES)
  end
end

local function limits()
  local file = io.open("/proc/self/limits", "r")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

--- Checks how many files can still be opened.
-- @tparam function open as io.open
-- @tparam ?string text of /proc/self/limits
-- @treturn ?string one sentence
function M.shortage(open, text)
  local files, more = {}, true
  while more and #files < LEAST_FREE do
    more = open("/dev/null")
    files[#files + 1] = more
  end
  for _, one in ipairs(files) do
    one:close()
  end
  local soft = (text or ""):match("Max open files%s+(%d+)%s")
  if soft and #files < LEAST_FREE then
    return ("of the limit of %s open files %d are free: at least %d expected "
      .. "(ulimit -n)"):format(soft, #files, LEAST_FREE)
  end
end

--- Sets up files and streams. Called before anything is opened.
-- @tparam function load gives the engine, or nil
-- @treturn ?table { stdin, stdout, stderr }: which of them were closed
-- @treturn ?string an error, one sentence
function M.open(load)
  local text = limits()
  local err = M.refusal(text) or M.shortage(io.open, text)
  if err then
    return nil, err
  end
  local core = load()
  if not core then
    return {}
  elseif not core.process then -- built before the sources were updated
    return nil, "mtrtrace.core is older than the Lua library mtrtrace: run "
      .. "'make install' in the mtr-trace sources again"
  end
  core.process.raise_files()
  return core.process.open_streams()
end

--- Switches to the user who called sudo, if any, and drops every privilege
-- that tracing does not need, so files are read and written as that user.
-- @tparam table core
-- @tparam function getenv as os.getenv
-- @tparam ?integer mark of the probes
-- @treturn ?boolean
-- @treturn ?string one sentence
function M.become_user(core, getenv, mark)
  local uid = math.tointeger(tonumber(getenv "SUDO_UID"))
  local gid = math.tointeger(tonumber(getenv "SUDO_GID"))
  if not (uid and gid and uid > 0 and uid < 0xffffffff and gid >= 0
    and gid < 0xffffffff) then
    return true
  end
  local became, err = core.process.become(uid, gid)
  if became then
    return core.process.limit(mark)
  end
  return became == false or nil, err
end

-- ---- nobody ---------------------------------------------------------------

-- Bits of a file's mode for others: read, and search of a folder.
local READ, PASS = 4, 1

local function has(uv, path, bit)
  local stat = uv.fs_stat(path)
  return stat ~= nil and stat.mode & bit ~= 0
end

--- Whether every user may read a file.
-- @tparam table uv as luv: fs_realpath, fs_stat
-- @tparam ?string path
-- @treturn boolean
function M.is_open_to_all(uv, path)
  local real = path and uv.fs_realpath(path)
  if not real or not has(uv, real, READ) then
    return false
  end
  local folder = real:match "^(.*)/[^/]*$"
  while folder and folder ~= "" do
    if not has(uv, folder, PASS) then
      return false
    end
    folder = folder:match "^(.*)/[^/]*$"
  end
  return true
end

-- Whether the run opens, starts or saves something later that needs the user
-- who started it.
local function opens_later(options)
  return options.format == "screen" or options.serve or options.rows_to
    or options.exec
end

-- Returns the files that are read during the run.
local function files_read_later(options, getenv)
  local list = {}
  for _, path in ipairs {
    package.searchpath("mtrtrace.core", package.cpath) or false,
    package.searchpath("mtrtrace.cli.main", package.path) or false,
    options.asn_db or false, options.geo_db or false,
    getenv "SSL_CERT_FILE" or false, getenv "SSL_CERT_DIR" or false } do
    list[#list + 1] = path or nil
  end
  return list
end

--- Switches to the user nobody where root started the run and every user may
-- read all files that the run still reads. Otherwise the user stays the same,
-- so that no feature is lost.
-- @tparam table core
-- @tparam ?table uv the module luv
-- @tparam table options checked
-- @tparam function getenv as os.getenv
-- @treturn boolean whether the process is nobody now
function M.become_nobody(core, uv, options, getenv)
  if not uv or opens_later(options) then
    return false
  end
  for _, path in ipairs(files_read_later(options, getenv)) do
    if not M.is_open_to_all(uv, path) then
      return false
    end
  end
  local uid, gid = core.process.nobody()
  return uid ~= nil and core.process.become(uid, gid) == true
end

return M
