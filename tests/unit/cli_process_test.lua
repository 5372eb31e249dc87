-- SPDX-License-Identifier: BSD-2-Clause
-- What the command settles about its process: which limits of open files it
-- refuses, whom it becomes, and in which order.
local check = require "check"
local process = require "mtrtrace.cli.process"

local LIMITS = [[
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            %s                   %s                   files
Max locked memory         8388608              8388608              bytes
]]

check.rows({
  { name = "limit_of_8_files_is_named", soft = "8", hard = "8",
    want = "the limit of open files is 8: at least 64 expected (ulimit -n)" },
  { name = "hard_limit_does_not_help", soft = "63", hard = "4096",
    want = "the limit of open files is 63: at least 64 expected (ulimit -n)" },
  { name = "limit_of_64_files_is_enough", soft = "64", hard = "64" },
  { name = "usual_limit_is_enough", soft = "1024", hard = "1048576" },
  { name = "no_limit_is_enough", soft = "unlimited", hard = "unlimited" },
}, function(row)
  check.equal(process.refusal(LIMITS:format(row.soft, row.hard)), row.want)
end)

check.case("limits_that_cannot_be_read_refuse_nothing", function()
  check.equal(process.refusal(nil), nil)
  check.equal(process.refusal "", nil)
end)

-- An open that gives `count` files, each of which has to be closed.
local function opener(count)
  local open = 0
  return function()
    if open == count then
      return nil, "Too many open files"
    end
    open = open + 1
    return { close = function() open = open - 1 end }
  end, function() return open end
end

check.rows({
  { name = "files_that_a_caller_left_open_are_counted", free = 5,
    want = "of the limit of 64 open files 5 are free: at least 48 expected "
      .. "(ulimit -n)" },
  { name = "none_is_free", free = 0,
    want = "of the limit of 64 open files 0 are free: at least 48 expected "
      .. "(ulimit -n)" },
  { name = "enough_are_free", free = 48 },
  { name = "more_than_enough_are_free", free = 1000 },
}, function(row)
  local open, left = opener(row.free)
  check.equal(process.shortage(open, LIMITS:format("64", "64")), row.want)
  check.equal(left(), 0)
end)

-- An engine that notes what is asked of it. `root`: it can become others.
local function engine(root, fails)
  local log = {}
  return { process = {
    become = function(uid, gid)
      log[#log + 1] = ("become %d %d"):format(uid, gid)
      if fails then
        return nil, "cannot become the user who called sudo: refused"
      end
      return root
    end,
    limit = function(mark)
      log[#log + 1] = "limit " .. tostring(mark)
      return true
    end,
    nobody = function()
      return 65534, 65533
    end,
  } }, log
end

check.rows({
  { name = "sudo_is_left_for_its_caller", uid = "1000", gid = "100",
    root = true, mark = 7, want = { "become 1000 100", "limit 7" } },
  { name = "who_is_not_root_stays_what_he_is", uid = "1000", gid = "100",
    want = { "become 1000 100" } },
  { name = "root_by_sudo_stays_root", uid = "0", gid = "0", root = true,
    want = {} },
  { name = "without_sudo_nobody_is_become", root = true, want = {} },
  { name = "half_of_a_name_is_none", uid = "1000", root = true, want = {} },
  { name = "words_are_no_numbers", uid = "me", gid = "us", root = true,
    want = {} },
  { name = "fractions_are_no_numbers", uid = "1.5", gid = "1", root = true,
    want = {} },
  { name = "all_ones_means_unchanged_and_is_refused", uid = "4294967295",
    gid = "1", root = true, want = {} },
}, function(row)
  local core, log = engine(row.root or false)
  local env = { SUDO_UID = row.uid, SUDO_GID = row.gid }
  check.equal(process.become_user(core, function(name) return env[name] end,
    row.mark), true)
  check.equal(log, row.want)
end)

check.case("a_failure_to_become_is_said", function()
  local core = engine(true, true)
  local ok, err = process.become_user(core, function() return "5" end)
  check.equal({ ok == nil, err },
    { true, "cannot become the user who called sudo: refused" })
end)

check.case("without_an_engine_no_stream_is_called_closed", function()
  check.equal(process.open(function() end), {})
end)

check.case("an_engine_older_than_the_library_is_one_line", function()
  local closed, err = process.open(function() return {} end)
  check.equal(closed, nil)
  check.contains(err, "mtrtrace.core is older than the Lua library mtrtrace")
end)

-- ---- nobody ----------------------------------------------------------------

-- A file system: modes by path; links are not followed in it.
local function uv_of(modes)
  return { fs_realpath = function(path) return modes[path] and path end,
    fs_stat = function(path)
      return modes[path] and { mode = tonumber(modes[path], 8) }
    end }
end

check.rows({
  { name = "a_file_of_everybodys_is_open", want = true },
  { name = "a_file_of_its_owners_is_not", ["/a/b/f"] = "600" },
  { name = "a_file_that_is_missing_is_not", ["/a/b/f"] = false },
  { name = "a_folder_of_its_owners_closes_what_is_in_it", ["/a"] = "700" },
  { name = "a_folder_that_shows_no_names_lets_pass", ["/a/b"] = "711",
    want = true },
}, function(row)
  local modes = { ["/a"] = "755", ["/a/b"] = "755", ["/a/b/f"] = "644" }
  for path in pairs(modes) do
    if row[path] ~= nil then
      modes[path] = row[path]
    end
  end
  check.equal(process.is_open_to_all(uv_of(modes), "/a/b/f"),
    row.want or false)
end)

-- Where all files are everybody's.
local OPEN = { fs_realpath = function(path) return path end,
  fs_stat = function() return { mode = tonumber("755", 8) } end }
-- Where none is.
local CLOSED = { fs_realpath = OPEN.fs_realpath,
  fs_stat = function() return { mode = tonumber("700", 8) } end }

check.rows({
  { name = "root_goes_on_as_nobody", options = { format = "report" },
    want = { "become 65534 65533" } },
  { name = "the_screen_may_save_files", options = { format = "screen" } },
  { name = "a_file_that_is_opened_again_keeps_root",
    options = { rows_to = "x" } },
  { name = "programs_are_started_as_root", options = { exec = "x" } },
  { name = "the_service_reads_its_targets_again", options = { serve = {} } },
  { name = "a_tree_of_roots_keeps_root", options = {}, uv = CLOSED },
}, function(row)
  local core, log = engine(true)
  local became = process.become_nobody(core, row.uv or OPEN, row.options,
    function() end)
  check.equal(log, row.want or {})
  check.equal(became, row.want ~= nil)
end)

check.finish()
