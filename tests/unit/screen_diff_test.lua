-- SPDX-License-Identifier: BSD-2-Clause
-- Canvas, diff, palette, glyphs: what reaches the terminal. A small terminal
-- of our own obeys the bytes; it must show what was drawn.
local canvas = require "mtrtrace.screen.canvas"
local check = require "check"
local diff = require "mtrtrace.screen.diff"
local glyphs = require "mtrtrace.screen.glyphs"
local palette = require "mtrtrace.screen.palette"

local STYLES = palette.of(256)

-- ---- a terminal -----------------------------------------------------------

local Terminal = {}
Terminal.__index = Terminal

local function terminal(width, height)
  return setmetatable({ width = width, height = height, x = 1, y = 1,
    pen = "", chars = {}, pens = {} }, Terminal)
end

function Terminal:clear()
  for i = 1, self.width * self.height do
    self.chars[i], self.pens[i] = " ", ""
  end
end

local OBEY = {
  H = function(self, text)
    self.y, self.x = text:match "(%d+);(%d+)"
    self.x, self.y = tonumber(self.x), tonumber(self.y)
  end,
  J = function(self) self:clear() end,
  m = function(self, text) self.pen = text:gsub("^0;?", "") end,
}

function Terminal:write(bytes)
  local at = 1
  while at <= #bytes do
    local text, kind, stop = bytes:match("^\27%[([%d;]*)(%a)()", at)
    if text then
      OBEY[kind](self, text)
    else
      stop = utf8.offset(bytes, 2, at)
      local i = (self.y - 1) * self.width + self.x
      assert(self.x <= self.width, "beyond the right edge")
      self.chars[i], self.pens[i] = bytes:sub(at, stop - 1), self.pen
      self.x = self.x + 1
    end
    at = stop
  end
end

local function shows(term, drawn)
  for i = 1, drawn.width * drawn.height do
    local pen = STYLES[drawn.styles[i]] or ""
    if term.chars[i] ~= drawn.chars[i] or term.pens[i] ~= pen then
      error(("cell %d: %s in %q, want %s in %q"):format(i,
        tostring(term.chars[i]), tostring(term.pens[i]), drawn.chars[i],
        pen), 0)
    end
  end
end

-- ---- differences ----------------------------------------------------------

local NAMES = { "", "title", "dim", "bad", "chosen", "graph" }
local CHARACTERS = { " ", "a", "b", "9", "\u{2588}", "\u{2581}" }

