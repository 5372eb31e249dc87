-- SPDX-License-Identifier: BSD-2-Clause

--- Writes texts of simultaneous traces one trace after the other: text of the
-- first unfinished trace is written at once, text of later ones is kept.
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

--- Appends to the text of a trace.
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

--- Marks the text of a trace as complete.
-- @tparam integer index
function Serial:finish(index)
  self.done[index] = true
  while self.done[self.next] do
    self.done[self.next] = nil
    next_one(self)
  end
  self.out:flush()
end

--- Writes the texts of all traces, including unfinished ones.
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

--- Returns a serializer of texts.
-- @tparam table out see mtrtrace.report.out
-- @tparam ?string between separator of two traces with a text
-- @treturn table { put, finish, close }
function M.new(out, between)
  return setmetatable({
    out = out, between = between or "", parts = {}, done = {}, next = 1,
    wrote = false, pending_between = false,
  }, Serial)
end

return M
