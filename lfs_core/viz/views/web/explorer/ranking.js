// The whole ranking, one square a photograph, and one of them with its latents.

/** @import { Answer } from "../common/types.d.ts" */
/** @import { App, Hit } from "./types.d.ts" */

import { decimals, signedNumbers } from "../common/bytes.js";
import { chart, COLOURS } from "../common/chart.js";
import { button, h, moveWithArrows, title } from "../common/elements.js";
import { factsOfHit, isMarked, isRight, verdict } from "./classes.js";

/** @type {(app: App, hit: Hit, k: number) => HTMLElement} */
function square(app, [item, rank, score], k) {
  const right = isMarked(app) && isRight(app, item);
  const state = isMarked(app) ? (right ? ", right" : ", other class") : "";
  const properties = {
    class: right ? "lfs-square-hit lfs-right" : "lfs-square-hit",
    "data-place": k,
    "aria-label": `Rank ${rank}, ${score.toFixed(3)}${state}: ${app.names[item]}`,
  };
  return button(right ? "\u2713" : "", () => {}, properties);
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

/** @type {(app: App, detail: HTMLElement, hit: Hit, hits: Hit[]) => Promise<void>} */
async function showDetail(app, detail, hit, hits) {
  const [item] = hit;
  const { know, names, query, shelf } = app;
  const place = h("div", { class: "lfs-chart" }, "\u2026");
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
    place,
  );
  const both = [await know("latents", query), await know("latents", item)];
  if (detail.dataset.item !== String(item)) return;
  const problem = both[0].problem ?? both[1].problem;
  place.replaceChildren(problem ? h("p", {}, problem) : latentChart(app, both));
}

/** @type {(app: App, packed: Answer[]) => HTMLElement} two embeddings as lines, the second dashed */
function latentChart({ model }, packed) {
  const both = packed.map((one) => signedNumbers(/** @type {any} */ (one)));
  const count = both[0].length;
  const range = [Math.min(0, ...both.flat()), Math.max(...both.flat())];
  const dashes = ["solid", "4px,2px"];
  const { element, draw } = chart(model, "lfs-latents", () => ({
    data: both.map((y, k) => ({
      x: y.map((_, j) => j + 1),
      y,
      name: ["query", "this photograph"][k],
      line: { color: COLOURS[3 * k], width: 1, dash: dashes[k] },
      mode: "lines",
      hovertemplate: "%{y:.3f}",
    })),
    layout: {
      height: 190,
      hovermode: "x unified",
      legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
      margin: { l: 44, r: 8, t: 8, b: 24 },
      showlegend: true,
      xaxis: { range: [1, count], showgrid: false, zeroline: false, hoverformat: "d" },
      yaxis: { range, nticks: 5, zeroline: true },
    },
  }));
  draw();
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `The ${count} latents of both photographs`);
  const ends = range.map((value) => decimals(value, 2)).join(" to ");
  const words = `latents 1 to ${count} of embeddings of length 1, from ${ends}`;
  return h("figure", {}, element, h("figcaption", {}, words));
}
