#!/bin/bash
# The service watched by a real Prometheus: it scrapes 50 targets, an alert of
# prometheus-rules.yml goes through a real Alertmanager to a receiver with the
# right hop, and resolves; a target that is down, a changed path, restarts of
# either side. VictoriaMetrics reads the same page. All in the client's namespace.
# shellcheck disable=SC2016,SC2034 # until_says evaluates its words
. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
for tool in prometheus prometheus-alertmanager victoria-metrics setpriv python3 jq; do
  command -v $tool >/dev/null || {
    skip prometheus "$tool is not installed"
    exit 0
  }
done
LUA_CPATH_5_4="$TREE/build/lua5.4/?.so" lua5.4 -e 'require "mtrtrace.httpd"' 2>/dev/null || {
  skip prometheus "built without libmicrohttpd"
  exit 0
}
lab_up --routers 6 --no-rate-limit && lab_fork 1 2 no-rate_limit || exit 1
S=$LAB_SCRATCH
PIDS=()

# start NAME COMMAND...: in the client, in the background; its id in the variable NAME
start() {
  local name=$1
  shift
  ip netns exec "$LAB-c" "$@" >"$S/$name.log" 2>&1 </dev/null &
  printf -v "$name" %d $!
  PIDS+=($!)
}
stop() { # NAME [SIGNAL]
  kill "${2:--TERM}" "${!1}" 2>/dev/null
  wait "${!1}" 2>/dev/null
}
all_stop() {
  kill -KILL "${PIDS[@]}" 2>/dev/null
  wait "${PIDS[@]}" 2>/dev/null
}
lab_at_end all_stop

# until SECONDS COMMAND: until it says something; what it said in OUT
until_says() {
  local end=$((SECONDS + $1))
  while [ $SECONDS -lt $end ]; do
    OUT=$(eval "$2" 2>/dev/null)
    [ -z "$OUT" ] || return 0
    sleep 0.3
  done
  return 1
}
get() { lab_exec c curl -s -m 5 "$@"; }
# query EXPRESSION [PORT]: values of the series, one a line
query() {
  get "http://127.0.0.1:${2:-9090}/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[].value[1]'
}
# alerts NAME STATUS TARGET: hops and reasons in the labels that the receiver got
alerts() {
  jq -r --arg name "$1" --arg status "$2" --arg target "$3" '.alerts[] | select(.labels.alertname == $name and .status == $status
    and ($target == "" or .labels.target == $target)) | .labels.hop // .labels.reason // "alert"' "$S/alerts" 2>/dev/null | sort -u
}

# why TARGET: what is known where an alert does not come or go
why() {
  local probes="mtr_trace_probes_total{target=\"$1\",ttl=\"target\"}"
  echo "# rounds $(query mtr_trace_rounds_total), probes $(query "$probes"), 10 s later $(sleep 10; query mtr_trace_rounds_total)," \
    "$(query "$probes"); scraped $(query up | xargs) in $(query scrape_duration_seconds | xargs) s," \
    "reached $(query 'sum(mtr_trace_target_reached)')," \
    "alerts $(get http://127.0.0.1:9090/api/v1/alerts | jq -c "[.data.alerts[] | select(.labels.target == \"$1\") | .labels.alertname, .labels.hop, .state]")," \
    "received $(jq -c "[.alerts[] | select(.labels.target == \"$1\") | .labels.alertname, .labels.hop, .status]" "$S/alerts" | tail -n 3 | xargs)," \
    "load $(cut -d' ' -f1 /proc/loadavg)"
}

# ---- everything starts ----------------------------------------------------------

net=$(lab_target 4)
net=${net%.*}
for ((i = 2; i <= 51; i++)); do
  [ $i -eq 2 ] || lab_ip s address add "$net.$i/24" dev eth0
  echo "$net.$i team=net" >>"$S/targets"
done
chmod 755 "$S"
chmod 644 "$S/targets"
# As the unit has it: no root, one capability, no way to more. The tree is shown where
# such a user may go: a clone may be in /root.
tree_env /mnt
serve() {
  start service "${ENV[@]}" sh -c 'mount --bind "$1" /mnt && shift && exec "$@"' - "$TREE" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_raw \
    --ambient-caps=+net_raw --bounding-set=-all,+net_raw --no-new-privs \
    /mnt/scripts/mtr-trace --no-config --serve :9099 -n --asn off -F "$S/targets" --every 2s -i 0.05 -c 20 --metrics-hops all
}
serve
# The shipped files, with seconds for minutes.
sed -E 's/(scrape|evaluation)_interval: .*/\1_interval: 1s/' "$TREE/scripts/service/prometheus.yml" >"$S/prometheus.yml"
sed -E 's/\[10m:30s\]/[10s:1s]/; s/(\[1d\]) offset 10m/\1 offset 10s/g; s/\[1[05]m\]/[10s]/g; s/for: .*/for: 1s/' \
  "$TREE/scripts/service/prometheus-rules.yml" >"$S/prometheus-rules.yml"
cat >"$S/alertmanager.yml" <<END
route: { receiver: test, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers: [{ name: test, webhook_configs: [{ url: "http://127.0.0.1:9999/", send_resolved: true }] }]
END
cat >"$S/receiver.py" <<'END'
import http.server, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open(sys.argv[1], "ab") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])).strip() + b"\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 9999), Receiver).serve_forever()
END
start receiver python3 "$S/receiver.py" "$S/alerts"
start alertmanager prometheus-alertmanager --config.file="$S/alertmanager.yml" --storage.path="$S/am" \
  --web.listen-address=127.0.0.1:9093 --cluster.listen-address=
