/** A table: sorted, filtered, in pages, with the records of a row on demand. Draws what table.html writes. */
class Grid {
  constructor(data, bands, files) {
    Object.assign(this, data);
    this.bands = bands;
    this.files = files;
    this.box = document.getElementById(data.key);
    this.table = this.box.querySelector("table");
    this.more = this.box.querySelector(".more");
    this.length = data.columns[0].texts.length;
    this.grouped = data.groups.length > 0;
    this.wanted = () => true;
    this.page = 0;
    this.open = new Map(); // of rows to the line that tells more of them
    this.by = data.sort ? { column: data.columns.findIndex((each) => each.key === data.sort[0]), down: data.sort[1] } : null;
    this.headings = [...this.table.tHead.rows].at(-1).cells;
    data.columns.forEach((column, i) => this.addSorting(column, this.headings[i], i));
    if (!data.filtered && this.length > Grid.ROOMY) this.renew(); // the others stand as they should, or are drawn by Choices
  }

  addSorting(column, heading, i) {
    const button = make("button", { type: "button", onclick: () => this.sortBy(i) }, column.title);
    heading.replaceChildren(button);
  }

  sortBy(column) {
    const again = this.by?.column === column;
    const first = this.columns[column].number && column > 0; // the largest first
    this.by = { column, down: again ? !this.by.down : first };
    for (const heading of this.headings) heading.removeAttribute("aria-sort");
    this.headings[column].setAttribute("aria-sort", this.by.down ? "descending" : "ascending");
    this.page = 0;
    this.renew();
  }

  /** Choose and order the rows, and draw them. */
  renew() {
    const rows = [];
    for (let row = 0; row < this.length; row++) if (this.wanted(this, row)) rows.push(row);
    const groups = this.grouped ? this.groups : null;
    const compare = this.by ? this.comparison() : () => 0;
    rows.sort((a, b) => (groups ? groups[a] - groups[b] : 0) || compare(a, b));
    this.rows = rows;
    this.page = Math.min(this.page, Math.max(Math.ceil(rows.length / Grid.PAGE) - 1, 0));
    this.draw();
  }

  comparison() {
    const { texts, values } = this.columns[this.by.column];
    const sign = this.by.down ? -1 : 1;
    const keys = values ?? texts;
    const missing = values ? (key) => key === null : (key) => key === "" || key === "–";
    const order = values ? (x, y) => x - y : Grid.collator.compare;
    return (a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (missing(x) !== missing(y)) return missing(x) ? 1 : -1; // what is missing stays below, either way
      return missing(x) ? 0 : sign * order(x, y);
    };
  }

  draw() {
    const paged = this.rows.length > Grid.ROOMY;
    const start = paged ? this.page * Grid.PAGE : 0;
    const shown = paged ? this.rows.slice(start, start + Grid.PAGE) : this.rows;
    const bodies = [];
    let group;
    for (const row of shown) {
      if (!bodies.length || (this.grouped && this.groups[row] !== group)) {
        bodies.push(make("tbody"));
        const [last, place] = [this.groupPlaces[group], this.groupPlaces[this.groups[row]]];
        group = this.groups[row];
        if (this.grouped && place && place !== last) bodies.at(-1).append(this.groupLine(place, "group place"));
        if (this.grouped) bodies.at(-1).append(this.groupLine(this.groupTitles[group], "group"));
      }
      bodies.at(-1).append(this.line(row));
      if (this.open.has(row)) bodies.at(-1).append(this.open.get(row));
    }
    if (!bodies.length) {
      const text = make("td", { colspan: this.columns.length, class: "none" }, "No row fits.");
      bodies.push(make("tbody", {}, make("tr", {}, text)));
    }
    for (const body of [...this.table.tBodies]) body.remove();
    this.table.append(...bodies);
    this.table.classList.toggle("grouped", this.grouped);
    this.drawPages(paged, start, shown.length);
  }

  groupLine(text, kind) {
    const title = make("th", { scope: "rowgroup", colspan: this.columns.length }, make("span", {}, text));
    return make("tr", { class: kind }, title);
  }

