-- SPDX-License-Identifier: BSD-2-Clause

--- The file whose bytes UDP probes carry, and the place in it of the
-- identifier that the target repeats. `parse` is pure; `read` opens the file.
-- @module mtrtrace.options.payloadfile
local M = {}

-- As the engine has them: PAYLOAD_FILE_MOST and others in cext/wire/payload.h.
local MOST, SEEN, ID_LEAST, ID_MOST, ID_USUAL = 8972, 56, 4, 8, 6

--- Reads what the user wrote.
-- @tparam string text "FILE@OFFSET" or "FILE@OFFSET:LENGTH"
-- @treturn ?table { path, at, length, text }; `at` is nil without an offset;
--   nil where it looks like no file: a word without "@", "/" or "."
function M.parse(text)
  local path, at, length = text:match "^(.+)@(%d+):(%d+)$"
  if not path then
    path, at = text:match "^(.+)@(%d+)$"
  end
  if not path and not text:find "[@/.]" or text:find "%c" then
    return nil
  end
  local function number(digits)
    return digits and #digits < 6 and math.tointeger(tonumber(digits))
      or digits and math.maxinteger or nil
  end
  return { path = path or text, at = number(at), text = text,
    length = number(length) or ID_USUAL }
end

-- Returns what is expected where the place of the identifier is invalid.
local function misplaced(file)
  if not file.at then
    return "expected FILE@OFFSET, the place of the bytes that the target "
      .. "repeats: without them no answer names its probe"
  elseif file.length < ID_LEAST or file.length > ID_MOST then
    return ("expected an identifier of %d to %d bytes, as fewer can be "
      .. "guessed"):format(ID_LEAST, ID_MOST)
  elseif file.at > SEEN - file.length then
    return ("expected the identifier within the first %d bytes, which hops "
      .. "quote"):format(SEEN)
  end
end

local function content(path, fetch)
  local found = fetch and fetch(path) or path
  local file, err = io.open(found, "rb")
  if not file then
    return nil, err
  end
  local bytes, why = file:read(MOST + 1)
  file:close()
  if not bytes and why then
    return nil, ("%s: %s"):format(path, why)
  end
  return bytes or ""
end

--- Reads the file.
-- @tparam table file as `parse` gives it; gets its `bytes`
-- @tparam ?function fetch finds a file by name, as nmap.fetchfile does
-- @treturn ?table the same
-- @treturn ?string what is wrong: part of a sentence
function M.read(file, fetch)
  local wrong = misplaced(file)
  if wrong then
    return nil, wrong
  end
  local bytes, err = content(file.path, fetch)
  if not bytes then
    return nil, err
  elseif #bytes == 0 or #bytes > MOST then
    return nil, ("the file %s, expected 1 to %d bytes"):format(
      #bytes == 0 and "is empty" or "is larger", MOST)
  elseif file.at + file.length > #bytes then
    return nil, ("expected the identifier within the file's %d bytes")
      :format(#bytes)
  end
  file.bytes = bytes
  return file
end

return M
