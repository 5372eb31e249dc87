-- SPDX-License-Identifier: BSD-2-Clause
--- Nmap's XML as tables, for the network tests: what each script said of each
-- host. It refuses XML that is not well-formed and judges nothing.
-- @module nmapxml
local lxp = require "lxp"

local M = {}

-- A value under its key, or at the end of an array.
local function put(into, key, value)
  if key then
    assert(into[key] == nil, "key twice: " .. key)
    into[key] = value
  else
    into[#into + 1] = value
  end
end

local open, close = {}, {}

function open.host(state, attributes)
  state.host = { scripts = {}, timedout = attributes.timedout == "true" }
  state.hosts[#state.hosts + 1] = state.host
end

function close.host(state)
  state.host = nil
end

function open.address(state, attributes)
  if state.host and attributes.addrtype ~= "mac" then
    state.host.address = attributes.addr
  end
end

function open.script(state, attributes)
  local data = {}
  state.stack = { data }
  local scripts = state.host and state.host.scripts or state.scripts
  scripts[attributes.id] = { text = attributes.output, data = data }
end

function open.table(state, attributes)
  local inner = {}
  put(state.stack[#state.stack], attributes.key, inner)
  table.insert(state.stack, inner)
end

function close.table(state)
  table.remove(state.stack)
end

function open.elem(state, attributes)
  state.key, state.text = attributes.key, {}
end

function close.elem(state)
  put(state.stack[#state.stack], state.key, table.concat(state.text))
  state.text = nil
end

function open.finished(state, attributes)
  state.exit = attributes.exit
  state.elapsed_s = tonumber(attributes.elapsed)
end

local function callbacks(state)
  return {
    StartElement = function(_, name, attributes)
      return open[name] and open[name](state, attributes)
    end,
    EndElement = function(_, name)
      return close[name] and close[name](state)
    end,
    CharacterData = function(_, text)
      if state.text then
        table.insert(state.text, text)
      end
    end,
  }
end

--- Reads a file. Raises where it is not the XML of a finished run.
-- @tparam string path
-- @treturn table `hosts`, each with `address`, `timedout` and `scripts`;
--   `scripts` that ran for no host; `exit`, `elapsed_s`. A script has `text`
--   and `data`, all of whose values are strings.
function M.read(path)
  local file = assert(io.open(path))
  local xml = file:read "a"
  file:close()
  local state = { hosts = {}, scripts = {} }
  local parser = lxp.new(callbacks(state))
  local ok, err, line = parser:parse(xml)
  ok = ok and parser:parse()
  assert(ok, ("%s:%s: %s"):format(path, line or "end", err or "cut off"))
  return state
end

--- What mtr-trace said of a host.
-- @tparam table run as read
-- @tparam ?string address the first host where nil
-- @treturn table `text` and `data`
function M.trace(run, address)
  for _, host in ipairs(run.hosts) do
    if not address or host.address == address then
      return assert(host.scripts["mtr-trace"], "no mtr-trace in the XML")
    end
  end
  error("no such host in the XML: " .. tostring(address))
end

return M
