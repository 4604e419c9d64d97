// A pair and its explanation, in a dialog.

/** @import { App, Explained, Hit } from "./types.d.ts" */

import { bytes, inflate } from "../common/bytes.js";
import { asNode, button, enable, h } from "../common/elements.js";
import { isMarked, verdict } from "./classes.js";
import { explanation } from "./explanation.js";

/**
 * Explanations of pairs; each is asked for once.
 *
 * @param {App} app
 */
function explanations({ ask }) {
  /** @type {Map<string, Explained>} */
  const known = new Map();
  /** @type {(query: number, item: number) => Promise<Explained | { problem: string }>} */
  return async (query, item) => {
    const key = `${query},${item}`;
    const found = known.get(key);
    if (found) return found;
    const { problem, maps, matched, ...answer } = await ask("pair", query, item);
    if (problem) return { problem };
    const steps = await Promise.all(maps.map(inflate));
    const parts = matched && (await Promise.all(matched.map(inflate)));
    const explained = /** @type {Explained} */ ({ ...answer, steps, matched: parts });
    known.set(key, explained);
    return explained;
  };
}

/** @param {App} app */
export function pairPanel(app) {
  const { uid, shelf, names } = app;
  const title = h("p", { class: "lfs-title", id: `${uid}-title` });
  const body = h("div", { class: "lfs-body" });
  const earlier = button("\u2039 Previous", () => go(-1), { "aria-label": "Previous result" });
  const later = button("Next \u203a", () => go(1), { "aria-label": "Next result" });
  const closing = { class: "lfs-close", autofocus: true };
  const close = button("\u00d7 Close", () => dialog.close(), closing);
  const bar = h("div", { class: "lfs-bar" }, earlier, later, close);
  const properties = { class: "lfs-pair", "aria-labelledby": `${uid}-title` };
  const dialog = h("dialog", properties, bar, title, body);
  const ask = explanations(app);
  const colours = bytes(app.contents.colours);
  /** The threshold is the explanation's own until the reader moves it. */
  const how = { colours, threshold: NaN, opacity: 0.65, apart: false };
  /** @type {Hit[]} */
  let pairs = []; // to go through
  /** @type {number | null} */
  let item = null;
  let draw = () => {};

  dialog.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!by || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    go(by);
  });
  dialog.addEventListener("close", () => (item = null));

  const at = () => pairs.findIndex(([other]) => other === item);

  /** @param {number} by */
  function go(by) {
    const target = pairs[at() + by];
    if (target) show(target[0]);
  }

  /** @param {number} chosen */
  async function show(chosen) {
    item = chosen;
    draw = () => {};
    enable(earlier, at() > 0, close);
    enable(later, at() < pairs.length - 1, close);
    const [query, name] = [app.query, app.opened?.name ?? ""];
    const state = isMarked(app) ? `, ${verdict(app, item)}` : "";
    title.replaceChildren(asNode(`${name} and ${names[item]}, rank ${pairs[at()][1]}${state}`));
    body.replaceChildren(h("p", { role: "status", class: "lfs-busy" }, "explaining \u2026"));
    const answer = await ask(query, chosen);
    if (item !== chosen) return; // the reader has gone on
    if ("problem" in answer) {
      body.replaceChildren(h("p", { role: "alert", class: "lfs-alert" }, answer.problem));
      return;
    }
    const images = [await shelf.loaded(query), await shelf.loaded(chosen)];
    if (item !== chosen) return;
    if (Number.isNaN(how.threshold)) how.threshold = answer.mapThreshold;
    const shown = explanation(app, answer, images, [name, names[chosen]], how);
    body.replaceChildren(...shown.elements);
    draw = shown.draw;
  }

  return {
    dialog,
    /**
     * @param {number} chosen
     * @param {Hit[]} hits
     */
    open(chosen, hits) {
      pairs = hits;
      if (!dialog.open) dialog.showModal();
      show(chosen);
    },
    draw: () => draw(),
  };
}
