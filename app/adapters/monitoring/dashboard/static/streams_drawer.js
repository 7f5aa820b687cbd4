// The drawer beside the page of streams: the details of one stream or one consumer.

import { fillFacts, fillTable, setEmpty, setLinkTo, setText } from "./cells.js";
import { Chart } from "./chart.js";
import { Crosshair } from "./crosshair.js";
import { bytes, count, duration, pace, wait, whole } from "./format.js";
import { Sheet } from "./sheet.js";
import { age, subjectsOf } from "./streams_tables.js";

const byId = (id) => document.getElementById(id);

const LISTED = [
  { fill: (cell, row) => setLinkTo(cell, { stream: row.stream, consumer: row.name }, row.name), className: "name" },
  { figure: (row) => count(row.lag), className: "num decimal" },
  { figure: (row) => count(row.unacknowledged), className: "num decimal" },
];

/** The key of what is opened among the trails. */
const keyOf = ({ stream, consumer }) => `${stream}\n${consumer}`;

export class StreamsDrawer {
  /** `changed` is called when the reader opens or closes something. */
  constructor(view, trails, changed) {
    this.view = view;
    this.trails = trails;
    this.table = byId("listed-table");
    this.chart = new Chart(byId("chart-lag"), {
      lines: [{ name: "pending", label: "now", className: "one" }],
      format: count,
      least: 10,
      describe: "Messages not delivered",
      crosshair: new Crosshair(),
    });
    this.sheet = new Sheet({
      view,
      wanted: (asked) => ({ stream: asked.get("stream") ?? "", consumer: asked.get("consumer") ?? "" }),
      title: ({ stream, consumer }) => consumer || stream,
      clear: () => this.#clear(),
      changed,
    });
  }

  /** What is shown until the answer arrives. */
  #clear() {
    fillFacts(byId("drawer-facts"), []);
    byId("chart-lag").hidden = true;
    byId("drawer-listed").hidden = true;
    this.chart.top = 0;
  }

  show({ detail, now, wall }) {
    const { view } = this;
    this.sheet.box.hidden = !view.stream;
    if (!view.stream) return;
    setText(byId("drawer-title"), view.consumer || view.stream);
    if (detail === null) {
      this.#clear();
      setText(byId("drawer-sum"), `${view.consumer ? `consumer of ${view.stream}` : "stream"}, not there any more`);
      return;
    }
    setText(byId("drawer-sum"), view.consumer ? `consumer of ${view.stream}` : "stream");
    fillFacts(byId("drawer-facts"), view.consumer ? consumerFacts(detail, wall) : streamFacts(detail, wall));
    this.#drawLag(detail, now);
    this.#list(detail);
  }

  #drawLag(detail, now) {
    const key = keyOf(this.view);
    this.trails.take([{ cid: key, pending: detail.lag }], now);
    byId("chart-lag").hidden = false;
    this.chart.draw(this.trails.of(key, now), now);
  }

  #list(detail) {
    byId("drawer-listed").hidden = detail.listed === undefined;
    if (detail.listed === undefined) return;
    fillTable(this.table, LISTED, detail.listed);
    const listed = detail.listed.length;
    setText(byId("listed-sum"), detail.consumers > listed ? `the ${listed} furthest back of ${whole(detail.consumers)[0]}` : whole(listed)[0]);
    setEmpty(this.table, listed ? "" : "It has no consumers.");
  }
}

function streamFacts(stream, wall) {
  const { config, state, created } = stream.info;
  const facts = [
    ["State", stream.failure ? `stores nothing: ${stream.failure}` : "stores", stream.failure ? "bad" : "good"],
    ["Subjects", subjectsOf(stream)],
    ["Stored in", stream.in_memory ? "memory" : "files"],
    ["Retention", stream.retention],
    ["Messages", limited(whole(stream.messages)[0], config.max_msgs, (most) => whole(most)[0])],
    ["Bytes", limited(bytes(stream.bytes).join(" "), config.max_bytes, (most) => bytes(most).join(" "))],
    ["Oldest message", limited(age(stream.oldest, wall)[0], config.max_age, (most) => wait(most / 1e9)[0])],
    ["Stored per second", pace(stream.rate)],
    ["Sequences", `${whole(state.first_seq)[0]} – ${whole(state.last_seq)[0]}`],
    ["Subjects stored", whole(state.num_subjects ?? 0)],
    ["Deleted in between", whole(state.num_deleted ?? 0)],
    ["Lag", lagText(stream), stream.lag ? "" : "good"],
    ["Unacknowledged", whole(stream.unacknowledged)],
    ["Redelivered", whole(stream.redelivered), stream.redelivered ? "warn" : ""],
    ["Created", age(Date.parse(created) / 1000, wall)],
  ];
  if (state.lost) facts.splice(1, 0, ["Lost to damage", whole(state.lost.msgs.length), "bad"]);
  if (config.description) facts.push(["Description", config.description]);
  return facts;
}

/** A figure, and its limit if there is one. */
const limited = (figure, most, written) => (most > 0 ? `${figure} of ${written(most)}` : figure);

const lagText = (stream) => (stream.consumers ? whole(stream.lag) : "no consumers");

function consumerFacts(consumer, wall) {
  const { config, ack_floor: floor, created } = consumer.info;
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  const facts = [
    ["State", consumer.paused ? "paused" : "delivers", consumer.paused ? "warn" : "good"],
    ["Stream", (node) => setLinkTo(node, { stream: consumer.stream }, consumer.stream)],
    ["Subjects", filters.join(", ") || "all"],
    ["Kind", consumer.push ? `push to ${config.deliver_subject}` : "pull"],
    ["Lag", whole(consumer.lag)],
    ["Unacknowledged", limited(whole(consumer.unacknowledged)[0], config.max_ack_pending, (most) => whole(most)[0])],
    ["Redelivered", whole(consumer.redelivered), consumer.redelivered ? "warn" : ""],
    ["Waiting pulls", consumer.push ? "–" : whole(consumer.waiting)],
    ["Delivered", whole(consumer.delivered)],
    ["Delivered per second", pace(consumer.rate)],
    ["Last delivery", age(consumer.delivered_at, wall)],
    ["Last ack", age(consumer.acked_at, wall)],
    ["Settled up to", whole(floor.stream_seq)],
    ["Acks", `${config.ack_policy}${config.ack_wait ? `, within ${wait(config.ack_wait / 1e9)[0]}` : ""}`],
    ["Deliveries at most", config.max_deliver > 0 ? whole(config.max_deliver) : "no limit"],
    ["Created", duration(wall - Date.parse(created) / 1000)],
  ];
  if (config.description) facts.push(["Description", config.description]);
  return facts;
}
