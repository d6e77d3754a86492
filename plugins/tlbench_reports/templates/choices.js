/** The choices above the tables of scores: words to search for, what rows must have, and which columns there are. */
class Choices {
  constructor(grids, bands, form) {
    this.grids = grids;
    this.titles = bands;
    this.form = form;
    this.search = make("input", { type: "search", id: "search", autocomplete: "off", oninput: () => this.apply() });
    this.selects = Choices.FACETS.map(([key, title]) => this.select(key, title)).filter(Boolean);
    this.said = make("p", { role: "status", class: "soft" });
    const field = (label, input) => make("label", {}, make("span", {}, label), input);
    const reset = make("button", { type: "reset" }, "Show all");
    form.append(
      make("div", { class: "fields" }, field("Search names", this.search), ...this.selects.map((each) => field(each.title, each.input)), reset),
      make("div", { class: "fields" }, this.bands(), this.order()),
      this.said,
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => this.reset()));
    document.getElementById("tools").hidden = false;
    this.reset();
  }

  /** Return a choice among what rows have in a column; nothing where all have the same. */
  select(key, title) {
    const found = new Set();
    for (const grid of this.grids) for (const text of grid.columns.find((each) => each.key === key)?.texts ?? []) found.add(text);
    if (found.size < 2) return null;
    const options = [...found].map((text) => make("option", { value: text }, text));
    const input = make("select", { id: `choose-${key}`, onchange: () => this.apply() }, make("option", { value: "" }, "all"), ...options);
    return { key, title, input };
  }

  bands() {
    const there = new Set(this.grids.flatMap((grid) => grid.columns.map((column) => column.band)));
    const boxes = Object.entries(this.titles).filter(([band]) => there.has(band)).map(([band, title]) => {
      const box = make("input", { type: "checkbox", id: `band-${band}`, onchange: () => this.show() });
      return make("label", { class: "check" }, box, ` ${title}`);
    });
    return make("fieldset", {}, make("legend", {}, "Columns"), ...boxes);
  }

  order() {
    this.together = make("input", { type: "checkbox", id: "together", checked: true, onchange: () => this.apply() });
    const label = make("label", { class: "check" }, this.together, " comparable rows together");
    return make("fieldset", {}, make("legend", {}, "Order"), label);
  }

  reset() {
    this.show();
    this.apply();
  }

  /** Show and hide bands of columns. */
  show() {
    for (const band of Object.keys(this.titles)) {
      const box = this.form.querySelector(`#band-${band}`);
      for (const grid of this.grids) grid.table.classList.toggle(`without-${band}`, !box?.checked);
    }
  }

  apply() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = this.selects.filter((each) => each.input.value).map((each) => [each.key, each.input.value]);
    for (const grid of this.grids) {
      const wanted = chosen.map(([key, value]) => [grid.columns.find((each) => each.key === key)?.texts, value]);
      if (words.length) grid.haystacks ??= Choices.haystacks(grid);
      grid.wanted = (_, row) =>
        wanted.every(([texts, value]) => texts && texts[row] === value) && words.every((word) => grid.haystacks[row].includes(word));
      grid.grouped = this.together.checked;
      grid.page = 0;
      grid.renew();
      const empty = !grid.rows.length && Boolean(words.length || chosen.length);
      grid.box.classList.toggle("empty", empty);
    }
    const all = this.grids.reduce((sum, grid) => sum + grid.length, 0);
    const shown = this.grids.reduce((sum, grid) => sum + grid.rows.length, 0);
    this.said.textContent = shown === all ? `All ${count(all, "row")}.` : `${shown.toLocaleString("en")} of ${count(all, "row")}.`;
  }

  static haystacks(grid) {
    const searched = grid.columns.filter((column) => Choices.SEARCHED.includes(column.key));
    return Array.from({ length: grid.length }, (_, row) => searched.map((column) => column.texts[row]).join(" ").toLowerCase());
  }
}
Choices.FACETS = [
  ["transfer", "Transfer"], ["backbone", "Backbone"], ["budget", "Label budget"], ["family", "Family"],
  ["setting", "Setting"], ["selection", "Selection"], ["tuned", "Tuned"],
];
Choices.SEARCHED = ["strategy", "transfer", "backbone", "family", "source", "pretrained_on"];
