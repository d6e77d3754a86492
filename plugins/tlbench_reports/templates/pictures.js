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
  const markOf = (event) => event.target.closest?.("[data-tip]");
  const hide = () => (tip.hidden = true);
  const show = (event) => {
    const mark = markOf(event);
    if (!mark) return event.type === "click" && hide();
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const [place, own] = [mark.getBoundingClientRect(), tip.getBoundingClientRect()];
    const left = Math.min(Math.max(place.left + place.width / 2 - own.width / 2, 4), document.documentElement.clientWidth - own.width - 4);
    const above = place.top - own.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : place.bottom + 8}px`;
  };
  for (const kind of ["pointerover", "focusin", "click"]) document.addEventListener(kind, show);
  for (const kind of ["pointerout", "focusout"]) document.addEventListener(kind, (event) => markOf(event) && hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true });
};
