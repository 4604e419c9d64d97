// The cosine as superpixels are replaced, one curve for each method.

/** @import { Model } from "../common/types.d.ts" */
/** @import { Contents, Pair } from "./types.d.ts" */

import { decimals } from "../common/bytes.js";
import { chart, COLOURS } from "../common/chart.js";

const DASHES = ["solid", "8px,4px", "2px,3px", "10px,3px,2px,3px", "5px,2px", "1px,5px"];

/**
 * A method's whole curve, thin, and as far as it is replaced.
 *
 * @param {number[]} flips
 * @param {number[]} curve
 * @param {string} name
 * @param {number} m
 * @param {number} step
 */
function traces(flips, curve, name, m, step) {
  const [color, dash] = [COLOURS[m % COLOURS.length], DASHES[m % DASHES.length]];
  const size = curve.slice(0, step + 1).map((_, k) => (k === step ? 8 : 0));
  const ahead = { x: flips, y: curve, mode: "lines", line: { color, width: 1 }, opacity: 0.45 };
  const sofar = {
    x: flips.slice(0, step + 1),
    y: curve.slice(0, step + 1),
    mode: "lines+markers",
    line: { color, width: 2.5, dash },
    marker: { color, size, opacity: 1 },
  };
  return [
    { ...ahead, name, legendgroup: name, showlegend: false, hovertemplate: "%{y:.2f}" },
    { ...sofar, name, legendgroup: name, hoverinfo: "skip" },
  ];
}

/**
 * The step, and the threshold if there is one.
 *
 * @param {number} x
 * @param {string | null} threshold
 */
function marks(x, threshold) {
  const now = { type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below", line: { width: 1 } };
  if (threshold === null) return { shapes: [now] };
  const y = Number(threshold);
  const across = { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { width: 1, dash: "5px,4px" } };
  const words = { text: "\u03be\u2081", showarrow: false, xanchor: "left", yanchor: "bottom", xref: "paper" };
  return { shapes: [now, across], annotations: [{ ...words, x: 0.01, y }] };
}

/**
 * @param {Model} model
 * @param {Contents} contents
 */
export function curves(model, { names, flips, fill, grid }) {
  const last = flips.length - 1;
  /** @type {[Pair, number[], number] | null} the pair, its methods that are shown, and the step */
  let shown = null;
  const { element, draw } = chart(model, "lfs-curves", () => {
    if (!shown) return null;
    const [{ methods, threshold }, which, step] = shown;
    const values = methods.flatMap(({ curve }) => curve);
    if (threshold !== null) values.push(Number(threshold));
    const range = [Math.min(...values) - 0.03, Math.max(...values) + 0.03];
    const words = `superpixels replaced by ${fill}, of ${grid * grid}`;
    return {
      data: which.flatMap((m) => traces(flips, methods[m].curve, names[m], m, step)),
      layout: {
        ...marks(flips[step], threshold),
        height: 320,
        hovermode: "x unified",
        legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
        margin: { l: 44, r: 12, t: 12, b: 44 },
        showlegend: true,
        xaxis: {
          range: [-0.3, flips[last] + 0.3],
          showgrid: false,
          title: { text: words, standoff: 8 },
          zeroline: false,
        },
        yaxis: { range, nticks: 6, zeroline: false },
      },
    };
  });
  element.setAttribute("role", "img");
  return {
    element,
    /** @type {(pair: Pair, which: number[], step: number) => void} */
    show(pair, which, step) {
      shown = [pair, which, step];
      const words = which.map((m) => {
        const ends = [0, last].map((k) => decimals(pair.methods[m].curve[k], 2));
        return `${names[m]} from ${ends.join(" to ")}`;
      });
      element.setAttribute("aria-label", `The cosine as superpixels are replaced: ${words.join(", ")}`);
      draw();
    },
  };
}
