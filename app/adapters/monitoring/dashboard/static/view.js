// The choices of the reader. They are part of the address, so that they can be bookmarked.

const WINDOWS = ["10m", "2h", "24h"];
const SIZES = [10, 15, 50, 200];
const PHONE = matchMedia("(max-width: 620px)").matches;

export const SORTS = {
  cid: "CID",
  name: "Name",
  address: "Address",
  language: "Library",
  pending: "Pending",
  to_rate: "To /s",
  from_rate: "From /s",
  msgs_to: "Msgs to",
  msgs_from: "Msgs from",
  bytes_to: "Bytes to",
  bytes_from: "Bytes from",
  subs: "Subs",
  idle: "Idle",
  uptime: "Up",
};

const TEXTS = new Set(["cid", "name", "address", "language"]);

const DEFAULTS = { window: "10m", sort: "pending", descending: "1", filter: "", slow: "", rows: PHONE ? "10" : "15", subject: "", client: "", topic: "" };
const LONGEST_SUBJECT = 4096;

export class View {
  constructor() {
    const given = new URLSearchParams(location.search);
    const chosen = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, given.get(name) ?? DEFAULTS[name]]));
    this.window = WINDOWS.includes(chosen.window) ? chosen.window : DEFAULTS.window;
    this.sort = chosen.sort in SORTS ? chosen.sort : DEFAULTS.sort;
    this.descending = chosen.descending === "1";
    this.filter = chosen.filter.slice(0, 100);
    this.slow = chosen.slow === "1";
    this.rows = SIZES.includes(Number(chosen.rows)) ? Number(chosen.rows) : Number(DEFAULTS.rows);
    this.subject = chosen.subject.slice(0, 100);
    this.client = /^[1-9][0-9]{0,14}$/.test(chosen.client) ? Number(chosen.client) : 0; // whose details are open
    this.topic = this.client ? "" : chosen.topic.slice(0, LONGEST_SUBJECT); // the subject whose details are open
    this.offset = 0;
  }

  /** Open the details of a client or a subject; with neither, close them. */
  open({ client = 0, topic = "" } = {}) {
    this.client = client;
    this.topic = topic;
  }

  /** Sort by a column; a second time reverses the order. Names begin with A, numbers with the largest. */
  sortBy(column) {
    this.descending = this.sort === column ? !this.descending : !TEXTS.has(column);
    this.sort = column;
    this.offset = 0;
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
    const { rows, ...words } = this.#words();
    return { ...words, client: `${this.client}`, descending: this.descending ? "1" : "0", slow: this.slow ? "1" : "0", limit: rows, offset: `${this.offset}` };
  }

  #words() {
    return {
      window: this.window,
      sort: this.sort,
      descending: this.descending ? "1" : "",
      filter: this.filter,
      slow: this.slow ? "1" : "",
      rows: `${this.rows}`,
      subject: this.subject,
      client: this.client ? `${this.client}` : "",
      topic: this.topic,
    };
  }
}
