"use strict";

/** Make an element; texts become text, never markup. */
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

/** Unpack a text that was packed as gzip in base64. */
const unpack = (letters) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};

const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** Let a name break between its parameters. */
const breakable = (name) => name.split(/(?<=,)|(?<=\S\()/).flatMap((part, i) => (i ? [make("wbr"), part] : [part]));

/** The CSV files of the page, unpacked piece by piece. */
class File {
  constructor(element) {
    this.name = element.dataset.name;
    this.lines = Number(element.dataset.lines);
    this.kinds = element.dataset.kinds.split(" ");
    this.element = element;
  }

  /** The packed pieces, the header before them; cut up when first asked for. */
  get packed() {
    this.cut ??= this.element.textContent.split("\n");
    return this.cut;
  }

  get head() {
    return this.packed[0];
  }

  get pieces() {
    return this.packed.slice(1);
  }

  async header() {
    return parseCsv(await unpack(this.head))[0];
  }

  /** Return the records from `first` up to but without `end`, as lists of texts. */
  async records(first, end) {
    const rows = [];
    for (let piece = Math.floor(first / File.PIECE); piece * File.PIECE < end; piece++) {
      const start = piece * File.PIECE;
      rows.push(...parseCsv(await unpack(this.pieces[piece])).slice(Math.max(first - start, 0), end - start));
    }
    return rows;
  }

  async text() {
    return await Promise.all(this.packed.map(unpack));
  }

  /** Return the records of one piece as objects, numbers as numbers. */
  async objects(piece) {
    const names = await this.header();
    const read = { number: Number, flag: (text) => text === "True", text: (text) => text };
    return parseCsv(await unpack(this.pieces[piece])).map((cells) =>
      Object.fromEntries(names.map((name, i) => [name, cells[i] === "" ? null : read[this.kinds[i]](cells[i])])),
    );
  }
}
File.PIECE = 1000; // as in downloads.py

/** Read CSV, with quotes, into a list of lists of texts. */
const parseCsv = (text) => {
  const rows = [];
  let row = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g;
  while (cell.lastIndex < text.length) {
    const [, quoted, plain, end] = cell.exec(text);
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
};
