"use strict";
// Without this script every page is complete; it filters and sorts what is there.
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const holds = (text, wanted) => wanted.every((word) => text.includes(word));
const number = (text) => parseFloat(text.replace("\u2212", "-").replace(/,/g, "")) * ({ M: 1e6, G: 1e9, T: 1e12 }[text.slice(-1)] || 1);

function filterTables(part) {
  const bar = part.querySelector(".filters"), find = bar.querySelector("[data-find]"), count = bar.querySelector("[data-count]");
  const rows = [...part.querySelectorAll("tr[data-row]")];  // they stay the same rows when a table is sorted
  let texts;
  bar.hidden = false;
  find.addEventListener("input", () => {
    texts ||= rows.map((row) => row.textContent.toLowerCase());
    const wanted = words(find.value);
    let shown = 0;
    rows.forEach((row, position) => { shown += !(row.hidden = !holds(texts[position], wanted)); });
    for (const body of part.querySelectorAll("tbody")) body.hidden = !body.querySelector("tr[data-row]:not([hidden])");
    count.textContent = wanted.length ? `${shown} of ${rows.length} rows` : "";
  });
}

function sortTable(table) {
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const head = button.parentElement, column = head.cellIndex;
    const descending = head.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (row) => row.cells[column].textContent.trim();
    const compare = (one, other) => {
      const a = number(value(one)), b = number(value(other)), turn = descending ? -1 : 1;
      if (isNaN(a) && isNaN(b)) return turn * value(one).localeCompare(value(other));
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return turn * (a - b);
    };
    for (const row of table.querySelectorAll(".tied tr[data-row]")) row.classList.add("near");
    const rows = [...table.querySelectorAll("tr[data-row]")].sort(compare);
    for (const body of [...table.tBodies].slice(1)) body.remove();
    table.tBodies[0].className = "";
    table.tBodies[0].replaceChildren(...rows);
  });
}

for (const table of document.querySelectorAll("table.rank, table.where")) sortTable(table);
for (const part of document.querySelectorAll("[data-tables]")) filterTables(part);
for (const list of document.querySelectorAll("[data-list]")) {
  const bar = list.querySelector(".filters"), items = [...list.querySelectorAll("[data-item]")];
  const find = bar.querySelector("[data-find]"), count = bar.querySelector("[data-count]");
  bar.hidden = false;
  find.addEventListener("input", () => {
    const wanted = words(find.value);
    for (const item of items) item.hidden = !holds(item.dataset.item.toLowerCase(), wanted);
    count.textContent = wanted.length ? `${items.filter((item) => !item.hidden).length} found` : "";
  });
}
