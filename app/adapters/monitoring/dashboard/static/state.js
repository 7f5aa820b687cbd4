// Whether the figures are fresh, and whether publishers are held: the line beside the server's name,
// the bar below it, the title and the icon of the tab.

import { setData, setText } from "./cells.js";
import { timeOfDay, visible } from "./format.js";

const RATHER_LATE = 2; // failed requests until the figures are dimmed
const OLD = 6000; // milliseconds after which figures count as late although no request has failed yet

const byId = (id) => document.getElementById(id);

const ICON = byId("icon").getAttribute("href");
const LOST_ICON = ICON.replace("icon.svg", "icon-lost.svg");

export class State {
  /** `retry` polls the server at once. */
  constructor(retry) {
    this.name = "pynatsd";
    this.answered = 0; // when the last answer came, in milliseconds since the epoch
    this.held = 0;
    this.leaving = "";
    this.isLost = false;
    this.next = 0;
    byId("retry").addEventListener("click", retry);
    setInterval(() => document.hidden || this.#tell(), 1000);
  }

  /** `leaving` is what there is to say of lame duck mode; empty without it. */
  fresh(name, held, leaving) {
    Object.assign(this, { name, held, leaving, isLost: false, answered: Date.now() });
    byId("lost").hidden = true;
    setData(byId("main"), "stale", "false");
    this.#tell();
  }

  lost(failures, pause) {
    this.isLost = true;
    this.next = Date.now() + pause;
    const since = timeOfDay(new Date(this.answered), true);
    setText(byId("lost").querySelector(".text"), this.answered ? `No answer since ${since}; the figures are from then.` : "The server does not answer.");
    byId("lost").hidden = false;
    if (failures >= RATHER_LATE) setData(byId("main"), "stale", "true");
    this.#tell();
  }

  #tell() {
    const age = Date.now() - this.answered;
    const updated = age < 1500 ? "updated just now" : `updated ${Math.round(age / 1000)} s ago`;
    if (this.isLost) {
      const left = Math.max(0, Math.ceil((this.next - Date.now()) / 1000));
      this.#set("lost", "no answer", left ? `next attempt in ${left} s` : "trying again");
    } else if (this.answered === 0) this.#set("waiting", "", "connecting");
    else if (this.leaving) this.#set("leaving", this.leaving, updated);
    else if (this.held) this.#set("held", `${this.held} ${this.held === 1 ? "publisher waits" : "publishers wait"}`, updated);
    else this.#set(age > OLD ? "late" : "live", "", updated);
    const title = this.isLost ? `No answer · ${this.name}` : `${this.name} · pynatsd`;
    if (document.title !== visible(title)) document.title = visible(title);
    const icon = byId("icon");
    const wanted = this.isLost ? LOST_ICON : ICON;
    if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  }

  #set(state, word, text) {
    setData(byId("state"), "state", state);
    setText(byId("state").querySelector(".word"), word);
    setText(byId("state").querySelector(".text"), text);
  }
}

/** What pages say of lame duck mode, with the seconds that are left; nothing without it. */
export function leaving(seconds, clients) {
  if (seconds === null) return "";
  return `lame duck mode: ${clients} ${clients === 1 ? "client" : "clients"} left, at most ${Math.ceil(seconds)} s`;
}
