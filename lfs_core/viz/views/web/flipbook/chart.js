// The cosine as superpixels are replaced, one curve for each method.

/** @import { Contents } from "./types.d.ts" */

import { decimals } from "../common/numbers.js";

const BOX = { width: 560, height: 260, left: 44, right: 12, top: 12, bottom: 40 };
const DASHES = ["", "8 4", "2 3", "10 3 2 3", "5 2", "1 5"];

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [properties]
 * @param {...(Node | string)} children
 */
function svg(tag, properties = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(properties)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {number} m */
const look = (m) => ({
  class: `lfs-colour-${m % DASHES.length}`,
  "stroke-dasharray": DASHES[m % DASHES.length],
});

/**
 * The line by which a method's curve is known.
 *
 * @param {number} m
 */
export const lineKey = (m) =>
  svg(
    "svg",
    { viewBox: "0 0 40 8", class: "lfs-key", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 40, y1: 4, y2: 4, ...look(m) }),
  );

/**
 * Numbers with one or two digits between two bounds, a step of 0.1, 0.2 or 0.5 apart.
 *
 * @param {number} low
 * @param {number} high
 */
function ticks(low, high) {
  const step = [0.1, 0.2, 0.5].find((one) => (high - low) / one <= 6) ?? 0.5;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(k * step);
  return found;
}

/**
 * Where steps and cosines lie in the chart.
 *
 * @param {Contents} contents
 */
function scales({ methods, threshold, flips }) {
  const values = methods.flatMap(({ curve }) => curve);
  if (typeof threshold === "number") values.push(threshold);
  const [low, high] = [Math.min(...values) - 0.03, Math.max(...values) + 0.03];
  const [across, down] = [BOX.width - BOX.left - BOX.right, BOX.height - BOX.top - BOX.bottom];
  /** @param {number} k */
  const x = (k) => BOX.left + (k / Math.max(flips.length - 1, 1)) * across;
  /** @param {number} value */
  const y = (value) => BOX.top + ((high - value) / (high - low)) * down;
  /** @param {number[]} curve */
  const points = (curve) =>
    curve.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return { low, high, x, y, points };
}

/**
 * @param {Contents} contents
 * @param {ReturnType<typeof scales>} scale
 */
function frame({ flips, fill, grid, threshold }, { low, high, x, y }) {
  const [end, bottom] = [BOX.width - BOX.right, BOX.height - BOX.bottom];
  const level = (/** @type {number} */ at) => ({ x1: BOX.left, x2: end, y1: y(at), y2: y(at) });
  const every = Math.max(1, Math.ceil(flips.length / 11));
  const under = { x: (BOX.left + end) / 2, y: BOX.height - 6, "text-anchor": "middle" };
  const limit =
    typeof threshold === "number"
      ? [
          svg("line", { class: "lfs-limit", ...level(threshold) }),
          svg("text", { x: end - 4, y: y(threshold) - 5, "text-anchor": "end" }, "\u03be\u2081"),
        ]
      : [];
  return [
    ...ticks(low, high).flatMap((value) => [
      svg("line", { class: "lfs-grid", ...level(value) }),
      svg("text", { x: BOX.left - 6, y: y(value) + 4, "text-anchor": "end" }, decimals(value, 1)),
    ]),
    ...flips.flatMap((count, k) =>
      k % every ? [] : [svg("text", { x: x(k), y: bottom + 16, "text-anchor": "middle" }, `${count}`)],
    ),
    svg("text", under, `superpixels replaced by ${fill}, of ${grid * grid}`),
    ...limit,
  ];
}

/** @param {Contents} contents */
export function curves(contents) {
  const { methods, flips } = contents;
  const scale = scales(contents);
  const { x, y, points } = scale;
  const last = flips.length - 1;
  const now = svg("line", { class: "lfs-now", y1: BOX.top, y2: BOX.height - BOX.bottom });
  const lines = methods.map((_, m) => svg("polyline", look(m)));
  const dots = methods.map((_, m) => svg("circle", { class: look(m).class, r: 4 }));
  const words = methods.map(
    ({ name, curve }) => `${name} from ${decimals(curve[0], 2)} to ${decimals(curve[last], 2)}`,
  );
  const label = `The cosine as superpixels are replaced: ${words.join(", ")}`;
  const element = svg(
    "svg",
    { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label },
    ...frame(contents, scale),
    now,
    ...methods.flatMap(({ curve }, m) => [
      svg("polyline", { class: `lfs-ahead ${look(m).class}`, points: points(curve) }),
      lines[m],
      dots[m],
    ]),
  );
  /** @param {number} k */
  function show(k) {
    for (const end of ["x1", "x2"]) now.setAttribute(end, String(x(k)));
    methods.forEach(({ curve }, m) => {
      lines[m].setAttribute("points", points(curve.slice(0, k + 1)));
      dots[m].setAttribute("cx", String(x(k)));
      dots[m].setAttribute("cy", String(y(curve[k])));
    });
  }
  return { element, show };
}
