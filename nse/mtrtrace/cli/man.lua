-- SPDX-License-Identifier: BSD-2-Clause

--- The man page, made from the same table as the help. Pure.
-- @module mtrtrace.cli.man
local options = require "mtrtrace.cli.options"
local parse = require "mtrtrace.cli.parse"

local M = {}

local function escape(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^[.']", "\\&%0"))
end

local function add_option(lines, row)
  local value = row.value and (" \\fI%s\\fR"):format(escape(row.value)) or ""
  local head = ("\\fB\\-\\-%s\\fR%s"):format(escape(row.name), value)
  if row.short then
    head = ("\\fB\\-%s\\fR%s, %s"):format(row.short, value, head)
  end
  lines[#lines + 1] = ".TP\n" .. head
  lines[#lines + 1] = escape(parse.about(row)) .. "."
    .. (row.also and (" The same as \\fB\\-\\-%s\\fR."):format(
      escape(row.also)) or "")
end

local function add_paragraph(lines, title, text)
  lines[#lines + 1] = ".SH " .. title
  for paragraph in (text .. "\n\n"):gmatch("(.-)\n\n+") do
    lines[#lines + 1] = ".PP\n" .. escape(paragraph)
  end
end

local SETTINGS = [[
The file $XDG_CONFIG_HOME/mtr-trace/config (~/.config/mtr-trace/config) has
lines "option = value" with the long names above; options without a value are
set by "yes". A # begins a comment. Under sudo the file of the user who called
sudo is read; options that name a file to write to are refused in that file.

The environment variable MTR_TRACE_OPTIONS holds options as on the command
line. MTR_OPTIONS, which mtr(8) reads, counts too; options in it that only mtr
has are skipped with a warning. The command line overrides MTR_TRACE_OPTIONS,
that overrides MTR_OPTIONS, and all override the file.]]

local STATUS = [[
0 if all targets were reached, 1 if one was not, 2 for a wrong option or a
file that cannot be used, 3 without the permission to send or capture, 4 if an
alert was raised.]]

local MTR = [[
One-letter options mean what they mean in mtr(8). These options of mtr are not
supported and are refused: ]]

local function refused()
  local list = {}
  for _, row in ipairs(options.all()) do
    list[#list + 1] = row.refused and options.title(row) or nil
  end
  return table.concat(list, ", ") .. "."
end

--- Returns the man page.
-- @tparam string version of the program
-- @treturn string roff
function M.page(version)
  local lines = {
    ('.TH MTR\\-TRACE 8 "" "mtr\\-trace %s"'):format(version),
    ".SH NAME\nmtr\\-trace \\- loss, latency and jitter hop by hop",
    ".SH SYNOPSIS\n.B mtr\\-trace\n[\\fIOPTION\\fR...] \\fITARGET\\fR...",
  }
  add_paragraph(lines, "DESCRIPTION", parse.ABOUT)
  for _, group in ipairs(options.GROUPS) do
    lines[#lines + 1] = ".SH " .. group.title:upper()
    for _, row in ipairs(options.all()) do
      if row.group == group.key then
        add_option(lines, row)
      end
    end
  end
  add_paragraph(lines, "SETTINGS", SETTINGS)
  add_paragraph(lines, "EXIT STATUS", STATUS)
  add_paragraph(lines, "DIFFERENCES TO MTR", MTR .. refused())
  lines[#lines + 1] = ".SH SEE ALSO\n.BR mtr (8),\n.BR traceroute (1),\n"
    .. ".BR nmap (1)"
  return table.concat(lines, "\n") .. "\n"
end

return M
