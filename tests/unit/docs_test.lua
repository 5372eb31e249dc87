-- SPDX-License-Identifier: BSD-2-Clause
-- The manual against the tables that it describes: columns, arguments,
-- options, links. After a change of a column:
-- tests/lua lua5.4 tests/unit/docs_test.lua write
local args = require "mtrtrace.options.args"
local check = require "check"
local families = require "mtrtrace.service.families"
local fields = require "mtrtrace.table.fields"
local formats = require "mtrtrace.report.formats"

local FORMATS, ARGUMENTS = "nse/doc/output-formats.md", "nse/doc/arguments.md"
local SERVICE = "nse/doc/service.md"

local read = check.read

-- How the manual shows formats with a letter of their own.
local FORMATS_BY_LETTER = { json = "`-j`", csv = "`-C`", xml = "`-x`" }

-- Folders that hold others: their own files are named one by one, or explain
-- the others.
local UPPER = { cext = true, nse = true, tests = true }

local function manual()
  local list = { "README.md", "CONTRIBUTING.md", "SECURITY.md",
    "nse/README.md", "cext/README.md" }
  local pipe = assert(io.popen "ls nse/doc/*.md")
  for path in pipe:lines() do
    list[#list + 1] = path
  end
  pipe:close()
  return list
end

-- ---- columns ---------------------------------------------------------------

local function columns()
  local lines = { "| column | key in reports | title | unit | "
    .. "meaning |", "|---|---|---|---|---|" }
  for _, field in ipairs(fields.all()) do
    lines[#lines + 1] = ("| `%s`%s | `%s` | %s | %s | %s |"):format(
      field.name, field.default and " *" or "", field.key, field.title,
      field.unit or "", field.about)
  end
  return table.concat(lines, "\n") .. "\n"
end

local LEVELS = { hop = "ttl", target = "", process = "-" }

local function metrics()
  local lines = { "| metric | type | further labels | meaning |",
    "|---|---|---|---|" }
  for _, row in ipairs(families.all()) do
    local labels = { row.level ~= "target" and LEVELS[row.level] or nil }
    for _, label in ipairs(row.labels or {}) do
      labels[#labels + 1] = label
    end
    lines[#lines + 1] = ("| `%s` | %s | %s | %s |"):format(
      families.series(row), row.type, table.concat(labels, ", "), row.about)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- What stands between two comments of a chapter is made from a table.
local MADE = {
  { path = FORMATS, word = "columns", make = columns },
  { path = SERVICE, word = "metrics", make = metrics },
}

local function around(row)
  local text = read(row.path)
  local _, from = text:find(("<!-- %s: made by tests/unit/docs_test.lua -->\n")
    :format(row.word), 1, true)
  local to = text:find(("<!-- end of %s -->\n"):format(row.word), 1, true)
  return text:sub(1, from), text:sub(from + 1, to - 1), text:sub(to)
end

for _, row in ipairs(check.writes() and MADE or {}) do
  local before, _, behind = around(row)
  check.write(row.path, before .. row.make() .. behind)
end

for _, row in ipairs(MADE) do
  check.case(row.word .. "_in_the_manual_are_those_of_the_table", function()
    local before, _, behind = around(row)
    check.same_text(before .. row.make() .. behind, read(row.path), row.path)
  end)
end

-- ---- arguments -------------------------------------------------------------

check.case("every_argument_is_in_the_manual", function()
  local text = read(ARGUMENTS)
  for _, row in ipairs(args.all()) do
    check.contains(text, "`" .. row.name .. "`", ARGUMENTS)
  end
end)

check.case("every_format_is_in_the_manual", function()
  local text = read(FORMATS)
  for _, name in ipairs(formats.names()) do
    check.equal(name == "report" or text:find("`--" .. name, 1, true) ~= nil
      or text:find("`--format " .. name .. "`", 1, true) ~= nil
      or text:find(FORMATS_BY_LETTER[name] or "\0", 1, true) ~= nil, true,
      FORMATS .. " has " .. name)
  end
end)

-- ---- pages -----------------------------------------------------------------

check.case("readme_has_at_most_150_lines", function()
  local _, count = read "README.md":gsub("\n", "\n")
  check.equal(count <= 150, true, count)
end)

check.case("every_chapter_begins_with_a_question_or_a_task_and_a_command",
  function()
    for _, path in ipairs(manual()) do
      if path:find "^nse/doc/" then
        local text = read(path)
        local first = text:find "\n## " or #text
        check.equal(text:sub(1, first):find "\n    [^ ]" ~= nil
          or text:sub(1, first):find "\n```lua" ~= nil, true, path)
      end
    end
  end)

-- The folders that CONTRIBUTING.md has a line for. A table whose heading
-- names a folder has the names of those in it.
local function listed()
  local folders, within = {}, ""
  for line in read "CONTRIBUTING.md":gmatch "[^\n]*" do
    within = line:match "^Folders of `([^`]+)`" or line:find "^#" and ""
      or within
    local cell = line:match "^| (`[^|]+) |"
    for word in (cell or ""):gmatch "`([^`]+)`" do
      folders[(within .. "/" .. word):gsub("^/", "")] = true
    end
  end
  return folders
end

check.case("every_folder_has_its_line_for_contributors", function()
  local folders = listed()
  local pipe = assert(io.popen
    "find .ci cext nse scripts tests -type f | sed 's|/[^/]*$||' | sort -u")
  for path in pipe:lines() do
    check.equal(folders[path] or UPPER[path] or false, true,
      path .. " in a table of CONTRIBUTING.md")
  end
  pipe:close()
end)

check.case("every_name_in_the_tables_for_contributors_is_there", function()
  for path in pairs(listed()) do
    local file = io.open(path)
    check.equal(file ~= nil, true, path .. " of CONTRIBUTING.md")
    file:close()
  end
end)

check.case("links_lead_to_files_of_the_tree", function()
  for _, path in ipairs(manual()) do
    local folder = path:match "^(.*/)" or ""
    for link in read(path):gmatch "%]%(([^)]+)%)" do
      if not link:find "^https?:" then
        local file = io.open(folder .. link:gsub("#.*", ""))
        check.equal(file ~= nil, true, path .. ": " .. link)
        if file then
          file:close()
        end
      end
    end
  end
end)

check.finish()
