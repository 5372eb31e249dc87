-- SPDX-License-Identifier: BSD-2-Clause
--- A priority queue of items by their `at_ns`; of equal ones the first put in
-- comes out first, so that a run repeats.
-- @module sim.queue
local M = {}

--- An empty queue.
-- @treturn table functions: put(item), first() the item due next or nil,
--   take() the same, removed
function M.new()
  local heap, orders, n, order = {}, {}, 0, 0
  local Q = {}

  local function before(a, b)
    local x, y = heap[a].at_ns, heap[b].at_ns
    return x < y or x == y and orders[a] < orders[b]
  end

  local function swap(a, b)
    heap[a], heap[b] = heap[b], heap[a]
    orders[a], orders[b] = orders[b], orders[a]
  end

  function Q.put(item)
    n, order = n + 1, order + 1
    heap[n], orders[n] = item, order
    local at = n
    while at > 1 and before(at, at // 2) do
      swap(at, at // 2)
      at = at // 2
    end
  end

  function Q.first()
    return heap[1]
  end

  function Q.take()
    local item = heap[1]
    swap(1, n)
    heap[n], orders[n] = nil, nil
    n = n - 1
    local at = 1
    while true do
      local child = 2 * at
      if child > n then
        break
      end
      if child < n and before(child + 1, child) then
        child = child + 1
      end
      if not before(child, at) then
        break
      end
      swap(child, at)
      at = child
    end
    return item
  end

  return Q
end

return M
