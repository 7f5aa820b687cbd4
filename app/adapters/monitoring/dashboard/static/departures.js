// The cards of receivers that were too slow, and of clients that have gone: the latest first.

import { element, fillTable, setEmpty, setLink, setText, setTitle } from "./cells.js";
import { ago, bytes, count, duration, visible, whole } from "./format.js";

const byId = (id) => document.getElementById(id);
const SHOWN_SUBJECTS = 3;

const SLOW = [
  { text: (row) => ago(row.age), className: "when" },
  { fill: fillReceiver, className: "name" },
  { figure: (row) => bytes(row.pending), className: "num binary" },
  { fill: fillSubjects },
];

const CLOSED = [
  { text: (row) => (row.age === null ? "–" : ago(row.age)), className: "when" },
  { text: (row) => row.name || `cid ${row.cid}`, className: "name" },
  { text: (row) => row.reason },
  { figure: (row) => (row.seconds === null ? ["–", ""] : duration(row.seconds)) },
];

/** The receiver, and what became of it; a client can be opened. */
function fillReceiver(cell, row) {
  const [kind, number] = row.link.split(":");
  const name = row.who || row.address;
  if (!cell.lastElementChild?.classList.contains("why") || cell.dataset.kind !== kind) {
    cell.replaceChildren(...(kind === "cid" ? [] : [element("span")]), element("span", "why"));
    cell.dataset.kind = kind;
  }
  if (kind === "cid") setLink(cell, "client", number, name);
  else setText(cell.firstElementChild, name);
  const held = row.publishers ? `, ${whole(row.publishers)[0]} ${row.publishers === 1 ? "publisher" : "publishers"} waited` : "";
  setText(cell.lastElementChild, `${row.action === "cut" ? `closed: ${row.reason}` : "held its publishers"}${held}`);
  setTitle(cell, [row.who, row.address, row.link, row.reason].filter(Boolean).join("\n"));
}

/** What it had pending, by subject. */
function fillSubjects(cell, row) {
  const lines = row.subjects.map((one) => `${visible(one.subject)}: ${count(one.messages).join("\u202f").trim()} msgs, ${bytes(one.bytes).join("\u202f")}`);
  const shown = lines.slice(0, SHOWN_SUBJECTS);
  if (lines.length > SHOWN_SUBJECTS) shown.push(`and ${lines.length - SHOWN_SUBJECTS} more`);
  if (lines.length === 0) shown.push(row.counting ? "counting" : "not known");
  while (cell.childElementCount > shown.length) cell.lastElementChild.remove();
  while (cell.childElementCount < shown.length) cell.append(element("span", "more"));
  shown.forEach((line, place) => setText(cell.children[place], line));
  setTitle(cell, lines.join("\n"));
}

/** The latest receivers that publishers waited for, or that were closed. */
export function showSlow({ slow, now }) {
  const table = byId("slow-table");
  fillTable(table, SLOW, slow.rows.map((row) => ({ ...row, age: now - row.at })));
  setText(byId("slow-sum"), sum(slow));
  setEmpty(table, slow.rows.length ? "" : "No receiver was too slow since the start.");
}

/** The latest clients that have gone, and why. */
export function showClosed({ closed, now }) {
  const table = byId("closed-table");
  const rows = closed.rows.map((row) => ({ ...row, age: row.at === null ? null : now - row.at }));
  fillTable(table, CLOSED, rows, (line, row) => setTitle(line.cells[1], [row.name, row.address, row.user, `cid ${row.cid}`].filter(Boolean).join("\n")));
  setText(byId("closed-sum"), sum(closed));
  setEmpty(table, closed.rows.length ? "" : "No client has gone since the start.");
}

const sum = ({ total, rows }) => (total > rows.length ? `the latest ${rows.length} of ${whole(total)[0]}` : "");
