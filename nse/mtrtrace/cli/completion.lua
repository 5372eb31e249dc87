-- SPDX-License-Identifier: BSD-2-Clause

--- Completions of options and their values for bash, zsh and fish, from the
-- table of options. Pure.
-- @module mtrtrace.cli.completion
local args = require "mtrtrace.options.args"
local options = require "mtrtrace.cli.options"
local values = require "mtrtrace.options.values"

local M = {}

-- Returns the kind of completion of a value, and the words of "words" and
-- "list".
local function kind_of(row)
  local rule = row.arg and args.get(row.arg) or row
  if not row.value then
    return nil
  elseif row.complete then
    return row.complete
  elseif rule.list then
    return "list", rule.words
  elseif rule.words then
    return "words", rule.words
  elseif rule.word then
    return "words", { rule.word }
  end
  return rule.read == values.path and "file" or "other"
end

local function each(body)
  for _, row in ipairs(options.all()) do
    if not row.refused then
      body(row, kind_of(row))
    end
  end
end

local function names_of(row)
  local names = { row.short and "-" .. row.short or nil }
  names[#names + 1] = "--" .. row.name
  names[#names + 1] = row.also and "--" .. row.also or nil
  return names
end

-- Returns a shell's code for a kind of value, with the words inserted.
local function filled(texts, kind, words)
  local text = texts[kind]
  return words and text:format(table.concat(words, " ")) or text
end

-- ---- bash -----------------------------------------------------------------

local BASH = [==[
# Completions of mtr-trace for bash.
_mtr_trace() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} head
  COMPREPLY=()
  # bash takes "--name=value" for three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  case $prev in
%s  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W '%s' -- "$cur"))
  else
    COMPREPLY=($(compgen -A hostname -- "$cur"))
  fi
}
complete -F _mtr_trace mtr-trace
]==]

local BASH_VALUE = {
  file = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
  interface = "COMPREPLY=($(compgen -W \"$(ls /sys/class/net "
    .. "2>/dev/null)\" -- \"$cur\"))",
  words = "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))",
  list = "head=${cur%%\"${cur##*,}\"}; compopt -o nospace; "
    .. "COMPREPLY=($(compgen -P \"$head\" -W '%s' -- \"${cur##*,}\"))",
  other = ":",
}

local function bash()
  local cases, all = {}, {}
  each(function(row, kind, words)
    local names = names_of(row)
    table.move(names, 1, #names, #all + 1, all)
    if kind then
      cases[#cases + 1] = ("    %s) %s; return ;;\n"):format(
        table.concat(names, "|"), filled(BASH_VALUE, kind, words))
    end
  end)
  return BASH:format(table.concat(cases), table.concat(all, " "))
end

-- ---- zsh ------------------------------------------------------------------

local ZSH_VALUE = {
  file = "_files",
  interface = "_net_interfaces",
  words = "(%s)",
  list = "_sequence compadd - %s",
  other = " ",
}

local function zsh_text(text)
  return (text:gsub("'", "'\\''"):gsub("[%[%]:]", "\\%0"))
end

local function zsh()
  local lines = { "#compdef mtr-trace", "_arguments -s -S : \\" }
  each(function(row, kind, words)
    local names = table.concat(names_of(row), " ")
    local value = ""
    if kind then
      value = (":%s:%s"):format(row.value, filled(ZSH_VALUE, kind, words))
    end
    for name in names:gmatch "%S+" do
      local joined = value ~= "" and (name:find "^%-%-" and "=" or "+") or ""
      lines[#lines + 1] = ("  '(%s)%s%s[%s]%s' \\"):format(names, name,
        joined, zsh_text(row.about), value)
    end
  end)
  lines[#lines + 1] = "  '*:TARGET:_hosts'"
  return table.concat(lines, "\n") .. "\n"
end

-- ---- fish -----------------------------------------------------------------

local FISH_VALUE = {
  file = " -r -F",
  interface = " -x -a '(__fish_print_interfaces)'",
  words = " -x -a '%s'",
  list = " -x -a '(__fish_complete_list , \"printf %%s\\\\n %s\")'",
  other = " -x",
}

local function fish_name(name)
  return (name:find "^%-%-" and "-l " or "-s ") .. name:gsub("^%-+", "")
end

local function fish()
  local lines = { "# Completions of mtr-trace for fish.",
    "complete -c mtr-trace -f -a '(__fish_print_hostnames)'" }
  each(function(row, kind, words)
    local names = names_of(row)
    for i, name in ipairs(names) do
      names[i] = fish_name(name)
    end
    local value = kind and filled(FISH_VALUE, kind, words) or ""
    lines[#lines + 1] = ("complete -c mtr-trace %s%s -d '%s'"):format(
      table.concat(names, " "), value, (row.about:gsub("['\\]", "\\%0")))
  end)
  return table.concat(lines, "\n") .. "\n"
end

local SHELLS = { bash = bash, zsh = zsh, fish = fish }

--- Returns the completions for a shell.
-- @tparam string shell bash, zsh or fish
-- @treturn ?string nil for another shell
function M.of(shell)
  return SHELLS[shell] and SHELLS[shell]()
end

return M
