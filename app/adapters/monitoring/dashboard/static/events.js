// The card of recent events: when, which peer, and why. Only recent ones have a colour.

import { element, fillTable, setData, setEmpty, setLink, setText, setTitle } from "./cells.js";
import { ago, bytes, visible, whole } from "./format.js";

const RECENT = 900; // seconds
const SHORT = matchMedia("(max-width: 620px)").matches ? 3 : 6; // rows that are shown until more are asked for

const byId = (id) => document.getElementById(id);

const COLUMNS = [
  { fill: fillTime, className: "when" },
  { fill: fillTitle, className: "what" },
  { fill: fillWho, className: "who" },
  { text: detail, className: "why" },
];

export class Events {
  constructor() {
    this.revision = -1;
    this.rows = [];
    this.isLong = false;
    byId("more-events").addEventListener("click", () => {
      this.isLong = !this.isLong;
      this.#draw();
    });
  }

  /** Forget all entries: another server may use the same revision numbers. */
  clear() {
    this.revision = -1;
    this.rows = [];
  }

  take({ now, revision, latest, rows }) {
    if (rows !== null) this.rows = rows;
    this.revision = revision;
    this.now = now;
    this.latest = latest;
    this.#draw();
  }

  /** Whether there was a recent event of this kind. */
  isRecent(kind) {
    return kind in this.latest && this.now - this.latest[kind] < RECENT;
  }

  #draw() {
    if (this.now === undefined) return;
    const table = byId("events-table");
    const shown = this.rows.slice(0, this.isLong ? this.rows.length : SHORT).map((row) => ({ ...row, age: this.now - row.at }));
    fillTable(table, COLUMNS, shown, (line, row) => setData(line, "tone", row.age < RECENT ? row.tone : ""));
    setData(byId("events"), "empty", `${shown.length === 0}`);
    setEmpty(table, shown.length ? "" : "Nothing has gone wrong since the start.");
    const more = byId("more-events");
    more.hidden = this.rows.length <= SHORT;
    more.setAttribute("aria-expanded", `${this.isLong}`);
    setText(more, this.isLong ? "Show less" : `Show all ${whole(this.rows.length)[0]}`);
  }
}

function fillTime(cell, row) {
  setText(cell, ago(row.age));
}

function fillTitle(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span", "dot"), element("span"), element("span", "times-count"));
  setText(cell.children[1], row.title);
  setText(cell.children[2], row.count > 1 ? `×${whole(row.count)[0]}` : "");
}

/** A name where there is one, else an address; a client can be opened. */
function fillWho(cell, row) {
  const [kind, number] = row.link.split(":");
  const isClient = kind === "cid";
  if (cell.dataset.link !== `${isClient}`) {
    cell.replaceChildren(...(isClient ? [] : [element("span")]), element("span", "aside"));
    cell.dataset.link = `${isClient}`;
  }
  const name = row.who || row.address;
  if (isClient) setLink(cell, "client", number, name);
  else setText(cell.firstElementChild, name);
  setText(cell.lastElementChild, [row.link.replace(":", " "), row.who && row.address].filter(Boolean).join(" · "));
  setTitle(cell, [row.who, row.address, row.link].filter(Boolean).join("\n"));
}

function detail({ detail: text, pending, subject }) {
  return [text, pending ? `${bytes(pending).join(" ")} pending` : "", subject ? `most on ${visible(subject)}` : ""].filter(Boolean).join(", ");
}
