-- SPDX-License-Identifier: BSD-2-Clause

--- How the page looks, its one script, and the policy that lets a browser
-- load these two and nothing else. The policy names them by their SHA-256: a
-- test says what to write here once one of them changed.
-- @module mtrtrace.html.style
local M = {}

local STYLE_HASH = "XgpSJSjfxfFJ3TWdbZoCDIitAhyhADRIvsiXRJBd/j4="
local SCRIPT_HASH = "MPceMC0/LBEiQyl4NKzwUXJizT2C0Mu0bcNguKV7Zl4="

--- Colours that people who cannot tell red from green can tell, with a
-- contrast of 4.5 to 1 or more where there is text.
M.STYLE = [[

:root {
  --ground: #ffffff; --panel: #f5f6f8; --text: #1c2126; --minor: #545d68;
  --line: #d5dae0; --latency: #0b62a8; --latency-soft: #93c3ea;
  --mean: #1c2126; --loss: #b34700; --loss-soft: #f0a868; --good: #0b62a8;
  --bad: #b34700; --link: #0b57a0; --grid: #e3e7eb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181d; --panel: #1d232a; --text: #e4e8ed; --minor: #a3adb9;
    --line: #39424d; --latency: #6fb7f2; --latency-soft: #2a5d88;
    --mean: #ffffff; --loss: #ffa057; --loss-soft: #8f4c17; --good: #6fb7f2;
    --bad: #ffa057; --link: #8cc5f7; --grid: #2a323b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 82rem;
  background: var(--ground); color: var(--text);
  font: 0.9375rem/1.5 system-ui, "Segoe UI", Roboto, sans-serif;
}
h1 { margin: 0 0 0.5rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 0; font-size: 1.125rem; }
h3 { margin: 0 0 0.5rem; font-size: 0.9375rem; }
h1, h2, dd, li { overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }

.status {
  display: inline-block; margin: 0; padding: 0.125rem 0.625rem;
  border: 1px solid; border-radius: 1rem; font-weight: 600;
}
.status.good { color: var(--good); }
.status.bad { color: var(--bad); }
.status.good::before { content: "\2713\a0"; }
.status.bad::before { content: "\2717\a0"; }
.findings { margin: 1rem 0; padding: 0.75rem 1rem; max-width: 72rem;
  background: var(--panel); border-left: 4px solid var(--line); }
ul.findings { padding-left: 2rem; border-left-color: var(--latency); }
ul.findings li + li { margin-top: 0.375rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem;
  margin: 0.75rem 0 0; padding: 0; list-style: none;
  color: var(--minor); font-size: 0.875rem; }
.facts b { flex: none; }
.facts li { display: flex; gap: 0.5rem; }
dt { font-weight: 600; }
dd { margin: 0; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption, figcaption { padding: 0.5rem 0; text-align: left;
  font-weight: 600; font-size: 1rem; }
th, td { padding: 0.3125rem 0.5rem; text-align: right;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--minor); font-size: 0.8125rem; font-weight: 600;
  vertical-align: bottom; }
th.t, td.t { text-align: left; }
tbody th { font-weight: 400; }
.hops { font-size: 0.8125rem; }
.hops th:first-child { padding-left: 0; }
.hops thead th { white-space: normal; }
.hops td, .hops tbody th { vertical-align: top; }
.hops td.t { max-width: 20rem; white-space: normal;
  overflow-wrap: break-word; }
tbody tr:hover { background: var(--panel); }

.panes { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem;
  margin-top: 1rem; align-items: flex-start; }
.pane { margin: 0; max-width: 100%; }
.wide { flex: 1 1 44rem; min-width: 0; }
.chart { width: 100%; table-layout: fixed; }
.chart tbody tr { height: 1.875rem; }
.chart th, .chart td { padding: 0; border: 0; }
.chart thead th { padding-bottom: 0.25rem; }
.chart th { text-align: left; }
.chart th.who { width: 27%; padding-right: 0.75rem; overflow: hidden;
  text-overflow: ellipsis; font-size: 0.875rem; }
.chart th.value { width: 5.5rem; }
.chart th.value:last-child { width: 7rem; }
.chart .value { padding-left: 0.5rem; }
.ttl { display: inline-block; min-width: 1.5rem; color: var(--minor); }
.axis { display: grid; grid-template-columns: 1fr auto 1fr;
  font-weight: 400; }
.axis span:last-child { text-align: right; }
td.plot { border-left: 1px solid var(--line);
  background: linear-gradient(to left, var(--grid) 1px, transparent 1px)
  0 0 / 25% 100%; }
td.value { font-size: 0.8125rem; color: var(--minor);
  text-align: left; }
svg.bar { display: block; width: 100%; height: 1.5rem; overflow: visible; }
svg.key { width: 4rem; height: 1.5rem; vertical-align: middle; }
svg.graph { display: block; }
path { fill: none; vector-effect: non-scaling-stroke; }
.range { stroke: var(--latency); stroke-width: 1.5; }
.cap { stroke: var(--latency); stroke-width: 1.5; }
.beyond { stroke: var(--latency); stroke-width: 2; }
.most { stroke: var(--latency-soft); stroke-width: 9; }
.median { stroke: var(--latency); stroke-width: 3; }
.avg { stroke: var(--mean); stroke-width: 6; stroke-linecap: round; }
.lost { stroke: var(--loss-soft); stroke-width: 11; }
.interval, .end { stroke: var(--loss); stroke-width: 1.5; }
.edge { stroke: var(--minor); stroke-width: 1.5; }
.unsure { stroke-dasharray: 5 4; }
.node rect { fill: var(--panel); stroke: var(--line); stroke-width: 1.5; }
.node text { fill: var(--text); font-size: 11px; text-anchor: middle; }
.node .minor { fill: var(--minor); }
.silent rect { stroke: var(--minor); stroke-dasharray: 5 4; }
.target rect, .source rect { stroke: var(--latency); stroke-width: 2; }
.rail { fill: var(--minor); font-size: 12px; }

.overview, .trace, .legend { margin-top: 1.5rem; }
.sortable { width: 100%; font-size: 0.875rem; }
.sortable td, .sortable tbody th { vertical-align: top; }
.sortable th[scope="row"], .say { white-space: normal;
  overflow-wrap: anywhere; }
.sortable .say { min-width: 18rem; }
.sortable th[scope="row"] { min-width: 9rem; }
.sortable th:first-child { padding-left: 0; }
.missed td:nth-child(2) { color: var(--bad); }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; }
button, input { font: inherit; color: inherit; background: var(--panel);
  border: 1px solid var(--minor); border-radius: 0.25rem;
  padding: 0.125rem 0.5rem; max-width: 100%; }
th button { border: 0; padding: 0; background: none; font-weight: 600;
  cursor: pointer; text-decoration: underline dotted; }
[aria-sort="ascending"] button::after { content: " \2191"; }
[aria-sort="descending"] button::after { content: " \2193"; }
details.trace { border-top: 1px solid var(--line); padding-top: 0.75rem;
  margin-top: 0.75rem; }
summary { cursor: pointer; }
summary h2 { display: inline; margin-right: 0.75rem;
  overflow-wrap: anywhere; }
summary .status { font-size: 0.8125rem; }

.legend { border-top: 1px solid var(--line); padding-top: 1rem;
  font-size: 0.875rem; }
.legend .columns { display: grid; gap: 1rem 2.5rem; margin-top: 0.75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.legend dl { display: grid; grid-template-columns: 7rem 1fr;
  gap: 0 0.5rem; margin: 0 0 0.5rem; }
.legend dl.marks { grid-template-columns: 1rem 1fr; }
.legend p { margin: 0 0 0.5rem; }
.keys { margin: 0; padding: 0; list-style: none; }
.keys li { display: grid; grid-template-columns: 4rem 1fr; gap: 0.75rem;
  align-items: center; margin-bottom: 0.25rem; }
footer { margin-top: 1.5rem; color: var(--minor); font-size: 0.8125rem; }

@media (max-width: 45rem) {
  .chart, .chart caption, .chart thead, .chart tbody { display: block; }
  .chart thead tr, .chart tbody tr { display: grid; height: auto;
    grid-template-columns: 1fr 1fr; column-gap: 1rem; }
  .chart thead .who, .chart thead .value { display: none; }
  .chart tbody tr { padding: 0.25rem 0;
    border-bottom: 1px solid var(--grid); }
  .chart th.who { grid-column: 1 / 3; width: auto; padding: 0;
    white-space: normal; overflow-wrap: anywhere; }
  .chart td { grid-row: 2; }
  .chart td.value { grid-row: 3; padding: 0; }
  .hops td.t { max-width: 10.5rem; }
  .sortable td { white-space: normal; }
  .sortable .say { display: none; }
  .hops th:first-child { position: sticky; left: 0;
    background: var(--ground); }
}
@media print {
  body { max-width: none; padding: 0; font-size: 8pt; }
  .hops, .sortable { font-size: 6.5pt; }
  th, td { padding: 0.125rem 0.25rem; }
  .scroll { overflow: visible; }
  .tools { display: none; }
  tr, .findings, figure, .legend { break-inside: avoid; }
  details.trace { break-before: page; }
  path, rect, td.plot { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
}
]]

--- Sorts and filters the table of targets, opens the section that a link
-- leads to, and all of them for print.
M.SCRIPT = [=[

"use strict";
(function () {
  var table = document.querySelector(".sortable");
  var body = table.tBodies[0];
  var heads = Array.from(table.tHead.rows[0].cells);
  var traces = Array.from(document.querySelectorAll("details.trace"));

  function value(row, column) {
    var text = row.cells[column].textContent;
    var number = parseFloat(text.replace(/^[<>]/, ""));
    return column === 2 || column === 3 ? number : text;
  }

  function compare(a, b) {
    if (typeof a === "string") {
      return a.localeCompare(b, "en", { numeric: true });
    }
    return isNaN(a) ? (isNaN(b) ? 0 : 1) : isNaN(b) ? -1 : a - b;
  }

  function sort(head, column) {
    var up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    Array.from(body.rows).sort(function (a, b) {
      var order = compare(value(a, column), value(b, column));
      return up ? order : -order;
    }).forEach(function (row) { body.appendChild(row); });
  }

  heads.forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", function () { sort(head, column); });
    head.replaceChildren(button);
  });

  function add(parent, name, text) {
    var element = document.createElement(name);
    element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function all(open) {
    traces.forEach(function (trace) { trace.open = open; });
  }

  var tools = document.createElement("p");
  tools.className = "tools";
  var filter = add(add(tools, "label", "Show only "), "input", "");
  filter.type = "search";
  filter.addEventListener("input", function () {
    var wanted = filter.value.toLowerCase();
    Array.from(body.rows).forEach(function (row) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  });
  [["Open all", true], ["Close all", false]].forEach(function (pair) {
    var button = add(tools, "button", pair[0]);
    button.type = "button";
    button.addEventListener("click", function () { all(pair[1]); });
  });
  table.parentNode.before(tools);

  function reveal() {
    var target = document.getElementById(location.hash.slice(1));
    var trace = target && target.closest("details");
    if (trace) {
      trace.open = true;
      trace.scrollIntoView();
    }
  }
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", function () { all(true); });
  reveal();
})();
]=]

--- What a browser may load: nothing that is not on the page.
-- @tparam boolean scripted whether the page has the script
-- @treturn string a Content-Security-Policy
function M.policy(scripted)
  return ("default-src 'none'; style-src 'sha256-%s'%s; base-uri 'none'; "
    .. "form-action 'none'"):format(STYLE_HASH, scripted
    and ("; script-src 'sha256-%s'"):format(SCRIPT_HASH) or "")
end

return M
