// The page of streams: choices of the reader go into the view, answers of the server into the cards.

import { fillFacts, setText, watchOverflow } from "./cells.js";
import { Feed } from "./feed.js";
import { bytes, count, whole } from "./format.js";
import { Trails } from "./history.js";
import { State, leaving } from "./state.js";
import { StreamsDrawer } from "./streams_drawer.js";
import { StreamsTables } from "./streams_tables.js";
import { StreamsView } from "./streams_view.js";

const ON = ["summary", "streams", "consumers"];

const byId = (id) => document.getElementById(id);
const view = new StreamsView();
const trails = new Trails();
const tables = new StreamsTables(view, () => changed());
const drawer = new StreamsDrawer(view, trails, () => changed());
const state = new State(() => feed.ask());
let epoch = "";

const feed = new Feed(
  "streams/feed",
  () => new URLSearchParams(view.parameters()),
  (answer) => show(answer),
  (failures, pause) => state.lost(failures, pause),
);

function changed() {
  view.keep();
  feed.ask();
}

function show(answer) {
  if (answer.epoch !== epoch) trails.clear();
  epoch = answer.epoch;
  const { jetstream, server } = answer;
  byId("off").hidden = jetstream !== null;
  for (const card of ON) byId(card).hidden = jetstream === null;
  if (jetstream !== null) {
    showSummary(answer);
    tables.show(answer);
  }
  showProblem(jetstream?.problem ?? "");
  drawer.show(answer);
  setText(byId("server-name"), server.name);
  state.fresh(server.name, server.held_publishers, leaving(server.lame_duck, server.clients));
}

function showProblem(problem) {
  byId("problem").hidden = problem === "";
  setText(byId("problem"), problem);
}

function showSummary({ jetstream, streams, consumers }) {
  const { config, api } = jetstream;
  const synced = config.sync_always ? "before each acknowledgement" : `every ${config.sync_interval / 1e9} s`;
  setText(byId("store"), config.store_dir ? `${config.store_dir}, synced ${synced}` : "all in memory");
  fillFacts(byId("summary-facts"), [
    ["Streams", whole(streams.total)],
    ["Consumers", whole(consumers.total)],
    ["Messages", count(jetstream.messages)],
    ["Lag", count(jetstream.lag), "", "messages that consumers have not got yet, of all consumers"],
    ["Unacknowledged", count(jetstream.unacknowledged), "", "messages that were delivered and are not settled, of all consumers"],
    ["Redelivered", count(jetstream.redelivered), jetstream.redelivered ? "warn" : "", "messages among them that were delivered more than once"],
    ["Files", used(jetstream.storage, config.max_storage), tone(jetstream.storage, config.max_storage), "storage, max_file"],
    ["Memory", used(jetstream.memory, config.max_memory), tone(jetstream.memory, config.max_memory), "memory, max_mem"],
    ["Requests", `${count(api.total).join(" ").trim()}, ${whole(api.errors)[0]} refused`, "", "api: total, errors"],
  ]);
}

const NEAR = 0.9; // share of a limit from which on it is marked

const used = (size, most) => `${bytes(size).join(" ")}${most >= 0 ? ` of ${bytes(most).join(" ")}` : ""}`;
const tone = (size, most) => (most >= 0 && size >= NEAR * most ? "warn" : "");

watchOverflow();
feed.ask();
