-- SPDX-License-Identifier: BSD-2-Clause

--- The system's resolver for a host on luv: targets in libuv's threads,
-- servers and reverse names by mtrtrace.core. Everything yields.
-- @module mtrtrace.host.uv_names
local silence = require "mtrtrace.host.silence"
local special = require "mtrtrace.base.special"

local M = {}

-- How long the resolver may take for a target.
local RESOLVE_S = 20

-- What a thread may take beyond its own limit.
local LATE_S = 0.5

local WORDS = {
  EAI_NONAME = "name not found", EAI_NODATA = "name not found",
  EAI_AGAIN = silence.ERROR, timeout = silence.ERROR,
  EAI_ADDRFAMILY = "no address of this family",
  EAI_FAIL = "the resolver failed",
}

-- luv says "ENAME: text", or the name alone.
local function words(err)
  return WORDS[tostring(err):match("^[%a_]+")] or tostring(err)
end

local function family_of(af)
  return af == "inet6" and 6 or af == "inet" and 4 or nil
end

-- Adds an address that is not in the list yet.
local function add(list, address)
  for _, known in ipairs(list) do
    if known == address then
      return
    end
  end
  list[#list + 1] = address
end

local function is_numeric(name)
  return special.bytes((name:gsub("%%.*$", ""))) ~= nil
end

-- resolve(name, family): addresses in the order of the system's preference;
-- `family` is 4, 6 or nil for any. Asked again as the system does it.
local function resolve_of(host, uv)
  local hints = { [4] = "inet", [6] = "inet6" }
  return function(name, family)
    if is_numeric(name) then
      local version = special.family(name)
      if family and family ~= version then
        return nil, ("not an IPv%d address"):format(family)
      end
      return { name }
    end
    local err, answer = host.await_for(RESOLVE_S, function(done)
      local request, why = uv.getaddrinfo(name, nil,
        { family = hints[family], socktype = "stream" }, done)
      if not request then
        done(why)
      end
    end)
    if err then
      return nil, words(err)
    end
    local list = {}
    for _, entry in ipairs(answer) do
      add(list, family_of(entry.family) and entry.addr or nil)
    end
    if #list == 0 then
      return nil, "name not found"
    end
    return list
  end
end

-- Not by luv's own look-ups, which send again what nobody waits for. Returns
-- the answer, nil where there is none; an error's words if that is not known.
local function ask_once(host, uv, kind, subject, seconds)
  local question, why = require("mtrtrace.core").names(kind, subject,
    math.floor(seconds))
  if not question then
    return nil, why
  end
  local poll
  poll, why = uv.new_poll(question:fd())
  if not poll then
    question:close()
    return nil, words(why)
  end
  local err = host.await_for(seconds + LATE_S, function(done)
    poll:start("r", function(failed) done(failed) end)
  end)
  poll:stop()
  poll:close()
  local answer
  if not err then
    answer, err = question:answer()
  end
  question:close()
  return answer, err and err ~= "EAI_NONAME" and words(err) or nil
end

local function ask(host, uv, kind, subject, seconds)
  return host.silence:ask(seconds, function(left)
    return ask_once(host, uv, kind, subject, left)
  end)
end

local function ptr_of(host, uv)
  return function(address, seconds)
    local name, err = ask(host, uv, "reverse", address, seconds)
    return name and not is_numeric(name) and name or nil, err
  end
end

-- server_addresses(name, seconds): addresses of a server that is asked about
-- networks, within that time.
local function server_addresses_of(host, uv)
  return function(name, seconds)
    if is_numeric(name) then
      return { name }
    end
    local found, err = ask(host, uv, "forward", name, seconds)
    local list = {}
    for address in (found or ""):gmatch "%S+" do
      add(list, address)
    end
    if #list == 0 then
      return nil, err or "name not found"
    end
    return list
  end
end

--- Adds `resolve`, `ptr`, `server_addresses` and `silence` to a host.
-- @tparam table host { await_for, now }
-- @tparam table uv the module luv
function M.add(host, uv)
  host.silence = silence.new(host.now)
  host.resolve = resolve_of(host, uv)
  host.ptr = ptr_of(host, uv)
  host.server_addresses = server_addresses_of(host, uv)
end

return M
