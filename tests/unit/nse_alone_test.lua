-- SPDX-License-Identifier: BSD-2-Clause
-- Whether the script is the only one, by Nmap's command line.
local alone = require "mtrtrace.host.nse_alone"
local check = require "check"

local LINES = {
  ["--script mtr-trace 192.0.2.1"] = true,
  ["-sn -Pn --script=mtr-trace 192.0.2.1"] = true,
  ["-script mtr-trace 192.0.2.1"] = true,
  ["--script /tmp/nse/mtr-trace.nse --script-args flows=4 192.0.2.1"] = true,
  ["-sS -sV --script mtr-trace 192.0.2.1"] = true,
  ["192.0.2.1 --script"] = false,
  ["192.0.2.1"] = false,
  ["--script mtr-trace,banner 192.0.2.1"] = false,
  ["--script mtr-* 192.0.2.1"] = false,
  ["--script safe 192.0.2.1"] = false,
  ["--script mtr-trace --script banner 192.0.2.1"] = false,
  ["-sC --script mtr-trace 192.0.2.1"] = false,
  ["-sSVC --script mtr-trace 192.0.2.1"] = false,
  ["-A --script mtr-trace 192.0.2.1"] = false,
}

for line, expected in pairs(LINES) do
  check.case("alone: " .. line, function()
    local words = {}
    for word in line:gmatch "%S+" do
      words[#words + 1] = word
    end
    check.equal(alone.read(words), expected)
  end)
end

check.finish()
