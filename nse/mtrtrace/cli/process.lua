-- SPDX-License-Identifier: BSD-2-Clause

--- What the command settles about its own process before it reads anything
-- from outside: open files, standard streams, rights.
-- @module mtrtrace.cli.process
local M = {}

-- The engine, the loop, 64 threads of the resolver that come and go, and
-- what a request to a web server takes.
local LEAST_FILES = 64

-- Of these so many must be free: who calls us may have left some open.
local LEAST_FREE = 48

--- What is wrong with a limit of open files.
-- @tparam ?string text of /proc/self/limits
-- @treturn ?string one sentence; nil where the limit is high enough, or not
--   to be seen
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

--- What is wrong with the number of files that can still be opened.
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

--- Settles files and streams; to be called before anything is opened.
-- @tparam function load gives the engine, or nil
-- @treturn ?table { stdin, stdout, stderr }: which of them were closed
-- @treturn ?string one sentence why nothing can be done here
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

--- Goes on as the user who called sudo, if one did, with no more rights than
-- tracing takes: what is read and written from here on is that user's.
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

-- Bits of a file's mode that count for those who do not own it.
local READ, PASS = 4, 1

local function has(uv, path, bit)
  local stat = uv.fs_stat(path)
  return stat ~= nil and stat.mode & bit ~= 0
end

--- Whether everybody may read a file.
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

-- What the run opens, starts or saves only later, as whoever began it.
local function opens_later(options)
  return options.format == "screen" or options.serve or options.rows_to
    or options.exec
end

-- Files that are read while the run goes on.
local function is_read_later(options, getenv)
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

--- Goes on as nobody where root began the run and all that it still reads is
-- open to everybody. Otherwise it stays who it is: no feature is lost.
-- @tparam table core
-- @tparam ?table uv the module luv
-- @tparam table options checked
-- @tparam function getenv as os.getenv
-- @treturn boolean whether it did
function M.become_nobody(core, uv, options, getenv)
  if not uv or opens_later(options) then
    return false
  end
  for _, path in ipairs(is_read_later(options, getenv)) do
    if not M.is_open_to_all(uv, path) then
      return false
    end
  end
  local uid, gid = core.process.nobody()
  return uid ~= nil and core.process.become(uid, gid) == true
end

return M
