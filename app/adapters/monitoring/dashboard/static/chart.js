// A line chart in SVG. Its size comes from the style sheet alone, so drawing never moves the page.

import { element, setFigure, setText } from "./cells.js";
import { ago, ceiling, round, timeTicks } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 100;
const HEADROOM = 1.05;
const NEAR = 0.5; // share of a limit from which on it is drawn
const TICK_PIXELS = 96; // that a time of day takes, with some air
const EDGE_PIXELS = 64; // at the right, where "now" stands

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const place = (node, share) => (node.style.left = `${(100 * share).toFixed(2)}%`);

export class Chart {
  /**
   * `lines` are {name, label, className, scale}; `format` makes figures; `base` is that of the axis.
   * The axis ends at `least` or above; `limit` is a value worth a line of its own when it is near.
   */
  constructor(figure, { lines, format, base = 10, least = 1, describe, crosshair }) {
    this.lines = lines;
    this.format = format;
    this.base = base;
    this.least = least;
    this.limit = 0;
    this.points = lines.map(() => []);
    this.current = [];
    this.top = 0;
    this.crosshair = crosshair;
    this.plot = figure.querySelector(".plot");
    this.#build(figure, describe);
    this.#listen();
    crosshair.join(this);
  }

  #build(figure, describe) {
    const { plot } = this;
    plot.tabIndex = 0;
    plot.setAttribute("role", "img");
    this.describe = (text) => plot.setAttribute("aria-label", `${describe}: ${text}`);
    const legend = element("dl", this.lines.length > 1 ? "legend" : "legend single");
    this.figures = this.lines.map((line) => {
      const pair = element("div", line.className);
      pair.append(element("dt", "", line.label), element("dd"));
      legend.append(pair);
      return pair.lastChild;
    });
    figure.querySelector("figcaption").append(legend);
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.grid = shape("path", { class: "grid" });
    this.areas = this.lines.map((line) => shape("path", { class: `area ${line.className}` }));
    this.strokes = this.lines.map((line) => shape("path", { class: `line ${line.className}` }));
    this.limitLine = shape("path", { class: "limit" });
    this.cursor = shape("path", { class: "cursor" });
    svg.append(this.grid, ...this.areas, ...this.strokes, this.limitLine, this.cursor);
    this.ticks = [element("span", "tick top"), element("span", "tick middle")];
    this.limitText = element("span", "tick limit");
    this.edge = element("span", "edge right", "now");
    this.note = element("span", "note");
    this.dots = this.lines.map((line) => element("span", `spot ${line.className}`));
    this.tip = element("div", "tip");
    this.tipTime = element("p", "time");
    this.tipFigures = this.lines.map((line) => {
      const row = element("p", line.className);
      row.append(element("span", "label", this.lines.length > 1 ? line.label : ""), element("span", "value"));
      return row.lastChild;
    });
    this.tip.append(this.tipTime, ...this.tipFigures.map((figure) => figure.parentElement));
    this.times = element("div", "times");
    plot.append(svg, ...this.ticks, this.limitText, this.times, this.edge, this.note, ...this.dots, this.tip);
    for (const spot of [...this.dots, this.tip]) spot.hidden = true;
  }

  #listen() {
    const { plot, crosshair } = this;
    const point = (event) => {
      const box = plot.getBoundingClientRect();
      crosshair.move((event.clientX - box.left) / box.width, this);
    };
    const leave = () => crosshair.move(null, this);
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      crosshair.step(step, this);
    });
  }

  /** Draw what the history holds, with `now` at the right edge. */
  draw(history, now) {
    this.span = history.span;
    this.now = now;
    this.points = this.lines.map((line) => history.series(line.name).map(([at, value]) => [at, value * (line.scale ?? 1)]));
    this.current = this.lines.map((line) => (history.current(line.name) ?? NaN) * (line.scale ?? 1));
    this.#scale();
    this.lines.forEach((line, number) => {
      const stroke = this.#path(this.points[number]);
      this.strokes[number].setAttribute("d", stroke.line);
      this.areas[number].setAttribute("d", stroke.area);
    });
    setText(this.ticks[0], round(this.format(this.top)).join("\u202f"));
    setText(this.ticks[1], round(this.format(this.top / 2)).join("\u202f"));
    this.#drawTimes();
    this.#drawLimit();
    this.figures.forEach((node, number) => setFigure(node, this.#figure(this.current[number])));
    setText(this.note, this.points[0].length ? "" : "Collecting the first samples");
    this.point();
  }

  /** The scale grows at once, and shrinks only when less than a third of it is used. */
  #scale() {
    const highest = Math.max(...this.points.map((points) => points.reduce((most, [, value]) => Math.max(most, value), 0)));
    this.isNear = this.limit > 0 && highest >= NEAR * this.limit;
    const wanted = Math.max(this.isNear ? this.limit : 0, HEADROOM * highest);
    const top = wanted > this.least ? ceiling(wanted, this.base) : this.least;
    if (top > this.top || wanted < this.top / 3) this.top = top;
  }

  /** Round times of day below, with a line upwards from each. */
  #drawTimes() {
    const width = this.plot.clientWidth || WIDTH;
    const shown = timeTicks(this.span, Math.max(2, Math.floor(width / TICK_PIXELS)))
      .filter(([share]) => share * width > EDGE_PIXELS / 3 && (1 - share) * width > EDGE_PIXELS);
    while (this.times.childElementCount > shown.length) this.times.lastChild.remove();
    while (this.times.childElementCount < shown.length) this.times.append(element("span", "edge"));
    shown.forEach(([share, text], number) => {
      setText(this.times.children[number], text);
      place(this.times.children[number], share);
    });
    const upright = shown.map(([share]) => `M${(WIDTH * share).toFixed(1)} 0V${HEIGHT}`).join("");
    this.grid.setAttribute("d", `M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}${upright}`);
  }

  #drawLimit() {
    const drawn = this.isNear && this.limit <= this.top;
    this.limitLine.setAttribute("d", drawn ? `M0 ${this.#y(this.limit)}H${WIDTH}` : "");
    setText(this.limitText, drawn ? `limit ${round(this.format(this.limit)).join("\u202f")}` : "");
    this.limitText.style.top = `${this.#y(this.limit)}%`;
  }

  #share(at) {
    return 1 - (this.now - at) / this.span;
  }

  #y(value) {
    return (HEIGHT * (1 - value / this.top)).toFixed(2);
  }

  #path(points) {
    const shown = points.filter(([at]) => this.#share(at) > -0.02);
    if (shown.length === 0) return { line: "", area: "" };
    const x = (at) => (WIDTH * this.#share(at)).toFixed(1);
    const line = `M${shown.map(([at, value]) => `${x(at)} ${this.#y(value)}`).join("L")}`;
    return { line, area: `${line}V${HEIGHT}H${x(shown[0][0])}Z` };
  }

  #figure(value) {
    return Number.isNaN(value) ? ["–", ""] : this.format(value);
  }

  /** Show the figures of the time that the cross-hair points at. */
  point() {
    if (this.now === undefined) return; // nothing is drawn yet
    const { share } = this.crosshair;
    const pointed = share !== null && this.points[0].length > 0;
    const at = this.now - (1 - share) * this.span;
    const found = pointed ? this.points.map((points) => nearest(points, at)) : this.current.map((value) => [this.now, value]);
    const figures = found.map(([, value]) => this.#figure(value));
    const x = pointed ? Math.min(1, Math.max(0, this.#share(found[0][0]))) : 0;
    this.cursor.setAttribute("d", pointed ? `M${(WIDTH * x).toFixed(1)} 0V${HEIGHT}` : "");
    for (const spot of [...this.dots, this.tip]) spot.hidden = !pointed;
    if (pointed) this.#showTip(found, figures, x);
    const when = pointed ? ago(this.now - found[0][0]) : "now";
    this.describe(`${when}: ${this.lines.map((line, number) => `${line.label} ${figures[number].join(" ")}`.trim()).join(", ")}`);
  }

  #showTip(found, figures, x) {
    found.forEach(([, value], number) => {
      place(this.dots[number], x);
      this.dots[number].style.top = `${this.#y(value)}%`;
      setText(this.tipFigures[number], figures[number].filter(Boolean).join("\u202f"));
    });
    setText(this.tipTime, ago(this.now - found[0][0]));
    this.tip.classList.toggle("left", x > 0.5);
    this.tip.classList.toggle("quiet-tip", this.crosshair.source !== this);
    place(this.tip, x);
  }
}

function nearest(points, at) {
  return points.reduce((best, point) => (Math.abs(best[0] - at) <= Math.abs(point[0] - at) ? best : point));
}
