// The table of clients. The server sorts, filters and pages; this shows one page.

import { element, fillTable, setEmpty, setLink, setText, setTitle } from "./cells.js";
import { bytes, count, duration, pace } from "./format.js";
import { SORTS } from "./view.js";

const TYPING_PAUSE = 200; // milliseconds

const COLUMNS = [
  { figure: (row) => [`${row.cid}`, ""], className: "num cid" },
  { fill: fillName, className: "name" },
  { text: (row) => `${row.ip}:${row.port}` },
  { text: (row) => [row.lang, row.version].filter(Boolean).join(" ") || "–" },
  { figure: (row) => bytes(row.pending), className: "num binary pending" },
  { figure: (row) => pace(row.to_rate), className: "num decimal" },
  { figure: (row) => pace(row.from_rate), className: "num decimal" },
  { figure: (row) => count(row.msgs_to), className: "num decimal" },
  { figure: (row) => count(row.msgs_from), className: "num decimal" },
  { figure: (row) => bytes(row.bytes_to), className: "num binary" },
  { figure: (row) => bytes(row.bytes_from), className: "num binary" },
  { figure: (row) => count(row.subs) },
  { figure: (row) => duration(row.idle) },
  { figure: (row) => duration(row.uptime) },
];

/** The name, and below it the problem of the client, if it has one. */
function fillName(cell, row) {
  setLink(cell, "client", row.cid, row.name || `cid ${row.cid}`);
  cell.classList.toggle("nameless", !row.name);
  if (!cell.children[1]) cell.append(element("span", "plight"));
  const plight = plightOf(row);
  cell.children[1].hidden = plight === "";
  setText(cell.children[1], plight);
  setTitle(cell, [row.name, plight].filter(Boolean).join("\n"));
}

/** The problem of a client, in words. */
export function plightOf({ waits_for: awaited, holds, slow }) {
  if (awaited.length) {
    const [[cid, name]] = awaited;
    return `waits for ${name || `cid ${cid}`}${awaited.length > 1 ? ` and ${awaited.length - 1} more` : ""}`;
  }
  if (holds) return `slow, holds ${holds} ${holds === 1 ? "publisher" : "publishers"}`;
  return slow ? "slow" : "";
}

const byId = (id) => document.getElementById(id);

export class Connections {
  /** `changed` is called when the reader changes the view. */
  constructor(view, changed) {
    this.view = view;
    this.changed = changed;
    this.table = byId("connections-table");
    this.#watchHeads();
    this.#watchFilters();
    this.#watchPages();
  }

  show(answer, limits) {
    const { view } = this;
    if (answer.offset !== view.offset) view.offset = answer.offset; // the last page has gone
    const rows = answer.rows.map((row) => ({ ...row, slow: row.pending >= limits.slow_above }));
    fillTable(this.table, COLUMNS, rows, (line, row) => {
      line.classList.toggle("slow", row.slow || row.holds > 0);
      line.classList.toggle("held", row.waits_for.length > 0);
      line.classList.toggle("chosen", row.cid === view.client);
    });
    setText(byId("connections-sum"), summary(answer));
    setText(byId("slow-only"), `Slow or held (${answer.affected})`);
    setEmpty(this.table, answer.rows.length ? "" : this.#emptiness(answer));
    const last = answer.offset + answer.rows.length;
    setText(byId("page-range"), answer.matched ? `${answer.offset + 1}–${last} of ${answer.matched}` : "");
    byId("previous").disabled = answer.offset === 0;
    byId("next").disabled = last >= answer.matched;
  }

  #emptiness(answer) {
    if (answer.total === 0) return "No client is connected.";
    return this.view.filter ? "No client matches the filter." : "No client is slow or held.";
  }

  #watchHeads() {
    for (const head of this.table.querySelectorAll("th")) {
      const button = element("button", "", SORTS[head.dataset.sort]);
      button.type = "button";
      button.addEventListener("click", () => {
        this.view.sortBy(head.dataset.sort);
        this.#markHeads();
        this.changed();
      });
      head.append(button);
      head.scope = "col";
    }
    this.#markHeads();
  }

  #markHeads() {
    for (const head of this.table.querySelectorAll("th")) {
      const sorted = head.dataset.sort === this.view.sort;
      if (sorted) head.setAttribute("aria-sort", this.view.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  #watchFilters() {
    const filter = byId("filter");
    let pause = 0;
    filter.value = this.view.filter;
    filter.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => this.#narrow({ filter: filter.value }), TYPING_PAUSE);
    });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.closest("input, select")) return;
      event.preventDefault();
      filter.focus();
    });
    const slow = byId("slow-only");
    const mark = () => slow.setAttribute("aria-pressed", `${this.view.slow}`);
    slow.addEventListener("click", () => {
      this.#narrow({ slow: !this.view.slow });
      mark();
    });
    mark();
  }

  #watchPages() {
    const rows = byId("rows");
    rows.value = `${this.view.rows}`;
    rows.addEventListener("change", () => this.#narrow({ rows: Number(rows.value) }));
    byId("previous").addEventListener("click", () => this.#turn(-1));
    byId("next").addEventListener("click", () => this.#turn(1));
  }

  #narrow(choice) {
    Object.assign(this.view, choice, { offset: 0 });
    this.changed();
  }

  #turn(pages) {
    this.view.offset = Math.max(0, this.view.offset + pages * this.view.rows);
    this.changed();
  }
}

function summary({ total, matched }) {
  if (matched === total) return total === 1 ? "1 client" : `${total.toLocaleString("en-US")} clients`;
  return `${matched.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`;
}
