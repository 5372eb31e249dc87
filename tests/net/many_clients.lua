-- many_clients.lua PORT COUNT SECONDS: opens so many connections to
-- 127.0.0.1, each of which sends a byte of a header now and then and never
-- ends it; prints how many are open at the end.
local uv = require "luv"
local port, count, seconds = tonumber(arg[1]), tonumber(arg[2]),
  tonumber(arg[3])
local open = {}

local function dial()
  local tcp = uv.new_tcp()
  tcp:connect("127.0.0.1", port, function(err)
    if err then
      return
    end
    open[tcp] = true
    tcp:read_start(function(failed, data)
      if failed or not data then
        open[tcp] = nil
        if not tcp:is_closing() then
          tcp:close()
        end
      end
    end)
    tcp:write "GET /metrics HTTP/1.1\r\nX: "
  end)
end

for _ = 1, count do
  dial()
end
local drip = uv.new_timer()
drip:start(200, 200, function()
  for tcp in pairs(open) do
    tcp:try_write "x"
  end
end)
uv.new_signal():start("sigpipe", function() end)
uv.new_timer():start(seconds * 1000, 0, function()
  local left = 0
  for _ in pairs(open) do
    left = left + 1
  end
  print(left)
  os.exit(0)
end)
uv.run()
