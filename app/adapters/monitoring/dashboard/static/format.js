// Numbers and texts for people: three significant digits, and the unit apart from the figure.

const DECIMAL = ["", "k", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Invisible characters and changes of direction, except the joiners that scripts and emoji need.
const UNSEEN = /[^\P{C}\u200c\u200d]|[\p{Zl}\p{Zp}]/gu;

/** Untrusted text with unprintable characters escaped, as in the log: \n, \x1b, \u202e. */
export const visible = (text) => text.replace(UNSEEN, spelled);

function spelled(character) {
  const code = character.codePointAt(0);
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}

function scaled(value, base, units) {
  let size = Math.abs(value);
  let step = 0;
  // 999.5 would be written as 1000, so it moves on to the next unit.
  while (size >= 999.5 && step < units.length - 1) {
    size /= base;
    step += 1;
  }
  const digits = step === 0 ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return [(value < 0 ? "−" : "") + size.toFixed(digits), units[step]];
}

/** A number of things: 12, 1.25 k, 3.40 M. */
export const count = (value) => scaled(value, 1000, DECIMAL);

/** An exact number, with its thousands apart. */
export const whole = (value) => [value.toLocaleString("en-US"), ""];

/** Bytes, in steps of 1024. */
export const bytes = (value) => scaled(value, 1024, BINARY);

/** A number of things per second; a small one has a decimal. Null is not known yet. */
export function pace(value) {
  if (value === null) return ["–", ""];
  return value > 0 && value < 9.95 ? [value.toFixed(1), ""] : count(value);
}

/** The same with its unit. */
export function rate(value) {
  const [figure, unit] = pace(value);
  return [figure, `${unit}/s`];
}

/** Bytes per second. */
export function byteRate(value) {
  const [figure, unit] = bytes(value);
  return [figure, `${unit}/s`];
}

/** Percent of one processor. */
export const percent = (value) => [value < 9.95 ? value.toFixed(1) : value.toFixed(0), "%"];

/** A figure of an axis, which is round: without zeros at its end. */
export function round([figure, unit]) {
  return [figure.includes(".") ? figure.replace(/\.?0+$/, "") : figure, unit];
}

/** Seconds, in the two largest units that are not zero. */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return [`${s}s`, ""];
  if (s < HOUR) return [`${Math.floor(s / MINUTE)}m ${s % MINUTE}s`, ""];
  if (s < DAY) return [`${Math.floor(s / HOUR)}h ${Math.floor((s % HOUR) / MINUTE)}m`, ""];
  return [`${Math.floor(s / DAY)}d ${Math.floor((s % DAY) / HOUR)}h`, ""];
}

/** A waiting time in seconds; a short one has a decimal. */
export const wait = (seconds) => (seconds > 0 && seconds < 9.95 ? [`${seconds.toFixed(1)}s`, ""] : duration(seconds));

/** A round-trip time. */
export const roundTrip = (seconds) => (seconds === null ? ["–", ""] : seconds < 0.0995 ? [(seconds * 1000).toFixed(1), "ms"] : [(seconds * 1000).toFixed(0), "ms"]);

/** The time of day some seconds ago, by the reader's clock; with its date, if that is another one. */
export function ago(seconds, precise = true) {
  const then = new Date(Date.now() - seconds * 1000);
  const time = timeOfDay(then, precise);
  return then.toDateString() === new Date().toDateString() ? time : `${then.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/** Hours and minutes, and seconds if they are wanted. */
export const timeOfDay = (moment, precise) =>
  moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(precise && { second: "2-digit" }), hourCycle: "h23" });

const ROUND = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10];
const ROUND_BYTES = [1, 2, 4, 6, 8, 10, 16, 20, 32, 40, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1024];

/** The end of a scale that holds `value`: a round number whose half is round as well. */
export function ceiling(value, base = 10) {
  if (value <= 0) return 1;
  if (base === 1024) {
    const unit = 1024 ** Math.max(0, Math.floor(Math.log(value) / Math.log(1024)));
    return ROUND_BYTES.find((factor) => factor * unit >= value) * unit;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return ROUND.find((factor) => factor * power >= value) * power;
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY];

/** Round times of day in the last `span` seconds, `most` of them: [share of the span, text]. */
export function timeTicks(span, most) {
  const step = TIME_STEPS.find((seconds) => span / seconds <= most) ?? DAY;
  const now = Date.now() / 1000;
  const zone = -60 * new Date().getTimezoneOffset();
  const ticks = [];
  for (let at = Math.ceil((now - span + zone) / step) * step - zone; at <= now; at += step) {
    ticks.push([1 - (now - at) / span, timeOfDay(new Date(at * 1000), step < MINUTE)]);
  }
  return ticks;
}
