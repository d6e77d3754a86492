/** Put a chart whose marks tell their numbers into the page itself: in an image nothing can be pointed at. */
const unpackPicture = (holder, number) => {
  const [image, narrow] = [holder.querySelector("img"), holder.querySelector("source")];
  const source = narrow && matchMedia(narrow.media).matches ? narrow.srcset : image.src;
  const bytes = Uint8Array.from(atob(source.split(",")[1]), (letter) => letter.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  if (!text.includes('class="point"')) return;
  const own = text.replace(/(\sid="|url\(#|href="#)/g, `$1chart-${number}-`); // charts have the same names inside
  const picture = new DOMParser().parseFromString(own, "image/svg+xml").documentElement;
  if (picture.localName !== "svg") return;
  picture.setAttribute("width", narrow && source === narrow.srcset ? narrow.width : image.getAttribute("width"));
  picture.removeAttribute("height"); // which follows
  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", image.alt);
  for (const mark of picture.querySelectorAll(".point")) {
    const title = mark.querySelector("title");
    const told = { tabindex: 0, role: "img", "aria-label": title.textContent, "data-tip": title.textContent };
    for (const [name, value] of Object.entries(told)) mark.setAttribute(name, value);
    title.remove(); // which browsers show too, late
  }
  holder.replaceChildren(document.adoptNode(picture));
};

const unpackWhenSeen = (holder, number) => {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    unpackPicture(holder, number);
  }, { rootMargin: "300px" });
  watch.observe(holder);
};

/** Show the numbers of the mark that is pointed at, tapped or focused. */
const followMarks = (tip) => {
  let mark = null;
  const place = () => {
    if (!mark) return;
    const [around, own] = [mark.getBoundingClientRect(), tip.getBoundingClientRect()];
    const most = document.documentElement.clientWidth - own.width - 4;
    const above = around.top - own.height - 8;
    tip.style.left = `${Math.max(Math.min(around.left + around.width / 2 - own.width / 2, most), 4)}px`;
    tip.style.top = `${above > 4 ? above : around.bottom + 8}px`;
  };
  const show = (found) => {
    mark = found;
    tip.hidden = !mark;
    if (mark) tip.textContent = mark.dataset.tip;
    place();
  };
  /** Return the nearest of the marks under the pointer: each reaches further than it is drawn. */
  const under = ({ clientX, clientY }) => {
    const far = (found) => {
      const { left, top, width, height } = found.getBoundingClientRect();
      return Math.hypot(left + width / 2 - clientX, top + height / 2 - clientY);
    };
    const found = new Set(document.elementsFromPoint(clientX, clientY).map((each) => each.closest("[data-tip]")).filter(Boolean));
    return [...found].sort((a, b) => far(a) - far(b))[0] ?? null;
  };
  const focused = () => document.activeElement?.closest("[data-tip]") ?? null;
  document.addEventListener("pointermove", (event) => {
    const found = under(event);
    if (found || mark !== focused()) show(found);
  });
  document.addEventListener("click", (event) => show(under(event)));
  document.addEventListener("focusin", () => focused() && show(focused()));
  document.addEventListener("focusout", () => show(null));
  document.addEventListener("keydown", (event) => event.key === "Escape" && show(null));
  addEventListener("scroll", place, { passive: true });
};
