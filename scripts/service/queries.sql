-- SPDX-License-Identifier: BSD-2-Clause
-- Questions that people ask of the tables in clickhouse.sql, one statement each;
-- for all vantage points unless one is named. With several shards write _all
-- behind the names of the tables.

-- paths_by_hour: which paths a target had, hour by hour
SELECT name, toStartOfHour(time_s) AS hour, path_id, count() AS runs
FROM mtr.runs WHERE path_id IS NOT NULL GROUP BY name, hour, path_id ORDER BY name, hour, runs DESC;

-- what_changed: when each path was seen first and last, the newest first
SELECT name, vantage, path_id, min(time_s) AS first_seen, max(time_s) AS last_seen, count() AS runs
FROM mtr.runs WHERE path_id IS NOT NULL GROUP BY name, vantage, path_id ORDER BY first_seen DESC, name, vantage, path_id;

-- loss_by_link: between which addresses loss begins, over all targets and vantage points;
-- a link that many targets share explains their loss ('*' is a silent hop)
SELECT ips[indexOf(ttls, toUInt8(hop - 1))] AS before, ips[indexOf(ttls, hop)] AS ip, count() AS runs,
  uniqExact(name) AS targets, uniqExact(vantage) AS vantages
FROM (SELECT run_id, name, vantage, assumeNotNull(loss_begins_hop) AS hop FROM mtr.runs WHERE loss_begins_hop > 0)
GLOBAL ANY INNER JOIN (SELECT run_id, groupArray(ttl) AS ttls, groupArray(ifNull(ip, '*')) AS ips
  FROM mtr.hops WHERE first = 1 GROUP BY run_id) USING run_id
GROUP BY before, ip ORDER BY targets DESC, runs DESC, ip;

-- rate_limited: routers that limit their replies
SELECT ip, any(asn) AS asn, count() AS runs FROM mtr.hops
WHERE rate_limited = 1 AND ip IS NOT NULL GROUP BY ip ORDER BY runs DESC, ip;

-- worst_paths: targets by the 95th percentile of their runs' medians
SELECT name, vantage, quantile(0.95)(target_median_ms) AS p95_ms, count() AS runs
FROM mtr.runs WHERE target_median_ms IS NOT NULL GROUP BY name, vantage ORDER BY p95_ms DESC, name, vantage;

-- ecmp: hops with several addresses
SELECT name, ttl, uniqExact(ip) AS addresses FROM mtr.hops WHERE ip IS NOT NULL
GROUP BY name, ttl HAVING addresses > 1 ORDER BY name, ttl;

-- return_path: routers whose replies come back with another TTL than before
SELECT ip, vantage, uniqExact(reply_ttl) AS ttls FROM mtr.hops WHERE reply_ttl IS NOT NULL
GROUP BY ip, vantage HAVING ttls > 1 ORDER BY ip, vantage;

-- mtu: path MTU by target, where it was searched for
SELECT name, min(path_mtu) AS least, max(path_mtu) AS most FROM mtr.runs
WHERE path_mtu IS NOT NULL GROUP BY name ORDER BY least, name;

-- ttfb: time to first byte beside the round trip
SELECT name, avg(ttfb_ms) AS ttfb, avg(ttfb_wait_ms) AS wait, avg(target_avg_ms) AS rtt
FROM mtr.runs WHERE ttfb_ms IS NOT NULL GROUP BY name ORDER BY name;

-- coverage: how many runs there are, how many reached their target, how many were not traced
SELECT vantage, count() AS runs, sum(reached = 1) AS reached, sum(error IS NOT NULL) AS failed
FROM mtr.runs GROUP BY vantage ORDER BY vantage;
