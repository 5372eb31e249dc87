-- SPDX-License-Identifier: BSD-2-Clause

--- The addresses of a name that can be traced. For whatever traces names: the
-- command and the service.
-- @module mtrtrace.session.addresses
local special = require "mtrtrace.base.special"

local M = {}

--- Addresses of one name that are traced at most.
M.MOST = 64

--- The family of addresses that is wanted, by itself or by that of the source
-- address.
-- @tparam table options checked: `family`, `address`
-- @treturn ?integer 4, 6 or nil for any
function M.family(options)
  return options.family
    or options.address and special.family(options.address) or nil
end

--- Every address of a name, in the order of the resolver's preference. Yields
-- as the host's resolve does.
-- @tparam table host with resolve(name, family)
-- @tparam string name or address
-- @tparam ?integer family 4, 6 or nil for any
-- @treturn ?{string,...} at most MOST, each once
-- @treturn ?string why there is none: one sentence; of more than MOST: how
--   many were left out
function M.all(host, name, family)
  local found, err = host.resolve(name, family)
  if not found then
    return nil, err
  end
  local list, seen = {}, {}
  for _, address in ipairs(found) do
    if not seen[address] and #list < M.MOST then
      list[#list + 1] = address
    end
    seen[address] = true
  end
  local more = 0
  for _ in pairs(seen) do
    more = more + 1
  end
  more = more - #list
  return list, more > 0 and ("%d of %d addresses are left out: at most %d "
    .. "are traced"):format(more, more + #list, M.MOST) or nil
end

return M
