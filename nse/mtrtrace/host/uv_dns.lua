-- SPDX-License-Identifier: BSD-2-Clause

--- TXT records for a host on luv, by libunbound and its Lua binding, over
-- the resolvers of /etc/resolv.conf. The binding is optional.
-- @module mtrtrace.host.uv_dns
local silence = require "mtrtrace.host.silence"
local txt = require "mtrtrace.asn.txt"

local M = {}

M.MODULE = "lunbound"

--- Why a host has no `txt`.
M.MISSING = "DNS look-ups of networks need Nmap or the Lua module lunbound "
  .. "(Debian: lua-unbound)"

local TXT, IN = 16, 1
local NO_ERROR, NO_SUCH_NAME = 0, 3

-- A question is sent twice to one server or to two, as nobody waits for more:
-- libunbound sends it nine times within 12 s, and does not stop when it is
-- cancelled. Times in milliseconds. It repeats a question with a smaller size
-- of packets, from 1.19.1 on only if the first size is above 1,472 bytes.
local SENDING = {
  ["unknown-server-time-limit:"] = "1000", ["infra-cache-min-rtt:"] = "1000",
  ["outbound-msg-retry:"] = "1", ["max-sent-count:"] = "1",
  ["edns-buffer-size:"] = "4096",
}

-- No trust anchor: the user's own resolvers are believed, as elsewhere. Older
-- libraries know fewer options and refuse all of them.
local function new_context(options)
  local ok, context = pcall(function()
    return require(M.MODULE).new { resolvconf = true, hoststxt = false,
      async = true, options = options }
  end)
  return ok and context or nil
end

local function open(uv)
  local context = new_context(SENDING) or new_context(nil)
  if not context then
    return nil
  end
  local poll = uv.new_poll(context:getfd())
  poll:start("r", function() context:process() end)
  poll:unref() -- a query's own timer keeps the loop alive
  return context
end

-- A name that does not exist, or has no such record, is an answer.
local function texts_of(answer)
  if answer.rcode ~= NO_ERROR and answer.rcode ~= NO_SUCH_NAME then
    return nil, "refused or no answer to the question"
  end
  local texts = {}
  for i, data in ipairs(answer) do
    texts[i] = txt.text(data)
  end
  return texts
end

-- Not within the library's own callback: the next query may follow at once.
local function outside(host, done, ...)
  local answer = table.pack(...)
  host.after(0, function() done(table.unpack(answer, 1, answer.n)) end)
end

local function ask(host, context, name, seconds)
  local query
  local answer, err = host.await_for(seconds, function(done)
    query = context:resolve_async(function(...)
      outside(host, done, ...)
    end, name, TXT, IN)
    if not query then
      done(nil, "libunbound takes no more queries")
    end
  end)
  if answer == "timeout" then
    context:cancel(query)
    return nil, silence.ERROR
  elseif not answer then
    return nil, tostring(err)
  end
  return texts_of(answer)
end

local function txt_of(host, uv)
  local context
  return function(name, seconds)
    context = context or open(uv)
    if not context then
      return nil, "libunbound cannot be used"
    end
    return host.silence:ask(seconds, function(left)
      if left == 0 then
        return nil, silence.ERROR
      end
      return ask(host, context, name, left)
    end)
  end
end

--- Adds `txt` to a host, where the binding is installed.
-- @tparam table host { after, await_for, silence }
-- @tparam table uv the module luv
-- @tparam ?function search in place of package.searchpath
function M.add(host, uv, search)
  if (search or package.searchpath)(M.MODULE, package.cpath) then
    host.txt = txt_of(host, uv)
  else
    host.no_txt = M.MISSING
  end
end

return M
