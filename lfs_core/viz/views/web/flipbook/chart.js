// The cosine as superpixels are replaced, one curve for each method.

/** @import { Model } from "../common/types.d.ts" */
/** @import { Contents, Pair } from "./types.d.ts" */

import { chart } from "../common/chart.js";

/**
 * @param {Model} model
 * @param {Contents} contents
 */
export function curves(model, { flips, drawn }) {
  /** @type {[Pair, number[], number] | null} the pair, its methods that are shown, and the step */
  let shown = null;
  const { element, draw } = chart(model, "lfs-curves", () => {
    if (!shown) return null;
    const [{ methods, reach }, which, step] = shown;
    const size = flips.map((_, k) => (k === step ? 8 : 0));
    const data = which.flatMap((m) => {
      const [whole, soFar] = drawn.traces[m];
      const { curve } = methods[m];
      const [x, y] = [flips, curve].map((values) => values.slice(0, step + 1));
      return [{ ...whole, x: flips, y: curve }, { ...soFar, x, y, marker: { ...soFar.marker, size } }];
    });
    const { xaxis, yaxis, ...layout } = drawn.layout;
    return {
      data,
      layout: {
        ...layout,
        xaxis: { ...xaxis, range: reach.x },
        yaxis: { ...yaxis, range: reach.y },
        shapes: [{ ...drawn.now, x0: flips[step], x1: flips[step] }, ...reach.shapes],
        annotations: reach.annotations,
      },
    };
  });
  element.setAttribute("role", "img");
  return {
    element,
    /** @type {(pair: Pair, which: number[], step: number) => void} */
    show(pair, which, step) {
      shown = [pair, which, step];
      const words = which.map((m) => pair.methods[m].told).join(", ");
      element.setAttribute("aria-label", `The cosine as superpixels are replaced: ${words}`);
      draw();
    },
  };
}
