/** Hand a file to the browser. */
const save = (name, parts, type) => {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
};

/** Return all CSV files as one JSON text, in parts: 100,000 records at once would be a lot to hold. */
const asJson = async (suite, files) => {
  const parts = [`{"suite":${JSON.stringify(suite)}`];
  for (const file of files.values()) {
    parts.push(`,\n${JSON.stringify(file.name.replace(/\.csv$/, ""))}:[`);
    for (let piece = 0; piece < file.pieces.length; piece++) {
      const lines = (await file.objects(piece)).map((record) => JSON.stringify(record));
      parts.push((piece ? ",\n" : "\n") + lines.join(",\n"));
    }
    parts.push("]");
  }
  return [...parts, "}\n"];
};

const saveButton = (label, name, type, parts) => {
  const button = make("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    save(name, await parts(), type);
    button.disabled = false;
  });
  return button;
};

const offerDownloads = (files, suite) => {
  const list = document.getElementById("downloads");
  for (const item of list.children) {
    const file = files.get(item.dataset.file);
    item.firstChild.replaceWith(saveButton(`Save ${file.name}`, file.name, "text/csv", () => file.text()), " ");
  }
  const json = saveButton("Save results.json", "results.json", "application/json", () => asJson(suite, files));
  list.append(make("li", {}, json, " ", make("span", { class: "soft" }, "all of these")));
  const place = document.querySelector("[data-suite]");
  if (!place) return;
  const text = document.getElementById("suite-text").textContent;
  const button = saveButton(`Save ${place.dataset.suite}`, place.dataset.suite, "application/toml", async () => [text]);
  place.append(button);
  const item = button.cloneNode(true);
  item.addEventListener("click", () => button.click());
  list.append(make("li", {}, item, " ", make("span", { class: "soft" }, "the suite, to be run again")));
};
