-- Eight Linux routers with the kernel's default limits, and a host.
local world = { prober = "10.0.0.1", target = "10.9.0.2", nodes = {},
  path = {} }

for i = 1, 8 do
  world.nodes["r" .. i] = { address = "10.0." .. i .. ".1",
    rate_limit = "linux4", link = { delay_ms = { base_ms = i,
      jitter_ms = 0.3 } } }
  world.path[i] = "r" .. i
end
world.nodes.host = { address = world.target, host = true,
  link = { delay_ms = 1 } }
world.path[9] = "host"

return world
