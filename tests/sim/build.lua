-- SPDX-License-Identifier: BSD-2-Clause
--- Worlds put together by tests: a straight path of routers to a host.
-- @module sim.build
local world = require "sim.world"

local M = {}

local PLAN = {
  [4] = { prober = "10.0.0.1", router = "10.0.%d.1", target = "10.9.0.2" },
  [6] = { prober = "2001:db8::1", router = "2001:db8:%x::1",
    target = "2001:db8:ffff::2" },
}

--- The names of the nodes are "r1" to "rN" and "host".
-- @tparam integer routers before the host
-- @tparam ?table more `version` 4 or 6; `each` fields of every router;
--   `host` fields of the host; `nodes` by name, fields of one; `link` the
--   default link (1 ms one way); `path`, `back`, `changes` as in a world
-- @treturn table
function M.line(routers, more)
  more = more or {}
  local plan = PLAN[more.version or 4]
  local nodes, path = {}, {}
  local function add(name, address, ...)
    local node = { address = address, link = more.link or { delay_ms = 1 } }
    for _, fields in pairs { ... } do
      for key, value in pairs(fields) do
        node[key] = value
      end
    end
    nodes[name] = node
    path[#path + 1] = name
  end
  local by_name = more.nodes or {}
  for i = 1, routers do
    local name = "r" .. i
    add(name, plan.router:format(i), more.each or {}, by_name[name] or {})
  end
  add("host", plan.target, { host = true }, more.host or {},
    by_name.host or {})
  for name, fields in pairs(by_name) do
    if not nodes[name] then
      nodes[name] = fields
    end
  end
  return world.check {
    prober = plan.prober, target = plan.target, nodes = nodes,
    path = more.path or path, back = more.back, changes = more.changes,
  }
end

--- The address of the i-th router of a line.
function M.router(i, version)
  return PLAN[version or 4].router:format(i)
end

return M
