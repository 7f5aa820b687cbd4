// The choices of a reader of the page of streams. They are part of the address, so that they can be bookmarked.

const SIZES = [10, 15, 50, 200];
const PHONE = matchMedia("(max-width: 620px)").matches;
const LONGEST_NAME = 256;

export const STREAM_SORTS = {
  name: "Stream",
  messages: "Messages",
  bytes: "Bytes",
  oldest: "Oldest",
  rate: "In /s",
  consumers: "Consumers",
  lag: "Lag",
  unacknowledged: "Unacked",
  redelivered: "Redelivered",
};

export const CONSUMER_SORTS = {
  name: "Consumer",
  stream: "Stream",
  lag: "Lag",
  unacknowledged: "Unacked",
  redelivered: "Redelivered",
  rate: "Out /s",
  delivered: "Delivered",
  waiting: "Waiting",
  acked: "Last ack",
};

const TEXTS = new Set(["name", "stream"]);

/** The order and the page of one table. */
export class Order {
  constructor(sort, descending) {
    this.sort = sort;
    this.descending = descending;
    this.offset = 0;
  }

  /** Sort by a column; a second time reverses the order. Names begin with A, numbers with the largest. */
  by(column) {
    this.descending = this.sort === column ? !this.descending : !TEXTS.has(column);
    this.sort = column;
    this.offset = 0;
  }
}

const DEFAULTS = { sort: "lag", descending: "1", csort: "lag", cdescending: "1", filter: "", rows: PHONE ? "10" : "15", stream: "", consumer: "" };

export class StreamsView {
  constructor() {
    const given = new URLSearchParams(location.search);
    const chosen = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, given.get(name) ?? DEFAULTS[name]]));
    this.streams = new Order(chosen.sort in STREAM_SORTS ? chosen.sort : DEFAULTS.sort, chosen.descending === "1");
    this.consumers = new Order(chosen.csort in CONSUMER_SORTS ? chosen.csort : DEFAULTS.csort, chosen.cdescending === "1");
    this.filter = chosen.filter.slice(0, 100);
    this.rows = SIZES.includes(Number(chosen.rows)) ? Number(chosen.rows) : Number(DEFAULTS.rows);
    this.stream = chosen.stream.slice(0, LONGEST_NAME); // whose details are open
    this.consumer = this.stream ? chosen.consumer.slice(0, LONGEST_NAME) : "";
  }

  /** Open the details of a stream, or of a consumer of it; with neither, close them. */
  open({ stream = "", consumer = "" } = {}) {
    this.stream = stream;
    this.consumer = consumer;
  }

  /** Choose what both tables show. */
  narrow(choice) {
    Object.assign(this, choice);
    this.streams.offset = this.consumers.offset = 0;
  }

  /** Put the choices into the address. */
  keep() {
    const kept = new URLSearchParams();
    for (const [name, value] of Object.entries(this.#words())) if (value !== DEFAULTS[name]) kept.set(name, value);
    const query = kept.toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }

  /** The parameters of a request. */
  parameters() {
    const flag = (order) => (order.descending ? "1" : "0");
    return {
      sort: this.streams.sort,
      descending: flag(this.streams),
      offset: `${this.streams.offset}`,
      consumers_sort: this.consumers.sort,
      consumers_descending: flag(this.consumers),
      consumers_offset: `${this.consumers.offset}`,
      limit: `${this.rows}`,
      filter: this.filter,
      stream: this.stream,
      consumer: this.consumer,
    };
  }

  #words() {
    return {
      sort: this.streams.sort,
      descending: this.streams.descending ? "1" : "",
      csort: this.consumers.sort,
      cdescending: this.consumers.descending ? "1" : "",
      filter: this.filter,
      rows: `${this.rows}`,
      stream: this.stream,
      consumer: this.consumer,
    };
  }
}
