// The whole ranking, one square a photograph, and one of them with its latents.

/** @import { App, Hit } from "./types.d.ts" */

import { button, h, moveWithArrows, title } from "../common/elements.js";
import { factsOfHit, isMarked, isRight, verdict } from "./classes.js";
import { latentChart } from "./chart.js";

/**
 * @param {App} app
 * @param {Hit} hit
 * @param {number} k
 */
function square(app, [item, rank, score], k) {
  const right = isMarked(app) && isRight(app, item);
  const state = isMarked(app) ? (right ? ", right" : ", other class") : "";
  return h(
    "button",
    {
      type: "button",
      class: right ? "lfs-square-hit lfs-right" : "lfs-square-hit",
      "data-place": k,
      "aria-label": `Rank ${rank}, ${score.toFixed(3)}${state}: ${app.names[item]}`,
    },
    right ? "\u2713" : "",
  );
}

/**
 * @param {App} app
 * @param {Hit[]} hits
 * @param {Node | string} pages leads to earlier and later ones
 */
export function ranking(app, hits, pages) {
  const detail = h("div", { class: "lfs-detail" });
  const squares = h("div", { class: "lfs-squares", role: "group", "aria-label": "Ranking" });
  squares.append(...hits.map((hit, k) => square(app, hit, k)));
  /** @type {number | undefined} */
  let pending;
  /** @type {Element | null} */
  let chosen = null;
  /** @param {Event} event */
  function choose({ target }) {
    const one = target instanceof Element ? target.closest("button") : null;
    if (!one || one === chosen) return;
    chosen?.classList.remove("lfs-chosen");
    chosen = one;
    one.classList.add("lfs-chosen");
    const hit = hits[Number(one.dataset.place)];
    clearTimeout(pending); // not for each square that the pointer passes
    pending = setTimeout(() => showDetail(app, detail, hit, hits), app.contents.live ? 80 : 0);
  }
  for (const event of ["mouseover", "focusin", "click"]) squares.addEventListener(event, choose);
  moveWithArrows(squares, ".lfs-square-hit");
  if (hits.length) showDetail(app, detail, hits[0], hits);
  const marks = isMarked(app) ? "; \u2713 marks those of the query's class" : "";
  const order = "One square a photograph, in the order of the ranking";
  return [h("p", {}, `${order}${marks}. Point at one to see it.`), pages, squares, detail];
}

/**
 * @param {App} app
 * @param {HTMLElement} detail
 * @param {Hit} hit
 * @param {Hit[]} hits
 */
async function showDetail(app, detail, hit, hits) {
  const [item] = hit;
  const { ask, model, names, query, shelf } = app;
  const chart = h("div", { class: "lfs-chart" }, "\u2026");
  const facts = factsOfHit(app, hit);
  if (isMarked(app)) facts.push(verdict(app, item));
  detail.dataset.item = String(item);
  detail.replaceChildren(
    h("span", { class: "lfs-frame" }, shelf.image(item, names[item])),
    h(
      "div",
      {},
      title(names[item]),
      h("p", {}, facts.join(", ")),
      button("Explain this pair", () => app.explain(item, hits)),
    ),
    chart,
  );
  const [first, second] = [await ask("latents", query), await ask("latents", item)];
  if (detail.dataset.item !== String(item)) return;
  const problem = first.problem ?? second.problem;
  chart.replaceChildren(problem ? h("p", {}, problem) : latentChart(model, first, second));
}
