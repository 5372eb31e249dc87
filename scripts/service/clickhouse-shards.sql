-- SPDX-License-Identifier: BSD-2-Clause
-- Tables over all shards of the cluster `mtr` (clickhouse-cluster.xml), made on
-- each server behind clickhouse.sql. Rows that are inserted here go to the shard
-- that their run belongs to, so that a run's rows stay together.

CREATE TABLE IF NOT EXISTS mtr.runs_all AS mtr.runs ENGINE = Distributed(mtr, mtr, runs, run_id);
CREATE TABLE IF NOT EXISTS mtr.hops_all AS mtr.hops ENGINE = Distributed(mtr, mtr, hops, run_id);
CREATE TABLE IF NOT EXISTS mtr.probes_all AS mtr.probes ENGINE = Distributed(mtr, mtr, probes, run_id);
CREATE TABLE IF NOT EXISTS mtr.hourly_all AS mtr.hourly ENGINE = Distributed(mtr, mtr, hourly);
