// Latents as bars: both embeddings, how they differ, and the relevance.

/** @import { Latents } from "./types.d.ts" */

const CHART = { width: 640, strip: 44, gap: 8, left: 34 };

/**
 * @param {Latents} latents
 * @param {number[]} numbers of the latents, from left to right
 * @param {number} at which of them is chosen, or -1
 * @param {number} largest of the embeddings' sizes
 */
export function latentBars({ h, d, R }, numbers, at, largest) {
  const { width, strip, gap, left } = CHART;
  const across = (width - left) / numbers.length;
  const [h1, h2] = h.map((values) => values.map((value) => value / largest));
  /** @type {[string, number[], boolean, string][]} */
  const strips = [
    ["h\u00b9", h1, true, "lfs-first"],
    ["h\u00b2", h2, true, "lfs-second"],
    ["d", d, false, "lfs-difference"],
    ["R", R, false, "lfs-relevance"],
  ];
  const bars = strips.map(([name, values, signed, look], row) => {
    const top = row * (strip + gap);
    const zero = signed ? top + strip / 2 : top + strip;
    const scale = signed ? strip / 2 : strip;
    const path = numbers.map((j, k) => {
      const x = (left + k * across).toFixed(1);
      const up = (-scale * values[j]).toFixed(1);
      return `M${x} ${zero}v${up}h${(0.8 * across).toFixed(2)}V${zero}z`;
    });
    return `<text x="0" y="${top + strip / 2 + 5}">${name}</text>
      <line x1="${left}" x2="${width}" y1="${zero}" y2="${zero}"/>
      <path class="${look}" d="${path.join("")}"/>`;
  });
  const height = strips.length * (strip + gap);
  const chosen = `<rect class="lfs-chosen" x="${left + at * across - 1}" y="0"
    width="${Math.max(across, 3)}" height="${height}"/>`;
  return `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">
    ${bars.join("")}${at < 0 ? "" : chosen}</svg>`;
}

/**
 * Which bar is under the pointer.
 *
 * @param {HTMLElement} chart
 * @param {number} clientX
 * @param {number} count
 */
export function placeUnder(chart, clientX, count) {
  const box = chart.getBoundingClientRect();
  const x = ((clientX - box.left) / box.width) * CHART.width - CHART.left;
  return Math.floor((x / (CHART.width - CHART.left)) * count);
}
