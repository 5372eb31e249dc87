-- SPDX-License-Identifier: BSD-2-Clause
-- Keeps Nmap's event loop turning for busy.seconds, as a script does that
-- works a little and waits a little all the time.
local stdnse = require "stdnse"

description = "For the benches of mtr-trace."
categories = { "safe" }

hostrule = function() return true end

action = function()
  local till = os.time() + tonumber(stdnse.get_script_args "busy.seconds")
  local sum = 0
  while os.time() < till do
    for i = 1, 2000 do
      sum = sum + i % 7
    end
    stdnse.sleep(0.06)
  end
end
