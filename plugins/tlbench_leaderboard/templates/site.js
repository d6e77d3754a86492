"use strict";
// Without this script every page is complete; it filters and sorts what is there.
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const holds = (text, wanted) => wanted.every((word) => text.includes(word));

function filterTable(bar, table) {
  const rows = [...table.querySelectorAll("tr[data-row]")];
  const texts = rows.map((row) => (row.textContent + " " + Object.values(row.dataset).join(" ")).toLowerCase());
  const find = bar.querySelector("[data-find]");
  const choices = [...bar.querySelectorAll("[data-filter]")];
  const count = bar.querySelector("[data-count]");
  const apply = () => {
    const wanted = words(find.value);
    let shown = 0;
    rows.forEach((row, position) => {
      const fits = choices.every((choice) => !choice.value || row.dataset[choice.dataset.filter] === choice.value);
      row.hidden = !(fits && holds(texts[position], wanted));
      shown += !row.hidden;
    });
    for (const body of table.tBodies) body.hidden = !body.querySelector("tr[data-row]:not([hidden])");
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  bar.hidden = false;
  bar.addEventListener("input", apply);
  apply();
}

function sortTable(table) {
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const head = button.parentElement, column = head.cellIndex;
    const descending = head.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (row) => {
      const cell = row.cells[column];
      if (!("value" in cell.dataset)) return cell.textContent;
      return cell.dataset.value === "" ? NaN : Number(cell.dataset.value);
    };
    const compare = (one, other) => {
      const a = value(one), b = value(other);
      if (typeof a === "string") return descending ? b.localeCompare(a) : a.localeCompare(b);
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return descending ? b - a : a - b;
    };
    for (const body of table.tBodies) body.append(...[...body.querySelectorAll("tr[data-row]")].sort(compare));
  });
}

for (const table of document.querySelectorAll("table[data-table]")) {
  sortTable(table);
  filterTable(table.parentElement.previousElementSibling, table);
}
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
