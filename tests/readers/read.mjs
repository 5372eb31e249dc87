// SPDX-License-Identifier: BSD-2-Clause
// read.mjs PACKAGES SCHEMA FILE...: reads each file by a strict reader for what
// its name ends in, and prints a case each, in the protocol of tests/run.
// PACKAGES: the folder that npm ci filled by the lock file beside this.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, extname, join, resolve } from 'node:path'
import vm from 'node:vm'

const [packages, schemaFile, ...files] = process.argv.slice(2)
const require = createRequire(join(resolve(packages), 'package.json'))
const Ajv = require('ajv/dist/2020').default
const { parse: parseCsv } = require('csv-parse/sync')
const { HtmlValidate } = require('html-validate')

function check(condition, text) {
  if (!condition) throw new Error(text)
}

// Bytes that are no UTF-8 raise. What nobody sees has no place in any format.
function textOf(file) {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file))
  const bad = text.match(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/gu)
    ?.find((c) => c !== '\n')
  check(bad === undefined, `character U+${bad?.codePointAt(0).toString(16)}`)
  return text
}

// ---- JSON ------------------------------------------------------------------

// No key that the schema does not name.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed)
  if (schema === null || typeof schema !== 'object') return schema
  const out = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  if (out.type === 'object' && out.properties && out.additionalProperties === undefined)
    out.additionalProperties = false
  return out
}

const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: false })
const validate = ajv.compile(closed(JSON.parse(readFileSync(schemaFile, 'utf8'))))

// A number that a reader would round.
function exact(text) {
  for (const number of text.match(/(?<=[:,[])-?\d{16,}(?=[,\]}])/g) ?? [])
    check(BigInt(number) === BigInt(Number(number)) && Number.isSafeInteger(Number(number)),
      `the number ${number} is not exact`)
}

function json(text) {
  exact(text)
  check(validate(JSON.parse(text)), ajv.errorsText(validate.errors, { separator: '; ' }))
}

function ndjson(text) {
  exact(text)
  check(text.endsWith('\n'), 'no end of line at the end')
  for (const line of text.slice(0, -1).split('\n')) {
    check(typeof JSON.parse(line).kind === 'string', 'an object without a kind')
    const empty = line.match(/"(?!facts|result|evidence|place)(\w+)":\{\}/)
    check(!empty, `"${empty?.[1]}" is an empty object, not a list`)
  }
}

// Objects of other systems, one a line. RIPE Atlas: each hop has its TTL and a
// reply or a mark of its own for each probe.
function* objects(text) {
  exact(text)
  for (const line of text.split('\n').slice(0, -1)) yield JSON.parse(line)
}

function atlas(text) {
  for (const { type, fw, result, dst_name: name } of objects(text)) {
    check(type === 'traceroute' && fw === 5080 && typeof name === 'string', 'no traceroute of Atlas')
    for (const { hop, error, result: replies } of result) {
      check(error || Number.isInteger(hop) && replies.length > 0, 'a hop without replies')
      for (const { x, from, ttl, size, late, rtt } of replies ?? [])
        check(x === '*' || typeof from === 'string' && Number.isInteger(ttl) && size >= 0
          && (late >= 0) !== (rtt >= 0), `a reply of ${from} of no form`)
    }
  }
}

function scamper(text) {
  const types = { 'cycle-start': 0, 'cycle-stop': 0, trace: 0, tracelb: 0 }
  for (const { type, hops, nodes, nodec, linkc } of objects(text)) {
    types[type] += 1
    for (const { addr, probe_ttl: ttl, tx } of hops ?? [])
      check(typeof addr === 'string' && ttl > 0 && tx.usec < 1e6, 'a hop of no form')
    if (type === 'tracelb')
      check(nodec >= nodes.length && linkc === nodes.reduce((sum, node) => sum + node.linkc, 0), 'links of no node')
  }
  check(types['cycle-start'] === types['cycle-stop'] && Object.values(types).every(Number.isInteger), 'a cycle of no form')
}

function geojson(text) {
  const map = JSON.parse(text)
  check(map.type === 'FeatureCollection', 'no FeatureCollection')
  for (const { type, geometry } of map.features) {
    check(type === 'Feature', 'no Feature')
    for (const [x, y] of geometry.type === 'Point' ? [geometry.coordinates] : geometry.coordinates)
      check(Math.abs(x) <= 180 && Math.abs(y) <= 90, 'no place on earth')
  }
}

