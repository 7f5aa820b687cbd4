// The smaller cards: subjects, routes, problems and the server.

import { element, fillFacts, fillTable, setData, setEmpty, setLink, setText, setTitle } from "./cells.js";
import { ago, bytes, count, duration, pace, roundTrip, wait, whole } from "./format.js";

const byId = (id) => document.getElementById(id);

const SUBJECTS = [
  { fill: (cell, row) => setLink(cell, "topic", row.subject, row.subject), className: "name" },
  { figure: (row) => pace(row.rate), className: "num decimal" },
  { figure: (row) => count(row.delivered), className: "num decimal" },
  { figure: (row) => count(row.subs) },
];

const ROUTES = [
  { fill: fillServer, className: "server" },
  { figure: (row) => pace(row.to_rate) },
  { figure: (row) => pace(row.from_rate) },
  { figure: (row) => bytes(row.pending) },
  { figure: (row) => roundTrip(row.rtt) },
  { figure: (row) => duration(row.uptime) },
];

const LEAVES = [
  { fill: fillLeaf, className: "server" },
  { figure: (row) => pace(row.to_rate) },
  { figure: (row) => pace(row.from_rate) },
  { figure: (row) => bytes(row.pending) },
  { figure: (row) => roundTrip(row.rtt) },
  { figure: (row) => duration(row.uptime) },
];

const UNREACHABLE = [
  { text: (row) => row.url, className: "name" },
  { text: (row) => row.error },
  { text: (row) => `${whole(row.attempts)[0]} ${row.attempts === 1 ? "attempt" : "attempts"} since ${ago(row.seconds)}` },
];

/** The subjects with the most deliveries per second. */
export function showSubjects(answer, filter) {
  const table = byId("subjects-table");
  fillTable(table, SUBJECTS, answer.rows, (line, row) => setTitle(line.cells[0], row.subject));
  const subjects = `${whole(answer.total)[0]} ${answer.total === 1 ? "subject" : "subjects"}`;
  const cut = answer.matched > answer.rows.length ? `busiest ${answer.rows.length} of ` : "";
  const rest = answer.unranked ? `, ${whole(answer.unranked)[0]} subscriptions not counted` : "";
  setText(byId("subjects-sum"), `${filter ? `${whole(answer.matched)[0]} of ` : cut}${subjects}${rest}`);
  setEmpty(table, answer.rows.length ? "" : filter && answer.total ? "No subject matches the filter." : "There are no subscriptions.");
}

/** The name or id of a server; below it the address, and which side dialled. */
function fillServer(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span", "name"), element("span", "aside below"));
  setText(cell.firstElementChild, row.name || row.remote);
  setText(cell.lastElementChild, `${row.ip}:${row.port} · ${row.solicited ? "dialled by this server" : "dialled by that server"}`);
  setTitle(cell, [row.name, row.remote, cell.lastElementChild.textContent].filter(Boolean).join("\n"));
}

/** The name of a server outside the cluster; below it the address, and which end is the hub. */
function fillLeaf(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span", "name"), element("span", "aside below"));
  setText(cell.firstElementChild, row.name || "–");
  setText(cell.lastElementChild, `${row.ip}:${row.port} · ${row.hub ? "our hub" : "our leaf"}`);
  setTitle(cell, [row.name, cell.lastElementChild.textContent, `${whole(row.subs)[0]} subjects asked for`].filter(Boolean).join("\n"));
}

/** Routes and leaf links, with rates since the answer before, and configured servers without a route. */
export class Routes {
  constructor() {
    this.before = new Map();
    this.at = 0;
  }

