// Writing into the page. Text from the server is only ever set as text, never as markup,
// with invisible characters escaped, and only where it has changed, so that nothing flickers
// and selections stay.

import { visible } from "./format.js";

/** An element with a class and a text. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = visible(text);
  return made;
}

/** Set a text, if it differs. */
export function setText(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** Set the tooltip, if it differs. */
export function setTitle(node, text) {
  const shown = visible(text);
  if (node.title !== shown) node.title = shown;
}

/** Set a data attribute, if it differs. */
export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** Set a figure and its unit, with a gap between them. */
export function setFigure(node, [figure, unit]) {
  if (node.childElementCount !== 2) node.replaceChildren(element("span", "figure"), element("span", "unit"));
  setText(node.firstChild, figure);
  setText(node.lastChild, unit ? `\u202f${unit}` : "");
  node.classList.toggle("zero", ["0", "0s", "–"].includes(figure));
}

/** Set a link that opens the details of a client, by its number, or of a subject, by its text. */
export const setLink = (node, kind, key, text) => setLinkTo(node, { [kind]: key }, text);

/** Set a link that opens what its parameters name. */
export function setLinkTo(node, parameters, text) {
  if (!(node.firstElementChild instanceof HTMLAnchorElement)) node.prepend(element("a", "open"));
  const link = node.firstElementChild;
  setText(link, text);
  const address = `?${new URLSearchParams(parameters)}`;
  if (link.getAttribute("href") !== address) link.setAttribute("href", address);
}

/** Make a table body show `rows`. Each column is {text(row)}, {figure(row)} or {fill(cell, row)}. Rows are used again. */
export function fillTable(table, columns, rows, decorate = () => {}) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.lastChild.remove();
  while (body.rows.length < rows.length) body.append(blankRow(columns));
  rows.forEach((row, number) => {
    const line = body.rows[number];
    columns.forEach((column, place) => fillCell(line.cells[place], column, row));
    decorate(line, row);
  });
  markOverflow(table.parentElement);
}

function blankRow(columns) {
  const line = element("tr");
  for (const column of columns) line.append(element("td", column.className ?? (column.figure ? "num" : "")));
  return line;
}

function fillCell(cell, column, row) {
  if (column.figure) {
    setFigure(cell, column.figure(row));
    return;
  }
  if (column.fill) {
    column.fill(cell, row);
    return;
  }
  const text = column.text(row);
  setText(cell, text);
  setTitle(cell, text);
}

/** Fill a list of terms: entries are [term, text or [figure, unit] or (node) => void, tone, title]. */
export function fillFacts(list, entries) {
  while (list.childElementCount > entries.length) list.lastChild.remove();
  while (list.childElementCount < entries.length) {
    const pair = element("div");
    pair.append(element("dt"), element("dd"));
    list.append(pair);
  }
  entries.forEach(([term, value, tone = "", title = ""], number) => {
    const pair = list.children[number];
    setText(pair.firstChild, term);
    setData(pair.lastChild, "tone", tone);
    setTitle(pair, title || (typeof value === "string" ? value : ""));
    if (Array.isArray(value)) setFigure(pair.lastChild, value);
    else if (typeof value === "function") value(pair.lastChild);
    else setText(pair.lastChild, value);
  });
}

/** Show or hide the sentence of an empty table. */
export function setEmpty(table, sentence) {
  const note = table.parentElement.querySelector(".empty");
  note.hidden = sentence === "";
  setText(note, sentence);
}

/** Fade the edge of a box that can be scrolled further. */
export function markOverflow(box) {
  setData(box, "more", `${box.scrollLeft + box.clientWidth < box.scrollWidth - 2}`);
}

/** Update the edges of all boxes that scroll. */
export function watchOverflow() {
  const boxes = [...document.querySelectorAll(".scroll")];
  for (const box of boxes) box.addEventListener("scroll", () => markOverflow(box), { passive: true });
  addEventListener("resize", () => boxes.forEach(markOverflow));
}