prometheus_start() {
  start prometheus prometheus --config.file="$S/prometheus.yml" --storage.tsdb.path="$S/tsdb" --web.listen-address=127.0.0.1:9090
}
prometheus_start
{ echo 'global: { scrape_interval: 1s }' && sed -n '/^scrape_configs/,$p' "$S/prometheus.yml"; } >"$S/scrape.yml"
start victoria victoria-metrics -storageDataPath="$S/vm" -httpListenAddr=127.0.0.1:8428 \
  -promscrape.config="$S/scrape.yml" -search.latencyOffset=1s

t1=$net.2 t2=$net.3
until_says 90 'query "count(mtr_trace_target_reached == 1) == 50"'
is prometheus_scrapes_50_targets "$OUT" 50
is service_runs_with_one_capability "$(sed -n 's/^CapEff:\t*0*//p' "/proc/$(ip netns pids "$LAB-c" | while read -r p; do
  grep -ql 'serve' "/proc/$p/cmdline" && echo "$p"; done | head -n 1)/status")" 2000
until_says 90 'query "min(mtr_trace_rounds_total) >= 100"'
is a_sound_path_raises_no_alarm "$(alerts PathLoss firing ''; alerts TargetDown firing '')" ""

# ---- loss at hop 5 ---------------------------------------------------------------

# What router 4 loses is first seen at hop 5.
lab_loss 4 30
# By the counts of one target loss may seem to begin a hop beyond; not by those of most.
hops() { jq -r '.alerts[] | select(.labels.alertname == "PathLoss") | .labels.target + " " + .labels.hop' "$S/alerts" | sort -u; }
until_says 90 '[ "$(hops | wc -l)" -ge 40 ] && alerts PathLoss firing $t1 | grep -x 5'
is loss_raises_an_alert_with_its_hop "$OUT $(hops | cut -d" " -f 2 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')" "5 5"
is loss_alert_has_labels_of_the_target "$(jq -r --arg t "$t1" '.alerts[] | select(.labels.alertname == "PathLoss" and .labels.target == $t)
  | .labels.team + " " + .labels.severity' "$S/alerts" | sort -u)" "net warning"
like loss_alert_names_the_address "$(jq -r '.alerts[].annotations.description' "$S/alerts" | sort -u)" "^Hop 5 is $(lab_addr 4 5) "
lab_clear r4
until_says 90 'alerts PathLoss resolved $t1 | grep -x 5' || why "$t1"
is loss_that_is_over_resolves "$OUT" 5

# ---- a target down, another path, restarts --------------------------------------------

lab_ip s address del "$t2/24" dev eth0
lab_ip r1 route replace "$net.0/24" via "$(lab_fork_addr 4 1 1 2)"
until_says 90 'alerts TargetDown firing $t2' || why "$t2"
is target_down_raises_an_alert "$OUT" alert
is the_other_targets_are_up "$(alerts TargetDown firing '' | wc -l) $(query 'sum(mtr_trace_target_reached)')" "1 49"
until_says 90 'alerts PathChanged firing ""'
is path_change_raises_an_alert "$OUT" alert

before=$(query 'sum(mtr_trace_probes_total)')
stop prometheus
prometheus_start
until_says 90 'query "sum(mtr_trace_probes_total) > $before"'
is prometheus_goes_on_after_a_restart "$((${OUT%.*} > 0))" 1
stop service -KILL
until_says 90 'alerts MeasurementImpaired firing "" | grep scraped' # rounds may have been late before
like service_that_is_gone_raises_an_alert "$OUT" '^the service cannot be scraped$'
serve
until_says 90 'query "sum(mtr_trace_target_reached) >= 49"'
is service_is_scraped_again "$OUT" 49
until_says 90 "query 'resets(mtr_trace_probes_total{target=\"$t1\",ttl=\"target\"}[2m]) == 1'"
is counters_begin_again_as_prometheus_expects "$OUT" 1
is no_rate_is_negative "$(query 'count(rate(mtr_trace_probes_total[1m]) < 0)')" ""

# ---- another reader ---------------------------------------------------------------

# It scrapes at times of its own.
until_says 90 'query "count(mtr_trace_target_reached == 1) >= 49" 8428'
is victoriametrics_reads_the_same "$(query 'count(mtr_trace_target_reached)' 8428) $OUT" "50 49"
until_says 90 "query 'count({__name__=~\"mtr_trace_.+\"}) > 5000' 8428"
like victoriametrics_reads_all_series "$OUT" '^[0-9]+$'
