// SPDX-License-Identifier: BSD-2-Clause
// dockerfile.mjs PACKAGES FILE: what a parser of Dockerfiles has to say; then the
// packages that it installs, one a line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [packages, file] = process.argv.slice(2)
const require = createRequire(join(resolve(packages), 'package.json'))
const { validate } = require('dockerfile-utils')
const { DockerfileParser } = require('dockerfile-ast')

const text = readFileSync(file, 'utf8')
for (const { range, message } of validate(text)) console.log(`error line ${range.start.line + 1}: ${message}`)
for (const instruction of DockerfileParser.parse(text).getInstructions()) {
  const words = instruction.getArguments().map((argument) => argument.getValue())
  const at = words.indexOf('--no-install-recommends')
  if (instruction.getKeyword() === 'RUN' && at >= 0)
    for (const name of words.slice(at + 1, words.indexOf('&&', at))) console.log(`package ${name}`)
}
