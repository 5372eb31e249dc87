-- SPDX-License-Identifier: BSD-2-Clause
-- Questions to the system's resolver that need no answer of one; see
-- tests/net/silent_resolver_test.sh for the others.
local check = require "check"
local core = require "mtrtrace.core"

-- Waits for the answer, 10 s at most.
local function ask(kind, subject)
  local question = core.names(kind, subject, 1)
  local deadline = os.time() + 10
  local answer = table.pack(question:answer())
  while answer.n == 0 and os.time() < deadline do
    answer = table.pack(question:answer())
  end
  question:close()
  return { answer[1], answer[2] }
end

check.rows({
  { name = "address_of_itself", kind = "forward", subject = "192.0.2.1",
    want = { "192.0.2.1" } },
  { name = "address_with_a_zone", kind = "forward", subject = "fe80::1%lo",
    want = { "fe80::1%lo" } },
  { name = "no_address", kind = "reverse", subject = "192.0.2",
    want = { nil, "EAI_NONAME" } },
}, function(row)
  check.equal(ask(row.kind, row.subject), row.want)
end)

check.case("arguments_are_checked", function()
  for _, row in ipairs {
    { "backward", "192.0.2.1", 1, "invalid option 'backward'" },
    { "reverse", nil, 1, "string expected" },
    { "forward", ("x"):rep(1025), 1, "a name expected" },
    { "forward", "a\0b", 1, "a name expected" },
    { "forward", "192.0.2.1", -1, "0 to 255 seconds expected" },
    { "forward", "192.0.2.1", 256, "0 to 255 seconds expected" },
    { "forward", "192.0.2.1", 1.5, "no integer representation" },
  } do
    local ok, err = pcall(core.names, row[1], row[2], row[3])
    check.equal(ok, false)
    check.contains(err, row[4])
  end
end)

check.case("an_open_question_is_closed_and_collected", function()
  for _ = 1, 100 do
    core.names("forward", "192.0.2.1", 1)
  end
  collectgarbage()
  local question = core.names("forward", "192.0.2.1", 1)
  question:close()
  question:close()
  local ok, err = pcall(question.answer, question)
  check.equal(ok, false)
  check.contains(err, "question is closed")
end)

check.finish()
