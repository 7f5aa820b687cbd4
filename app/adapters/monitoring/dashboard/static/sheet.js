// The drawer beside a page: it opens at a link or a row, and closes with Esc or its button.

import { setText } from "./cells.js";

const byId = (id) => document.getElementById(id);

export class Sheet {
  /**
   * `wanted` reads what to open from the address of a link, `title` says what is opened, and `view` keeps it.
   * `clear` is called before something else is shown, `changed` after the reader has opened or closed something.
   */
  constructor({ view, wanted, title, clear, changed }) {
    Object.assign(this, { view, wanted, title, clear, changed });
    this.box = byId("drawer");
    this.from = null; // where the focus goes when the drawer is closed
    this.#listen();
  }

  #listen() {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a.open") ?? rowLink(event);
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#open(this.wanted(new URLSearchParams(link.search)), link);
    });
    byId("drawer-close").addEventListener("click", () => this.#close());
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.box.hidden) this.#close();
    });
  }

  #open(what, link) {
    this.from ??= this.box.contains(link) ? null : link;
    this.announce(this.title(what));
    this.clear();
    this.view.open(what);
    this.changed();
    byId("drawer-title").focus();
  }

  #close() {
    this.box.hidden = true;
    this.view.open();
    this.changed();
    this.from?.focus();
    this.from = null;
  }

  /** What is shown until the answer arrives. */
  announce(title) {
    setText(byId("drawer-title"), title);
    setText(byId("drawer-sum"), "");
    this.box.hidden = false;
  }
}

/** A click anywhere in a row counts, unless a text is being marked. */
function rowLink(event) {
  const row = event.target.closest(".opens tbody tr");
  return row && getSelection().isCollapsed ? row.querySelector("a.open") : null;
}
