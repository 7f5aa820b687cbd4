// Writing into the page. Text from the server is only ever set as text, never as markup,
// and only where it has changed, so that nothing flickers and selections stay.

/** An element with a class and a text. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Set a text, if it is another one. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set a figure and its unit: the unit is thin, and apart from the figure. */
export function setFigure(node, [figure, unit]) {
  if (node.childElementCount !== 2) node.replaceChildren(element("span", "figure"), element("span", "unit"));
  setText(node.firstChild, figure);
  setText(node.lastChild, unit ? `\u202f${unit}` : "");
  node.classList.toggle("zero", figure === "0");
}

/** Make a table body show `rows`; each column is {text(row)} or {figure(row)}. Rows are used again. */
export function fillTable(table, columns, rows, decorate = () => {}) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.lastChild.remove();
  while (body.rows.length < rows.length) body.append(blankRow(columns));
  rows.forEach((row, number) => {
    const line = body.rows[number];
    columns.forEach((column, place) => fillCell(line.cells[place], column, row));
    decorate(line, row);
  });
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
  const text = column.text(row);
  setText(cell, text);
  if (cell.title !== text) cell.title = text;
}

/** Fill a list of terms: entries are [term, text or [figure, unit], tone]. */
export function fillFacts(list, entries) {
  while (list.childElementCount < entries.length) {
    const pair = element("div");
    pair.append(element("dt"), element("dd"));
    list.append(pair);
  }
  entries.forEach(([term, value, tone = ""], number) => {
    const pair = list.children[number];
    setText(pair.firstChild, term);
    if (pair.lastChild.dataset.tone !== tone) pair.lastChild.dataset.tone = tone;
    if (Array.isArray(value)) setFigure(pair.lastChild, value);
    else setText(pair.lastChild, value);
  });
}

/** Show or hide the sentence that stands where a table is empty. */
export function setEmpty(table, sentence) {
  const note = table.parentElement.querySelector(".empty");
  note.hidden = sentence === "";
  setText(note, sentence);
}