  show({ routes, leaves, unreachable, now, server }) {
    const seconds = Math.max(0.001, now - this.at);
    const rows = routes.map((row) => ({ ...row, ...this.#rates(row.rid, row, seconds) }));
    const links = leaves.map((row) => ({ ...row, ...this.#rates(row.lid, row, seconds) }));
    this.before = new Map([...routes.map((row) => [row.rid, row]), ...leaves.map((row) => [row.lid, row])]);
    this.at = now;
    const leafTable = byId("leaves-table");
    leafTable.hidden = links.length === 0;
    fillTable(leafTable, LEAVES, links);
    const table = byId("routes-table");
    table.hidden = rows.length === 0;
    fillTable(table, ROUTES, rows);
    const lost = byId("unreachable-table");
    lost.hidden = unreachable.length === 0;
    fillTable(lost, UNREACHABLE, unreachable);
    const sum = [
      rows.length ? `${rows.length} connected` : "",
      links.length ? `${links.length} leaf ${links.length === 1 ? "link" : "links"}` : "",
      unreachable.length ? `${unreachable.length} not reached` : "",
    ];
    setText(byId("routes-sum"), sum.filter(Boolean).join(", "));
    const lone = server.clustered ? "No other server is connected." : "This server is not part of a cluster.";
    setEmpty(table, rows.length || links.length || unreachable.length ? "" : lone);
  }

  #rates(number, row, seconds) {
    const was = this.before.get(number);
    if (!was) return { to_rate: null, from_rate: null };
    return { to_rate: Math.max(0, row.msgs_to - was.msgs_to) / seconds, from_rate: Math.max(0, row.msgs_from - was.msgs_from) / seconds };
  }
}

/** What is left of a certificate, in whole days. */
function ends(seconds) {
  const days = Math.floor(seconds / 86400);
  return seconds <= 0 ? "ended" : `ends in ${days} ${days === 1 ? "day" : "days"}`;
}

/** Identity, limits and totals, each with the name of its key in the configuration or in /varz. */
export function showServer(server, totals, limits) {
  fillFacts(byId("identity"), [
    ["Name", server.name, "", "server_name"],
    ["pynatsd", server.release, "", "version of pynatsd"],
    ["Protocol", `NATS ${server.version}`, "", "version that clients are offered"],
    ["Runtime", `${server.runtime}, ${server.data_plane} data plane`, "", "interpreter, and the twin that runs: DATA_PLANE"],
    ["Uptime", duration(server.uptime), "", "uptime"],
    ["Listens on", `${server.host}:${server.port}`, "", "listen"],
    ["Login", server.auth_required ? "required" : "open", "", "authorization"],
    ["TLS", server.tls_required ? "required" : "off", "", "tls"],
    ...Object.entries(server.certificates).map(([section, left]) => [
      "Certificate", ends(left), left < 30 * 86400 ? "warn" : "", section,
    ]),
    ["Configuration", server.config_file || "flags only", "path", server.config_file || "-c"],
    ["Log", server.log || "–", "path", server.log || "log_file"],
    ["Process", `${server.pid}`, "", "pid"],
    ["Server id", server.id, "path", server.id],
  ]);
  fillFacts(byId("limits"), [
    ["Message", bytes(server.max_payload), "", "max_payload"],
    ["Pending for a client", bytes(server.max_pending), "", "max_pending_size"],
    ["Clients", whole(server.max_connections), "", "max_connections"],
    ["Write deadline", wait(server.write_deadline), "", "write_deadline"],
    ["Ping interval", duration(server.ping_interval), "", "ping_interval"],
    ["Memory", bytes(limits.memory), "", "of the machine, or of the container"],
    ["Processors", whole(server.cores), "", "cores; the server uses one"],
    ["Open files", files(server.open_files, limits.files), "", "ulimit -n"],
  ]);
  fillFacts(byId("totals"), [
    ["Messages in", count(totals.in_msgs), "", "in_msgs"],
    ["Messages out", count(totals.out_msgs), "", "out_msgs"],
    ["Payload in", bytes(totals.in_bytes), "", "in_bytes"],
    ["Payload out", bytes(totals.out_bytes), "", "out_bytes"],
    ["Clients", count(totals.total_connections), "", "total_connections"],
    ["Subscriptions now", whole(totals.subscriptions), "", "subscriptions"],
  ]);
}

function files(open, limit) {
  const most = limit < 0 ? "no limit" : `of ${whole(limit)[0]}`;
  return open === null ? most : `${whole(open)[0]} ${limit < 0 ? `(${most})` : most}`;
}

/** What an operator should check first. Only current and recent problems have a colour. */
export function showTrouble({ totals, connections, unreachable, server }, events) {
  const closed = totals.slow_consumers;
  fillFacts(byId("trouble"), [
    ["Publishers waiting", whole(totals.held_publishers), totals.held_publishers ? "warn" : "", "held_publishers"],
    ["Waited in all", wait(totals.held_seconds), "", "held_seconds"],
    ["Slow now", whole(connections.slow), connections.slow ? "warn" : ""],
    ["Closed as slow", whole(closed), closed && events.isRecent("slow_consumer") ? "bad" : "", "slow_consumers"],
    ...(server.clustered ? [["Servers not reached", whole(unreachable.length), unreachable.length ? "bad" : ""]] : []),
    ["Pending", bytes(connections.pending), "", "pending bytes of all clients"],
  ]);
  const isBad = totals.held_publishers || connections.slow || unreachable.length;
  setData(byId("errors"), "tone", isBad ? "warn" : "");
}
