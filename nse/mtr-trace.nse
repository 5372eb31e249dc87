-- SPDX-License-Identifier: BSD-2-Clause
-- luacheck: no max comment line length (a sample table is as wide as it is)
local nmap = require "nmap"
local stdnse = require "stdnse"

description = [[
Traces the path to each target the way MTR does and prints one row per hop:
loss, probes sent and received, average round trip, standard deviation,
jitter, ASN, organization and OS guess. Round trips are taken from kernel
timestamps at both ends, so a busy machine does not change them.

Probes are ICMP echo requests by default, or UDP datagrams or TCP SYNs, to
IPv4 and IPv6 targets. Several targets are traced at once. The script needs
the rights to send and capture raw packets; where they are missing it says so
once (with -v) and leaves all other scripts alone. It needs its C module
mtrtrace.core and works with <code>-sn</code>, <code>-Pn</code> and
<code>-6</code>.

Nmap's own options count: <code>-e</code> chooses the interface,
<code>-S</code> the source address, <code>--data-length</code> enlarges the
probes, <code>-v</code> prints each hop when it is found (<code>-vv</code>
where the script was chosen by category). <code>-T</code> sets the time
between two probes of one hop: 5 s at <code>-T0</code>, 1.05 s at
<code>-T1</code>, 0.4 s at <code>-T2</code>, 0.1 s at <code>-T3</code> and
<code>-T4</code>, 0.05 s at <code>-T5</code>.

A hop that never answers is printed as <code>*</code>. Later rows without a
hop number are further addresses that answered at the same distance. No hop's
address is sent to any third party by this version.
]]

---
-- @usage
-- nmap --script mtr-trace <target>
-- nmap -n -sn -Pn --script mtr-trace --script-args mtr-trace.packets=30 <target>
-- nmap --script mtr-trace --script-args 'mtr-trace={protocol=tcp,port=443}' <target>
-- nmap --script mtr-trace --script-args 'mtr-trace.columns={default,best,worst}' <target>
--
-- @args mtr-trace.packets Counted probes per hop, 1 to 100000.
--       Default: <code>10</code>.
-- @args mtr-trace.timeout How long an answer may take, as in
--       <code>500ms</code>, <code>5s</code>; bare numbers are seconds. The
--       engine waits less where the path is known to be faster.
--       Default: <code>5s</code>.
-- @args mtr-trace.protocol <code>icmp</code>, <code>udp</code> or
--       <code>tcp</code>. Default: <code>icmp</code>.
-- @args mtr-trace.port Destination port for udp and tcp.
--       Default: <code>33434</code> for udp, <code>80</code> for tcp.
-- @args mtr-trace.source-port Source port for udp and tcp.
--       Default: chosen by the engine.
-- @args mtr-trace.first-hop First TTL that is probed.
--       Default: <code>1</code>.
-- @args mtr-trace.max-hops Last TTL that is probed.
--       Default: <code>30</code>.
-- @args mtr-trace.interval Time between two probes of one hop, at least
--       <code>10ms</code>. Default: <code>auto</code>, the pace of
--       <code>-T</code>.
-- @args mtr-trace.size Length of the IP packet in bytes, at most the link's
--       MTU. Default: <code>64</code> for icmp, <code>40</code> for udp,
--       <code>44</code> for tcp; 20 more with IPv6.
-- @args mtr-trace.tos Type of service or traffic class, 0 to 255.
--       Default: <code>0</code>.
-- @args mtr-trace.max-silent Silent hops in a row that end the search and
--       are shown as one row. Default: <code>5</code>.
-- @args mtr-trace.columns Columns of the table, a list in braces:
--       <code>default</code> (all of the default table), <code>hop</code>,
--       <code>ip</code>, <code>loss</code>, <code>loss_low</code>,
--       <code>loss_high</code>, <code>sent</code>, <code>recv</code>,
--       <code>last</code>, <code>avg</code>, <code>best</code>,
--       <code>worst</code>, <code>median</code>, <code>p95</code>,
--       <code>stdev</code>, <code>jitter</code>,
--       <code>jitter_rfc3550</code>, <code>reply_ttl</code>,
--       <code>late</code>, <code>duplicates</code>,
--       <code>send_errors</code>, <code>raw_sent</code>,
--       <code>raw_recv</code>, <code>flow</code>, <code>codes</code>,
--       <code>special</code>, <code>asn</code>, <code>organization</code>,
--       <code>os</code>. Default: <code>default</code>.
--
-- @output
-- Host script results:
-- | mtr-trace:
-- |   Target: www.example.com (93.184.216.34)
-- |   TTFB: -
-- |
-- |   Hop  IP Address     Loss%   Sent  Recv  Avg(ms)  StDev(ms)  Jitter(ms)  ASN      Organization     OS Guess
-- |   1    192.168.1.1    0.0%    10    10    1.52     0.23       0.12        Private  Private Network  -
-- |   2    *              100.0%  10    0     -        -          -           -        -                -
-- |_  3    93.184.216.34  0.0%    10    10    11.80    0.31       0.25        -        -                -
--
-- @xmloutput
-- <elem key="target">93.184.216.34</elem>
-- <elem key="name">www.example.com</elem>
-- <elem key="protocol">icmp</elem>
-- <elem key="source">192.168.1.10</elem>
-- <elem key="interface">eth0</elem>
-- <elem key="mtu">1500</elem>
-- <elem key="size">64</elem>
-- <elem key="packets">10</elem>
-- <elem key="reached">true</elem>
-- <elem key="ending">reached</elem>
-- <elem key="target_ttl">3</elem>
-- <elem key="first_hop">1</elem>
-- <elem key="probed_hop">9</elem>
-- <elem key="elapsed">1.012345</elem>
-- <elem key="sent">48</elem>
-- <elem key="capture_drops">0</elem>
-- <elem key="clock_steps">0</elem>
-- <elem key="unstamped">0</elem>
-- <table key="hops">
--   <table>
--     <elem key="hop">1</elem>
--     <elem key="loss">0</elem>
--     <elem key="loss_low">0</elem>
--     <elem key="loss_high">27.753279</elem>
--     <elem key="sent">10</elem>
--     <elem key="recv">10</elem>
--     <elem key="late">0</elem>
--     <elem key="duplicates">0</elem>
--     <elem key="send_errors">0</elem>
--     <elem key="raw_sent">13</elem>
--     <elem key="raw_recv">13</elem>
--     <elem key="silent">false</elem>
--     <table key="responders">
--       <table>
--         <elem key="ip">192.168.1.1</elem>
--         <elem key="recv">10</elem>
--         <elem key="last">1.498123</elem>
--         <elem key="avg">1.520411</elem>
--         <elem key="best">1.310257</elem>
--         <elem key="worst">2.004518</elem>
--         <elem key="median">1.501377</elem>
--         <elem key="p95">1.950012</elem>
--         <elem key="stdev">0.230764</elem>
--         <elem key="jitter">0.120655</elem>
--         <elem key="jitter_rfc3550">0.080213</elem>
--         <elem key="reply_ttl">64</elem>
--         <elem key="late">0</elem>
--         <elem key="duplicates">0</elem>
--         <elem key="flow">0</elem>
--         <elem key="special">private</elem>
--         <elem key="asn">Private</elem>
--         <elem key="organization">Private Network</elem>
--         <elem key="target">false</elem>
--         <table key="codes">
--           <table>
--             <elem key="type">11</elem>
--             <elem key="code">0</elem>
--             <elem key="name">time exceeded in transit</elem>
--             <elem key="count">10</elem>
--           </table>
--         </table>
--       </table>
--     </table>
--   </table>
-- </table>

