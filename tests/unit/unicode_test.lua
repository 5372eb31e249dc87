-- SPDX-License-Identifier: BSD-2-Clause
-- Text from outside: what is kept, what is removed, how wide it is, and how
-- it is written in ASCII.
local check = require "check"
local unicode = require "mtrtrace.base.unicode"

local CLEAN = {
  { name = "utf8_is_kept", text = "Link\u{f6}ping", want = "Link\u{f6}ping" },
  { name = "latin1_is_converted", text = "Troms\xf8, \xc5lesund",
    want = "Troms\u{f8}, \u{c5}lesund" },
  { name = "latin1_at_the_end_is_converted", text = "Caf\xe9",
    want = "Caf\u{e9}" },
  { name = "a_cut_character_is_dropped", text = "Link\u{f6}ping \xc3",
    want = "Link\u{f6}ping " },
  { name = "latin1_beside_utf8", text = "\u{f6} \xf6 x",
    want = "\u{f6} \u{f6} x" },
  { name = "scripts_are_kept", text = "\u{43c}\u{4e2d}\u{5d0}\u{644}\u{e01}",
    want = "\u{43c}\u{4e2d}\u{5d0}\u{644}\u{e01}" },
  { name = "marks_are_kept", text = "o\u{308}", want = "o\u{308}" },
  { name = "c0_and_del", text = "a\0\7\27[1m\127b", want = "a[1mb" },
  { name = "c1", text = "a\u{80}\u{9b}31m\u{9f}b", want = "a31mb" },
  { name = "c1_as_bytes", text = "a\x9b31m\x80b", want = "a31mb" },
  { name = "bidirectional", text = "a\u{202a}\u{202e}\u{2066}\u{2069}"
    .. "\u{200e}\u{200f}\u{61c}b", want = "ab" },
  { name = "zero_width", text = "a\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}"
    .. "\u{ad}\u{180e}\u{34f}b", want = "ab" },
  { name = "tags_and_variations", text = "a\u{e0001}\u{e007f}\u{fe0f}"
    .. "\u{e0100}b", want = "ab" },
  { name = "separators_of_lines", text = "a\u{2028}\u{2029}\u{85}b",
    want = "ab" },
  { name = "noncharacters", text = "a\u{fffe}\u{ffff}\u{fdd0}\u{1ffff}b",
    want = "ab" },
  { name = "blanks_are_plain", text = "a\u{a0}b\u{3000}c", want = "a b c" },
  { name = "surrogates_are_no_utf8", text = "a\xed\xa0\x80b",
    want = "a\u{ed}\u{20}b" },
  { name = "overlong_is_no_utf8", text = "\xc0\xaf", want = "\u{c0}\u{af}" },
  { name = "beyond_unicode", text = "\xf4\x90\x80\x80!", want = "\u{f4}!" },
  { name = "marks_have_a_bound", text = "a" .. ("\u{301}"):rep(50) .. "b",
    want = "a" .. ("\u{301}"):rep(4) .. "b" },
  { name = "no_mark_in_front", text = "\u{301}a", want = "a" },
  { name = "numbers_too", text = 12, want = "12" },
}
check.rows(CLEAN, function(row)
  check.equal(unicode.clean(row.text), row.want)
  check.equal(unicode.clean(row.want), row.want, "again")
end)

check.case("what_is_cleaned_is_valid_whatever_came", function()
  local seed = 1
  local function random(most)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % most
  end
  for _ = 1, 2000 do
    local parts = {}
    for i = 1, random(12) do
      parts[i] = string.char(random(256))
    end
    local text = table.concat(parts)
    local out = unicode.clean(text)
    check.equal(utf8.len(out) ~= nil, true, ("%q"):format(text))
    check.equal(out:find "%c", nil, ("%q"):format(text))
    check.equal(unicode.ascii(out):find "[^\32-\126]", nil,
      ("%q"):format(text))
    check.equal(unicode.clean(out), out)
  end
end)

check.case("long_text_takes_time_that_grows_with_its_length", function()
  local began = os.clock()
  unicode.clean(("\xc3"):rep(200000) .. ("\x80"):rep(200000))
  check.equal(os.clock() - began < 5, true)
end)

local WIDTHS = {
  { name = "ascii", text = "abc", want = 3 },
  { name = "letters", text = "\u{f6}\u{43c}", want = 2 },
  { name = "mark", text = "o\u{308}x", want = 2 },
  { name = "wide", text = "\u{4e2d}\u{ff21}\u{1f600}", want = 6 },
}
check.rows(WIDTHS, function(row)
  check.equal(unicode.width(row.text), row.want)
end)

check.case("texts_are_cut_between_characters", function()
  check.equal(unicode.cut("ab\u{4e2d}c", 3), "ab")
  check.equal(unicode.cut("o\u{308}bc", 2), "o\u{308}b")
  check.equal(unicode.cut("abc", 2), "ab")
  check.equal(unicode.shorten("\u{f6}\u{f6}\u{f6}\u{f6}", 3, ".."),
    "\u{f6}..")
  check.equal(unicode.shorten("\u{f6}\u{f6}\u{f6}", 3, ".."),
    "\u{f6}\u{f6}\u{f6}")
  check.equal(unicode.cut_bytes("a\u{f6}b", 2), "a")
  check.equal(unicode.cut_bytes("a\u{f6}b", 3), "a\u{f6}")
  check.equal(unicode.pad("\u{4e2d}", 4), "\u{4e2d}  ")
end)

local ASCII = {
  { name = "swedish", text = "Link\u{f6}ping \u{c5}", want = "Linkoping A" },
  { name = "norwegian", text = "Troms\u{f8} \u{e6}", want = "Tromso ae" },
  { name = "german", text = "Stra\u{df}e \u{dc}", want = "Strasse U" },
  { name = "polish", text = "\u{141}\u{f3}d\u{17a}", want = "Lodz" },
  { name = "turkish", text = "\u{130}zmir d\u{131}", want = "Izmir di" },
  { name = "icelandic", text = "\u{de}\u{f3}r\u{f0}", want = "Thord" },
  { name = "vietnamese", text = "H\u{e0} N\u{1ed9}i", want = "Ha Noi" },
  { name = "decomposed", text = "Linko\u{308}ping", want = "Linkoping" },
  { name = "russian", text = "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}",
    want = "Moskva" },
  { name = "greek", text = "\u{391}\u{3b8}\u{3ae}\u{3bd}\u{3b1}",
    want = "Athina" },
  { name = "signs", text = "\u{201c}a\u{201d} \u{2013} b\u{2026}",
    want = "\"a\" - b..." },
  { name = "full_width", text = "\u{ff21}\u{ff5e}", want = "A~" },
  { name = "others_are_question_marks", text = "\u{6771}\u{4eac} x",
    want = "?? x" },
}
check.rows(ASCII, function(row)
  check.equal(unicode.ascii(row.text), row.want)
end)

check.finish()
