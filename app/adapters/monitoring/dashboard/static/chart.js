// A line chart in SVG. Its size comes from the style sheet alone, so drawing never moves the page.

import { element, setFigure, setText } from "./cells.js";
import { ago, ceiling } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 100;
const HEADROOM = 1.05;

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export class Chart {
  /** `lines` are {name, label, className, scale}; `format` makes figures; `base` is that of the axis. */
  constructor(figure, { lines, format, base = 10, least = 1, describe }) {
    this.lines = lines;
    this.format = format;
    this.base = base;
    this.least = least;
    this.figure = figure;
    this.points = lines.map(() => []);
    this.current = [];
    this.focus = null; // where the reader points, as a share of the width
    this.top = 0;
    this.#build(figure, describe);
    this.#listen(figure.querySelector(".plot"));
  }

  #build(figure, describe) {
    const plot = figure.querySelector(".plot");
    plot.tabIndex = 0;
    plot.setAttribute("role", "img");
    this.describe = (text) => plot.setAttribute("aria-label", `${describe}: ${text}`);
    const legend = element("dl", "legend");
    this.figures = this.lines.map((line) => {
      const pair = element("div", line.className);
      pair.append(element("dt", "", line.label), element("dd"));
      legend.append(pair);
      return pair.lastChild;
    });
    figure.querySelector("figcaption").append(legend);
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(shape("path", { class: "grid", d: `M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}` }));
    this.areas = this.lines.map((line) => shape("path", { class: `area ${line.className}` }));
    this.strokes = this.lines.map((line) => shape("path", { class: `line ${line.className}` }));
    this.cursor = shape("path", { class: "cursor" });
    svg.append(...this.areas, ...this.strokes, this.cursor);
    this.ticks = [element("span", "tick top"), element("span", "tick middle")];
    this.edges = [element("span", "edge left"), element("span", "edge right")];
    this.note = element("span", "note");
    plot.append(svg, ...this.ticks, ...this.edges, this.note);
  }

  #listen(plot) {
    const point = (event) => {
      const box = plot.getBoundingClientRect();
      this.focus = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      this.#point();
    };
    const leave = () => {
      this.focus = null;
      this.#point();
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.focus = Math.min(1, Math.max(0, (this.focus ?? 1) + step));
      this.#point();
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
    setText(this.ticks[0], this.format(this.top).join("\u202f"));
    setText(this.ticks[1], this.format(this.top / 2).join("\u202f"));
    this.#point();
  }

  /** The scale grows at once, and shrinks only when less than a third of it is used. */
  #scale() {
    const highest = Math.max(this.least, ...this.points.map((points) => points.reduce((most, [, value]) => Math.max(most, value), 0)));
    if (highest > this.top || highest < this.top / 3) this.top = ceiling(HEADROOM * highest, this.base);
  }

  #x(at) {
    return WIDTH * (1 - (this.now - at) / this.span);
  }

  #path(points) {
    const shown = points.filter(([at]) => this.#x(at) > -WIDTH / 50);
    if (shown.length === 0) return { line: "", area: "" };
    const corner = ([at, value]) => `${this.#x(at).toFixed(1)} ${(HEIGHT * (1 - value / this.top)).toFixed(2)}`;
    const line = `M${shown.map(corner).join("L")}`;
    return { line, area: `${line}V${HEIGHT}H${this.#x(shown[0][0]).toFixed(1)}Z` };
  }

  /** Show the figures of now, or those of the time that is pointed at. */
  #point() {
    if (this.now === undefined) return; // nothing is drawn yet
    const pointed = this.focus !== null && this.points[0].length > 0;
    const at = this.now - (1 - this.focus) * this.span;
    const found = pointed ? this.points.map((points) => nearest(points, at)) : this.current.map((value) => [this.now, value]);
    const figures = found.map(([, value]) => (Number.isNaN(value) ? ["–", ""] : this.format(value)));
    figures.forEach((figure, number) => setFigure(this.figures[number], figure));
    this.cursor.setAttribute("d", pointed ? `M${this.#x(found[0][0]).toFixed(1)} 0V${HEIGHT}` : "");
    setText(this.note, this.points[0].length ? "" : "Collecting the first samples");
    setText(this.edges[0], past(this.span));
    setText(this.edges[1], pointed ? ago(this.now - found[0][0]) : "now");
    this.describe(this.lines.map((line, number) => `${line.label} ${figures[number].join(" ")}`).join(", "));
  }
}

function nearest(points, at) {
  return points.reduce((best, point) => (Math.abs(best[0] - at) <= Math.abs(point[0] - at) ? best : point));
}

function past(seconds) {
  return seconds < 3600 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}
