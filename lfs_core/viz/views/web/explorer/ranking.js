// Of the whole ranking, one photograph with its latents.

/** @import { Answer } from "../common/types.d.ts" */
/** @import { App } from "./types.d.ts" */

import { decimals, signedNumbers } from "../common/bytes.js";
import { chart } from "../common/chart.js";
import { button, h, photograph, title } from "../common/elements.js";

/**
 * Shows the photograph of the square that is pointed at; the first one until then.
 *
 * @param {App} app
 * @param {HTMLElement} panel with squares and a place for details
 */
export function lookAtOne(app, panel) {
  const detail = /** @type {HTMLElement} */ (panel.querySelector(".lfs-detail"));
  const squares = /** @type {HTMLElement} */ (panel.querySelector(".lfs-squares"));
  /** @type {number | undefined} */
  let pending;
  /** @type {Element | null} */
  let chosen = null;
  /** @param {Event} event */
  function choose({ target }) {
    const one = /** @type {Element} */ (target).closest("button");
    if (!one || one === chosen) return;
    chosen?.classList.remove("lfs-chosen");
    chosen = one;
    one.classList.add("lfs-chosen");
    clearTimeout(pending); // not for each square that the pointer passes
    pending = setTimeout(() => showDetail(app, detail, one), app.contents.live ? 80 : 0);
  }
  for (const event of ["mouseover", "focusin", "click"]) squares.addEventListener(event, choose);
  const first = squares.querySelector("button");
  if (first) showDetail(app, detail, first);
}

/** @type {(app: App, detail: HTMLElement, hit: HTMLElement) => Promise<void>} */
async function showDetail(app, detail, hit) {
  const { know, query, shelf } = app;
  const item = Number(hit.dataset.item);
  const place = h("div", { class: "lfs-chart" }, "\u2026");
  const told = hit.ariaLabel?.slice(0, -`: ${hit.title}`.length);
  const explain = button("Explain this pair", () => app.explain(hit));
  detail.replaceChildren(
    h("span", { class: "lfs-frame" }, photograph(null, hit.title, { "data-item": item })),
    h("div", {}, title(hit.title), h("p", {}, told), explain),
    place,
  );
  shelf.fill(detail);
  const both = [await know("latents", query), await know("latents", item)];
  if (!place.isConnected) return;
  const problem = both[0].problem ?? both[1].problem;
  place.replaceChildren(problem ? h("p", {}, problem) : latentChart(app, both));
}

/** @type {(app: App, packed: Answer[]) => HTMLElement} two embeddings as lines */
function latentChart({ model, contents: { curves } }, packed) {
  const both = packed.map((one) => signedNumbers(/** @type {any} */ (one)));
  const count = both[0].length;
  const { element, draw } = chart(model, "lfs-latents", () => ({
    data: both.map((y, k) => ({ ...curves.data[k], y })),
    layout: curves.layout,
  }));
  draw();
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `The ${count} latents of both photographs`);
  const range = [Math.min(0, ...both.flat()), Math.max(...both.flat())];
  const ends = range.map((value) => decimals(value, 2)).join(" to ");
  const words = `latents 1 to ${count} of embeddings of length 1, from ${ends}`;
  return h("figure", {}, element, h("figcaption", {}, words));
}
