// The samples of one window, as the server has kept them: running totals, and the state at that time.

const FIELDS = ["at", "in_msgs", "out_msgs", "in_bytes", "out_bytes", "cpu_seconds", "mem", "connections"];
const COUNTERS = new Set(["in_msgs", "out_msgs", "in_bytes", "out_bytes", "cpu_seconds"]);

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.next = 0; // number of the sample to ask for
    this.step = 2;
    this.length = 300;
    this.rows = [];
    this.latest = [];
  }

  /** Append what the server sent; what is older than the window is forgotten. */
  take({ first, step, length, samples, latest }) {
    if (first !== this.next) this.rows = [];
    this.step = step;
    this.length = length;
    this.next = first + samples.length;
    this.rows.push(...samples.map(named));
    this.latest = latest.map(named);
    this.rows.splice(0, Math.max(0, this.rows.length - length - 1));
  }

  /** Seconds from the left edge of a chart to the right one. */
  get span() {
    return this.step * this.length;
  }

  /** Points [seconds since the epoch, value]: per second for a counter, as it is for a state. */
  series(name) {
    const newest = this.latest.at(-1);
    // A window of large steps is behind by up to one step; the newest sample of all completes it.
    const complete = newest && newest.at > (this.rows.at(-1)?.at ?? 0);
    return values(complete ? [...this.rows, newest] : this.rows, name);
  }

  /** The value of now, or undefined. */
  current(name) {
    return values(this.latest, name).at(-1)?.[1];
  }
}

function named(sample) {
  return Object.fromEntries(FIELDS.map((name, place) => [name, sample[place]]));
}

function values(rows, name) {
  if (!COUNTERS.has(name)) return rows.map((row) => [row.at, row[name]]);
  return rows.slice(1).map((row, place) => {
    const before = rows[place];
    return [row.at, Math.max(0, row[name] - before[name]) / Math.max(0.001, row.at - before.at)];
  });
}
