-- SPDX-License-Identifier: BSD-2-Clause
--- A stand-in for mtrtrace.core: each poll shows the next of some results.
-- @module fake_core
local M = {}

--- Makes an engine.
-- @tparam {table,...} results values of result() after each poll; the trace is
--   done at the last
-- @treturn table with `trace`, `version`, and records of its use: `options`
--   (of the last trace), `polls`, `closed`, `requests` (options of each
--   fingerprint call)
function M.new(results)
  local core = { version = "0.0.0", token_interval_s = 1.05,
    interval_s = 0.1, packets = 10, polls = 0,
    closed = 0, requests = {} }
  local trace = {}
  function trace.done()
    core.polls = core.polls + 1
    return core.polls >= #results
  end
  function trace.wait()
    core.polls = #results
    return true
  end
  function trace.result()
    return results[math.max(core.polls, 1)]
  end
  function trace.close()
    core.closed = core.closed + 1
  end
  function core.trace(options)
    core.options = options
    return trace
  end
  function core.neighbour() end
  function core.sockets() return "raw", true end
  -- Fingerprinting probes get no reply.
  function core.fingerprint(options)
    core.requests[#core.requests + 1] = options
    return { done = function() return true end, close = function() end,
      result = function() return { probes_sent = {}, answers = {} } end }
  end
  return core
end

--- Makes an engine that cannot start a trace.
-- @tparam string text
-- @tparam string name of the error
function M.refusing(text, name)
  return { version = "0.0.0", token_interval_s = 1.05,
    interval_s = 0.1, packets = 10,
    sockets = function() return "raw", true end,
    trace = function() return nil, text, name end }
end

return M
