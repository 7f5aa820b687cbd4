// The smaller cards: subjects, routes, trouble, and what the server is.

import { fillFacts, fillTable, setEmpty, setText } from "./cells.js";
import { bytes, count, duration, pace, whole } from "./format.js";

const byId = (id) => document.getElementById(id);

const SUBJECTS = [
  { text: (row) => row.subject, className: "name" },
  { figure: (row) => pace(row.rate) },
  { figure: (row) => count(row.delivered) },
  { figure: (row) => count(row.subs) },
];

const ROUTES = [
  { text: (row) => row.remote, className: "name" },
  { text: (row) => `${row.ip}:${row.port}` },
  { figure: (row) => bytes(row.pending) },
  { figure: (row) => count(row.msgs_to) },
  { figure: (row) => count(row.msgs_from) },
  { figure: (row) => count(row.subs) },
];

/** The subjects with the most deliveries per second. */
export function showSubjects(answer, filter) {
  const table = byId("subjects-table");
  fillTable(table, SUBJECTS, answer.rows);
  const subjects = `${whole(answer.total)[0]} ${answer.total === 1 ? "subject" : "subjects"}`;
  const cut = answer.matched > answer.rows.length ? `busiest ${answer.rows.length} of ` : "";
  const rest = answer.unranked ? `, ${whole(answer.unranked)[0]} subscriptions not counted` : "";
  setText(byId("subjects-sum"), `${filter ? `${whole(answer.matched)[0]} of ` : cut}${subjects}${rest}`);
  setEmpty(table, answer.rows.length ? "" : filter && answer.total ? "No subject matches the filter." : "Nobody subscribes to anything.");
}

export function showRoutes(routes) {
  const table = byId("routes-table");
  fillTable(table, ROUTES, routes);
  setText(byId("routes-sum"), routes.length ? `${routes.length}` : "");
  setEmpty(table, routes.length ? "" : "No other server is connected.");
}

export function showServer(server, totals) {
  fillFacts(byId("server"), [
    ["Name", server.name],
    ["Version", server.version],
    ["Uptime", duration(server.uptime)],
    ["Data plane", server.data_plane],
    ["Runtime", server.runtime],
    ["Processors", whole(server.cores)],
    ["Listens on", `${server.host}:${server.port}`],
    ["Login", server.auth_required ? "required" : "open"],
    ["TLS", server.tls_required ? "required" : "off"],
    ["Largest message", bytes(server.max_payload)],
    ["Most pending", bytes(server.max_pending)],
    ["Most clients", whole(server.max_connections)],
    ["Messages in", count(totals.in_msgs)],
    ["Messages out", count(totals.out_msgs)],
    ["Payload in", bytes(totals.in_bytes)],
    ["Payload out", bytes(totals.out_bytes)],
    ["Clients ever", count(totals.total_connections)],
    ["Subscriptions", whole(totals.subscriptions)],
    ["Server id", server.id, "code"],
  ]);
}

export function showTrouble(totals, { slow, pending }) {
  fillFacts(byId("trouble"), [
    ["Slow now", whole(slow), slow ? "warn" : "good"],
    ["Closed as slow", whole(totals.slow_consumers), totals.slow_consumers ? "bad" : "good"],
    ["Pending", bytes(pending)],
  ]);
}
