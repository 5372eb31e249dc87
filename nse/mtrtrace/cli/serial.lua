-- SPDX-License-Identifier: BSD-2-Clause

--- Texts of many traces that run at once, written one trace after the other:
-- that of the first trace that is not done goes out at once, the others
-- wait.
-- @module mtrtrace.cli.serial
local M = {}

local Serial = {}
Serial.__index = Serial

local function write(self, text)
  if text ~= "" then
    if self.pending_between then
      self.out:write(self.between)
      self.pending_between = false
    end
    self.out:write(text)
    self.wrote = true
  end
end

local function next_one(self)
  self.pending_between = self.pending_between or self.wrote
  self.wrote = false
  self.next = self.next + 1
  local parts = self.parts[self.next]
  if parts then
    self.parts[self.next] = nil
    write(self, table.concat(parts))
  end
end

--- Adds to the text of a trace.
-- @tparam integer index of the trace, from 1
-- @tparam string text
function Serial:put(index, text)
  if index == self.next then
    write(self, text)
    self.out:flush()
  else
    local parts = self.parts[index] or {}
    parts[#parts + 1] = text
    self.parts[index] = parts
  end
end

--- The text of a trace is complete.
-- @tparam integer index
function Serial:finish(index)
  self.done[index] = true
  while self.done[self.next] do
    self.done[self.next] = nil
    next_one(self)
  end
  self.out:flush()
end

--- What never came to its end is written all the same.
function Serial:close()
  local left = {}
  for index in pairs(self.parts) do
    left[#left + 1] = index
  end
  table.sort(left)
  for _, index in ipairs(left) do
    while self.next < index do
      next_one(self)
    end
  end
end

--- Begins.
-- @tparam table out see mtrtrace.report.out
-- @tparam ?string between what stands between two traces that have a text
-- @treturn table { put, finish, close }
function M.new(out, between)
  return setmetatable({
    out = out, between = between or "", parts = {}, done = {}, next = 1,
    wrote = false, pending_between = false,
  }, Serial)
end

return M