author = "The mtr-trace authors"

license = "BSD-2-Clause"

categories = { "discovery", "safe", "external" }

hostrule = function()
  return true
end

-- The libraries are loaded here and not on top: a failing require there
-- would end all of Nmap.
local function libraries()
  local ok, err = pcall(function()
    return {
      nse = require "mtrtrace.host.nse",
      loader = require "mtrtrace.loader",
      tracer = require "mtrtrace.tracer",
      text = require "mtrtrace.report.text",
      structured = require "mtrtrace.report.structured",
    }
  end)
  return ok and err or nil, err
end

local function missing(err)
  nmap.registry[SCRIPT_NAME] = nmap.registry[SCRIPT_NAME] or {}
  if nmap.registry[SCRIPT_NAME].missing then
    return nil
  end
  nmap.registry[SCRIPT_NAME].missing = true
  stdnse.debug1("%s", err)
  return nil, "ERROR: the Lua library mtrtrace is missing or damaged: "
    .. "run 'make install' in the mtr-trace sources"
end

action = function(target)
  local lib, err = libraries()
  if not lib then
    return missing(err)
  end
  local host = lib.nse.new(nmap, stdnse)
  local args, core, options, result, name
  args, err = host:arguments()
  if not args then
    return host:refuse(err)
  end
  core, err = lib.loader.core()
  if not core then
    return host:refuse(err)
  end
  options, err = host:options(args, target)
  if not options then
    return nil, "ERROR: " .. err
  end
  result, err, name = lib.tracer.run(host, core, options)
  if not result then
    return host:fail(err, name)
  end
  args.name = target.targetname
  return lib.structured.build(result, args, stdnse.output_table),
    "\n  " .. lib.text.render(result, args):gsub("\n([^\n])", "\n  %1")
end