  line(row) {
    const cells = this.columns.map((column, i) => {
      const text = column.texts[row];
      if (i === 0) return make("th", { scope: "row" }, ...(this.filtered ? [this.opener(row, text)] : breakable(text)));
      const classes = [column.number && "number", column.prose && "prose", column.marks?.[row], column.band && `band-${column.band}`];
      return make("td", { class: classes.filter(Boolean).join(" ") || null }, ...this.bar(column, row), text);
    });
    return make("tr", {}, ...cells);
  }

  bar(column, row) {
    const ends = column.bars?.[row];
    if (!ends) return [];
    const bar = make("i", { class: "bar" });
    ["low", "high", "mean"].forEach((name, i) => bar.style.setProperty(`--${name}`, `${ends[i]}%`));
    return [bar];
  }

  /** Return the name of a row as a button that opens all else there is to tell of it. */
  opener(row, text) {
    const button = make("button", { type: "button", class: "opener", "aria-expanded": String(this.open.has(row)) }, ...breakable(text));
    button.addEventListener("click", () => {
      if (this.open.has(row)) {
        this.open.get(row).remove();
        this.open.delete(row);
      } else {
        this.open.set(row, this.detail(row));
        button.closest("tr").after(this.open.get(row));
      }
      button.setAttribute("aria-expanded", String(this.open.has(row)));
    });
    return button;
  }

  /** Return a line with what the table has no room for, and the records on demand. */
  detail(row) {
    const lists = [["wide", "scores"], ...Object.entries(this.bands)].map(([band, title]) => {
      const own = this.columns.filter((column) => column.band === band && column.texts[row] && column.texts[row] !== "–");
      const facts = own.map((column) => make("div", {}, make("dt", {}, column.title), " ", make("dd", {}, column.texts[row])));
      return own.length ? make("section", { class: `of-${band}` }, make("h4", {}, title), make("dl", {}, ...facts)) : "";
    });
    const count_ = this.records[row]?.reduce((sum, [first, end]) => sum + end - first, 0);
    const records = make("button", { type: "button", class: "records" }, `Show ${count(count_ ?? 0, "record")}`);
    records.addEventListener("click", async () => records.replaceWith(await this.recordsTable(row)));
    const cell = make("td", { colspan: this.columns.length }, make("div", { class: "facts" }, ...lists), ...(count_ ? [records] : []));
    return make("tr", { class: "detail" }, cell);
  }

  async recordsTable(row) {
    const file = this.files.get("results.csv");
    const names = await file.header();
    const parts = await Promise.all(this.records[row].map(([first, end]) => file.records(first, end)));
    const records = parts.flat();
    const told = (name) => records.some((record) => record[names.indexOf(name)]);
    const first = ["replicate", "seed", "status"].filter((name) => names.includes(name));
    const metrics = this.columns.filter((column) => column.key.startsWith("metric:")).map((column) => column.key.slice(7));
    const own = this.title.split(", ")[0];
    const rest = [own, ...metrics, "failure", "message"].filter((name) => names.includes(name) && told(name));
    const columns = [...first, ...rest, "cell"];
    const write = (text) => (/^-?\d*\.\d{4,}(e-?\d+)?$/.test(text) ? Number(text).toFixed(4) : text);
    const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
    const lines = records.map((record) =>
      make("tr", {}, ...columns.map((name) => make("td", {}, write(record[names.indexOf(name)])))),
    );
    const caption = make("caption", {}, `${count(records.length, "record")} of ${this.columns[0].texts[row]}`);
    const table = make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...lines));
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Records" }, table);
  }

  drawPages(paged, start, shown) {
    if (!paged) return this.more.replaceChildren();
    const turn = (text, by, last) =>
      make("button", { type: "button", disabled: last, onclick: () => this.turn(by) }, text);
    const end = start + shown;
    const all = this.rows.length;
    const place = `rows ${(start + 1).toLocaleString("en")} to ${end.toLocaleString("en")} of ${all.toLocaleString("en")}`;
    this.more.replaceChildren(
      turn("Previous", -1, start === 0), make("span", { "aria-live": "polite" }, place), turn("Next", 1, end >= all),
    );
  }

  turn(by) {
    this.page += by;
    this.draw();
    this.box.scrollIntoView({ block: "start" });
    this.more.querySelectorAll("button")[by > 0 ? 1 : 0].focus({ preventScroll: true });
  }
}
Grid.ROOMY = 200; // as in grid.py
Grid.PAGE = 100; // as in grid.py
Grid.collator = new Intl.Collator("en", { numeric: true });
