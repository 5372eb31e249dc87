-- SPDX-License-Identifier: BSD-2-Clause
-- luacheck: no max comment line length (a sample table is as wide as it is)
local nmap = require "nmap"
local stdnse = require "stdnse"

description = [[
Traces the path to each target the way MTR does and prints one row per hop:
loss, probes sent and received, average round trip, standard deviation,
jitter, ASN, organization and OS guess. Round trips are taken from kernel
timestamps at both ends, so a busy machine does not change them.

Probes are ICMP echo requests by default, or UDP datagrams or TCP SYNs, to IPv4
and IPv6 targets. The targets of a host group are traced at once. Nmap runs one
group after the other: with <code>--min-hostgroup 256</code> a /24 takes a
quarter of the time. If Nmap is not privileged (a plain user,
<code>--unprivileged</code>), the script uses sockets that need no rights and
shows less; a line below the table says so. The script needs its C module
mtrtrace.core and works with <code>-sn</code>, <code>-Pn</code> and
<code>-6</code>. If a name has several addresses, Nmap takes the first one;
with its option <code>--resolve-all</code> each of them is traced.

These options of Nmap are used: <code>-e</code> chooses the interface,
<code>-S</code> the source address, <code>--data-length</code> enlarges the
probes, <code>-v</code> prints each hop when it is found (<code>-vv</code>
if the script was chosen by category). <code>-T</code> sets the time
between two probes of one hop: 5 s at <code>-T0</code>, 1.05 s at
<code>-T1</code>, 0.4 s at <code>-T2</code>, 0.1 s at <code>-T3</code> and
<code>-T4</code>, 0.05 s at <code>-T5</code>.

Loss% is the share of counted probes that were not answered. Below 100 probes,
Wilson's 95 % interval follows a loss that is not zero, as in
<code>20.0% (6-51)</code>, except for a hop that never replies. Many routers
rate-limit their ICMP replies. Each hop is tested for a rate limit at the end
of its sample (before it in a run of more than 4 s). A hop that answers bursts
only in part gets a new, slower sample, marked <code>r</code>, or
<code>rs</code> if it includes probes that other traces sent to the same
router. A <code>?</code> marks a hop that replies less often than a hop beyond
it. Loss on the path persists to every hop beyond the place where it begins, so
such a hop drops replies and not packets.

The lines below the table are verdicts: where round-trip loss is first visible,
with its interval, or that this is unknown; hops that rate-limit their ICMP
replies, are slow to reply, or are silent although hops beyond them reply;
where latency rises and stays high; a changed path or return path; load
balancing. A clean path has no verdicts. A round trip does not show in which
direction a probe was lost.

A hop that never replies is printed as <code>*</code>. Rows without a hop
number are further addresses that replied at the same TTL.

While the trace runs, the target's web server gets one request (GET /), by
https, or by http if there is no TLS service. The line <code>TTFB</code> gives
the time from the start of the connection to the first byte of the response:
TCP handshake, TLS handshake, and the wait for the server. The wait minus the
shortest round trip to the destination is the server processing time.
Redirects are not followed. SNI and Host are the name that you gave for the
target, else its address. If the certificate is not trusted, the line says so
and gives the time of an unverified connection.
<code>mtr-trace.http=off</code> turns this off.

The networks of all addresses are looked up while the trace runs; the script
waits at most 3 s longer for them. These third parties receive the addresses of
the hops and of the target: the route registry rr.ntt.net (whois.radb.net if it
fails, then whois.ripe.net for at most four addresses), Team Cymru's
whois.cymru.com, and, for reverse names, the DNS servers that Nmap uses. If
whois.cymru.com fails or does not reply within a second (many networks block
port 43), these DNS servers also receive the addresses as names in Team Cymru's
zones. Addresses of special-purpose ranges (private, carrier-grade NAT,
link-local and all others of the IANA registries) are sent to no third party,
only to these DNS servers for reverse names; the table shows their range.
<code>mtr-trace.asn=off</code> and <code>mtr-trace.names=no</code> turn this
off; <code>mtr-trace.whois-server</code> names a registry of your own.

The OS guess rests on evidence only: initial TTLs, the length, TOS and DF bit
of ICMP errors, the DF bit and code of echo replies, IPv4 identifications, MPLS
labels, interface names and the hardware address of an on-link first hop; never
on an address or a position on the path. A <code>?</code> marks a guess of
medium or low confidence; <code>unknown</code> means that the evidence fits no
system or too many. With <code>-v</code> a line per address names the evidence.
Each address that replied to the trace gets three echo requests for the guess,
once for all targets of the run. <code>mtr-trace.os=passive</code> sends none,
<code>active</code> sends at most nine probes per address, which never count
for Loss%, and <code>off</code> makes no guess. If Nmap's own detection
(<code>-O</code>) names the target's system, that result is shown.

With <code>mtr-trace.pmtu=yes</code>, probes that may not be fragmented find
the path MTU while the trace runs: from Packet Too Big messages or, where these
are filtered, from the sizes that get no reply. After the trace, the hop beyond
which the MTU is smaller is searched for at most 3 s. A line below the table
says what was found.

With <code>mtr-trace.ports=filtered</code> the ports that Nmap's port scan
found filtered are traced after the host, each with its own protocol, and a
line says at which hop their probes stop or are rejected, beside the traces
that get through: <code>tcp/25 is dropped beyond hop 6</code>. A list of ports
in place of <code>filtered</code> works without a port scan.

In the column ASN, <code>AS1/AS2</code> is a prefix with several origins,
<code>AS1 (irr AS2)</code> a prefix that AS1 announces and that is registered
to AS2, <code>AS1 (irr)</code> a prefix that is registered and not announced,
and <code>-</code> an unknown origin. The ASN is that of the address; on a link
between two networks the address may belong to the neighbour.
]]

