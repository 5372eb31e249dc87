-- SPDX-License-Identifier: BSD-2-Clause

--- Outputs of a run, by the checked options: opens files, creates and closes
-- the readers, and reports errors.
-- @module mtrtrace.cli.outputs
local alert = require "mtrtrace.cli.alert"
local classic = require "mtrtrace.cli.classic"
local document = require "mtrtrace.cli.document"
local formats = require "mtrtrace.report.formats"
local glyphs = require "mtrtrace.screen.glyphs"
local lines = require "mtrtrace.cli.lines"
local map = require "mtrtrace.cli.map"
local out = require "mtrtrace.report.out"
local rowfile = require "mtrtrace.cli.rowfile"
local rows = require "mtrtrace.cli.rows"
local screen = require "mtrtrace.cli.screen"
local view = require "mtrtrace.screen.view"

local M = {}

local Outputs = {}
Outputs.__index = Outputs

-- Whether output is limited to ASCII: by the locale, for text on standard
-- output. A file has no locale.
local function is_ascii(options)
  return options.ascii
    or not options.output and not glyphs.is_utf8(os.getenv)
end

-- Outputs that are no documents; each function returns a reader.
local STREAMS = {
  rows = function(output, run, options)
    output:unbuffered()
    return rows.new(output, options, run.host or "")
  end,
  ndjson = function(output, run)
    return lines.new(output, run.version, true)
  end,
  classic = function(output, run, options)
    return classic.new(output, run.now, options, is_ascii(options))
  end,
  screen = function(_, run, options)
    return screen.new(options, run)
  end,
  serve = function() -- shown by HTTP
    return {}
  end,
}

local function a_document(output, format, options, run)
  local shown = view.of(options, run.version, run.targets,
    view.width(options, run.terminal, os.getenv))
  shown.ascii, shown.line = is_ascii(options), run.core and run.core.line
  return document.new(output, formats.get(format), shown)
end

local function main_reader(output, options, run)
  local stream = STREAMS[rows.owns_output(options) and "rows"
    or options.format]
  return stream and stream(output, run, options)
    or a_document(output, options.format, options, run)
end

local function open(self, path)
  local output, err = out.open(path)
  self.list[#self.list + 1] = output
  return output, err
end

--- Calls a function before each write to standard output.
-- @tparam function hook
function Outputs:before_output(hook)
  for _, output in ipairs(self.list) do
    output:before_output(hook)
  end
end

--- Whether an output failed, such as a closed pipe.
-- @treturn boolean
function Outputs:broken()
  for _, output in ipairs(self.list) do
    if output.err then
      return true
    end
  end
  return false
end

--- Handles SIGHUP: reopens the files of --rows-to for log rotation.
-- @treturn boolean whether the signal is handled; else the run has to end
function Outputs:hang_up()
  if self.rowfile then
    self.rowfile:reopen()
  end
  return self.rowfile ~= nil
end

--- Closes all readers and their outputs.
-- @treturn ?string the first error, one sentence; a closed pipe is no error
function Outputs:close()
  for _, reader in ipairs(self.readers) do
    if reader.close then
      reader:close()
    end
  end
  local first = self.rowfile and self.rowfile:close()
  for _, output in ipairs(self.list) do
    local err, closed_pipe = output:close()
    first = first or not closed_pipe and err or nil
  end
  return first
end

--- Opens the outputs that the options name.
-- @tparam table options checked
-- @tparam table run `version` of this program, `targets`: how many there
--   are, `now`: seconds that never fall, `terminal`: columns of the terminal
--   that standard output is, `say`: prints a line on standard error, `uv`,
--   `core`: the module mtrtrace.core, if it is there
-- @treturn ?table `readers`, and the methods above
-- @treturn ?string one sentence
function M.open(options, run)
  local self = setmetatable({ list = {}, readers = {} }, Outputs)
  local record, page, places
  local output, err = open(self, options.output)
  if output and options.record then
    record, err = open(self, options.record)
  end
  if not err and options.html then
    page, err = open(self, options.html)
  end
  if not err and options.geo_out then
    places, err = open(self, options.geo_out)
  end
  if not err and options.rows_to then
    self.rowfile, err = rowfile.open(run.uv, options.rows_to,
      options.rows_size, run.say)
  end
  if err then
    return nil, err
  end
  self.readers[1] = main_reader(output, options, run)
  self.readers[2] = record and lines.new(record, run.version, false)
  self.readers[#self.readers + 1] = page
    and a_document(page, "html", options, run)
  self.readers[#self.readers + 1] = places and map.new(places)
  self.readers[#self.readers + 1] = self.rowfile
    and rows.new(self.rowfile, options, run.host or "")
  self.alert = options.alert and alert.new(options, run) or nil
  self.readers[#self.readers + 1] = self.alert
  return self
end

return M
