// The tables of streams and consumers. The server sorts, filters and pages; these show one page each.

import { element, fillTable, setEmpty, setLinkTo, setText, setTitle } from "./cells.js";
import { bytes, count, duration, pace, whole } from "./format.js";
import { CONSUMER_SORTS, STREAM_SORTS } from "./streams_view.js";

const byId = (id) => document.getElementById(id);

/** How long ago a moment was, in seconds since the epoch; null is never. */
export const age = (moment, wall) => (moment === null ? ["–", ""] : duration(wall - moment));

/** The subjects of a stream in one line. */
export function subjectsOf({ subjects, more_subjects: more }) {
  if (subjects.length === 0) return "–";
  return `${subjects.join(", ")}${more ? ` and ${whole(more)[0]} more` : ""}`;
}

/** The problem of a consumer, in words; it is one if others may wait for its acks. */
export const plightOfConsumer = (row) => (row.paused ? "paused" : "");

const STREAMS = [
  { fill: (cell, row) => fillName(cell, { stream: row.name }, row.name, row.failure ? `stores nothing: ${row.failure}` : ""), className: "name" },
  { text: subjectsOf, className: "subjects" },
  { figure: (row) => count(row.messages), className: "num decimal" },
  { figure: (row) => bytes(row.bytes), className: "num binary" },
  { figure: (row) => age(row.oldest, row.wall) },
  { figure: (row) => pace(row.rate), className: "num decimal" },
  { figure: (row) => whole(row.consumers) },
  { figure: (row) => count(row.lag), className: "num decimal" },
  { figure: (row) => count(row.unacknowledged), className: "num decimal" },
  { figure: (row) => count(row.redelivered), className: "num decimal redelivered" },
];

const CONSUMERS = [
  { fill: (cell, row) => fillName(cell, { stream: row.stream, consumer: row.name }, row.name, plightOfConsumer(row)), className: "name" },
  { fill: (cell, row) => setLinkTo(cell, { stream: row.stream }, row.stream), className: "name" },
  { figure: (row) => count(row.lag), className: "num decimal" },
  { figure: (row) => count(row.unacknowledged), className: "num decimal" },
  { figure: (row) => count(row.redelivered), className: "num decimal redelivered" },
  { figure: (row) => pace(row.rate), className: "num decimal" },
  { figure: (row) => count(row.delivered), className: "num decimal" },
  { figure: (row) => (row.push ? ["push", ""] : whole(row.waiting)) },
  { figure: (row) => age(row.acked_at, row.wall) },
];

/** A name that opens the details, and what is wrong. */
function fillName(cell, address, name, plight) {
  setLinkTo(cell, address, name);
  if (!cell.children[1]) cell.append(element("span", "plight"));
  cell.children[1].hidden = plight === "";
  setText(cell.children[1], plight);
  setTitle(cell, [name, plight].filter(Boolean).join("\n"));
}

class PagedTable {
  /** `order` is that of the reader; `changed` is called when the reader changes it. */
  constructor(name, columns, sorts, order, view, changed) {
    Object.assign(this, { columns, sorts, order, view, changed });
    this.card = byId(name);
    this.table = byId(`${name}-table`);
    this.sum = byId(`${name}-sum`);
    this.#watch();
  }

  #watch() {
    for (const head of this.table.querySelectorAll("th")) {
      head.scope = "col";
      if (!head.dataset.sort) continue;
      const button = element("button", "", this.sorts[head.dataset.sort]);
      button.type = "button";
      button.addEventListener("click", () => {
        this.order.by(head.dataset.sort);
        this.#markHeads();
        this.changed();
      });
      head.append(button);
    }
    this.#markHeads();
    this.card.querySelector(".previous").addEventListener("click", () => this.#turn(-1));
    this.card.querySelector(".next").addEventListener("click", () => this.#turn(1));
  }

  #markHeads() {
    for (const head of this.table.querySelectorAll("th")) {
      const sorted = head.dataset.sort === this.order.sort;
      if (sorted) head.setAttribute("aria-sort", this.order.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  #turn(pages) {
    this.order.offset = Math.max(0, this.order.offset + pages * this.view.rows);
    this.changed();
  }

  /** Show a page; `nouns` are the word for one row and for several, `none` is said where there are none at all. */
  show(answer, wall, nouns, none, isChosen) {
    this.order.offset = answer.offset; // the last page may have gone
    const rows = answer.rows.map((row) => ({ ...row, wall }));
    fillTable(this.table, this.columns, rows, (line, row) => {
      line.classList.toggle("chosen", isChosen(row));
      line.classList.toggle("failed", Boolean(row.failure));
      line.classList.toggle("again", row.redelivered > 0);
    });
    const { total, known, matched, offset } = answer;
    const cut = total > known ? `, the first ${whole(known)[0]} are ranked` : "";
    const all = `${whole(total)[0]} ${nouns[total === 1 ? 0 : 1]}`;
    setText(this.sum, `${matched < known ? `${whole(matched)[0]} of ` : ""}${all}${cut}`);
    setEmpty(this.table, rows.length ? "" : total ? `No ${nouns[0]} matches the filter.` : none);
    const last = offset + rows.length;
    setText(this.card.querySelector(".range"), matched ? `${offset + 1}–${last} of ${whole(matched)[0]}` : "");
    this.card.querySelector(".previous").disabled = offset === 0;
    this.card.querySelector(".next").disabled = last >= matched;
  }
}

export class StreamsTables {
  /** `changed` is called when the reader changes the view. */
  constructor(view, changed) {
    this.view = view;
    this.changed = changed;
    this.streams = new PagedTable("streams", STREAMS, STREAM_SORTS, view.streams, view, changed);
    this.consumers = new PagedTable("consumers", CONSUMERS, CONSUMER_SORTS, view.consumers, view, changed);
    this.#watchChoices();
  }

  show({ streams, consumers, wall }) {
    const { view } = this;
    this.streams.show(streams, wall, ["stream", "streams"], "There are no streams yet: a client makes them.", (row) => !view.consumer && row.name === view.stream);
    this.consumers.show(consumers, wall, ["consumer", "consumers"], "No stream has a consumer.", (row) => row.name === view.consumer && row.stream === view.stream);
  }

  #watchChoices() {
    const filter = byId("filter");
    const rows = byId("rows");
    let pause = 0;
    filter.value = this.view.filter;
    filter.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => this.#narrow({ filter: filter.value }), 200);
    });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.closest("input, select")) return;
      event.preventDefault();
      filter.focus();
    });
    rows.value = `${this.view.rows}`;
    rows.addEventListener("change", () => this.#narrow({ rows: Number(rows.value) }));
  }

  #narrow(choice) {
    this.view.narrow(choice);
    this.changed();
  }
}
