// Polls the server every other second, one request at a time, and only while the page is visible.

const EVERY = 2000; // milliseconds between two answers
const PATIENCE = 8000; // until a request counts as lost
const LONGEST_PAUSE = 15000; // between two attempts while the server is away
const GROWN_UP = 60000; // since the page was loaded; a younger one does not reload itself, so it cannot do so again and again

export class Feed {
  /** `address` is that of the feed; `query` gives the parameters of the next request; `answered` gets the answer, `failed` the failures in a row and the milliseconds until the next attempt. */
  constructor(address, query, answered, failed) {
    this.address = address;
    this.query = query;
    this.answered = answered;
    this.failed = failed;
    this.failures = 0;
    this.timer = 0;
    this.request = null;
    this.edition = ""; // of the page, as the first answer names it
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.ask()));
  }

  /** Poll now: at the start, and whenever the reader changes the view. */
  ask() {
    this.#rest();
    if (!document.hidden) this.#exchange();
  }

  #rest() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.request = null;
  }

  async #exchange() {
    const request = new AbortController();
    this.request = request;
    const lost = setTimeout(() => request.abort(), PATIENCE);
    try {
      const response = await fetch(`${this.address}?${this.query()}`, { signal: request.signal, cache: "no-store" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const answer = await response.json();
      if (this.request !== request) return; // the reader has changed the view
      this.failures = 0;
      if (this.#isOutdated(answer)) location.reload(); // the server was upgraded, and this page with it
      else this.answered(answer);
    } catch {
      if (this.request !== request) return;
      this.failures += 1;
      this.failed(this.failures, this.#pause());
    } finally {
      clearTimeout(lost);
      if (this.request === request) this.timer = setTimeout(() => this.ask(), this.#pause());
    }
  }

  #isOutdated({ edition }) {
    this.edition ||= edition;
    return this.edition !== edition && performance.now() > GROWN_UP;
  }

  #pause() {
    return this.failures === 0 ? EVERY : Math.min(LONGEST_PAUSE, 1000 * 2 ** (this.failures - 1));
  }
}
