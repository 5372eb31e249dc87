-- SPDX-License-Identifier: BSD-2-Clause
-- Compares our judge with Nmap's OS database, which was made independently.
-- Prints the results by family of systems; with V=1 tests/run shows them.
local check = require "check"
local families = require "osdb_families"
local judge = require "mtrtrace.os.judge"
local loss = require "mtrtrace.base.proportion"
local names = require "mtrtrace.os.names"
local osdb = require "osdb"
local osdb_evidence = require "osdb_evidence"

-- The evidence: with the size of Nmap's UDP probe, with ours, from echo
-- requests alone of devices that forward, and of targets that reply to nothing
-- else. The last one has no claim of high confidence, and more of its claims
-- may be wrong. Families are judged with complete evidence. `claims` and
-- `named`: least numbers.
local VIEWS = {
  { name = "at_328", size = 328, families = true, claims = 500, named = 2500,
    subject = osdb_evidence.subject },
  { name = "at_40", size = 40, families = true, claims = 500, named = 2500,
    subject = osdb_evidence.subject },
  { name = "as_hop", size = 40, claims = 20, named = 500,
    subject = osdb_evidence.hop },
  { name = "pinged", size = 40, claims = 1000, named = 2500, doubtful = true,
    subject = osdb_evidence.pinged },
}
local LEAST_ENTRIES = 20
local MOST_WRONG, MOST_WRONG_OF_DOUBTFUL = 0.01, 0.1
-- The database is that of the installed Nmap and grows. So a family may be
-- below its share, but not significantly (Wilson, 95 %); all families together
-- may not be below theirs.
local LEAST_HITS, LEAST_HITS_OF_ALL = 0.85, 0.95

local function database()
  local pipe = io.popen("command -v nmap")
  local program = pipe:read("l") or ""
  pipe:close()
  local places = { os.getenv("NMAPDIR") or "/usr/share/nmap",
    (program:gsub("/bin/nmap$", "/share/nmap")), "/usr/share/nmap" }
  for _, place in ipairs(places) do
    local path = place .. "/nmap-os-db"
    local file = io.open(path)
    if file then
      file:close()
      return path
    end
  end
end

local function truth_of(entry)
  local truth = { names = {}, shown = {} }
  for _, class in ipairs(entry.classes) do
    local name = families.names[class.family]
      or families.linux[class.family] and "Linux-based"
    truth.names[name or ""] = name and true or nil
    truth.shown[name or "(" .. class.family .. ")"] = true
    truth.embedded = truth.embedded or class.family == "embedded"
    for _, brand in ipairs(families.brands[class.vendor] or {}) do
      for member in pairs(names.expand { brand }) do
        truth.brand = truth.brand or {}
        truth.brand[member] = true
      end
    end
  end
  return truth
end

local function expanded(guess)
  local list = {}
  for i, candidate in ipairs(guess.candidates) do
    list[i] = candidate.name
  end
  return names.expand(list)
end

local CLASSES = { ["Linux-based"] = true, ["BSD-like stack"] = true }

-- The family "embedded" does not name the system of a device, so neither a
-- class nor the name of its own vendor contradicts it.
local function contradicts(guess, truth)
  local label = names.expand { guess.label }
  if names.intersection(label, truth.names) then
    return false
  elseif truth.embedded then
    return not CLASSES[guess.label]
      and not (truth.brand and names.intersection(label, truth.brand))
  end
  return true
end

local function row_of(rows, name)
  rows[name] = rows[name] or { name = name, all = 0, judged = 0, hits = 0,
    labels = {} }
  return rows[name]
end

local function count(rows, entry, totals, view)
  local truth = truth_of(entry)
  local subject = view.subject(entry, view.size)
  local guess = subject and judge.judge(subject)
  local candidates = guess and expanded(guess)
  for name in pairs(truth.shown) do
    local row = row_of(rows, name)
    row.all = row.all + 1
    if guess then
      local label = (guess.label or "unknown")
        .. (guess.label and guess.doubtful and "?" or "")
      row.judged = row.judged + 1
      row.hits = row.hits + (candidates[name] and 1 or 0)
      row.labels[label] = (row.labels[label] or 0) + 1
    end
  end
  totals.judged = totals.judged + (guess and 1 or 0)
  if guess and guess.label
    and (guess.confidence == "high" or view.doubtful) then
    totals.high = totals.high + 1
    if contradicts(guess, truth) then
      table.insert(totals.wrong, ("%s: %s (line %d)"):format(guess.label,
        entry.name, entry.line))
    end
  end
