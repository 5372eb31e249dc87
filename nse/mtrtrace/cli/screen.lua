-- SPDX-License-Identifier: BSD-2-Clause

--- The live screen by the checked options and the environment; see
-- mtrtrace.screen.*.
-- @module mtrtrace.cli.screen
local glyphs = require "mtrtrace.screen.glyphs"
local live = require "mtrtrace.screen.live"
local palette = require "mtrtrace.screen.palette"
local player = require "mtrtrace.screen.player"
local reader = require "mtrtrace.screen.reader"
local state = require "mtrtrace.screen.state"
local term = require "mtrtrace.screen.term"
local view = require "mtrtrace.screen.view"

local M = {}

-- Default columns; those that do not fit are shown by scrolling.
local MEASURES = { "loss", "sent", "received", "last", "avg", "best", "worst",
  "stdev", "jitter", "asn", "organization", "os" }

local function columns(options)
  local shown = view.of(options)
  if shown.chosen then
    return shown.columns
  end
  local list = view.with_host(shown.who, MEASURES)
  list[#list + 1] = options.mpls and "mpls" or nil
  return list
end

--- Whether the run is shown on the live screen by default.
-- @tparam table found texts by option name
-- @tparam table options checked
-- @tparam table uv the module luv
-- @treturn boolean
function M.is_wanted(found, options, uv)
  return not found.format and not options.output and not options.replay
    and term.is_usable(uv, os.getenv)
end

--- Checks whether a requested live screen can be shown.
-- @tparam table options checked
-- @tparam table uv the module luv
-- @treturn ?string an error, one sentence; nil where the screen can be shown
--   or is not requested
function M.refusal(options, uv)
  if options.format == "screen" and not term.is_usable(uv, os.getenv) then
    return "the live screen needs a terminal: use -r for a report"
  end
end

--- Returns a player of a recording on the live screen.
-- @tparam table host see mtrtrace.host.uv
-- @tparam table shown the screen, see `new`
-- @tparam table options checked
-- @tparam function read see mtrtrace.screen.player
-- @treturn table in place of a run
function M.player(host, shown, options, read)
  return player.new { host = host, reader = shown, state = shown.state,
    speed = options.speed, read = read }
end

local function live_of(options, run)
  return live.new(run.core, { interval = options.interval,
    packets = options.counted and options.packets or nil,
    fixed = options.record, targets = #run.names })
end

--- Returns the live screen of a run.
-- @tparam table options checked
-- @tparam table run `version`; `names` of the targets; `core`; `uv`
-- @treturn table a reader; its `live` takes the place of
--   mtrtrace.session.tracer
function M.new(options, run)
  local traces = not options.replay and live_of(options, run) or nil
  local utf8_too = not options.ascii and glyphs.is_utf8(os.getenv)
  return reader.new {
    uv = run.uv, live = traces,
    styles = palette.of(palette.colours(os.getenv)),
    state = state.new {
      targets = run.names, columns = columns(options),
      max_silent = options.max_silent, replaying = not traces,
      interval = traces and traces.options.interval,
      new_counter = run.core.replay, version = run.version,
      mode = state.MODES[(options.displaymode or 0) + 1],
      options = { protocol = options.protocol },
      glyphs = utf8_too and glyphs.utf8 or glyphs.ascii,
    },
  }
end

return M
