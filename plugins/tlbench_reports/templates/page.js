// Sorts a table by the column whose heading is pressed; pressed again, the other way round.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const body = heading.closest("table").tBodies[0];
    const column = [...heading.parentNode.children].indexOf(heading);
    const descending = heading.getAttribute("aria-sort") === "ascending";
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1; // what is missing stays below, either way
      const order = x !== "" && y !== "" && !isNaN(x) && !isNaN(y) ? x - y : x.localeCompare(y);
      return descending ? -order : order;
    };
    for (const row of [...body.rows].sort(compare)) body.append(row);
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    body.classList.add("sorted"); // rules between label budgets mean nothing any more
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  });
}
