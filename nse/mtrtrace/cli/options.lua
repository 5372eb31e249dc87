-- SPDX-License-Identifier: BSD-2-Clause

--- The options of the command, each once: the parser, --help, the man page,
-- the completions and the settings file all read this table.
--
-- A row is { short, name, also, group, about } and one of: `arg`, the
-- argument of the Nmap script that it is, whose rule holds; `read` with its
-- limits, see mtrtrace.options.values; `sets`, what a flag stands for; `flag`;
-- or `refused`, why an option of mtr's is not there. `value` names the value
-- in the help; `complete` what completes it, where the reader does not say.
-- `also` is mtr's long name where ours is another; `last` options
-- may be given in the settings file but stand on the command line only.
-- @module mtrtrace.cli.options
local args = require "mtrtrace.options.args"
local formats = require "mtrtrace.report.formats"
local rule = require "mtrtrace.alert.rule"
local sources = require "mtrtrace.asn.sources"
local values = require "mtrtrace.options.values"

local M = {}

--- The groups, in the order of the help.
M.GROUPS = {
  { key = "targets", title = "Targets" },
  { key = "probes", title = "Probes" },
  { key = "names", title = "Names, networks, places" },
  { key = "web", title = "Time to first byte" },
  { key = "output", title = "Output" },
  { key = "service", title = "Service" },
  { key = "settings", title = "Settings and help" },
}

