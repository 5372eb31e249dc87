-- SPDX-License-Identifier: BSD-2-Clause

--- The option --diff of the command: two files in, a report and an exit
-- status out. Sends nothing.
-- @module mtrtrace.cli.diff
local compare = require "mtrtrace.diff.compare"
local load = require "mtrtrace.diff.load"
local out = require "mtrtrace.report.out"
local report = require "mtrtrace.diff.report"
local rerun = require "mtrtrace.cli.rerun"

local M = {}

--- Exit statuses, for scripts.
M.SAME, M.DIFFERS, M.UNUSABLE = 0, 1, 2

local FORMATS = {
  report = function(found) return report.text(found) end,
  markdown = function(found) return report.markdown(found) end,
  json = report.json,
}

--- Checks the combination of options and files.
-- @tparam table options checked
-- @tparam {string,...} files names of the files
-- @treturn ?string one sentence
function M.refusal(options, files)
  if #files ~= 2 then
    return ("--diff: expected two files, BEFORE and AFTER, got %d"):format(
      #files)
  elseif not FORMATS[options.format] then
    return ("--diff: expected --report, --json or --markdown, got --%s")
      :format(options.format)
  end
  for _, path in ipairs(files) do
    if path == options.output then
      return ("--output=%s: is a file that --diff reads"):format(path)
    end
  end
end

-- Opens the files and the output; returns nil and an error on failure.
local function open_all(options, files)
  local list = {}
  for i, path in ipairs(files) do
    local file, err = io.open(path, "rb")
    if not file then
      return nil, err
    end
    list[i] = file
  end
  local output, err = out.open(options.output)
  if not output then
    return nil, err
  end
  return list, output
end

--- Compares two files and prints the differences.
-- @tparam table env `core`, which may be nil; `dkjson`; `version`; `opened`:
--   called when all files are open and nothing of them was read, true or nil
--   and a sentence
-- @tparam table options checked
-- @tparam {string,string} files
-- @treturn integer exit status
-- @treturn ?string one sentence where that is UNUSABLE
function M.run(env, options, files)
  local opened, output = open_all(options, files)
  if not opened then
    return M.UNUSABLE, output
  end
  local ok, err = env.opened()
  if not ok then
    return M.UNUSABLE, err
  end
  local traces = {}
  for i, path in ipairs(files) do
    traces[i], err = load.file(path, { core = env.core,
      decode = rerun.decoder(env.dkjson),
      open = function() return opened[i] end })
    if not traces[i] then
      return M.UNUSABLE, err
    end
  end
  local found = compare.run(traces[1], traces[2])
  output:write(FORMATS[options.format](found, { version = env.version,
    before = files[1], after = files[2] }, env.dkjson))
  local closed
  err, closed = output:close()
  if err and not closed then
    return M.UNUSABLE, err
  end
  return found.differs and M.DIFFERS or M.SAME
end

return M
