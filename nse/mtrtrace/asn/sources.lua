-- SPDX-License-Identifier: BSD-2-Clause

--- The sources of ASN data, one row each. Script arguments, the command's
-- options, the look-up, the merging of answers, the schema and the test of
-- the manual read this table. Data only.
--
--   name          the word of the argument `asn`
--   protocol      protocol of its servers: mtrtrace.asn.speaker has those
--                 over TCP, mtrtrace.asn.resolver "DNS TXT"; "file" sends no
--                 query
--   servers       { host, port } in order; the next one is used after a
--                 failure. Over DNS { host, zones }: the zone of AS names and
--                 those of addresses
--   most          limit on the queries in one run
--   observes_bgp  it has the routes announced in BGP; the others have
--                 registrations
--   together      it is queried at the same time as its neighbours in the
--                 user's order that have this flag too
--   default       queried if the user names no source
--   argument      names a server in place of `servers`; `about` describes it
--   needs         the argument that this source requires; if the argument is
--                 given, this source alone is the default
--   stand_in      the source that is queried in place of this one if its
--                 servers fail or have not been reached yet
--   last_resort_of  the source after whose failure this one is queried for
--                 the addresses that are still unknown
--   has_holders, own_holders, negative_alone  see mtrtrace.asn.source
--
-- A source whose servers the user named has no stand-in and no last resort.
-- @module mtrtrace.asn.sources
local M = {}

local ROWS = {
  { name = "irr", protocol = "IRRd", most = 2000,
    servers = { { host = "rr.ntt.net", port = 43 },
      { host = "whois.radb.net", port = 43 } },
    argument = "whois-server",
    about = "route registry that speaks IRRd's protocol",
    together = true, default = true,
    has_holders = true, negative_alone = true },
  { name = "cymru", protocol = "bulk whois", most = 2000,
    servers = { { host = "whois.cymru.com", port = 43 } },
    argument = "cymru-server", about = "bulk whois server",
    observes_bgp = true, together = true, default = true,
    stand_in = "cymru-dns" },
  -- Zones that Team Cymru set up for Nmap.
  { name = "cymru-dns", protocol = "DNS TXT", most = 2000,
    servers = { { host = "asn.cymru.com", zones = {
      [4] = "nmap.asn.cymru.com", [16] = "nmap6.asn.cymru.com",
    } } },
    observes_bgp = true, together = true,
    has_holders = true, own_holders = true },
  { name = "ripe", protocol = "RPSL whois", most = 4,
    servers = { { host = "whois.ripe.net", port = 43 } },
    argument = "ripe-server", about = "whois server like RIPE's",
    last_resort_of = "irr", negative_alone = true },
  { name = "db", protocol = "file", observes_bgp = true, needs = "asn-db" },
}

--- All sources, in the order of the documentation.
-- @treturn {table,...} rows, not to be changed
function M.all()
  return ROWS
end

--- A source by its name.
-- @tparam string name
-- @treturn ?table its row
function M.get(name)
  for _, row in ipairs(ROWS) do
    if row.name == name then
      return row
    end
  end
end

--- Whether a source has the routes announced in BGP.
-- @tparam string name
-- @treturn boolean
function M.observes_bgp(name)
  local row = M.get(name)
  return row ~= nil and row.observes_bgp == true
end

--- Whether a source is queried over DNS.
-- @tparam string name
-- @treturn boolean
function M.over_dns(name)
  local row = M.get(name)
  return row ~= nil and row.protocol == "DNS TXT"
end

--- The names of the sources that a function accepts.
-- @tparam ?function accepts called with a row; nil accepts all
-- @treturn {string,...}
function M.names(accepts)
  local names = {}
  for _, row in ipairs(ROWS) do
    names[#names + 1] = (not accepts or accepts(row)) and row.name or nil
  end
  return names
end

--- The hosts of a source, for documentation.
-- @tparam table row
-- @treturn {string,...}
function M.hosts(row)
  local hosts = {}
  for i, server in ipairs(row.servers or {}) do
    hosts[i] = server.host
  end
  return hosts
end

--- The key of an argument in the table of options.
-- @tparam string argument such as "asn-db"
-- @treturn string such as "asn_db"
function M.option(argument)
  return (argument:gsub("-", "_"))
end

--- The sources that are queried if the user names none.
-- @tparam table options the arguments read so far
-- @treturn {string,...} in the order of preference
function M.default_order(options)
  local own = M.names(function(row)
    return row.needs and options[M.option(row.needs)] ~= nil
  end)
  return #own > 0 and own or M.names(function(row) return row.default end)
end

--- The servers of each source.
-- @tparam table options the arguments; a server that the user named, { host,
--   port }, replaces those of the source
-- @treturn table by the name of the source, arrays as in its row; `named`
--   marks a server that the user named
function M.servers(options)
  local servers = {}
  for _, row in ipairs(ROWS) do
    local own = row.argument and options[M.option(row.argument)]
    servers[row.name] = own
      and { { host = own.host, port = own.port, named = true } }
      or row.servers
  end
  return servers
end

return M