-- Formats of --format: the documents, and what is shown while a run lasts.
local FORMATS = formats.names()
table.move({ "ndjson", "classic", "screen" }, 1, 3, #FORMATS + 1, FORMATS)

local ROWS = {
  -- ---- targets
  { short = "F", name = "filename", value = "FILE", group = "targets",
    read = values.path, want = "the name of a file",
    about = "read targets from FILE, one a line, # begins a comment; "
      .. "- is standard input" },
  { short = "4", name = "ipv4", also = "inet", group = "targets",
    sets = { family = "4" }, about = "use IPv4 only" },
  { short = "6", name = "ipv6", also = "inet6", group = "targets",
    sets = { family = "6" }, about = "use IPv6 only" },
  { name = "all-addresses", group = "targets", flag = true,
    about = "trace every address of a name, 64 at most, not the first one "
      .. "alone" },
  { name = "parallel", value = "COUNT", group = "targets",
    read = values.whole, min = 1, max = 10000, default = 1000,
    want = "a whole number", about = "how many targets to trace at once" },

  -- ---- probes
  { short = "c", name = "packets", also = "report-cycles", value = "COUNT",
    group = "probes", arg = "packets", about = "counted probes per hop" },
  { short = "i", name = "interval", value = "TIME", group = "probes",
    arg = "interval",
    about = "time between two probes of one hop; auto is 0.1 s" },
  { short = "Z", name = "timeout", value = "TIME", group = "probes",
    arg = "timeout", about = "how long a reply may take" },
  { short = "G", name = "gracetime", value = "TIME", group = "probes",
    read = values.seconds, min = 0.001, max = 3600,
    want = "a time such as 5s or 500ms",
    about = "how long to wait for replies after the last probe; like -Z, it "
      .. "limits the wait for each reply" },
  { short = "f", name = "first-hop", also = "first-ttl", value = "TTL",
    group = "probes", arg = "first-hop", about = "first TTL that is probed" },
  { short = "m", name = "max-hops", also = "max-ttl", value = "TTL",
    group = "probes", arg = "max-hops", about = "last TTL that is probed" },
  { short = "U", name = "max-silent", also = "max-unknown",
    value = "COUNT", group = "probes", arg = "max-silent",
    about = "silent hops in a row that end the search" },
  { name = "max-time", value = "TIME", group = "probes", arg = "max-time",
    about = "end after TIME and show what is known by then" },
  { short = "u", name = "udp", group = "probes", sets = { protocol = "udp" },
    about = "send UDP datagrams in place of ICMP echo requests" },
  { short = "T", name = "tcp", group = "probes", sets = { protocol = "tcp" },
    about = "send TCP SYNs in place of ICMP echo requests" },
  { name = "tcp-session", group = "probes",
    sets = { protocol = "tcp-session" },
    about = "make a TCP connection and send probes inside it, for firewalls "
      .. "that pass nothing else; the peer's application sees no data" },
  { name = "reset", group = "probes", sets = { reset = "yes" },
    about = "end the connections of --tcp-session by a reset" },
  { name = "protocol", value = "NAME", group = "probes", arg = "protocol",
    about = args.accepted "protocol" },
  { short = "P", name = "port", value = "PORT", group = "probes",
    arg = "port",
    about = "destination port; 33434 with udp, 80 with tcp by default" },
  { name = "udp-payload", value = "NAME|FILE@OFFSET", group = "probes",
    arg = "udp-payload",
    about = "the request in UDP probes, so that the target itself replies: "
      .. "dns, quic, ntp, stun, snmp, plain for nothing, or the bytes of a "
      .. "file whose answer repeats those at OFFSET; by default what "
      .. "belongs to port 53, 443, 123, 3478 or 161, else plain" },
  { short = "L", name = "source-port", also = "localport", value = "PORT",
    group = "probes", arg = "source-port", about = "source port" },
  { short = "s", name = "size", also = "psize", value = "BYTES",
    group = "probes", arg = "size",
    about = "length of the IP packet, headers included; -100: a random "
      .. "length up to 100 for each probe" },
  { name = "flows", value = "COUNT", group = "probes", arg = "flows",
    about = "how many flows to trace at once, each on one path" },
  { name = "paths", value = "PERCENT", group = "probes", arg = "paths",
    about = "search for all paths first, to this confidence in percent" },
  { name = "pmtu", group = "probes", sets = { pmtu = "yes" },
    about = "find the path MTU, and the hop beyond which it is smaller" },
  { name = "direct", group = "probes", sets = { direct = "yes" },
    about = "also ping each hop itself, 10 echo requests after the trace, "
      .. "for the columns direct_rtt and direct_loss" },
  { name = "ports", also = "port-compare", value = "LIST", group = "probes",
    arg = "ports", about = "also trace these ports, each with its own "
      .. "protocol, and say at which hop each one is dropped or rejected: "
      .. "22,25,443 or T:25,U:53" },
  { name = "max-ports", value = "COUNT", group = "probes",
    arg = "max-ports", about = "how many ports of a target to trace" },
  { short = "Q", name = "tos", value = "NUMBER", group = "probes",
    arg = "tos", about = "type of service or traffic class" },
  { name = "ecn", group = "probes", sets = { ecn = "yes" },
    about = "offer ECN in TCP SYNs, or mark other probes ECT(0), and say what "
      .. "became of it" },
  { name = "accecn", group = "probes", sets = { ecn = "accecn" },
    about = "offer accurate ECN (RFC 9768) in TCP SYNs" },
  { short = "a", name = "address", value = "ADDRESS", group = "probes",
    read = values.address, want = "an IPv4 or IPv6 address",
    about = "source address of the probes" },
  { short = "I", name = "interface", value = "NAME", group = "probes",
    read = values.path, want = "the name of an interface",
    complete = "interface",
    about = "interface to send from" },
  { name = "unprivileged", group = "probes", flag = true,
    about = "use sockets that need no rights, as a plain user's run does" },
  { short = "M", name = "mark", value = "MARK", group = "probes",
    read = values.whole, hex = true, min = 0, max = 4294967295,
    want = "a whole number",
    about = "mark of the packets for firewall and routing rules (SO_MARK)" },

  -- ---- names
  { short = "n", name = "no-dns", group = "names", sets = { names = "no" },
    about = "look up no names" },
  { name = "names", value = "WORD", group = "names", arg = "names",
    about = "whether to look up names: yes or no" },
  { short = "b", name = "show-ips", group = "names", flag = true,
    about = "show names and addresses" },
  { short = "z", name = "aslookup", group = "names", flag = true,
    about = "show the ASN, with any order of columns" },
  { short = "e", name = "mpls", group = "names", flag = true,
    about = "show MPLS label stacks (RFC 4950), with any order of columns" },
  { name = "asn", value = "LIST", group = "names", arg = "asn",
    about = ("where to look up networks: %s, in the order of preference; or "
      .. "off"):format(table.concat(sources.names(), ", ")) },
  { name = "asn-db", value = "FILE", group = "names", arg = "asn-db",
    about = "ASN database in MaxMind's format, used in place of servers" },
  { name = "geo-db", value = "FILE", group = "names", arg = "geo-db",
    about = "city database in MaxMind's format, for places" },

  { name = "geo-out", value = "FILE", group = "names", arg = "geo-out",
    writes = true,
    about = "also write the paths to FILE as GeoJSON, for map viewers; "
      .. "needs --geo-db" },
  { name = "os", value = "WORD", group = "names", arg = "os",
    about = "what the OS guess may send to each hop: passive "
      .. "(nothing), echo (three echo requests), active (also three UDP "
      .. "datagrams and TCP ACKs) or off (no guess)" },
  { name = "snmp", group = "names", sets = { snmp = "yes" },
    about = "send one SNMPv3 discovery request to each hop, for the OS "
      .. "guess" },

  -- ---- web
  { name = "http", value = "WORD", group = "web", arg = "http",
    about = "whether to measure the time to first byte of the target's "
      .. "web server: on or off; off with more than 16 targets" },
  { name = "url", value = "URL", group = "web", arg = "url",
    about = "what to request: a path, or a URL with scheme, port and "
      .. "name; by default / by https, by http if there is no TLS" },
  { name = "http-count", value = "COUNT", group = "web",
    arg = "http-count", about = "requests, one after the other" },
  { name = "http-timeout", value = "TIME", group = "web",
    arg = "http-timeout", about = "how long a request may take" },
  { name = "http-method", value = "WORD", group = "web",
    arg = "http-method", about = "GET or HEAD" },

  -- ---- output
  { short = "t", name = "curses", group = "output",
    sets = { format = "screen" },
    about = "show the live screen (the default on a terminal); its key ? "
      .. "lists all keys" },
  { name = "displaymode", value = "MODE", group = "output",
    read = values.whole, min = 0, max = 2, want = "a whole number",
    about = "what the screen shows first: 0 the table, 1 strips, 2 a chart" },
  { name = "ascii", group = "output", flag = true,
    about = "plain ASCII in the screen, the report and the classic "
      .. "view, whatever the locale" },
  { short = "r", name = "report", group = "output",
    sets = { format = "report", wide = "no" },
    about = "print a table at the end (the default if the output is not "
      .. "a terminal), as wide as the terminal, else 80 columns" },
  { short = "w", name = "report-wide", group = "output",
    sets = { format = "report", wide = "yes" },
    about = "the same with all columns and whole names, however wide" },
  { short = "j", name = "json", group = "output", sets = { format = "json" },
    about = "print JSON at the end; see --schema" },
  { short = "C", name = "csv", group = "output", sets = { format = "csv" },
    about = "print comma-separated values at the end" },
  { short = "x", name = "xml", group = "output", sets = { format = "xml" },
    about = "print XML at the end" },
  { name = "markdown", group = "output", sets = { format = "markdown" },
    about = "print a Markdown table at the end" },
  { name = "dot", group = "output", sets = { format = "dot" },
    about = "print the path as a graph for Graphviz" },
  { name = "mermaid", group = "output", sets = { format = "mermaid" },
    about = "print the path as a Mermaid flow chart" },
  { name = "html", value = "FILE", group = "output", read = values.path,
    want = "the name of a file", writes = true,
    about = "also write a page with tables, charts and path to FILE" },
  { name = "ndjson", group = "output", sets = { format = "ndjson" },
    about = "print each event as it happens, one JSON object a line" },
  { name = "classic", group = "output", sets = { format = "classic" },
    about = "print the path hop by hop as it is found, with three probes "
      .. "per hop (or -c), with many flows one per flow" },
  { name = "format", value = "NAME", group = "output",
    read = values.choice, want = "one of ", words = FORMATS,
    about = "any of these formats by its name, or atlas (results of RIPE "
      .. "Atlas) or scamper-json (as sc_warts2json writes them): an object a "
      .. "line, with every counted probe" },
  { short = "o", name = "order", value = "LETTERS", group = "output",
    read = values.order, want = "letters out of LDRSNBAWVGJMXI",
    about = "columns of the table by mtr's letters, such as LSNABWV" },
  { name = "columns", value = "LIST", group = "output", arg = "columns",
    about = "columns of the table by name, such as hop,ip,loss,p95" },
  { name = "output", value = "FILE", group = "output", read = values.path,
    want = "the name of a file", writes = true,
    about = "write to FILE instead of standard output" },

  { name = "record", value = "FILE", group = "output", read = values.path,
    want = "the name of a file", writes = true,
    about = "keep all events in FILE, for --replay" },
  { name = "replay", value = "FILE", group = "output", read = values.path,
    want = "the name of a file", last = true,
    about = "show the run recorded in FILE, digit for digit, in any "
      .. "format; with -t on the live screen; sends nothing" },
  { name = "speed", value = "NUMBER", group = "output", read = values.whole,
    min = 1, max = 1000, default = 1, want = "a whole number",
    about = "how many times faster the screen shows a recording" },

  { name = "rows", value = "KIND", group = "output",
    read = values.choice, want = "one of ",
    words = { "runs", "hops", "probes" },
    about = "print flat rows for a column store, an object a line: runs, "
      .. "hops or probes; see --rows KIND --schema" },
  { name = "rows-to", value = "FILE", group = "output", read = values.path,
    want = "the name of a file", writes = true,
    about = "append the rows to FILE instead, beside the other output; "
      .. "SIGHUP opens it again" },
  { name = "rows-size", value = "BYTES", group = "output",
    read = values.whole, min = 1000, max = 1000000000000,
    want = "a whole number",
    about = "go on in a new file before FILE grows beyond BYTES; the "
      .. "time is appended to the name of the old one" },
  { name = "vantage", value = "NAME", group = "output", read = values.path,
    want = "a name",
    about = "name of this host in rows, instead of its host name" },
  { name = "labels", value = "LIST", group = "output", read = values.path,
    want = "a list such as team=web,site=a",
    about = "a text for each row, such as team=web,site=a" },
  { name = "alert", value = "RULES", group = "output", last = true,
    read = rule.read, want = "rules such as loss>5%,for=3 or avg>=80ms, "
      .. "separated by ;, of loss, avg, best, worst and jitter",
    about = "report on standard error when the target's loss or latency "
      .. "exceeds a limit in windows of 10 probes (loss>5%,for=3: three "
      .. "windows in a row); exit status 4 if it did" },
  { name = "exec", value = "PROGRAM", group = "output", last = true,
    read = values.path, want = "the name of a program",
    about = "run PROGRAM for each alert with its state (firing or resolved), "
      .. "target and rule as arguments and a JSON object on standard input; "
      .. "never through a shell, 4 at once, 30 a minute" },
  { name = "diff", group = "output", flag = true, last = true,
    about = "compare two files, BEFORE and AFTER, instead of tracing: "
      .. "recordings, JSON or XML of this program, or XML of Nmap; prints "
      .. "differences larger than chance (with -j JSON, with --markdown a "
      .. "table); exit status 0 no difference, 1 a difference, 2 a file "
      .. "cannot be read; sends nothing" },

  { name = "doctor", group = "output", flag = true, last = true,
    about = "check this host instead of tracing: privileges, sockets, "
      .. "capture, modules, routes, clock, Nmap; sends nothing beyond this "
      .. "host, except to a given --whois-server; exit status 0 if "
      .. "traces are possible, else 1" },

  -- ---- service
  { name = "serve", value = "[ADDRESS]:PORT", group = "service", last = true,
    read = values.listen,
    want = "an address and a port such as :9099, 127.0.0.1:9099 or [::]:9099",
    about = "trace all targets again and again until SIGTERM, and answer "
      .. "HTTP there: /metrics for Prometheus, /probe, /report/TARGET and / "
      .. "for people; on localhost where no ADDRESS is given; see the "
      .. "manual's chapter service" },
  { name = "every", value = "TIME", group = "service", read = values.seconds,
    min = 1, max = 86400, want = "a time such as 60s or 5m",
    about = "time from one round to the next, 60 s by default; with -i and "
      .. "without --every a round follows the other without a pause" },
  { name = "resolve-every", value = "TIME", group = "service",
    read = values.seconds, min = 1, max = 604800, default = 300,
    want = "a time such as 5m", about = "how often names are looked up again, "
      .. "in seconds" },
  { name = "metrics-hops", value = "WORD", group = "service",
    read = values.choice, want = "one of ", words = { "all", "target" },
    default = "all", about = "whose metrics to give: all hops, or the target "
      .. "alone" },
  { name = "rtt-buckets", value = "LIST", group = "service",
    read = values.times, min = 0.000001, max = 3600,
    want = "up to 64 rising times such as 1ms,10ms,100ms",
    about = "bounds of the histogram of round-trip times; 0.1, 1, 3, 10, 30, "
      .. "100, 300 ms, 1 and 10 s by default" },

  -- ---- settings
  { name = "config", value = "FILE", group = "settings", last = true,
    read = values.path, want = "the name of a file",
    about = "settings file to read instead of the user's own" },
  { name = "no-config", group = "settings", flag = true, last = true,
    about = "read no settings" },
  { name = "debug", group = "settings", flag = true,
    about = "log look-ups to standard error" },
  { name = "schema", group = "settings", flag = true, alone = true,
    about = "print the JSON Schema of --json, or of --diff --json, and "
      .. "end" },
  { name = "completion", value = "SHELL", group = "settings", alone = true,
    read = values.choice, want = "one of ", words = { "bash", "zsh", "fish" },
    about = "print the completions for bash, zsh or fish and end" },
  { name = "man", group = "settings", flag = true, alone = true,
    about = "print the man page (roff) and end" },
  { short = "v", name = "version", group = "settings", flag = true,
    alone = true, about = "print the version and end" },
  { short = "h", name = "help", group = "settings", flag = true,
    alone = true, about = "print this help and end" },

  -- ---- letters of mtr's that have no other meaning here
  { short = "g", name = "gtk", refused = "there is no window" },
  { short = "l", name = "raw", refused = "there is no raw format" },
  { short = "p", name = "split", refused = "there is no split format" },
  { short = "y", name = "ipinfo", value = "NUMBER",
    refused = "use --columns with asn, prefix, country, registry" },
  { short = "B", name = "bitpattern", value = "NUMBER",
    refused = "the payload identifies probes" },
  { short = "S", name = "sctp", refused = "SCTP probes are not sent" },
}

-- A server in place of a source's own, behind --asn.
local function add_servers()
  local at = 1
  while ROWS[at].name ~= "asn" do
    at = at + 1
  end
  for _, row in ipairs(sources.all()) do
    if row.argument then
      at = at + 1
      table.insert(ROWS, at, { name = row.argument, value = "SERVER",
        group = "names", arg = row.argument,
        about = ("%s, in place of %s"):format(row.about,
          table.concat(sources.hosts(row), " and ")) })
    end
  end
end
add_servers()

local BY_NAME, BY_WORD = {}, {}
for _, row in ipairs(ROWS) do
  BY_NAME[row.name] = row
  BY_WORD["--" .. row.name] = row
  BY_WORD["--" .. (row.also or row.name)] = row
  BY_WORD["-" .. (row.short or "-" .. row.name)] = row
  row.default = row.default or row.arg and args.get(row.arg).default
end

--- All rows, in the order of the help; those of mtr's that are refused come
-- last.
-- @treturn {table,...} not to be changed
function M.all()
  return ROWS
end

--- The row of a long name.
-- @tparam string name
-- @treturn ?table
function M.get(name)
  return BY_NAME[name]
end

--- The row of an option as it stands on a command line.
-- @tparam string word such as "-s", "--size" or mtr's "--psize"
-- @treturn ?table
function M.of_word(word)
  return BY_WORD[word]
end

--- How an option is written in messages: "-c/--packets".
-- @tparam table row
-- @treturn string
function M.title(row)
  return row.short and ("-%s/--%s"):format(row.short, row.name)
    or "--" .. row.name
end

local function own_value(found, row)
  if not found[row.name] then
    return row.default
  elseif row.flag then
    return true
  end
  return args.value("--", row, found[row.name])
end

--- Checks what was found on the command line, in the settings file and the
-- environment together.
-- @tparam table found texts by option name; the names that flags set too
-- @treturn ?table checked options: those of mtrtrace.options.args, and the
--   command's own under their names with "_" for "-"
-- @treturn ?string the first error, one sentence
function M.check(found)
  local options, err = args.check("--", found)
  if not options then
    return nil, err
  end
  if options.ports == "filtered" then
    return nil, "--ports=filtered: ports are scanned by Nmap only: expected a "
      .. "list of ports such as 22,25,443"
  end
  options.columns = found.columns and options.columns or nil
  for _, row in ipairs(ROWS) do
    if not row.arg and not row.sets and not row.refused then
      local value
      value, err = own_value(found, row)
      if err then
        return nil, err
      end
      options[(row.name:gsub("-", "_"))] = value
    end
  end
  options.http_wanted, options.paced = found.http ~= nil, found.interval ~= nil
  options.protocol_given = found.protocol ~= nil
  options.family, options.wide = tonumber(found.family), found.wide == "yes"
  options.format, options.counted = found.format or "report",
    found.packets ~= nil
  if options.format == "classic" and not found.packets then
    options.packets = options.paths and 1 or math.ceil(3 / options.flows)
  end
  return options
end

return M
