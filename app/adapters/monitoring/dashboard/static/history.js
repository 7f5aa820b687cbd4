// The samples of one window from the server: running totals, and the state at that time.

const FIELDS = ["at", "in_msgs", "out_msgs", "in_bytes", "out_bytes", "cpu_seconds", "mem", "connections"];
const COUNTERS = new Set(["in_msgs", "out_msgs", "in_bytes", "out_bytes", "cpu_seconds"]);
const SHORTEST = 30; // seconds that a chart shows at least
const TRAIL = 300; // samples of one client
const FORGOTTEN = 120; // seconds after which the trail of a client that no longer appears is dropped

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.ring = ""; // which samples these are
    this.next = 0; // number of the sample to ask for
    this.whole = 600;
    this.uptime = 0;
    this.length = 300;
    this.rows = [];
    this.latest = [];
  }

  /** Append the samples of an answer; samples older than the window are dropped. */
  take({ ring, first, span, length, samples, latest }, uptime) {
    if (ring !== this.ring || first !== this.next) this.rows = [];
    this.ring = ring;
    this.whole = span;
    this.uptime = uptime;
    this.length = length;
    this.next = first + samples.length;
    this.rows.push(...samples.map(named));
    this.latest = latest.map(named);
    this.rows.splice(0, Math.max(0, this.rows.length - length - 1));
  }

  /** Seconds from the left edge of a chart to the right one; at most the uptime of the server. */
  get span() {
    return Math.min(this.whole, Math.max(SHORTEST, this.uptime));
  }

  /** Whether a chart begins with the start of the server. */
  get isYoung() {
    return this.uptime < this.whole;
  }

  /** Points [seconds on the server's clock, value]: per second for a counter, as it is for a state. */
  series(name) {
    const newest = this.latest.at(-1);
    // A window of large steps is late by up to one step; the newest sample of all completes it.
    const complete = newest && newest.at > (this.rows.at(-1)?.at ?? 0);
    return values(complete ? [...this.rows, newest] : this.rows, name);
  }

  /** The value of now, or undefined. */
  current(name) {
    return values(this.latest, name).at(-1)?.[1];
  }
}

/** The pending bytes of clients, since each of them first appeared on this page. */
export class Trails {
  constructor() {
    this.clear();
  }

  clear() {
    this.trails = new Map();
  }

  take(rows, now) {
    for (const { cid, pending } of rows) {
      const trail = this.trails.get(cid) ?? [];
      if (trail.at(-1)?.[0] === now) continue;
      trail.push([now, pending]);
      trail.splice(0, Math.max(0, trail.length - TRAIL));
      this.trails.set(cid, trail);
    }
    for (const [cid, trail] of this.trails) if (now - trail.at(-1)[0] > FORGOTTEN) this.trails.delete(cid);
  }

  /** The same for one client, as a chart wants it. */
  of(cid, now) {
    const trail = this.trails.get(cid) ?? [];
    return {
      span: Math.max(SHORTEST, now - (trail[0]?.[0] ?? now)),
      series: () => trail,
      current: () => trail.at(-1)?.[1],
    };
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
