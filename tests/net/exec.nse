-- SPDX-License-Identifier: BSD-2-Clause
-- Prints what a program inherits that is started beside a trace.
description = "For the tests of mtr-trace."
categories = { "safe" }

hostrule = function() return true end

action = function(host)
  return require("inherited").while_tracing(host.ip)
end
