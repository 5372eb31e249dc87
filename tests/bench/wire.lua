-- SPDX-License-Identifier: BSD-2-Clause
--- What those share that hold reported RTTs against an independent capture.
local M = {}

local MAGIC_NS = 0xa1b23c4d
local LINK_BYTES = { [1] = 14, [101] = 0 } -- Ethernet, and IP alone

local ICMP, ICMP6 = 1, 58
local REQUEST = { [ICMP] = 8, [ICMP6] = 128 }
local REPLY = { [ICMP] = 0, [ICMP6] = 129 }
-- Time exceeded and unreachable quote the request.
local ERROR = { [ICMP] = { [11] = true, [3] = true },
  [ICMP6] = { [3] = true, [1] = true } }

--- The IP packets of a capture: tcpdump's, nanoseconds.
-- @tparam string path
-- @treturn function the next time in ns and packet, or nil
function M.packets(path)
  local file = assert(io.open(path, "rb"))
  local magic, _, link = string.unpack("<I4 c16 I4", file:read(24))
  assert(magic == MAGIC_NS, "not nanoseconds")
  local skipped = assert(LINK_BYTES[link], "neither Ethernet nor IP")
  return function()
    while true do
      local head = file:read(16)
      if not head or #head < 16 then
        file:close()
        return nil
      end
      local s, ns, length = string.unpack("<I4I4I4", head)
      local packet = file:read(length):sub(skipped + 1)
      local version = #packet >= 28 and packet:byte() >> 4
      if version == 4 or version == 6 then
        return s * 1000000000 + ns, packet
      end
    end
  end
end

local function header(packet, from)
  if packet:byte(from) >> 4 == 6 then
    return packet:byte(from + 6), from + 40
  end
  return packet:byte(from + 9), from + (packet:byte(from) & 15) * 4
end

--- The transport of a packet, or of the one that it quotes; IPv4 or IPv6
-- without extension headers.
-- @tparam string packet
-- @treturn integer protocol
-- @treturn integer where its header begins
-- @treturn boolean whether it is quoted
function M.transport(packet)
  local protocol, at = header(packet, 1)
  local quoted = ERROR[protocol] and ERROR[protocol][packet:byte(at)] or false
  if quoted then
    protocol, at = header(packet, at + 8)
  end
  return protocol, at, quoted
end

--- Which echo request a packet is, or answers, or quotes.
-- @tparam string packet
-- @treturn ?boolean whether it is the request; nil where it is about none
-- @treturn string its identifier and sequence number, 4 bytes
function M.echo(packet)
  local protocol, at, quoted = M.transport(packet)
  local kind = REQUEST[protocol] and packet:byte(at)
  if kind and (kind == REQUEST[protocol] or kind == REPLY[protocol]) then
    return kind == REQUEST[protocol] and not quoted, packet:sub(at + 4, at + 7)
  end
end

--- Errors in order, and how they are told.
-- @tparam {number,...} errors none negative; sorted in place
-- @treturn number median
-- @treturn number p99
-- @treturn number worst
function M.summary(errors)
  assert(#errors > 0, "nothing of the report is in the capture")
  table.sort(errors)
  local function quantile(p)
    return errors[math.max(1, math.ceil(p * #errors))]
  end
  return quantile(0.5), quantile(0.99), errors[#errors]
end

return M
