-- SPDX-License-Identifier: BSD-2-Clause

--- The frame of every HTML page: head, policy, style, footer. Pure.
-- @module mtrtrace.html.page
local fill = require "mtrtrace.html.fill"
local style = require "mtrtrace.html.style"

local M = {}

local PAGE = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$[policy]">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>$(title)</title>
<style>$[style]</style>
</head>
<body>
<header><h1>$(heading)</h1></header>
<main>
$[main]</main>
$[legend]<footer><p>Made by mtr-trace$(version).</p></footer>
$[script]</body>
</html>
]]

--- A page.
-- @tparam table parts `title`, `main` (HTML); if present: `heading` (the title
--   by default), `legend` (HTML), `version` of this program, `script`: true
--   for a page with the script that sorts and filters
-- @treturn string
function M.render(parts)
  return fill.fill(PAGE, {
    title = parts.title, heading = parts.heading or parts.title,
    policy = style.policy(parts.script), style = style.STYLE,
    main = parts.main, legend = parts.legend or "",
    version = parts.version and " " .. parts.version or "",
    script = parts.script and "<script>" .. style.SCRIPT .. "</script>\n"
      or "",
  })
end

return M
