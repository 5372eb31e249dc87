-- SPDX-License-Identifier: BSD-2-Clause
-- The settings file: data whose owner decides what it may say.
local check = require "check"
local options = require "mtrtrace.cli.options"
local settings = require "mtrtrace.cli.settings"

local TEXT = "# mine\npackets = 20 \n\nno-dns = yes\njson=no\n"
  .. "report-cycles = 30\norder = LS NABWV\n"

check.case("lines_become_options", function()
  local found = {}
  check.equal(settings.read(found, TEXT, "config", false), nil)
  local checked = assert(options.check(found))
  check.equal({ checked.packets, checked.names, checked.format },
    { 30, "no", "report" })
end)

local BAD = {
  { name = "unknown_key", text = "packets = 2\npakets = 3",
    err = "config:2: no such option: pakets, the nearest is packets" },
  { name = "bad_value", text = "packets = 0",
    err = "config:1: packets=0: expected a whole number" },
  { name = "no_setting_is_not_repeated", text = "root:secret:1",
    err = "config:1: expected a line such as packets = 20" },
  { name = "switch_with_a_number", text = "json = 1",
    err = "config:1: json=1: expected yes or no" },
  { name = "command_line_only", text = "replay = x",
    err = "config:1: no such option: replay" },
  { name = "mtrs_that_is_refused", text = "sctp = yes",
    err = "config:1: no such option: sctp" },
  { name = "foreign_file_names_no_file_to_write", text = "output = /x",
    foreign = true, err = "config:1: output is not taken from a file of "
      .. "another user's" },
}

check.rows(BAD, function(row)
  local err = settings.read({}, row.text, "config", row.foreign)
  check.contains(err, row.err)
  check.equal(err:find("secret", 1, true), nil)
end)

local function stat(uid, mode, more)
  return { uid = uid, mode = mode, type = more or "file", size = 10 }
end

local WHOSE = {
  { name = "own", stat = stat(1000, 420), user = 1000, want = true },
  { name = "roots", stat = stat(0, 420), user = 1000, want = true },
  { name = "another_users", stat = stat(7, 420), user = 1000,
    err = "belongs to user 7" },
  { name = "callers_of_sudo", stat = stat(1000, 420), user = 0,
    behind = 1000, want = true },
  { name = "another_users_under_sudo", stat = stat(7, 420), user = 0,
    behind = 1000, err = "belongs to user 7" },
  { name = "callers_without_root", stat = stat(7, 420), user = 1000,
    behind = 7, err = "belongs to user 7" },
  { name = "writable_by_the_group", stat = stat(1000, 436), user = 1000,
    err = "others than its owner may write" },
  { name = "writable_by_all", stat = stat(0, 438), user = 0,
    err = "others than its owner may write" },
  { name = "a_folder", stat = stat(0, 420, "directory"), user = 0,
    err = "no file of settings" },
}

for _, row in ipairs(WHOSE) do
  check.case("file_of_" .. row.name, function()
    local ok, err = settings.trusted(row.stat, row.user, row.behind)
    check.equal(ok, row.want)
    if row.err then
      check.contains(err, row.err)
    end
  end)
end

local WORDS = {
  { name = "blanks", text = "  -c 3  -n ", want = { "-c", "3", "-n" } },
  { name = "quotes", text = [[-o "LS NA" 'a"b']],
    want = { "-o", "LS NA", 'a"b' } },
  { name = "backslash", text = [[a\ b "c\"d"]], want = { "a b", 'c"d' } },
  { name = "empty_word", text = [[-F ""]], want = { "-F", "" } },
  { name = "nothing", text = "", want = {} },
  { name = "open_quote", text = [[-o "LS]], want = nil },
}

for _, row in ipairs(WORDS) do
  check.case("words_with_" .. row.name, function()
    check.equal(settings.words(row.text), row.want)
  end)
end

check.finish()
