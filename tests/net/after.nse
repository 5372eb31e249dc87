-- SPDX-License-Identifier: BSD-2-Clause
-- Keeps Nmap running when all hosts are done.
local stdnse = require "stdnse"

description = "For the tests of mtr-trace."
categories = { "safe" }

postrule = function() return true end

action = function()
  stdnse.sleep(60)
  return "slept"
end
