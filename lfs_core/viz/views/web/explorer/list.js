// The photographs to ask about: the gallery's, filtered, and the reader's own.

/** @import { App } from "./types.d.ts" */

import { alarm, button, h, keepInSight, moveWithArrows, title } from "../common/elements.js";
import { dropZone, sendFiles } from "../common/files.js";

const ENTRIES_AT_ONCE = 200;

/**
 * @param {App} app
 * @param {number | null | undefined} ap
 * @param {number} item
 */
function entry({ query, names, open }, ap, item) {
  const current = item === query ? "true" : null;
  const value =
    typeof ap === "number"
      ? h("span", { class: "lfs-ap", style: `--ap: ${ap}` }, `AP ${ap.toFixed(2)}`)
      : h("span", { class: "lfs-ap lfs-no-ap" }, ap === null ? "no AP" : "");
  const name = h("span", { class: "lfs-name", title: names[item] }, names[item]);
  const properties = { "data-item": item, "aria-current": current, onclick: () => open(item) };
  return h("li", {}, h("button", { type: "button", ...properties }, name, value));
}

/**
 * A list of photographs, of which one may be the query.
 *
 * @param {App} app
 * @param {Map<number, number | null>} precisions
 */
function entryList(app, precisions) {
  const list = h("ul", { class: "lfs-list" });
  moveWithArrows(list, "button", (chosen) => app.open(Number(chosen.dataset.item)));
  /** @param {number[]} items */
  function fill(items) {
    const focused = list.contains(document.activeElement);
    const top = list.scrollTop;
    list.replaceChildren(...items.map((item) => entry(app, precisions.get(item), item)));
    list.scrollTop = top;
    const buttons = [...list.querySelectorAll("button")];
    const chosen = buttons.find((one) => one.hasAttribute("aria-current"));
    const first = chosen ?? buttons[0];
    for (const one of buttons) one.tabIndex = one === first ? 0 : -1;
    if (focused) first?.focus({ preventScroll: true });
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
function ownImages(app, welcome, list) {
  const { contents, ask } = app;
  const alert = alarm();
  /** @param {File[]} files */
  async function takeIn(files) {
    alert.textContent = "";
    const { taken, said } = await sendFiles(files, ask);
    for (const { item, name } of taken) welcome(item, name);
    alert.textContent = said.join(" ");
    if (taken.length) app.open(taken[taken.length - 1].item);
  }
  const hint = ["To query with your own images: ", h("code", {}, "make lab")];
  const drop = contents.live
    ? dropZone("Choose images, or drop them here", takeIn)
    : h("p", { class: "lfs-hint" }, ...hint);
  const label = "Your images";
  return h("section", { "aria-label": label }, title(label), drop, alert, list);
}

/**
 * The gallery's photographs, of which a filter leaves some.
 *
 * @param {App} app
 * @param {number[]} entries
 * @param {Map<number, number | null>} precisions
 * @param {() => void} narrowed
 */
function gallery(app, entries, precisions, narrowed) {
  const { contents, names } = app;
  let shown = entries;
  let length = ENTRIES_AT_ONCE;
  const filter = h("input", { type: "search", oninput: narrow });
  const count = h("p", { class: "lfs-count", role: "status" });
  const { list, fill } = entryList(app, precisions);
  const more = button("Show more", () => {
    length += ENTRIES_AT_ONCE;
    show();
  });
  function show() {
    if (shown.includes(app.query)) length = Math.max(length, shown.indexOf(app.query) + 1);
    fill(shown.slice(0, length));
    more.hidden = shown.length <= length;
    count.textContent = `${shown.length} of ${entries.length}`;
  }
  function narrow() {
    const text = filter.value.trim().toLowerCase();
    const without = text.startsWith("!");
    const word = without ? text.slice(1) : text;
    /** @param {number} item */
    const has = (item) => names[item].toLowerCase().includes(word);
    shown = word ? entries.filter((item) => has(item) !== without) : entries;
    length = ENTRIES_AT_ONCE;
    show();
    narrowed();
  }
  const element = h(
    "section",
    { "aria-label": "Photographs" },
    title(contents.live ? "Photographs" : "Queries in this page"),
    h("label", { class: "lfs-filter" }, "Filter by name", filter),
    h("p", { class: "lfs-hint" }, "! before a word leaves names with it out."),
    count,
    list,
    more,
  );
  return { element, show, shown: () => shown };
}

/**
 * @param {App} app
 * @param {() => void} narrowed is told when the filter changes
 */
export function photographList(app, narrowed) {
  const { photographs, entries, answers } = app.contents;
  const guests = entries.filter((item) => item >= photographs);
  const own = entries.filter((item) => item < photographs);
  /** @type {Map<number, number | null>} */
  const precisions = new Map(own.map((item) => [item, answers?.[`open,${item}`].precision]));
  /** @type {(item: number, name: string) => void} */
  function welcome(item, name) {
    app.names[item] = name;
    if (!guests.includes(item)) guests.push(item);
  }
  const inside = gallery(app, own, precisions, narrowed);
  const outside = entryList(app, precisions);
  const element = h(
    "div",
    { class: "lfs-aside" },
    inside.element,
    ownImages(app, welcome, outside.list),
  );
  return {
    element,
    precisions,
    welcome,
    show() {
      inside.show();
      outside.fill(guests);
    },
    /** Where the query stands: among the photographs that the filter leaves, or the reader's own. */
    current() {
      const isGuest = app.query >= photographs;
      return { isGuest, items: isGuest ? guests : inside.shown() };
    },
  };
}
