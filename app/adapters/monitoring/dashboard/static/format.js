// Numbers for people: three significant digits, and the unit apart from the figure.

const DECIMAL = ["", "k", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

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

/** A number of things per second; few keep a digit behind the point. Null is not known yet. */
export function pace(value) {
  if (value === null) return ["–", ""];
  return value > 0 && value < 9.95 ? [value.toFixed(1), ""] : count(value);
}

/** The same where no heading says that it is per second. */
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

/** Seconds, in the two largest units that say something. */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return [`${s}`, "s"];
  if (s < HOUR) return [`${Math.floor(s / MINUTE)}m ${s % MINUTE}`, "s"];
  if (s < DAY) return [`${Math.floor(s / HOUR)}h ${Math.floor((s % HOUR) / MINUTE)}`, "m"];
  return [`${Math.floor(s / DAY)}d ${Math.floor((s % DAY) / HOUR)}`, "h"];
}

/** The time of day so many seconds ago, by the reader's clock. */
export const ago = (seconds) =>
  new Date(Date.now() - seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The end of a scale that holds `value`: a number whose half is easy to read as well. */
export function ceiling(value, base = 10) {
  if (value <= 0) return 1;
  const unit = base === 1024 ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const power = 10 ** Math.floor(Math.log10(value / unit));
  const step = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((factor) => factor * power * unit >= value);
  return step * power * unit;
}
