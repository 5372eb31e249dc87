-- SPDX-License-Identifier: BSD-2-Clause
--- A reader that writes the traces of a run as one document, in the order of
-- the targets, each as soon as those before it are done.
--
-- Readers are what the command shows a run through: tables whose methods may
-- all be absent. start(self, trace), events(self, trace, list, dropped),
-- finish(self, trace, result or nil, text), close(self). A trace is { index,
-- name, target, source_of... }: see mtrtrace.cli.run. A reader writes by its
-- `out`, see mtrtrace.cli.out, and never waits.
-- @module mtrtrace.cli.document
local M = {}

local Document = {}
Document.__index = Document

local function part(self, what)
  local value = self.format[what]
  if type(value) == "function" then
    return value(self.view)
  end
  return value or ""
end

local function write_next(self)
  local text = self.ready[self.next]
  while text ~= nil do
    if text then
      self.out:write((self.written > 0 and part(self, "between") or "")
        .. text)
      self.written = self.written + 1
    end
    self.ready[self.next] = nil
    self.next = self.next + 1
    text = self.ready[self.next]
  end
  self.out:flush()
end

function Document:finish(trace, result, err)
  local view = setmetatable({ name = trace.name }, { __index = self.view })
  local text = false
  if result then
    text = self.format.trace(result, view)
  elseif self.format.failure then
    text = self.format.failure(err, view)
  end
  self.ready[trace.index] = text
  write_next(self)
end

function Document:close()
  self.out:write(part(self, "tail"))
end

--- Begins a document.
-- @tparam table out see mtrtrace.cli.out
-- @tparam table format a row of mtrtrace.cli.formats
-- @tparam table view what the reports want: `columns`, `max_silent`
-- @treturn table a reader
function M.new(out, format, view)
  local self = setmetatable({
    out = out, format = format, view = view, ready = {}, next = 1,
    written = 0,
  }, Document)
  out:write(part(self, "head"))
  return self
end

return M
