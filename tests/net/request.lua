-- SPDX-License-Identifier: BSD-2-Clause
-- Requests by mtrtrace.http, as the environment says: REQUEST_URL,
-- REQUEST_ADDRESS, REQUEST_CA: files of certificates parted by blanks, each
-- of a request and then removed. Prints "200 HTTP/2 TLSv1.3" or why not.
local ok, http = pcall(require, "mtrtrace.http")
if not ok then
  return print((http:match("[^\n]*mtrtrace%.http: [^\n]*") or http))
end

local function ask(ca_file)
  local url = os.getenv "REQUEST_URL"
  local request = assert(http.start {
    url = url, address = os.getenv "REQUEST_ADDRESS", agent = "test",
    port = url:find("^https") and 443 or 80, ca_file = ca_file,
  })
  while not request:done() do
    os.execute "sleep 0.02"
  end
  local r = request:result()
  request:close()
  print(r.failure and r.failure .. ": " .. tostring(r.text)
    or ("%d HTTP/%s %s"):format(r.status, r.version, r.tls_version or "-"))
end

for ca_file in os.getenv "REQUEST_CA":gmatch "%S+" do
  ask(ca_file)
  os.remove(ca_file)
end
