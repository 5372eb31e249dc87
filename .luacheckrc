-- Lua 5.3 as the common ground: it also refuses <const> and <close>, which
-- the Nmap of Debian 12 (Lua 5.3) cannot load.
std = "lua53"
codes = true
max_line_length = false -- tests/sizes knows which lines may be longer
files["nse/*.nse"] = {
  -- What Nmap reads from a script; the rest of NSE comes through require.
  globals = {
    "description", "author", "license", "categories", "dependencies",
    "prerule", "hostrule", "portrule", "postrule", "action",
  },
  read_globals = {"SCRIPT_NAME", "SCRIPT_TYPE", "SCRIPT_PATH"},
}
