// One cross-hair through all charts of the page: they show the same time.

export class Crosshair {
  constructor() {
    this.charts = [];
    this.share = null; // position of the pointer, as a share of the width
    this.source = null; // the chart that is pointed at
  }

  join(chart) {
    this.charts.push(chart);
  }

  /** Point at a place of a chart; null points nowhere. */
  move(share, source) {
    this.share = share === null ? null : Math.min(1, Math.max(0, share));
    this.source = share === null ? null : source;
    for (const chart of this.charts) chart.point();
  }

  /** Move by a share of the width; the first step starts at the right edge. */
  step(by, source) {
    this.move((this.share ?? 1) + by, source);
  }
}
