// The drawer beside the page: the details of one client or one subject.

import { fillFacts, fillTable, setEmpty, setLink, setText } from "./cells.js";
import { Chart } from "./chart.js";
import { plightOf } from "./connections.js";
import { Crosshair } from "./crosshair.js";
import { bytes, count, duration, pace, whole } from "./format.js";
import { Sheet } from "./sheet.js";

const byId = (id) => document.getElementById(id);

const LISTENED = [
  { fill: (cell, row) => setLink(cell, "topic", row.subject, row.subject), className: "name" },
  { text: (row) => row.queue || "–" },
  { figure: (row) => count(row.delivered), className: "num decimal" },
];

const LISTENERS = [
  { fill: (cell, row) => setLink(cell, "client", row.cid, row.name || `cid ${row.cid}`), className: "name" },
  { text: (row) => row.queue || "–" },
  { figure: (row) => count(row.delivered), className: "num decimal" },
];

export class Drawer {
  /** `changed` is called when the reader opens or closes something. */
  constructor(view, trails, changed) {
    this.view = view;
    this.trails = trails;
    this.table = byId("listed-table");
    this.chart = new Chart(byId("chart-pending"), {
      lines: [{ name: "pending", label: "now", className: "one" }],
      format: bytes,
      base: 1024,
      least: 1024,
      describe: "Pending bytes",
      crosshair: new Crosshair(),
    });
    this.sheet = new Sheet({
      view,
      wanted: (asked) => ({ client: Number(asked.get("client") ?? 0), topic: asked.get("topic") ?? "" }),
      title: ({ client, topic }) => (client ? `Client ${client}` : topic),
      clear: () => this.#clear(),
      changed,
    });
  }

  /** What is shown until the answer arrives. */
  #clear() {
    fillFacts(byId("drawer-facts"), []);
    fillTable(this.table, LISTENED, []);
    setEmpty(this.table, "");
    byId("chart-pending").hidden = true;
    this.chart.top = 0;
  }

  show({ client, subject, limits, now }) {
    const { view } = this;
    this.sheet.box.hidden = !view.client && !view.topic;
    this.chart.limit = limits.slow_above;
    if (view.client) this.#showClient(client, limits, now);
    else if (view.topic) this.#showSubject(subject);
  }

  #showClient(client, limits, now) {
    if (client === null) {
      setText(byId("drawer-title"), `Client ${this.view.client}`);
      setText(byId("drawer-sum"), "is not connected any more");
      return;
    }
    setText(byId("drawer-title"), client.name || `Client ${client.cid}`);
    setText(byId("drawer-sum"), `cid ${client.cid}`);
    this.trails.take([client], now);
    byId("chart-pending").hidden = false;
    this.chart.draw(this.trails.of(client.cid, now), now);
    fillFacts(byId("drawer-facts"), clientFacts({ ...client, slow: client.pending >= limits.slow_above }));
    this.#list(["Subject", "Queue group", "Delivered"], LISTENED, client.subscriptions);
    const listed = client.subscriptions.length;
    setText(byId("listed-sum"), client.subs > listed ? `the first ${listed} of ${whole(client.subs)[0]}` : whole(client.subs)[0]);
    setText(byId("listed-title"), "Subscriptions");
    setEmpty(this.table, listed ? "" : "It has no subscriptions.");
  }

  #showSubject(subject) {
    if (subject === null) return;
    byId("chart-pending").hidden = true;
    setText(byId("drawer-title"), subject.subject);
    setText(byId("drawer-sum"), "subject");
    fillFacts(byId("drawer-facts"), [
      ["Delivered per second", pace(subject.rate)],
      ["Delivered to these", count(subject.delivered)],
      ["Subscriptions", whole(subject.subs)],
    ]);
    this.#list(["Client", "Queue group", "Delivered"], LISTENERS, subject.subscriptions);
    const listed = subject.subscriptions.length;
    setText(byId("listed-sum"), subject.subs > listed ? `the busiest ${listed} of ${whole(subject.subs)[0]}` : whole(subject.subs)[0]);
    setText(byId("listed-title"), "Subscribers");
    setEmpty(this.table, listed ? "" : "It has no subscribers now.");
  }

  #list(heads, columns, rows) {
    heads.forEach((head, place) => setText(this.table.tHead.rows[0].cells[place], head));
    fillTable(this.table, columns, rows);
  }
}

function clientFacts(client) {
  const plight = plightOf(client);
  return [
    ["State", client.waits_for.length ? (node) => showAwaited(node, client.waits_for) : plight || "keeps up", plight ? "warn" : "good"],
    ["Address", `${client.ip}:${client.port}`],
    ["Library", [client.lang, client.version].filter(Boolean).join(" ") || "–"],
    ["User", client.user || "–"],
    ["TLS", client.tls || "off"],
    ["Connected", duration(client.uptime)],
    ["Idle", duration(client.idle)],
    ["Delivered to it", (node) => showTraffic(node, client.msgs_to, client.bytes_to)],
    ["Published by it", (node) => showTraffic(node, client.msgs_from, client.bytes_from)],
  ];
}

function showTraffic(node, msgs, size) {
  setText(node, `${count(msgs).join(" ").trim()} msgs, ${bytes(size).join(" ")}`);
}

/** A held publisher: the receiver it waits for can be opened. */
function showAwaited(node, awaited) {
  const [[cid, name]] = awaited;
  if (!(node.firstElementChild instanceof HTMLAnchorElement)) node.replaceChildren();
  setLink(node, "client", cid, `waits for ${name || `cid ${cid}`}${awaited.length > 1 ? ` and ${awaited.length - 1} more` : ""}`);
}
