// The page: what the reader chooses goes into the view, what the server answers goes into the cards.

import { Chart } from "./chart.js";
import { setText } from "./cells.js";
import { Connections } from "./connections.js";
import { Feed } from "./feed.js";
import { byteRate, bytes, percent, rate, whole } from "./format.js";
import { History } from "./history.js";
import { showRoutes, showServer, showSubjects, showTrouble } from "./panels.js";
import { View } from "./view.js";

const RATHER_LATE = 2; // failed requests until the figures are dimmed
const GROWN_UP = 60000; // milliseconds; a younger page does not reload itself, so it cannot do so again and again

const byId = (id) => document.getElementById(id);
const view = new View();
const samples = new History();
let epoch = "";
let edition = "";

const IN_OUT = (noun) => [
  { name: `in_${noun}`, label: "in", className: "in" },
  { name: `out_${noun}`, label: "out", className: "out" },
];
const one = (name, scale = 1) => [{ name, label: "now", className: "one", scale }];

const charts = [
  new Chart(byId("chart-msgs"), { lines: IN_OUT("msgs"), format: rate, least: 10, describe: "Messages per second" }),
  new Chart(byId("chart-bytes"), { lines: IN_OUT("bytes"), format: byteRate, base: 1024, least: 1024, describe: "Payload per second" }),
  new Chart(byId("chart-connections"), { lines: one("connections"), format: whole, least: 10, describe: "Connections" }),
  new Chart(byId("chart-cpu"), { lines: one("cpu_seconds", 100), format: percent, least: 10, describe: "Percent of one processor" }),
  new Chart(byId("chart-mem"), { lines: one("mem"), format: bytes, base: 1024, least: 1024 ** 2, describe: "Resident memory" }),
];

const connections = new Connections(view, () => changed());

const feed = new Feed(
  () => new URLSearchParams({ ...view.parameters(), epoch, after: `${samples.next}` }),
  (answer) => show(answer),
  (failures) => lost(failures),
);

function changed() {
  view.keep();
  feed.ask();
}

function show(answer) {
  if (edition && edition !== answer.edition && performance.now() > GROWN_UP) {
    location.reload(); // the server was upgraded, and this page with it
    return;
  }
  edition ||= answer.edition;
  if (answer.epoch !== epoch || answer.history.window !== view.window) samples.clear();
  epoch = answer.epoch;
  samples.take(answer.history);
  for (const chart of charts) chart.draw(samples, answer.now);
  connections.show(answer.connections, answer.limits);
  showSubjects(answer.subjects, view.subject);
  showRoutes(answer.routes);
  showServer(answer.server, answer.totals);
  showTrouble(answer.totals, answer.connections);
  setText(byId("server-name"), answer.server.name);
  setTitle(`${answer.server.name} · pynatsd`);
  byId("main").dataset.stale = "false";
  setState("live", "live");
}

function lost(failures) {
  setState("lost", "reconnecting");
  setTitle("reconnecting · pynatsd");
  if (failures >= RATHER_LATE) byId("main").dataset.stale = "true";
}

function setState(state, text) {
  byId("state").dataset.state = state;
  setText(byId("state").querySelector(".text"), text);
}

function setTitle(title) {
  if (document.title !== title) document.title = title;
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

watchWindows();
watchSubjectFilter();
feed.ask();
