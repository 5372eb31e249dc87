-- SPDX-License-Identifier: BSD-2-Clause
-- The live screen, cell by cell, against the files in golden/screen: every
-- view at three sizes, in ASCII and in UTF-8. After a change that is meant:
-- tests/lua lua5.4 tests/unit/screen_draw_test.lua write, and look at the
-- difference.
local actions = require "mtrtrace.screen.actions"
local check = require "check"
local draw = require "mtrtrace.screen.draw"
local screen_sample = require "screen_sample"

local FOLDER = "tests/unit/golden/screen/"

local SIZES = { { 40, 10 }, { 80, 24 }, { 200, 60 } }

-- What is shown after these keys.
local VIEWS = {
  { name = "table", keys = {} },
  { name = "detail", keys = { "down", "enter" } },
  { name = "strips", keys = { "d" } },
  { name = "chart", keys = { "d", "d", "down" } },
  { name = "help", keys = { "?" } },
  { name = "columns", keys = { "O", "down", "down" } },
  { name = "prompt", keys = { "i", "5" } },
  { name = "sorted_scrolled", keys = { ">", ">", ">", "R", "right" } },
  { name = "tabs", keys = { "p" }, names = { "www.example.com",
    "second.example.com", "a-third-one.example.com" } },
}

local function show(view, size, utf8_too)
  local state = screen_sample.state(view.names, utf8_too)
  -- Keys speak of rows, which are known once they were drawn.
  draw.draw(state, size[1], size[2])
  for _, key in ipairs(view.keys) do
    actions.press(state, key)
    draw.draw(state, size[1], size[2])
  end
  return draw.draw(state, size[1], size[2]):text()
end

local function all(size, utf8_too)
  local parts = {}
  for _, view in ipairs(VIEWS) do
    parts[#parts + 1] = ("== %s\n%s\n"):format(view.name,
      show(view, size, utf8_too))
  end
  return table.concat(parts)
end

local function file_of(size, charset)
  return ("%s%dx%d.%s.txt"):format(FOLDER, size[1], size[2], charset)
end

check.case("title_says_that_sizes_are_random", function()
  local state = screen_sample.state()
  local result = state:current().result
  result.size, result.random_size = 100, true
  check.contains(draw.draw(state, 80, 24):text():match "^[^\n]*",
    "  random sizes up to 100 bytes")
end)

local SMALL = {
  { name = "all_fits", size = { 300, 40 }, want = "" },
  { name = "rows", size = { 300, 5 }, want = "hidden: 3 rows (arrows)" },
  { name = "rows_and_columns", size = { 80, 5 },
    want = "hidden: 3 rows, 7 columns (arrows)" },
  { name = "no_room_for_the_table", size = { 80, 3 },
    want = "table hidden: needs 4 rows" },
  { name = "one_row", size = { 80, 1 },
    want = "table hidden: needs 4 rows" },
  { name = "narrow", size = { 12, 5 }, want = "+3 +13" },
  { name = "tiny", size = { 3, 3 }, want = "..." },
}

for _, row in ipairs(SMALL) do
  check.case("small_window_tells_" .. row.name, function()
    local text = show(VIEWS[1], row.size)
    local foot = text:match "[^\n]*$"
    check.equal(foot:match "hidden.*" or foot:match "table hidden.*"
      or foot:match "%+%d+ %+%d+" or foot:match "%.%.%.$" or "",
      (row.want:gsub("^table ", "")))
  end)
end

for _, size in ipairs(SIZES) do
  for charset, utf8_too in pairs { ascii = false, utf8 = true } do
    check.stored(("screen_%dx%d_%s"):format(size[1], size[2], charset),
      file_of(size, charset), function() return all(size, utf8_too) end)
  end
end

check.case("ascii_is_ascii", function()
  for _, size in ipairs(SIZES) do
    check.equal(all(size, false):find "[^\n\32-\126]", nil)
  end
end)

check.case("no_size_is_too_small_or_odd", function()
  for width = 1, 90, 7 do
    for height = 1, 30, 3 do
      for _, view in ipairs(VIEWS) do
        local text = show(view, { width, height }, true)
        local _, breaks = text:gsub("\n", "")
        check.equal(breaks, height - 1)
        for line in text:gmatch "[^\n]+" do
          check.equal(utf8.len(line) <= width, true, line)
        end
      end
    end
  end
end)

check.case("control_characters_of_names_do_not_get_through", function()
  for _, view in ipairs(VIEWS) do
    local text = show(view, { 200, 60 }, true)
    check.equal(text:find "[\0-\9\11-\31\127]", nil, view.name)
  end
end)

check.case("a_target_that_is_not_traced_says_why", function()
  local state = screen_sample.state { "a", "b" }
  state.tabs[2]:finish(nil, "no address\27[2J of that name")
  state:show(2)
  check.contains(draw.draw(state, 80, 24):text(),
    "no address[2J of that name")
end)

check.case("before_the_first_answer_there_is_a_word", function()
  local state = require("mtrtrace.screen.state").new { targets = { "x" },
    columns = screen_sample.COLUMNS, max_silent = 5, glyphs = {},
    new_counter = screen_sample.counter {} }
  state:refresh()
  check.contains(draw.draw(state, 80, 24):text(), "Waiting for the address")
  state.tabs[1]:start(screen_sample.trace())
  state:refresh()
  check.contains(draw.draw(state, 80, 24):text(), "Looking for the first")
end)

check.finish()