end

local function sorted(map, by)
  local list = {}
  for key, value in pairs(map) do
    list[#list + 1] = { key = key, value = value }
  end
  table.sort(list, function(a, b)
    local x, y = by(a.value), by(b.value)
    if x ~= y then
      return x > y
    end
    return a.key < b.key
  end)
  return list
end

local function show(rows)
  print(("%-26s %5s %5s %6s  %s"):format("family", "all", "named", "among",
    "labels"))
  for _, item in ipairs(sorted(rows, function(r) return r.all end)) do
    local row, parts = item.value, {}
    for _, l in ipairs(sorted(row.labels, function(n) return n end)) do
      parts[#parts + 1] = ("%s %d"):format(l.key, l.value)
    end
    if row.judged > 0 and (row.all >= 5 or row.name:sub(1, 1) ~= "(") then
      print(("%-26s %5d %5d %5.1f%%  %s"):format(row.name, row.all,
        row.judged, 100 * row.hits / row.judged, table.concat(parts, ", ")))
    end
  end
end

local function run(entries, view)
  local rows, totals = {}, { judged = 0, high = 0, wrong = {} }
  for _, entry in ipairs(entries) do
    count(rows, entry, totals, view)
  end
  print("---- " .. view.name)
  show(rows)
  for _, line in ipairs(totals.wrong) do
    print("contradicts: " .. line)
  end
  print(("%d of %d entries can be identified; %d claims %s, "
    .. "%d contradict the label (%.2f%% of them)"):format(totals.judged,
    #entries, totals.high, view.doubtful and "of any confidence"
    or "of high confidence", #totals.wrong,
    100 * #totals.wrong / math.max(1, totals.high)))
  return rows, totals
end

local path = database()
check.case("nmap_os_db_is_installed", function()
  check.equal(path ~= nil, true, "nmap-os-db in Nmap's data folder")
end)
if not path then
  check.finish()
end

local function judge_row(row, view)
  local name = row.name:gsub("[^%w]+", "_")
  check.case(("%s_is_among_the_candidates_%s"):format(name, view.name),
    function()
      local _, high = loss.wilson(row.hits, row.judged, loss.Z95)
      if high < LEAST_HITS then
        error(("%d of %d (%.1f%%)"):format(row.hits, row.judged,
          100 * row.hits / row.judged), 0)
      end
    end)
end

local function judge_rows(rows, view)
  local hits, judged = 0, 0
  for _, item in ipairs(sorted(rows, function(r) return r.all end)) do
    local row = item.value
    if row.judged >= LEAST_ENTRIES and row.name:sub(1, 1) ~= "(" then
      judge_row(row, view)
      hits, judged = hits + row.hits, judged + row.judged
    end
  end
  print(("families of %d entries or more: %d of %d among the candidates")
    :format(LEAST_ENTRIES, hits, judged))
  check.case("families_are_among_the_candidates_" .. view.name, function()
    check.equal(hits >= LEAST_HITS_OF_ALL * judged, true,
      ("%d of %d"):format(hits, judged))
  end)
end

local function judge_claims(totals, view)
  check.case("claims_rarely_contradict_" .. view.name, function()
    local share = #totals.wrong / totals.high
    if share > (view.doubtful and MOST_WRONG_OF_DOUBTFUL or MOST_WRONG) then
      error(("%d of %d: %s"):format(#totals.wrong, totals.high,
        table.concat(totals.wrong, "; ")), 0)
    end
  end)
end

local entries = osdb.load(path)
for _, view in ipairs(VIEWS) do
  local rows, totals = run(entries, view)
  check.case("enough_of_the_database_is_identified_" .. view.name, function()
    check.equal(totals.judged >= view.named, true, totals.judged)
    check.equal(totals.high >= view.claims, true, totals.high)
  end)
  if view.families then
    judge_rows(rows, view)
  end
  judge_claims(totals, view)
end

check.finish()
