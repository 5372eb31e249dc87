-- SPDX-License-Identifier: BSD-2-Clause
-- The manual against the tables that it describes: columns, arguments,
-- options, links. After a change of a column:
-- tests/lua lua5.4 tests/unit/docs_test.lua write
local args = require "mtrtrace.options.args"
local check = require "check"
local fields = require "mtrtrace.table.fields"

local families = require "mtrtrace.service.families"

local FORMATS, ARGUMENTS = "nse/doc/output-formats.md", "nse/doc/arguments.md"
local SERVICE = "nse/doc/service.md"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

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

for _, row in ipairs(arg[1] == "write" and MADE or {}) do
  local before, _, behind = around(row)
  local file = assert(io.open(row.path, "w"))
  file:write(before, row.make(), behind)
  file:close()
end

for _, row in ipairs(MADE) do
  check.case(row.word .. "_in_the_manual_are_those_of_the_table", function()
    local _, shown = around(row)
    check.equal(shown, row.make(), "tests/unit/docs_test.lua write")
  end)
end

-- ---- arguments -------------------------------------------------------------

check.case("every_argument_is_in_the_manual", function()
  local text = read(ARGUMENTS)
  for _, row in ipairs(args.all()) do
    check.contains(text, "`" .. row.name .. "`")
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

check.case("every_folder_has_its_line_for_contributors", function()
  local text = read "CONTRIBUTING.md"
  local pipe = assert(io.popen "ls -d nse/mtrtrace/*/ cext/*/ tests/*/")
  for path in pipe:lines() do
    local name = path:match "([^/]+)/$"
    local found = text:find("`" .. name .. "`", 1, true)
      or text:find(path:sub(1, -2) .. "`", 1, true)
    check.equal(found ~= nil, true, path)
  end
  pipe:close()
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
