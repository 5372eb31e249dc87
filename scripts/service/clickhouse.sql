-- SPDX-License-Identifier: BSD-2-Clause
-- Tables for the rows of `mtr-trace --rows runs`, `hops` and `probes`, plain
-- types so that ClickHouse 18.16 takes them as well as current versions.
--
--   clickhouse-client --multiquery < clickhouse.sql
--   mtr-trace --rows hops -F targets |
--     clickhouse-client --query 'INSERT INTO mtr.hops FORMAT JSONEachRow' \
--       --input_format_skip_unknown_fields 1
--
-- Columns that rows have and tables have not are skipped by that setting. null
-- is no value: figures are Nullable, texts are asked for by ifNull.

CREATE DATABASE IF NOT EXISTS mtr;

CREATE TABLE IF NOT EXISTS mtr.runs (
  vantage String,
  labels String,
  run_id UInt64,
  time_s DateTime,
  day Date DEFAULT toDate(time_s),
  name String,
  target Nullable(String),
  protocol Nullable(String),
  port Nullable(UInt16),
  error Nullable(String),
  reached Nullable(UInt8),
  ending Nullable(String),
  target_ttl Nullable(UInt8),
  hop_count Nullable(UInt8),
  flow_count Nullable(UInt8),
  elapsed_s Nullable(Float64),
  path_id Nullable(UInt64),
  path_ids Nullable(String),
  target_sent Nullable(UInt32),
  target_received Nullable(UInt32),
  target_best_ms Nullable(Float64),
  target_avg_ms Nullable(Float64),
  target_median_ms Nullable(Float64),
  target_p95_ms Nullable(Float64),
  target_jitter_ms Nullable(Float64),
  loss_begins_hop Nullable(UInt8),
  loss_begins_low Nullable(UInt8),
  loss_begins_high Nullable(UInt8),
  path_changes Nullable(UInt16),
  verdicts Nullable(String),
  path_mtu Nullable(UInt32),
  ttfb_ms Nullable(Float64),
  ttfb_tcp_ms Nullable(Float64),
  ttfb_tls_ms Nullable(Float64),
  ttfb_wait_ms Nullable(Float64),
  http_status Nullable(UInt16)
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (name, time_s, vantage);

CREATE TABLE IF NOT EXISTS mtr.hops (
  vantage String,
  labels String,
  run_id UInt64,
  time_s DateTime,
  day Date DEFAULT toDate(time_s),
  name String,
  target Nullable(String),
  protocol Nullable(String),
  path_id Nullable(UInt64),
  ttl UInt8,
  first UInt8,
  ip Nullable(String),
  is_target UInt8,
  host Nullable(String),
  asn Nullable(UInt32),
  organization Nullable(String),
  sent UInt32,
  received UInt32,
  rate_limited UInt8,
  untested UInt8,
  better_beyond UInt8,
  silent UInt8,
  replies Nullable(UInt32),
  best_ms Nullable(Float64),
  avg_ms Nullable(Float64),
  median_ms Nullable(Float64),
  p95_ms Nullable(Float64),
  worst_ms Nullable(Float64),
  jitter_ms Nullable(Float64),
  reply_ttl Nullable(UInt8)
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (name, time_s, vantage, ttl);

CREATE TABLE IF NOT EXISTS mtr.probes (
  vantage String,
  labels String,
  run_id UInt64,
  time_s DateTime,
  day Date DEFAULT toDate(time_s),
  name String,
  target Nullable(String),
  protocol Nullable(String),
  ttl UInt8,
  flow UInt16,
  probe UInt32,
  class String,
  outcome String,
  sent_ns Nullable(Int64),
  rtt_ns Nullable(Int64),
  ip Nullable(String),
  is_target UInt8,
  type Nullable(UInt8),
  code Nullable(UInt8),
  reply_ttl Nullable(UInt8)
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (name, time_s, vantage, ttl, probe);

-- Counts of each hour, kept as rows come in; a view keeps what its tables drop.
CREATE MATERIALIZED VIEW IF NOT EXISTS mtr.hourly
ENGINE = SummingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (day, name, vantage, hour, ttl) AS
SELECT day, name, vantage, toStartOfHour(time_s) AS hour, ttl, sum(sent) AS sent,
  sum(received) AS received, count() AS runs
FROM mtr.hops WHERE first = 1 AND untested = 0 AND better_beyond = 0
GROUP BY day, name, vantage, hour, ttl;