---
-- @usage
-- nmap --script mtr-trace <target>
-- nmap -n -sn -Pn --script mtr-trace --script-args mtr-trace.packets=30 <target>
-- nmap --script mtr-trace --script-args 'mtr-trace={protocol=tcp,port=443}' <target>
-- nmap --script mtr-trace --script-args 'mtr-trace.columns={default,best,worst}' <target>
-- nmap -p 22,25,443 --script mtr-trace --script-args mtr-trace.ports=filtered <target>
--
-- @args mtr-trace.packets Counted probes per hop, 1 to 100000.
--       Default: <code>10</code>.
-- @args mtr-trace.timeout How long a reply to a probe may take, as in
--       <code>500ms</code>, <code>5s</code>; bare numbers are seconds. If
--       this argument is not given, the wait is shorter on fast paths and
--       at most the default.
--       Default: <code>5s</code>.
-- @args mtr-trace.max-time Ends the trace after this time, as in
--       <code>20s</code>; the table shows what is known by then. The script
--       also returns its table before Nmap's <code>--script-timeout</code> or
--       <code>--host-timeout</code> would end it.
--       Default: none.
-- @args mtr-trace.protocol <code>icmp</code>, <code>udp</code>,
--       <code>tcp</code> (SYNs) or <code>tcp-session</code>, which makes a
--       TCP connection and sends probes inside it: segments that the target's
--       application never sees, for firewalls that pass nothing else. Where
--       this is not possible, probes are SYNs and a line says so.
--       Default: <code>icmp</code>.
-- @args mtr-trace.reset How the connections of <code>tcp-session</code> end:
--       <code>no</code> closes them, <code>yes</code> resets them.
--       Default: <code>no</code>.
-- @args mtr-trace.port Destination port for udp and tcp.
--       Default: <code>33434</code> for udp, <code>80</code> for tcp.
-- @args mtr-trace.udp-payload Request in UDP probes, so that the target's
--       service replies: <code>dns</code>, <code>quic</code>,
--       <code>ntp</code>, <code>stun</code>, <code>snmp</code>,
--       <code>plain</code> for none, or the bytes of a file, as
--       <code>FILE@OFFSET:LENGTH</code>: offset and length (4 to 8 bytes, 6
--       by default) of the bytes that the target's reply repeats. The file is
--       also searched in Nmap's data directories.
--       Default: the request of the service at port 53, 443, 123, 3478 or
--       161, else <code>plain</code>.
-- @args mtr-trace.source-port Source port for udp and tcp.
--       Default: chosen by the engine.
-- @args mtr-trace.first-hop First TTL that is probed.
--       Default: <code>1</code>.
-- @args mtr-trace.max-hops Last TTL that is probed; without it the value of
--       Nmap's <code>--ttl</code>, where that is given and other than 64.
--       Default: <code>30</code>.
-- @args mtr-trace.interval Time between two probes of one hop, at least
--       <code>10ms</code>. Default: <code>auto</code>, the pace of
--       <code>-T</code>.
-- @args mtr-trace.size Length of the IP packet in bytes, at most the link's
--       MTU; <code>-100</code> gives each probe a random length up to 100.
--       Default: <code>64</code> for icmp, <code>40</code> for udp,
--       <code>44</code> for tcp; 20 more with IPv6.
-- @args mtr-trace.tos Type of service or traffic class, 0 to 255.
--       Default: <code>0</code>.
-- @args mtr-trace.max-silent Silent hops in a row that end the search and
--       are shown as one row. Default: <code>5</code>.
-- @args mtr-trace.ecn Whether to offer ECN and to report its outcome:
--       <code>yes</code> (SYNs offer ECN, ICMP and UDP probes are marked
--       ECT(0)), <code>accecn</code> (SYNs offer accurate ECN, RFC 9768) or
--       <code>no</code>. Default: <code>no</code>.
-- @args mtr-trace.flows Flows that are traced at once, 1 to 64. Each flow
--       has constant ports (ICMP: checksum; IPv6: flow label) of its own, so
--       load balancers send it along one path. Default: <code>1</code>.
-- @args mtr-trace.paths Search for all paths first, to this confidence in
--       percent (50 to 99) that a router has no further next hop; then trace
--       flows that together pass everything found. Default: <code>off</code>.
-- @args mtr-trace.columns Columns of the table, a list in braces:
--       <code>default</code> (all of the default table), <code>hop</code>,
--       <code>ip</code>, <code>host</code>, <code>loss</code>,
--       <code>loss_low</code>, <code>loss_high</code>, <code>sent</code>,
--       <code>received</code>, <code>dropped</code>, <code>last</code>,
--       <code>avg</code>, <code>gmean</code>, <code>best</code>,
--       <code>worst</code>, <code>median</code>, <code>p95</code>,
--       <code>stdev</code>, <code>jitter</code>, <code>jitter_last</code>,
--       <code>jitter_worst</code>, <code>jitter_rfc3550</code>,
--       <code>reply_ttl</code>, <code>late</code>, <code>duplicates</code>,
--       <code>unlisted</code> (replies from responders beyond the 64 that
--       are listed), <code>send_errors</code>, <code>unreachable</code>,
--       <code>loss_periods</code>, <code>longest_loss_period</code>,
--       <code>loss_distance</code>, <code>loss_bursts</code>,
--       <code>loss_burst_min</code>, <code>loss_burst_max</code>,
--       <code>total_sent</code>,
--       <code>total_received</code>, <code>rate_limited</code>,
--       <code>burst_sent</code>, <code>burst_received</code>,
--       <code>sample_interval</code>, <code>initial_sent</code>,
--       <code>initial_received</code>, <code>shared</code>,
--       <code>better_beyond</code>, <code>flow</code>, <code>share</code>,
--       <code>flows</code>, <code>path</code>, <code>back</code>,
--       <code>mpls</code>, <code>interfaces</code>, <code>objects</code>,
--       <code>extension</code>, <code>codes</code>,
--       <code>special</code>, <code>asn</code>, <code>organization</code>,
--       <code>name</code>, <code>prefix</code>, <code>registry</code>,
--       <code>country</code>, <code>rpki</code>, <code>announced</code>,
--       <code>asn_source</code>, <code>geo_country</code>,
--       <code>geo_region</code>, <code>geo_city</code>,
--       <code>latitude</code>, <code>longitude</code>,
--       <code>direct_rtt</code>,
--       <code>direct_loss</code>, <code>direct_sent</code>, <code>os</code>.
--       Default: <code>default</code>.
-- @args mtr-trace.asn Where to look up the hops' networks, a list in braces:
--       <code>irr</code> (route registry), <code>cymru</code> (seen in BGP;
--       by DNS where its server cannot be used), <code>cymru-dns</code>
--       (the same by DNS alone), <code>ripe</code> (RIPE's database, at most
--       four queries), <code>db</code> (the file of asn-db). A source is
--       queried for the addresses that the sources before it do not know;
--       irr, cymru and cymru-dns are queried together if they follow each
--       other. <code>off</code>: nowhere. Default: <code>{irr,cymru}</code>,
--       <code>db</code> if asn-db is given.
-- @args mtr-trace.whois-server Route registry that speaks IRRd's protocol,
--       <code>host</code> or <code>host:port</code>.
--       Default: <code>rr.ntt.net</code>, then <code>whois.radb.net</code>.
-- @args mtr-trace.cymru-server Bulk whois server like Team Cymru's, whose
--       DNS zones are then not used.
--       Default: <code>whois.cymru.com</code>.
-- @args mtr-trace.ripe-server Whois server like RIPE's.
--       Default: <code>whois.ripe.net</code>.
-- @args mtr-trace.names Whether to look up reverse names: <code>yes</code>
--       or <code>no</code>. Default: <code>yes</code>.
-- @args mtr-trace.asn-db ASN database in MaxMind's format; needs
--       libmaxminddb. Default: none.
-- @args mtr-trace.geo-db City database in MaxMind's format, for the columns
--       <code>geo_country</code> to <code>longitude</code>; no server is
--       queried. Default: none.
-- @args mtr-trace.geo-out File to write the paths to as GeoJSON, which map
--       viewers open; needs geo-db. Default: none.
-- @args mtr-trace.baseline File of an earlier run to compare with: XML of
--       Nmap with this script's results, or JSON or a recording of the command
--       mtr-trace. Each significant difference gets a line under the table.
--       Default: none.
-- @args mtr-trace.os What the OS guess may send: <code>passive</code>
--       (nothing), <code>echo</code> (three echo requests to each hop
--       address), <code>active</code> (also three UDP datagrams and three
--       TCP ACKs to a closed port of each hop address; for those who may
--       probe routers they did not name as targets) or <code>off</code> (no
--       guess). Default: <code>echo</code>.
-- @args mtr-trace.snmp Whether to send one unauthenticated SNMPv3 discovery
--       request to UDP port 161 of each hop address: <code>yes</code> or
--       <code>no</code>. Default: <code>no</code>.
-- @args mtr-trace.http Whether to measure the time to first byte of the
--       target's web server: <code>on</code> or <code>off</code>.
--       Default: <code>on</code>.
-- @args http.useragent User agent of the request, as in Nmap's own HTTP
--       library; without it mtr-trace/VERSION.
-- @args mtr-trace.url What to request: a path such as
--       <code>/health</code>, or a full URL, which also sets the scheme, the
--       port and the name for SNI and Host. The request always goes to the
--       traced address. Default: <code>/</code> by https on port 443, by http
--       on port 80 if there is no TLS service.
-- @args mtr-trace.http-count Requests, one after the other, 1 to 100; of
--       more than one the shortest, median and longest time are printed.
--       Default: <code>1</code>.
-- @args mtr-trace.http-timeout How long a request may take, 100ms to 600s.
--       Default: <code>10s</code>.
-- @args mtr-trace.http-method <code>GET</code> or <code>HEAD</code>.
--       Default: <code>GET</code>.
-- @args mtr-trace.direct Whether to ping each hop itself as well, with 10
--       echo requests after the trace, for the columns
--       <code>direct_rtt</code> and <code>direct_loss</code>, which are no
--       figures of the path: <code>yes</code> or <code>no</code>. Default:
--       <code>no</code>; <code>yes</code> if one of the columns is chosen.
-- @args mtr-trace.ports Ports to trace as well, to find the hop that drops
--       them: <code>filtered</code> (those that Nmap's scan found filtered) or
--       a list in braces as for <code>-p</code>, such as
--       <code>{22,25,U:53}</code>. Three flows of each port are traced, in 2
--       to 4 s for all ports, or 7 to 9 s for each one if hops rate-limit
--       their replies. Default: none.
-- @args mtr-trace.max-ports How many of these ports are traced at most for a
--       host, 1 to 1000. Default: <code>8</code>.
-- @args mtr-trace.pmtu Whether to find the path MTU and the hop beyond which
--       it is smaller: <code>yes</code> or <code>no</code>.
--       Default: <code>no</code>.
--
-- @output
-- Host script results:
-- | mtr-trace:
-- |   Target: www.example.com (93.184.216.34)
-- |   TTFB: 124.56 ms  (https, HTTP/2 200; TCP 24.1 + TLS 50.2 + wait 50.3; server processing time 38.8)
-- |
-- |   Hop  IP Address     Loss%   Sent  Recv  Avg(ms)  StDev(ms)  Jitter(ms)  ASN      Organization     OS Guess
-- |   1    192.168.1.1    0.0% r  10    10    1.52     0.23       0.12        Private  Private Network  Linux-based
-- |   2    *              100.0%  10    0     -        -          -           -        -                -
-- |   3    93.184.216.34  0.0%    10    10    11.80    0.31       0.25        AS15133  EDGECAST, US     unknown
-- |
-- |   Latency rises at hop 3 (2 to 3 possible) and persists: 1.50 to 11.77 ms, the shortest round trip by 10.09 ms, which fits a longer path.
-- |   Hop 1 rate-limits its ICMP replies: 1 of 16 in a burst, 7 of 10 in the initial sample, 10 of 10 at 1.05 s.
-- |   Hop 2 does not reply (0 of 16 probes), hops beyond do.
-- |_  r: bursts were answered only in part, so Loss% is of probes sent more slowly.
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
-- <elem key="elapsed_s">12.412345</elem>
-- <elem key="sent">103</elem>
-- <elem key="capture_drops">0</elem>
-- <elem key="clock_adjustments">0</elem>
-- <elem key="missing_tx_timestamp">0</elem>
-- <elem key="path_id">94053318764405</elem>
-- <elem key="sockets">raw</elem>
-- <table key="ttfb">
--   <elem key="outcome">measured</elem>
--   <elem key="ttfb_ms">124.561</elem>
--   <elem key="tcp_ms">24.103</elem>
--   <elem key="tls_ms">50.151</elem>
--   <elem key="wait_ms">50.284</elem>
--   <elem key="server_time_ms">38.794</elem>
--   <elem key="retransmissions">0</elem>
--   <elem key="count">1</elem>
--   <elem key="min_ms">124.561</elem>
--   <elem key="median_ms">124.561</elem>
--   <elem key="max_ms">124.561</elem>
--   <elem key="url">https://www.example.com/</elem>
--   <elem key="method">GET</elem>
--   <elem key="address">93.184.216.34</elem>
--   <elem key="port">443</elem>
--   <elem key="scheme">https</elem>
--   <elem key="protocol">HTTP/2</elem>
--   <elem key="status">200</elem>
--   <elem key="tls_version">TLSv1.3</elem>
--   <elem key="certificate">trusted</elem>
--   <elem key="text">124.56 ms  (https, HTTP/2 200; TCP 24.1 + TLS 50.2 +
--     wait 50.3; server processing time 38.8)</elem>
-- </table>
-- <table key="hops">
--   <table>
--     <elem key="hop">1</elem>
--     <elem key="loss_percent">0</elem>
--     <elem key="loss_low_percent">0</elem>
--     <elem key="loss_high_percent">27.753279</elem>
--     <elem key="sent">10</elem>
--     <elem key="received">10</elem>
--     <elem key="late">0</elem>
--     <elem key="duplicates">0</elem>
--     <elem key="unlisted">0</elem>
--     <elem key="send_errors">0</elem>
--     <elem key="unreachable">0</elem>
--     <elem key="loss_periods">0</elem>
--     <elem key="longest_loss_period">0</elem>
--     <elem key="loss_bursts">0</elem>
--     <elem key="total_sent">39</elem>
--     <elem key="total_received">18</elem>
--     <elem key="rate_limited">true</elem>
--     <elem key="burst_sent">16</elem>
--     <elem key="burst_received">1</elem>
--     <elem key="sample_interval_s">1.05</elem>
--     <elem key="initial_sent">10</elem>
--     <elem key="initial_received">7</elem>
--     <elem key="shared">0</elem>
--     <elem key="better_beyond">false</elem>
--     <elem key="silent">false</elem>
--     <table key="responders">
--       <table>
--         <elem key="ip">192.168.1.1</elem>
--         <elem key="received">10</elem>
--         <elem key="last_ms">1.498123</elem>
--         <elem key="avg_ms">1.520411</elem>
--         <elem key="best_ms">1.310257</elem>
--         <elem key="worst_ms">2.004518</elem>
--         <elem key="median_ms">1.501377</elem>
--         <elem key="p95_ms">1.950012</elem>
--         <elem key="stdev_ms">0.230764</elem>
--         <elem key="jitter_ms">0.120655</elem>
--         <elem key="jitter_rfc3550_ms">0.080213</elem>
--         <elem key="reply_ttl">64</elem>
--         <elem key="late">0</elem>
--         <elem key="duplicates">0</elem>
--         <elem key="flow">0</elem>
--         <elem key="special">private</elem>
--         <elem key="asn">Private</elem>
--         <elem key="organization">Private Network</elem>
--         <elem key="os">Linux-based</elem>
--         <elem key="target">false</elem>
--         <table key="codes">
--           <table>
--             <elem key="type">11</elem>
--             <elem key="code">0</elem>
--             <elem key="name">time exceeded in transit</elem>
--             <elem key="count">10</elem>
--           </table>
--         </table>
--         <table key="os_guess">
--           <elem key="label">Linux-based</elem>
--           <elem key="confidence">high</elem>
--           <table key="candidates">
--             <table>
--               <elem key="name">Linux-based</elem>
--               <elem key="confidence">0.9</elem>
--             </table>
--           </table>
--           <table key="evidence">
--             <table key="probes_sent">
--               <elem key="echo">3</elem>
--               <elem key="tcp">0</elem>
--               <elem key="udp">0</elem>
--             </table>
--             <table key="distance">
--               <elem key="echo">1</elem>
--               <elem key="exceeded">1</elem>
--             </table>
--             <elem key="echo_df">never</elem>
--             <elem key="echo_id">increment</elem>
--             <elem key="echo_ttl">64</elem>
--             <elem key="error_size">92</elem>
--             <elem key="error_tos">control</elem>
--             <elem key="error_tos_byte">192</elem>
--             <elem key="error_ttl">64</elem>
--             <elem key="exceeded_df">false</elem>
--             <elem key="exceeded_id">increment</elem>
--             <elem key="exceeded_ttl">64</elem>
--             <elem key="family">4</elem>
--             <elem key="forwards">true</elem>
--             <elem key="local_mac">true</elem>
--             <elem key="mac">02:00:00:00:00:01</elem>
--             <elem key="quote">whole</elem>
--             <elem key="quoted_bytes">64</elem>
--             <elem key="quoted_checksum">good</elem>
--             <table key="rules">
--               <elem>R9</elem>
--               <elem>R9a</elem>
--               <elem>W1</elem>
--             </table>
--           </table>
--         </table>
--       </table>
--     </table>
--   </table>
--   <table>
--     <elem key="hop">3</elem>
--     <!-- as above -->
--     <table key="responders">
--       <table>
--         <elem key="ip">93.184.216.34</elem>
--         <!-- as above -->
--         <elem key="asn">AS15133</elem>
--         <elem key="organization">EDGECAST, US</elem>
--         <elem key="name">www.example.com</elem>
--         <elem key="prefix">93.184.216.0/24</elem>
--         <elem key="registry">arin</elem>
--         <elem key="country">US</elem>
--         <elem key="rpki">valid</elem>
--         <elem key="announced">true</elem>
--         <elem key="asn_source">irr rr.ntt.net ARIN</elem>
--         <elem key="target">true</elem>
--         <table key="origins">
--           <table>
--             <elem key="asn">AS15133</elem>
--             <elem key="prefix">93.184.216.0/24</elem>
--             <elem key="source">irr</elem>
--             <elem key="server">rr.ntt.net</elem>
--             <elem key="irr_source">ARIN</elem>
--             <elem key="rpki">valid</elem>
--             <elem key="organization">Edge Network</elem>
--           </table>
--         </table>
--       </table>
--     </table>
--   </table>
-- </table>
-- <table key="verdicts">
--   <table>
--     <elem key="kind">latency_rise</elem>
--     <elem key="hop">3</elem>
--     <elem key="from">2</elem>
--     <elem key="to">3</elem>
--     <elem key="rtt_before_ms">1.501377</elem>
--     <elem key="rtt_after_ms">11.77</elem>
--     <elem key="rtt_rise_ms">10.268623</elem>
--     <elem key="best_rtt_rise_ms">10.089743</elem>
--     <elem key="text">Latency rises at hop 3 (2 to 3 possible) and
--       persists: 1.50 to 11.77 ms, the shortest round trip by 10.09 ms,
--       which fits a longer path.</elem>
--   </table>
--   <table>
--     <elem key="kind">rate_limited</elem>
--     <elem key="hop">1</elem>
--     <elem key="sent">10</elem>
--     <elem key="received">10</elem>
--     <elem key="burst_sent">16</elem>
--     <elem key="burst_received">1</elem>
--     <elem key="initial_sent">10</elem>
--     <elem key="initial_received">7</elem>
--     <elem key="sample_interval_s">1.05</elem>
--     <elem key="shared">0</elem>
--     <elem key="text">Hop 1 rate-limits its ICMP replies: 1 of 16 in a
--       burst, 7 of 10 in the initial sample, 10 of 10 at 1.05 s.</elem>
--   </table>
--   <table>
--     <elem key="kind">silent</elem>
--     <elem key="hop">2</elem>
--     <elem key="sent">16</elem>
--     <elem key="text">Hop 2 does not reply (0 of 16 probes), hops beyond
--       do.</elem>
--   </table>
-- </table>

author = "The mtr-trace authors"

license = "BSD-2-Clause"

categories = { "discovery", "safe", "external" }

-- Loads the libraries; not at file level, where a failing require would end
-- all of Nmap.
local function libraries()
  local ok, err = pcall(function()
    return {
      nse = require "mtrtrace.host.nse",
      loader = require "mtrtrace.session.loader",
      ordered = require "mtrtrace.base.ordered",
      tracer = require "mtrtrace.session.tracer",
      text = require "mtrtrace.report.text",
      structured = require "mtrtrace.report.structured",
    }
  end)
  return ok and err or nil, err
end

-- Loads the modules in the rule, which takes some 50 ms: Nmap evaluates all
-- rules before it runs scripts, so no running script waits.
hostrule = function()
  local lib = libraries()
  if lib and lib.loader.core() then
    lib.loader.http()
  end
  return true
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
  host.breathe(true)
  local args, core, ok, options, beside, result, name
  args, err = host:arguments()
  if not args then
    return host:refuse(err)
  end
  core, err = lib.loader.core()
  if not core then
    return host:refuse(err)
  end
  ok, err = host:baseline(args, core)
  if not ok then
    return host:refuse(err)
  end
  ok, err, name = host:sockets(args, core)
  if not ok then
    return host:fail(err, name)
  end
  options, err = host:options(args, target, core)
  if not options then
    return nil, "ERROR: " .. err
  end
  beside, err = host:enrichers(args, options, core, target)
  if not beside then
    return host:refuse(err)
  end
  options.limit = host:limit(args)
  result, err, name = lib.tracer.run(host, core, options, beside)
  host:ended()
  host.breathe()
  if not result then
    return host:fail(err, name)
  end
  host:map(args, result)
  host:compare(args, result, target)
  args.name, args.evidence = target.targetname, host.verbose()
  args.ascii = true -- Nmap writes other bytes as \xHH
  local structured = lib.structured.build(result, args, lib.ordered.new)
  host.breathe()
  local text = lib.text.render(result, args):gsub("\n([^\n])", "\n  %1")
  host.leave()
  return structured, "\n  " .. text
end
