// The page: choices of the reader go into the view, answers of the server into the cards.

import { setText, watchOverflow } from "./cells.js";
import { Chart } from "./chart.js";
import { Connections } from "./connections.js";
import { Crosshair } from "./crosshair.js";
import { Drawer } from "./drawer.js";
import { Events } from "./events.js";
import { showClosed, showSlow } from "./departures.js";
import { Feed } from "./feed.js";
import { byteRate, bytes, duration, percent, rate, whole } from "./format.js";
import { History, Trails } from "./history.js";
import { Routes, showServer, showSubjects, showTrouble } from "./panels.js";
import { State, leaving } from "./state.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const view = new View();
const samples = new History();
const trails = new Trails();
const events = new Events();
const routes = new Routes();
const crosshair = new Crosshair();
let epoch = "";

const IN_OUT = (noun) => [
  { name: `in_${noun}`, label: "in", className: "in" },
  { name: `out_${noun}`, label: "out", className: "out" },
];
const one = (name, scale = 1) => [{ name, label: "", className: "one", scale }];

const charts = {
  msgs: new Chart(byId("chart-msgs"), { lines: IN_OUT("msgs"), format: rate, least: 10, describe: "Messages per second", crosshair }),
  bytes: new Chart(byId("chart-bytes"), { lines: IN_OUT("bytes"), format: byteRate, base: 1024, least: 1024, describe: "Payload per second", crosshair }),
  connections: new Chart(byId("chart-connections"), { lines: one("connections"), format: whole, least: 10, describe: "Connections", crosshair }),
  cpu: new Chart(byId("chart-cpu"), { lines: one("cpu_seconds", 100), format: percent, least: 100, describe: "Percent of one core", crosshair }),
  mem: new Chart(byId("chart-mem"), { lines: one("mem"), format: bytes, base: 1024, least: 1024 ** 2, describe: "Resident memory", crosshair }),
};

const connections = new Connections(view, () => changed());
const drawer = new Drawer(view, trails, () => changed());
const state = new State(() => feed.ask());

const feed = new Feed(
  "dashboard/feed",
  () => new URLSearchParams({ ...view.parameters(), epoch, ring: samples.ring, after: `${samples.next}`, seen: `${events.revision}` }),
  (answer) => show(answer),
  (failures, pause) => state.lost(failures, pause),
);

function changed() {
  view.keep();
  feed.ask();
}

function show(answer) {
  if (answer.epoch !== epoch) for (const kept of [samples, trails, events]) kept.clear();
  epoch = answer.epoch;
  samples.take(answer.history, answer.server.uptime);
  events.take(answer.events);
  trails.take(answer.connections.rows, answer.now);
  showCharts(answer);
  connections.show(answer.connections, answer.limits);
  showSubjects(answer.subjects, view.subject);
  showSlow(answer);
  showClosed(answer);
  routes.show(answer);
  showServer(answer.server, answer.totals, answer.limits);
  showTrouble(answer, events);
  drawer.show(answer);
  setText(byId("server-name"), answer.server.name);
  state.fresh(answer.server.name, answer.totals.held_publishers, leaving(answer.server.lame_duck, answer.connections.total));
}

function showCharts({ now, limits }) {
  charts.connections.limit = limits.connections;
  charts.mem.limit = limits.memory;
  for (const chart of Object.values(charts)) chart.draw(samples, now);
  setText(byId("young"), samples.isYoung ? `since the start ${duration(samples.uptime)[0]} ago` : "");
}

function watchWindows() {
  const buttons = [...document.querySelectorAll("[data-window]")];
  const mark = () => buttons.forEach((button) => button.setAttribute("aria-pressed", `${button.dataset.window === view.window}`));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      view.window = button.dataset.window;
      samples.clear();
      mark();
      changed();
    });
  }
  mark();
}

function watchSubjectFilter() {
  const field = byId("subject");
  field.value = view.subject;
  field.addEventListener("input", () => {
    view.subject = field.value;
    changed();
  });
}

/** On a phone the figures come first, and the details of the server are folded. */
function foldOnPhones() {
  if (!matchMedia("(max-width: 620px)").matches) return;
  for (const details of document.querySelectorAll("#server details")) details.open = false;
}

foldOnPhones();
watchWindows();
watchSubjectFilter();
watchOverflow();
feed.ask();
