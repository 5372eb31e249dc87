-- SPDX-License-Identifier: BSD-2-Clause
--- Front door for programs: trace a target from a plain interpreter. Blocks
-- until the trace is done; scripts inside Nmap use mtrtrace.tracer instead.
--
--     local mtrtrace = require "mtrtrace"
--     local result, err = mtrtrace.trace { target = "192.0.2.1" }
-- @module mtrtrace
local loader = require "mtrtrace.loader"
local tracer = require "mtrtrace.tracer"

local M = {}

--- Version of the engine.
-- @treturn ?string such as "0.1.0"
-- @treturn ?string one sentence, where the engine cannot be loaded
function M.version()
  local core, err = loader.core()
  return core and core.version, err
end

--- Traces a target and waits for the end. Raises on misuse: an unknown
-- option, a wrong type, a value out of range.
-- @tparam table options as core.trace takes them; only `target` is needed,
--   a numeric address; times are seconds
-- @treturn ?table result: the one of trace:result(), the class of each
--   special-purpose address, and `verdicts`
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name, such as "PERMISSION"
function M.trace(options)
  local core, missing = loader.core()
  if not core then
    return nil, missing, "MISSING"
  end
  local trace, text, name = core.trace(options)
  if not trace then
    return nil, text, name
  end
  trace:wait()
  local result = trace:result()
  trace:close()
  return tracer.enrich(result)
end

return M
