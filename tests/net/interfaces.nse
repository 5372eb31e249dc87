-- SPDX-License-Identifier: BSD-2-Clause
-- What the engine sees of the interfaces from inside Nmap, whose own libdnet
-- has the same names and other structs.
description = "For tests/net/inside_test.sh."
categories = { "safe" }

prerule = function() return true end

action = function()
  local lines = {}
  for _, interface in ipairs(require "mtrtrace.core".interfaces()) do
    lines[#lines + 1] = ("%s mtu %d"):format(interface.name, interface.mtu)
  end
  return table.concat(lines, "\n")
end