// ---- tables ----------------------------------------------------------------

function csv(text) {
  const rows = parseCsv(text, { columns: false, relax_column_count: false })
  check(rows.length > 1, 'no line behind the header')
  check(new Set(rows[0]).size === rows[0].length, 'two columns of one name')
  for (const cell of rows.flat()) {
    const begins = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(cell)
    check(!begins || /^-?\d+(\.\d+)?$/.test(cell), `a spreadsheet computes ${cell}`)
  }
  return rows
}

// Tables of GitHub's dialect: as many cells in each line as in the first.
function markdown(text) {
  const cells = (line) => line.replace(/\\./g, '').split('|').length
  let width = 0
  for (const line of text.split('\n')) {
    const table = line.startsWith('|')
    check(!table || !width || cells(line) === width, `a line of ${cells(line)} cells, not ${width}`)
    check(table || !/(^|[^\\])[<>*`~$]/.test(line.replace(/\\\\/g, '')), `not escaped: ${line}`)
    width = table ? cells(line) : 0
  }
}

// Lines of a table for people are no wider than the widest line of its column.
function report(text) {
  check(!/ \n/.test(text) && (text === '' || text.endsWith('\n')), 'blanks at the end of a line')
}

// ---- documents -------------------------------------------------------------

const html5 = new HtmlValidate({ root: true, extends: ['html-validate:standard'] })

async function html(text) {
  const { results } = await html5.validateString(text)
  const message = results.flatMap((r) => r.messages)[0]
  check(!message, `${message?.line}: ${message?.message}`)
  for (const table of text.split('<table').slice(1)) {
    const widths = table.split('</table>')[0].split('<tr').slice(1)
      .map((row) => row.split(/<t[hd][ >]/).length)
    check(new Set(widths).size === 1, `rows of ${[...new Set(widths)]} cells`)
  }
}

// Its sanitizer wants a document of a browser. Labels pass it as they are: what
// is tried here is the grammar.
function loadMermaid() {
  Object.defineProperty(Function.prototype, 'isSupported', {
    configurable: true,
    set() { Object.assign(this, { sanitize: (text) => text, addHook() {}, removeAllHooks() {} }) },
  })
  const file = join(packages, 'node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js')
  vm.runInThisContext(readFileSync(file, 'utf8'), { filename: file })
  delete Function.prototype.isSupported
  return globalThis.mermaid
}

let mermaidModule
async function mermaid(text) {
  mermaidModule ??= loadMermaid()
  const { diagramType } = await mermaidModule.parse(text)
  check(diagramType.startsWith('flowchart'), `it is a ${diagramType}`)
}

// ---- XML -------------------------------------------------------------------

// xmllint says whether it is well formed. Its words are those of the schema:
// keys, and the singular of those that are lists.
const words = new Set(['mtr-trace', 'trace', 'failure', 'address', 'item'])
function learn(schema) {
  for (const [key, value] of Object.entries(schema?.properties ?? {})) {
    words.add(key)
    if (value.type === 'array') words.add(key.replace(/(?<=ss)es$|s$/, ''))
    learn(value)
  }
  for (const inner of [schema?.items, ...schema?.anyOf ?? []]) if (inner) learn(inner)
}
learn(JSON.parse(readFileSync(schemaFile, 'utf8')))

function xml(text) {
  for (const [, name] of text.replace(/<evidence>.*?<\/evidence>/gs, '').matchAll(/<([\w-]+)/g))
    check(words.has(name), `<${name}> is no word of the schema`)
}

// ---- all files -------------------------------------------------------------

const readers = { json, ndjson, geojson, csv, markdown, report, html, mermaid,
  xml, atlas, 'scamper-json': scamper, dot: () => {} }

for (const file of files) {
  const name = basename(file)
  try {
    await readers[extname(file).slice(1)](textOf(file))
    console.log(`ok ${name}_is_read`)
  } catch (error) {
    console.log(`not ok ${name}_is_read - ${String(error.message).replace(/\s+/g, ' ').slice(0, 300)}`)
  }
}
