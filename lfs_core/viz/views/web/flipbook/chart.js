// The cosine as superpixels are replaced, one curve for each method.

/** @import { Look, Model } from "../common/types.d.ts" */
/** @import { Contents, Method } from "./types.d.ts" */

import { chart } from "../common/chart.js";
import { h } from "../common/elements.js";
import { decimals } from "../common/numbers.js";

// Okabe and Ito's colours, by their names in the style, and dashes that tell them apart as well.
const COLOURS = ["first", "wrong", "right", "quiet", "second", "text"];
const DASHES = ["solid", "8px,4px", "2px,3px", "10px,3px,2px,3px", "5px,2px", "1px,5px"];

/**
 * The line by which a method's curve is known.
 *
 * @param {number} m
 */
export function lineKey(m) {
  const [on, off, on2 = on, off2 = off] = DASHES[m % DASHES.length].split(",");
  const ends = [on, off, on2, off2].map(parseFloat);
  const stops = ends.map((_, k) => ends.slice(0, k).reduce((all, one) => all + one, 0));
  const total = stops[3] + ends[3];
  const colour = `var(--${COLOURS[m % COLOURS.length]})`;
  const drawn = `${colour} 0 ${stops[1]}px, #0000 0 ${stops[2]}px, ${colour} 0 ${stops[3]}px, #0000 0`;
  const line = off ? `repeating-linear-gradient(to right, ${drawn} ${total}px)` : colour;
  return h("span", { class: "lfs-key", style: `background: ${line}`, "aria-hidden": "true" });
}

/**
 * A method's whole curve, thin, and as far as it is replaced.
 *
 * @param {Contents} contents
 * @param {Method} method
 * @param {number} m
 * @param {number} step
 * @param {Look} look
 */
function traces({ flips }, { name, curve }, m, step, look) {
  const color = look[COLOURS[m % COLOURS.length]];
  const dash = DASHES[m % DASHES.length];
  const dots = flips.map((_, k) => (k === step ? 8 : 0));
  const ahead = { x: flips, y: curve, mode: "lines", line: { color, width: 1 }, opacity: 0.45 };
  const sofar = {
    x: flips.slice(0, step + 1),
    y: curve.slice(0, step + 1),
    mode: "lines+markers",
    line: { color, width: 2.5, dash },
    marker: { color, size: dots.slice(0, step + 1), opacity: 1 },
  };
  return [
    { ...ahead, name, hovertemplate: "%{y:.2f}" },
    { ...sofar, name, hoverinfo: "skip" },
  ];
}

/**
 * The step, and the threshold if there is one.
 *
 * @param {Contents} contents
 * @param {number} step
 * @param {Look} look
 */
function marks({ flips, threshold }, step, look) {
  const [x, line] = [flips[step], { color: look.line, width: 1 }];
  const now = { type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below", line };
  if (typeof threshold !== "number") return { shapes: [now] };
  const dash = { color: look.text, width: 1, dash: "5px,4px" };
  const across = { type: "line", xref: "paper", x0: 0, x1: 1, y0: threshold, y1: threshold };
  const words = { text: "\u03be\u2081", showarrow: false, xanchor: "left", yanchor: "bottom" };
  return {
    shapes: [now, { ...across, line: dash }],
    annotations: [{ ...words, xref: "paper", x: 0.01, y: threshold }],
  };
}

/**
 * From the lowest to the highest of what is shown.
 *
 * @param {Contents} contents
 */
function rangeOf({ methods, threshold }) {
  const values = methods.flatMap(({ curve }) => curve);
  if (typeof threshold === "number") values.push(threshold);
  return [Math.min(...values) - 0.03, Math.max(...values) + 0.03];
}

/**
 * @param {Contents} contents
 * @param {Model} model
 */
export function curves(contents, model) {
  const { methods, flips, fill, grid } = contents;
  const last = flips.length - 1;
  let step = last;
  const { element, draw } = chart(model, "lfs-curves", (look) => ({
    data: methods.flatMap((method, m) => traces(contents, method, m, step, look)),
    layout: {
      ...marks(contents, step, look),
      height: 270,
      hovermode: "x unified",
      margin: { l: 44, r: 12, t: 12, b: 44 },
      xaxis: {
        range: [-0.3, flips[last] + 0.3],
        showgrid: false,
        title: { text: `superpixels replaced by ${fill}, of ${grid * grid}`, standoff: 8 },
        zeroline: false,
      },
      yaxis: { range: rangeOf(contents), nticks: 6, zeroline: false },
    },
  }));
  const words = methods.map(
    ({ name, curve }) => `${name} from ${decimals(curve[0], 2)} to ${decimals(curve[last], 2)}`,
  );
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `The cosine as superpixels are replaced: ${words.join(", ")}`);
  return {
    element,
    /** @param {number} k */
    show(k) {
      step = k;
      draw();
    },
  };
}
