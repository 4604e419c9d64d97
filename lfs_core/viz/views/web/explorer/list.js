// The photographs to ask about: the gallery's, filtered, and the reader's own.

/** @import { App } from "./types.d.ts" */

import { alarm, button, h, keepInSight, moveWithArrows, title } from "../common/elements.js";
import { dropZone, sendFiles } from "../common/files.js";

const ENTRIES_AT_ONCE = 200;

/** @type {(app: App, ap: number | null | undefined, item: number) => HTMLElement} */
function entry({ query, names, open }, ap, item) {
  const value =
    typeof ap === "number"
      ? h("span", { class: "lfs-ap", style: `--ap: ${ap}` }, `AP ${ap.toFixed(2)}`)
      : h("span", { class: "lfs-ap lfs-no-ap" }, ap === null ? "no AP" : "");
  const one = button("", () => open(item), { "aria-current": item === query ? "true" : null });
  one.append(h("span", { class: "lfs-name", title: names[item] }, names[item]), value);
  return h("li", {}, one);
}

/** @param {App} app @param {Map<number, number | null>} precisions */
function entryList(app, precisions) {
  const list = h("ul", { class: "lfs-list" });
  moveWithArrows(list, "button", (chosen) => chosen.click());
  /** @param {number[]} items */
  function fill(items) {
    const focused = list.contains(document.activeElement);
    const top = list.scrollTop;
    list.replaceChildren(...items.map((item) => entry(app, precisions.get(item), item)));
    list.scrollTop = top;
    const buttons = [...list.querySelectorAll("button")];
    const chosen = buttons.find((one) => one.hasAttribute("aria-current"));
    for (const one of buttons) one.tabIndex = one === (chosen ?? buttons[0]) ? 0 : -1;
    if (focused) (chosen ?? buttons[0])?.focus({ preventScroll: true });
    if (chosen) keepInSight(list, chosen);
  }
  return { list, fill };
}

/**
 * The reader's own images; they can be given where Python can take them in.
 *
 * @param {App} app
 * @param {(item: number, name: string) => void} welcome
 * @param {HTMLElement} list of them
 */
function ownImages({ contents, ask, open }, welcome, list) {
  const alert = alarm();
  /** @param {File[]} files */
  async function takeIn(files) {
    alert.textContent = "";
    const { taken, said } = await sendFiles(files, ask);
    for (const { item, name } of taken) welcome(item, name);
    alert.textContent = said.join(" ");
    if (taken.length) open(taken[taken.length - 1].item);
  }
  const hint = ["To query with your own images: ", h("code", {}, "make lab")];
  const drop = contents.live
    ? dropZone("Choose images, or drop them here", takeIn)
    : h("p", { class: "lfs-hint" }, ...hint);
  const label = "Your images";
  return h("section", { "aria-label": label }, title(label), drop, alert, list);
}

/**
 * @param {App} app
 * @param {() => void} narrowed is told when the filter changes
 */
export function photographList(app, narrowed) {
  const { names, contents: { photographs, entries, answers, live } } = app;
  const guests = entries.filter((item) => item >= photographs);
  const own = entries.filter((item) => item < photographs);
  /** @type {Map<number, number | null>} */
  const precisions = new Map(own.map((item) => [item, answers?.[`open,${item}`].precision]));
  /** @type {(item: number, name: string) => void} */
  function welcome(item, name) {
    names[item] = name;
    if (!guests.includes(item)) guests.push(item);
  }
  let left = own; // by the filter
  let length = ENTRIES_AT_ONCE;
  const filter = h("input", { type: "search", oninput: narrow });
  const count = h("p", { class: "lfs-count", role: "status" });
  const [inside, outside] = [entryList(app, precisions), entryList(app, precisions)];
  const more = button("Show more", () => {
    length += ENTRIES_AT_ONCE;
    show();
  });
  function show() {
    length = Math.max(length, left.indexOf(app.query) + 1);
    inside.fill(left.slice(0, length));
    outside.fill(guests);
    more.hidden = left.length <= length;
    count.textContent = `${left.length} of ${own.length}`;
  }
  function narrow() {
    const [, without, word] = /^(!?)(.*)/.exec(filter.value.trim().toLowerCase()) ?? [];
    left = own.filter((item) => !word || names[item].toLowerCase().includes(word) === !without);
    length = ENTRIES_AT_ONCE;
    show();
    narrowed();
  }
  const gallery = h(
    "section",
    { "aria-label": "Photographs" },
    title(live ? "Photographs" : "Queries in this page"),
    h("label", { class: "lfs-filter" }, "Filter by name", filter),
    h("p", { class: "lfs-hint" }, "! before a word leaves names with it out."),
    count,
    inside.list,
    more,
  );
  const yours = ownImages(app, welcome, outside.list);
  return {
    element: h("div", { class: "lfs-aside" }, gallery, yours),
    precisions,
    welcome,
    show,
    /** Where the query stands: among the photographs that the filter leaves, or the reader's own. */
    current() {
      const isGuest = app.query >= photographs;
      return { isGuest, items: isGuest ? guests : left };
    },
  };
}
