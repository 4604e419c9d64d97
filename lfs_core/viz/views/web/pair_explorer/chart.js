// Latents as bars: both embeddings, how they differ, and the relevance.

/** @import { Look, Model } from "../common/types.d.ts" */
/** @import { Latents } from "./types.d.ts" */

import { chart } from "../common/chart.js";

const AROUND = { l: 34, r: 4, t: 4, b: 4 };
const GAP = 0.03; // between strips, of the whole height

/**
 * What is drawn: latents by their numbers from left to right, and which of them is chosen (or -1).
 *
 * @typedef {{ latents: Latents, numbers: number[], at: number }} Bars
 */

/**
 * How far the embeddings reach from 0.
 *
 * @param {Latents} latents
 */
export const largestOf = ({ h }) => Math.max(...h.flat().map(Math.abs)) || 1;

/**
 * @param {Latents} latents
 * @returns {[string, number[], string][]} name, values and colour of every strip
 */
const strips = ({ h: [h1, h2], d, R }) => [
  ["h\u00b9", h1, "first"],
  ["h\u00b2", h2, "second"],
  ["d", d, "wrong"],
  ["R", R, "right"],
];

/**
 * @param {Bars} bars
 * @param {Look} look
 */
function barsFigure({ latents, numbers, at }, look) {
  const largest = largestOf(latents);
  const x = numbers.map((_, k) => k);
  const all = strips(latents);
  const height = (1 + GAP) / all.length;
  const data = all.map(([name, values, colour], k) => ({
    type: "bar",
    x,
    y: numbers.map((j) => values[j]),
    name,
    yaxis: `y${k + 1}`,
    marker: { color: look[colour], line: { width: 0 } },
    customdata: numbers.map((j) => j + 1),
    hovertemplate: `latent %{customdata}: ${name} %{y:.3f}<extra></extra>`,
  }));
  const axes = all.map((_, k) => {
    const bottom = (all.length - 1 - k) * height;
    const range = k < 2 ? [-largest, largest] : [0, 1];
    const domain = [bottom, Math.min(bottom + height - GAP, 1)];
    return [`yaxis${k + 1}`, { domain, range, showgrid: false, showticklabels: false }];
  });
  const names = all.map(([name], k) => ({
    text: name,
    font: { size: 14 },
    showarrow: false,
    xref: "paper",
    x: 0,
    xanchor: "right",
    xshift: -8,
    yref: `y${k + 1}`,
    y: k < 2 ? 0 : 0.5,
  }));
  const line = { color: look.text, width: 2 };
  const chosen = { type: "rect", yref: "paper", y0: 0, y1: 1, x0: at - 0.5, x1: at + 0.5, line };
  return {
    data,
    layout: {
      annotations: names,
      bargap: 0.2,
      height: 220,
      hovermode: "closest",
      margin: AROUND,
      shapes: at < 0 ? [] : [chosen],
      xaxis: { range: [-0.5, numbers.length - 0.5], visible: false, anchor: "y4" },
      ...Object.fromEntries(axes),
    },
  };
}

/**
 * @param {Model} model
 * @param {() => Bars | null} bars
 */
export function latentBars(model, bars) {
  const { element, draw } = chart(model, "lfs-latent-bars", (look) => {
    const found = bars();
    return found && barsFigure(found, look);
  });
  /**
   * Which bar is under the pointer.
   *
   * @param {number} clientX
   * @param {number} count
   */
  function placeUnder(clientX, count) {
    const box = element.getBoundingClientRect();
    return Math.floor(((clientX - box.left - AROUND.l) / (box.width - AROUND.l - AROUND.r)) * count);
  }
  return { element, draw, placeUnder };
}
