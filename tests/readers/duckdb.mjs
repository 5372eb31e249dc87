// SPDX-License-Identifier: BSD-2-Clause
// duckdb.mjs PACKAGES RUNS HOPS PROBES: DuckDB reads files of rows, finds the
// types of their keys itself, and answers questions whose answers are known.
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [packages, runs, hops, probes] = process.argv.slice(2)
const require = createRequire(join(resolve(packages), 'package.json'))
const { DuckDBInstance } = require('@duckdb/node-api')
const db = await (await DuckDBInstance.create(':memory:')).connect()

async function is(name, sql, want) {
  let got
  try {
    got = JSON.stringify((await db.runAndReadAll(sql)).getRowsJson())
  } catch (error) {
    got = String(error.message).split('\n')[0]
  }
  console.log(got === JSON.stringify(want) ? `ok ${name}`
    : `not ok ${name} - got ${got.slice(0, 300)}, want ${JSON.stringify(want)}`)
}

for (const [table, file] of Object.entries({ runs, hops, probes }))
  await db.run(`CREATE TABLE ${table} AS SELECT * FROM read_ndjson_auto('${file.replaceAll("'", "''")}')`)

await is('rows_are_all_there', 'SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM hops)', [['2400', '12000']])
await is('run_id_is_a_whole_number', "SELECT data_type FROM information_schema.columns WHERE column_name = 'run_id' "
  + "AND table_name = 'hops'", [['BIGINT']])
await is('flags_are_boolean', "SELECT data_type FROM information_schema.columns WHERE table_name = 'hops' "
  + "AND column_name = 'rate_limited'", [['BOOLEAN']])
await is('paths_by_hour', 'SELECT count(*) FROM (SELECT name, time_s // 3600, path_id FROM runs GROUP BY ALL)', [['20']])
await is('loss_by_link', `SELECT before.ip, hop.ip, count(*), count(DISTINCT runs.name), count(DISTINCT runs.vantage)
  FROM runs JOIN hops AS hop ON hop.run_id = runs.run_id AND hop.ttl = loss_begins_hop AND hop."first"
  JOIN hops AS before ON before.run_id = runs.run_id AND before.ttl = loss_begins_hop - 1 AND before."first"
  WHERE loss_begins_hop > 0 GROUP BY ALL`, [['10.0.2.1', '10.0.3.9', '600', '5', '2']])
await is('rate_limited', 'SELECT ip, count(*) FROM hops WHERE rate_limited GROUP BY ip', [['10.0.2.1', '2400']])
await is('loss_of_all', 'SELECT sum(sent), sum(received) FROM hops WHERE "first"', [['120000', '116400']])
await is('mtu', 'SELECT name, min(path_mtu) FROM runs WHERE path_mtu IS NOT NULL GROUP BY name', [['t1', '1400']])
await is('probes_of_a_real_run', "SELECT outcome, ip, count(*) FROM probes WHERE class = 'counted' AND ttl = 1 GROUP BY ALL",
  [['reply', '127.0.0.1', '3']])
