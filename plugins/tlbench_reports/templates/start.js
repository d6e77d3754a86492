const start = async () => {
  const files = new Map([...document.querySelectorAll(".data-file")].map((each) => new File(each)).map((file) => [file.name, file]));
  const data = JSON.parse(await unpack(document.getElementById("data-grids").textContent));
  const grids = data.grids.map((each) => new Grid(each, data.bands, files));
  const scores = grids.filter((grid) => grid.filtered);
  if (scores.length) new Choices(scores, data.bands, document.getElementById("choices"));
  const pairs = document.getElementById("pair-choices");
  if (pairs) new Pairs(data.pairs, pairs, document.getElementById("pair-table"));
  offerDownloads(files, document.title.replace(/ – tlbench$/, ""));
  document.documentElement.dataset.ready = "yes";
};

/** Unfold what a link leads to. */
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let each = target; each; each = each.parentElement) if (each.localName === "details") each.open = true;
};
addEventListener("hashchange", unfold);
unfold();
followMarks(document.getElementById("tip"));
for (const [number, holder] of document.querySelectorAll(".drawing").entries()) unpackWhenSeen(holder, number);
if ("DecompressionStream" in window) start();