-- Cells that change now and then, by a generator of our own.
local function scribble(drawn, seed, share)
  local state = seed
  local function random(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % n + 1
  end
  for i = 1, drawn.width * drawn.height do
    if random(100) <= share then
      drawn.chars[i] = CHARACTERS[random(#CHARACTERS)]
      drawn.styles[i] = NAMES[random(#NAMES)]
    end
  end
end

local function copy(from)
  local out = canvas.new(from.width, from.height)
  table.move(from.chars, 1, #from.chars, 1, out.chars)
  table.move(from.styles, 1, #from.styles, 1, out.styles)
  return out
end

check.case("a_terminal_that_obeys_shows_what_was_drawn", function()
  for seed = 1, 40 do
    local term = terminal(30 + seed, 12)
    local old
    local new = canvas.new(30 + seed, 12)
    for round = 1, 6 do
      scribble(new, seed * 100 + round, round * 7)
      term:write(diff.bytes(old, new, STYLES))
      shows(term, new)
      old, new = new, copy(new)
    end
  end
end)

check.case("nothing_changed_nothing_written", function()
  local drawn = canvas.new(40, 10)
  scribble(drawn, 5, 50)
  check.equal(diff.bytes(drawn, copy(drawn), STYLES), "")
end)

check.case("one_cell_costs_one_jump", function()
  local old = canvas.new(40, 10)
  local new = copy(old)
  new:put(7, 3, "x", "bad")
  check.equal(diff.bytes(old, new, STYLES),
    "\27[3;7H\27[0;1;38;5;203mx\27[0m")
end)

check.case("another_size_draws_all_again", function()
  local old, new = canvas.new(3, 1), canvas.new(4, 1)
  new:put(1, 1, "ab")
  check.equal(diff.bytes(old, new, STYLES), "\27[0m\27[2J\27[1;1Hab")
end)

-- ---- the canvas -----------------------------------------------------------

local PUT = {
  { name = "text_is_clipped", text = "abcdefgh", want = "abcde" },
  { name = "control_characters_are_left_out",
    text = "\27[2J\a", want = "[2J" },
  { name = "c1_and_del_are_left_out", text = "a\127\u{9b}b", want = "ab" },
  { name = "broken_utf8_is_latin1", text = "a\xf6b", want = "a\u{f6}b" },
  { name = "marks_share_a_cell", text = "o\u{308}12345",
    want = "o\u{308}1234" },
  { name = "wide_ones_take_two_cells", text = "\u{4e2d}123456",
    want = "\u{4e2d}123" },
  { name = "no_half_of_a_wide_one", text = "1234\u{4e2d}", want = "1234" },
  { name = "utf8_takes_a_cell_a_character",
    text = "\u{2581}\u{2588}x", want = "\u{2581}\u{2588}x" },
}

check.rows(PUT, function(row)
  local drawn = canvas.new(5, 1)
  drawn:put(1, 1, row.text)
  check.equal(drawn:text(), row.want)
end)

check.case("over_half_of_a_wide_one_the_other_half_is_blank", function()
  local drawn = canvas.new(6, 1)
  drawn:put(1, 1, "\u{4e2d}\u{4e2d}\u{4e2d}")
  drawn:put(2, 1, "x")
  drawn:put(5, 1, "y")
  check.equal(drawn:text(), " x\u{4e2d}y")
end)

check.case("ascii_terminals_get_ascii", function()
  local drawn = canvas.new(12, 1, glyphs.ascii.show)
  drawn:put(1, 1, "Troms\u{f8} \u{df}\u{4e2d}")
  check.equal(drawn:text(), "Tromso ss?")
end)

check.case("behind_wide_and_marked_ones_the_column_is_said", function()
  local drawn = canvas.new(6, 1)
  drawn:put(1, 1, "\u{4e2d}ao\u{308}b")
  check.equal(diff.bytes(nil, drawn, {}), "\27[0m\27[2J\27[1;1H\u{4e2d}"
    .. "\27[1;3Hao\u{308}\27[1;5Hb")
end)

check.case("what_is_outside_is_left_out", function()
  local drawn = canvas.new(3, 2)
  drawn:put(-1, 1, "abcd")
  drawn:put(1, 0, "x")
  drawn:put(1, 3, "x")
  check.equal(drawn:text(), "cd\n")
end)

-- ---- terminals ------------------------------------------------------------

local function env(values)
  return function(name) return values[name] end
end

local COLOURS = {
  { name = "colours_256", env = { TERM = "xterm-256color" }, want = 256 },
  { name = "colours_true", env = { TERM = "xterm", COLORTERM = "truecolor" },
    want = 256 },
  { name = "colours_8", env = { TERM = "linux" }, want = 8 },
  { name = "colours_none_vt100", env = { TERM = "vt100" }, want = 0 },
  { name = "colours_none_mono", env = { TERM = "xterm-mono" }, want = 0 },
  { name = "no_color_wins", env = { TERM = "xterm-256color",
    NO_COLOR = "1" }, want = 0 },
  { name = "empty_no_color_says_nothing", env = { TERM = "xterm-256color",
    NO_COLOR = "" }, want = 256 },
}

check.rows(COLOURS, function(row)
  check.equal(palette.colours(env(row.env)), row.want)
end)

check.case("without_colours_no_style_has_one", function()
  for name, parameters in pairs(palette.of(0)) do
    for number in parameters:gmatch "%d+" do
      check.equal(tonumber(number) < 30, true, name)
    end
  end
end)

local LOCALES = {
  { name = "locale_lang", env = { LANG = "en_US.UTF-8" }, want = true },
  { name = "locale_lower_case", env = { LANG = "C.utf8" }, want = true },
  { name = "locale_lc_all_wins", env = { LANG = "en_US.UTF-8",
    LC_ALL = "C" }, want = false },
  { name = "locale_empty_says_nothing", env = { LC_ALL = "",
    LC_CTYPE = "C.UTF-8" }, want = true },
  { name = "locale_none", env = {}, want = false },
}

check.rows(LOCALES, function(row)
  check.equal(glyphs.is_utf8(env(row.env)), row.want)
end)

check.case("both_sets_of_glyphs_have_the_same_keys", function()
  for key, value in pairs(glyphs.ascii) do
    check.equal(type(glyphs.utf8[key]), type(value), key)
  end
  check.equal(#glyphs.utf8.levels, #glyphs.ascii.levels)
end)

check.finish()
