-- For measuring on a TUN device: eight hops, nothing random, nothing lost.
local world = { prober = "10.0.0.1", target = "10.9.0.2", nodes = {},
  path = {} }

for i = 1, 7 do
  world.nodes["r" .. i] = { address = "10.0." .. i .. ".1",
    link = { delay_ms = i / 2 } }
  world.path[i] = "r" .. i
end
world.nodes.host = { address = world.target, host = true,
  link = { delay_ms = 1 } }
world.path[8] = "host"

return world
