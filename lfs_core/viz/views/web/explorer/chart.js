// Two embeddings as lines.

/** @import { Answer, Look, Model } from "../common/types.d.ts" */

import { signedNumbers } from "../common/bytes.js";
import { chart } from "../common/chart.js";
import { h } from "../common/elements.js";
import { decimals } from "../common/numbers.js";

/**
 * The second one is dashed.
 *
 * @param {Model} model
 * @param {Answer} first latents, packed
 * @param {Answer} second
 */
export function latentChart(model, first, second) {
  const [query, other] = [first, second].map((packed) =>
    signedNumbers(/** @type {any} */ (packed)),
  );
  const count = query.length;
  const range = [Math.min(0, ...query, ...other), Math.max(...query, ...other)];
  const x = query.map((_, j) => j + 1);
  /** @param {Look} look */
  const figure = (look) => ({
    data: [
      { x, y: query, name: "query", line: { color: look.first, width: 1 } },
      { x, y: other, name: "this photograph", line: { color: look.second, width: 1, dash: "4px,2px" } },
    ].map((trace) => ({ ...trace, type: "scatter", mode: "lines", hovertemplate: "%{y:.3f}" })),
    layout: {
      height: 160,
      hovermode: "x unified",
      margin: { l: 44, r: 8, t: 8, b: 24 },
      xaxis: { range: [1, count], showgrid: false, zeroline: false, hoverformat: "d" },
      yaxis: { range, nticks: 5, zeroline: true },
    },
  });
  const { element } = chart(model, "lfs-latents", figure);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `The ${count} latents of both photographs`);
  const caption = h(
    "figcaption",
    {},
    h("span", { class: "lfs-key-first" }, "query"),
    h("span", { class: "lfs-key-second" }, "this photograph"),
    `latents 1 to ${count} of embeddings of length 1, from `,
    range.map((value) => decimals(value, 2)).join(" to "),
  );
  return h("figure", {}, element, caption);
}
