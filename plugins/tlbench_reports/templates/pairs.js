/** One strategy of one place against each other of that place. */
class Pairs {
  constructor(places, form, box) {
    this.places = places;
    this.box = box;
    const options = (names) => names.map((name, i) => make("option", { value: i }, name));
    this.place = make("select", { id: "pair-place", onchange: () => this.choose() }, ...options(places.map((each) => each.title)));
    this.first = make("select", { id: "pair-first", onchange: () => this.draw() });
    this.options = options;
    form.append(make("div", { class: "fields" },
      make("label", {}, make("span", {}, "Where"), this.place), make("label", {}, make("span", {}, "Strategy"), this.first)));
    form.hidden = false;
    this.choose();
  }

  choose() {
    this.now = this.places[this.place.value];
    this.first.replaceChildren(...this.options(this.now.names));
    this.draw();
  }

  draw() {
    const chosen = Number(this.first.value);
    const name = this.now.names[chosen];
    const rows = this.now.pairs
      .filter(([a, b]) => a === chosen || b === chosen)
      .map(([a, b, delta, low, high, n, p, effect, needed]) =>
        a === chosen ? { other: b, delta, low, high, n, p, effect, needed }
          : { other: a, delta: Pairs.minus(delta), low: Pairs.minus(high), high: Pairs.minus(low), n, p, effect: Pairs.minus(effect), needed });
    const heads = ["against", "difference (95%)", "pairs", "p (Holm)", "effect (d)", "replicates needed"];
    const lines = rows.map((row) => make("tr", {},
      make("th", { scope: "row" }, ...breakable(this.now.names[row.other])),
      ...[Pairs.difference(row), String(row.n), Pairs.chance(row.p), Pairs.signed(row.effect, 2), Pairs.needed(row.needed)]
        .map((text) => make("td", { class: "number" }, text))));
    this.box.replaceChildren(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${name} against each other` },
      make("table", {}, make("caption", { "aria-live": "polite" }, make("span", {}, `${name} against each other: ${this.now.title}`)),
        make("thead", {}, make("tr", {}, ...heads.map((head, i) => make("th", { scope: "col", class: i ? "number" : null }, head)))),
        make("tbody", {}, ...lines))));
  }

  static minus(value) {
    return value === null ? null : -value;
  }

  static signed(value, digits) {
    return value === null ? "–" : `${value >= 0 ? "+" : "-"}${Math.abs(value).toFixed(digits)}`;
  }

  static difference({ delta, low, high }) {
    const between = low === null ? "no interval" : `${Pairs.signed(low, 3)}, ${Pairs.signed(high, 3)}`;
    return delta === null ? "–" : `${Pairs.signed(delta, 3)} (${between})`;
  }

  static chance(p) {
    return p === null ? "–" : p < 0.0005 ? "<0.001" : p.toFixed(3);
  }

  static needed(n) {
    return n === null ? "–" : n > 10000 ? ">10,000" : n.toLocaleString("en");
  }
}
