-- SPDX-License-Identifier: BSD-2-Clause
-- What mtrtrace.host.nse_net makes of the packets of Nmap's dns library.
local check = require "check"
local nse_net = require "mtrtrace.host.nse_net"
local silence = require "mtrtrace.host.silence"

local NAME = "1.2.0.192.zone.test"

-- Asks for a name; `answer` is dns.query's, given the options.
local function query(answer)
  package.loaded.dns = {
    query = function(name, options)
      return answer(options, name)
    end,
  }
  local host = {}
  nse_net.add(host, { get_dns_servers = function() return {} end }, {}, {})
  local texts, err = host.txt(NAME, 1)
  package.loaded.dns = nil
  return texts, err
end

local function packet(options, answers, flags, name)
  flags = flags or {}
  flags.QR = not flags.is_query or nil
  return {
    id = options.id, flags = flags, answers = answers or {},
    questions = { { dname = name or NAME } },
  }
end

local function record(data, kind)
  return { dtype = kind or 16, data = data }
end

local ROWS = {
  { name = "txt_record", answers = { record "\3abc" }, want = { "abc" } },
  { name = "txt_strings_are_joined", answers = { record "\2ab\0\1c" },
    want = { "abc" } },
  { name = "txt_records", answers = { record "\1a", record "\1b" },
    want = { "a", "b" } },
  { name = "txt_string_longer_than_its_record",
    answers = { record "\255ab" }, want = { "ab" } },
  { name = "txt_empty_record", answers = { record "" }, want = { "" } },
  { name = "txt_other_records_are_left_out",
    answers = { record("\1a", 5), record "\1b" }, want = { "b" } },
  { name = "txt_no_such_name", flags = { RC3 = true, RC4 = true },
    want = {} },
  { name = "txt_no_such_record", want = {} },
  { name = "txt_name_in_other_letters", queried = NAME:upper(), want = {} },
  { name = "txt_server_failure", flags = { RC3 = true }, err = "refused" },
  { name = "txt_format_error", flags = { RC4 = true }, err = "refused" },
  { name = "txt_refused", flags = { RC2 = true, RC4 = true },
    err = "refused" },
  { name = "txt_the_question_itself", flags = { is_query = true },
    err = "no answer to the question" },
  { name = "txt_answer_to_another_question", queried = "x.test",
    err = "no answer to the question" },
}
check.rows(ROWS, function(row)
  local texts, err = query(function(options)
    return true, packet(options, row.answers, row.flags, row.queried)
  end)
  check.equal(texts, row.want)
  if row.err then
    check.contains(err, row.err)
  end
end)

check.case("txt_answer_with_another_id", function()
  local texts, err = query(function(options)
    return true, packet { id = options.id ~ 1 }
  end)
  check.equal(texts, nil)
  check.contains(err, "no answer to the question")
end)

check.case("txt_answers_of_libunbound", function()
  local uv_dns = require "mtrtrace.host.uv_dns"
  local answer, err, queried
  local function found() return "here" end
  package.loaded.lunbound = { new = function()
    return { getfd = function() return 7 end,
      cancel = function() queried = "cancelled" end,
      resolve_async = function(_, done, name, kind)
        queried = name .. " " .. kind
        done(answer, err)
        return 1
      end }
  end }
  local host = { silence = silence.new(function() return 0 end) }
  function host.after(_, body) body() end
  function host.await_for(_, start)
    local got
    start(function(...) got = got or table.pack(...) end)
    return table.unpack(got or { "timeout" })
  end
  local poll = { start = function() end, unref = function() end }
  uv_dns.add(host, { new_poll = function() return poll end }, found)
  answer = { rcode = 0, "\2ab\1c", "\1d" }
  check.equal(host.txt(NAME, 1), { "abc", "d" })
  check.equal(queried, NAME .. " 16")
  answer = { rcode = 3 }
  check.equal(host.txt(NAME, 1), {})
  answer = { rcode = 2 }
  check.equal({ host.txt(NAME, 1) },
    { nil, "refused or no answer to the question" })
  answer, err = nil, "out of memory"
  check.equal({ host.txt(NAME, 1) }, { nil, "out of memory" })
  host.await_for = function() return "timeout" end
  check.equal({ host.txt(NAME, 1) }, { nil, "no answer from the resolver" })
  check.equal(queried, "cancelled")
  package.loaded.lunbound = nil
end)

-- Asks for names one after the other: "lost" fails after 2 s, "broken" at
-- once, "slow" is answered after 2 s, "known" at once; a number is a time to
-- wait. Returns those for which servers were asked.
local function asked(names)
  local clock, list = 0, {}
  local quiet = silence.new(function() return clock end)
  for _, name in ipairs(names) do
    if type(name) == "number" then
      clock = clock + name
    else
      quiet:ask(2.5, function(seconds)
        if seconds > 0 then
          list[#list + 1] = name
          clock = clock + ((name == "lost" or name == "slow") and 2 or 0)
        end
        return nil, (name == "lost" or name == "broken") and "no answer" or nil
      end)
    end
  end
  return table.concat(list, " ")
end

-- Seven names that are lost, one that is, and then others.
local function after(...)
  local list = { ... }
  for _ = 1, 7 do
    table.insert(list, 1, "lost")
  end
  return asked(list)
end
local SEVEN = ("lost "):rep(7)

check.case("a_resolver_that_does_not_answer_is_asked_no_more_for_a_minute",
  function()
    check.equal(after("lost", "a", 59.9, "b"), SEVEN .. "lost")
    check.equal(after("lost", 60, "lost", "b"), SEVEN .. "lost lost")
    check.equal(after("lost", 60, "known", "lost", "c"),
      SEVEN .. "lost known lost c")
    check.equal(after("lost", "known", 60, "c"), SEVEN .. "lost c")
  end)

check.case("one_that_answers_is_asked_on", function()
  check.equal(after("known", "lost", "c"), SEVEN .. "known lost c")
  check.equal(after("slow", "lost", "c"), SEVEN .. "slow lost c")
  check.equal(after("broken", "c"), SEVEN .. "broken c")
end)

check.case("names_that_are_lost_while_others_are_answered_tell_nothing",
  function()
    local clock, count = 0, 0
    local quiet = silence.new(function() return clock end)
    local function lost(seconds)
      count = count + (seconds > 0 and 1 or 0)
      clock = clock + 1
      quiet:ask(2.5, function() return "name" end)
      clock = clock + 1
      return nil, "no answer"
    end
    for _ = 1, 20 do
      quiet:ask(2.5, lost)
    end
    check.equal(count, 20)
  end)

check.case("txt_without_libunbound", function()
  local host = {}
  require("mtrtrace.host.uv_dns").add(host, {}, function() return nil end)
  check.equal(host.txt, nil)
  check.contains(host.no_txt, "need Nmap or the Lua module lunbound")
end)

check.case("txt_library_that_raises", function()
  check.equal({ query(function() error "data string too short" end) },
    { nil, "unreadable answer" })
end)

check.case("txt_no_answer", function()
  check.equal({ query(function() return false, "No Answers" end) },
    { nil, "No Answers" })
end)

check.case("txt_packet_without_a_question", function()
  check.equal((query(function(options)
    return true, { id = options.id, flags = { QR = true }, answers = {} }
  end)), nil)
end)

check.case("txt_is_asked_with_limits", function()
  local queried
  query(function(options, name)
    queried = { name, options.dtype, options.noauth, options.timeout <= 1000,
      options.sendCount <= 2 }
    return true, packet(options)
  end)
  check.equal(queried, { NAME, "TXT", true, true, true })
end)

check.finish()
