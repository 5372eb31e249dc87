-- SPDX-License-Identifier: BSD-2-Clause
-- compare.lua FILE NAME KEY=VALUE...: compares the XML of a trace without any
-- loss with the lab's own truth; one case per subject, named NAME_SUBJECT.
--   hops=A,B,...   addresses of all hops, the target last
--   protocol= packets= size= source= interface= mtu=   as traced
--   sockets=       unprivileged: less is seen, and that is said
--   target=        the name as in the report; the last hop where it is absent
local nmapxml = require "nmapxml"

local FAMILY_CODES = {
  [4] = { exceeded = "11/0 time exceeded in transit",
    icmp = "0/0 echo reply", udp = "3/3 port unreachable",
    tcp = "-/- SYN-ACK" },
  [6] = { exceeded = "3/0 time exceeded in transit",
    icmp = "129/0 echo reply", udp = "1/4 port unreachable",
    tcp = "-/- SYN-ACK" },
}

local WILSON_Z2 = 1.959964 ^ 2

-- Complaints of the subject that is being compared.
local wrong

local function equal(what, got, want)
  if got ~= want then
    wrong[#wrong + 1] = ("%s is %s, not %s"):format(what, tostring(got),
      tostring(want))
  end
end

local function holds(what, truth)
  if not truth then
    wrong[#wrong + 1] = what
  end
end

local function each_hop(trace, check)
  holds("there are no hops", #(trace.data.hops or {}) > 0)
  for i, hop in ipairs(trace.data.hops or {}) do
    check("hop " .. i .. " ", hop, hop.responders[1] or {}, i)
  end
end

local SUBJECTS = {}

table.insert(SUBJECTS, { "addresses", function(trace, truth)
  equal("number of hops", #(trace.data.hops or {}), #truth.hops)
  each_hop(trace, function(at, hop, main, i)
    equal(at .. "number", hop.hop, tostring(i))
    equal(at .. "address", main.ip, truth.hops[i])
    equal(at .. "responders", #hop.responders, 1)
    equal(at .. "silent", hop.silent, "false")
  end)
end })

table.insert(SUBJECTS, { "counts", function(trace, truth)
  local raw = 0
  each_hop(trace, function(at, hop, main)
    for _, key in ipairs { "loss_percent", "loss_low_percent", "late",
      "duplicates",
      "send_errors" } do
      equal(at .. key, hop[key], "0")
    end
    equal(at .. "sent", hop.sent, truth.packets)
    equal(at .. "received", hop.received, truth.packets)
    equal(at .. "its responder's received", main.received, truth.packets)
    equal(at .. "total_received", hop.total_received, hop.total_sent)
    raw = raw + (tonumber(hop.total_sent) or 0)
    local n = tonumber(truth.packets)
    holds(at .. "loss_high", math.abs(tonumber(hop.loss_high_percent)
      - 100 * WILSON_Z2 / (n + WILSON_Z2)) < 0.01)
  end)
  local sent, packets = tonumber(trace.data.sent), tonumber(truth.packets)
  holds("total_sent below sent", raw >= #truth.hops * packets)
  holds(("sent is %s, total_sent %d"):format(trace.data.sent, raw),
    sent >= raw and sent <= raw + 6 * (packets + 19))
end })

local function times_of(main)
  local t = {}
  for _, key in ipairs { "best", "worst", "avg", "median", "p95", "last",
    "stdev", "jitter", "jitter_rfc3550" } do
    t[key] = tonumber(main[key .. "_ms"])
    holds(key .. " is missing", t[key])
  end
  return #wrong == 0 and t or nil
end

-- Whether these times of a hop rise in this order.
local function ascends(at, times, ...)
  local keys, shown = { ... }, {}
  for i, key in ipairs(keys) do
    shown[i] = ("%s %s"):format(key, times[key])
  end
  for i = 2, #keys do
    holds(at .. table.concat(shown, " <= "),
      times[keys[i - 1]] <= times[keys[i]])
  end
end

table.insert(SUBJECTS, { "times", function(trace)
  each_hop(trace, function(at, _, main)
    local t = times_of(main)
    if not t then
      return
    end
    ascends(at, t, "best", "avg", "worst")
    ascends(at, t, "best", "median", "p95", "worst")
    ascends(at, t, "best", "last", "worst")
    holds(("%s0 < best %s, worst %s < 1000 ms"):format(at, t.best, t.worst),
      t.best > 0 and t.worst < 1000)
    for _, key in ipairs { "stdev", "jitter", "jitter_rfc3550" } do
      holds(("%s%s %s from 0 to worst - best"):format(at, key, t[key]),
        t[key] >= 0 and t[key] <= t.worst - t.best + 1e-6)
    end
  end)
end })

local function codes_of(responder)
  local seen, count = {}, 0
  for i, c in ipairs(responder.codes or {}) do
    seen[i] = ("%s/%s %s"):format(c.type or "-", c.code or "-", c.name)
    count = count + tonumber(c.count)
  end
  return table.concat(seen, ", "), count
end

-- The answer to the h-th hop has passed h - 1 routers.
table.insert(SUBJECTS, { "answers", function(trace, truth)
  local names = FAMILY_CODES[truth.family]
  each_hop(trace, function(at, hop, main, i)
    local codes, count = codes_of(main)
    local last = i == #truth.hops
    equal(at .. "codes", codes, last and names[truth.protocol]
      or names.exceeded)
    equal(at .. "count of its code", tostring(count), hop.total_received)
    local unseen = last and truth.sockets and truth.protocol == "tcp"
    equal(at .. "reply_ttl", main.reply_ttl,
      not unseen and tostring(65 - i) or nil)
    equal(at .. "target", main.target, tostring(last))
    equal(at .. "flow", main.flow, "0")
  end)
end })

table.insert(SUBJECTS, { "head", function(trace, truth)
  local data, n = trace.data, #truth.hops
  equal("target", data.target, truth.target or truth.hops[n])
  for _, key in ipairs { "protocol", "packets", "size", "source",
    "interface", "mtu", "port", "source_port", "sockets" } do
    holds(("%s is %s, not %s"):format(key, data[key], truth[key]),
      truth[key] == nil or data[key] == truth[key])
  end
  equal("reached", data.reached, "true")
  equal("ending", data.ending, "reached")
  equal("target_ttl", data.target_ttl, tostring(n))
  equal("first_hop", data.first_hop, "1")
  local probed = tonumber(data.probed_hop)
  holds("probed_hop is " .. probed, probed >= n and probed <= n + 6)
  for _, key in ipairs { "capture_drops", "clock_adjustments",
    "missing_tx_timestamp" } do
    equal(key, data[key], "0")
  end
  equal("send_error", data.send_error, nil)
  equal("port is there", data.port ~= nil, truth.protocol ~= "icmp")
  holds("elapsed_s is " .. data.elapsed_s, tonumber(data.elapsed_s) < 60)
end })

local TITLES = { "Hop", "IP Address", "Loss%", "Sent", "Recv", "Avg(ms)",
  "StDev(ms)", "Jitter(ms)", "ASN", "Organization", "OS Guess" }

-- The XML's nanoseconds may stand for a little less or more: where that makes
-- two roundings possible, either may be printed.
local function cells_of(hop, text)
  local main = hop.responders[1]
  local row = ("\n" .. text):match("\n +" .. hop.hop .. " [^\n]*") or ""
  local printed = {}
  for cell in (row:gsub("^\n? +", "") .. "  "):gmatch "(.-)  +" do
    printed[#printed + 1] = cell
  end
  local function ms(key, column)
    local exact = tonumber(main[key .. "_ms"])
    local less = ("%.2f"):format(math.max(exact - 5e-7, 0))
    local more = ("%.2f"):format(exact + 5e-7)
    return printed[column] == less and less or more
  end
  return { hop.hop, main.ip, ("%.1f%%"):format(tonumber(hop.loss_percent)),
    hop.sent, hop.received, ms("avg", 6), ms("stdev", 7), ms("jitter", 8),
    main.asn or "-", main.organization or "-", main.os or "-" }
end

-- Columns are as wide as their content and two blanks apart.
local function layout(grid)
  local lines = {}
  for r, cells in ipairs(grid) do
    local line = {}
    for c, cell in ipairs(cells) do
      local width = 0
      for _, other in ipairs(grid) do
        width = math.max(width, #other[c])
      end
      line[c] = cell .. (" "):rep(width - #cell)
    end
    lines[r] = "  " .. table.concat(line, "  "):gsub(" +$", "")
  end
  return lines
end

table.insert(SUBJECTS, { "text", function(trace, truth)
  local grid = { TITLES }
  each_hop(trace, function(_, hop)
    grid[#grid + 1] = cells_of(hop, trace.text)
  end)
  local want = layout(grid)
  table.insert(want, 1, "")
  table.insert(want, 2, "  Target: " .. (truth.target
    or truth.hops[#truth.hops]))
  table.insert(want, 3, "  TTFB: ")
  table.insert(want, 4, "")
  if truth.sockets then
    want[#want + 1] = ""
    want[#want + 1] = trace.text:match "\n(  Unprivileged sockets: [^\n]*)"
  end
  local n = 0
  for line in (trace.text .. "\n"):gmatch "(.-)\n" do
    n = n + 1
    line = n == 3 and line:match "^  TTFB: " or line
    equal("line " .. n, ("%q"):format(line), ("%q"):format(want[n] or ""))
  end
  equal("number of lines", n, #want)
end })

local function read_truth(words)
  local truth = { protocol = "icmp", packets = "10", hops = {} }
  for _, word in ipairs(words) do
    local key, value = word:match "^([%w_]+)=(.*)$"
    truth[key] = value
  end
  local hops = {}
  for address in truth.hops:gmatch "[^,]+" do
    hops[#hops + 1] = address
  end
  truth.hops = hops
  truth.family = hops[1]:find(":", 1, true) and 6 or 4
  return truth
end

local function judge(name, ok, err)
  if ok and #wrong > 0 then
    ok, err = false, table.concat(wrong, "; "):sub(1, 1000)
  end
  print(ok and "ok " .. name or ("not ok %s - %s"):format(name, err))
end

local truth = read_truth { table.unpack(arg, 3) }
local found, trace = pcall(function()
  return nmapxml.trace(nmapxml.read(arg[1]), truth.host)
end)
for _, subject in ipairs(SUBJECTS) do
  wrong = {}
  local ok, err = found, trace
  if found then
    ok, err = pcall(subject[2], trace, truth)
  end
  judge(arg[2] .. "_" .. subject[1], ok, err)
end
