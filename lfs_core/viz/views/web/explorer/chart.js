// Two embeddings as lines.

import { signedNumbers } from "../common/bytes.js";
import { h } from "../common/elements.js";
import { decimals } from "../common/numbers.js";

/** @typedef {{ scale: number, values: string }} Latents */

/**
 * The second one is dashed.
 *
 * @param {any} first
 * @param {any} second
 */
export function latentChart(first, second) {
  const [width, height] = [600, 120];
  const values = [first, second].map(signedNumbers);
  const [low, high] = [Math.min(0, ...values.flat()), Math.max(...values.flat())];
  /** @param {number} value */
  const y = (value) => (height * (high - value)) / (high - low || 1);
  const lines = values.map((line) =>
    line
      .map((value, j) => `${(((j + 0.5) / line.length) * width).toFixed(1)},${y(value).toFixed(1)}`)
      .join(" "),
  );
  const chart = h("figure", { class: "lfs-latents" });
  chart.innerHTML = `
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img"
      aria-label="The ${values[0].length} latents of both photographs">
      <line x1="0" x2="${width}" y1="${y(0)}" y2="${y(0)}" class="lfs-zero"/>
      <polyline points="${lines[0]}" class="lfs-first"/>
      <polyline points="${lines[1]}" class="lfs-second"/>
    </svg>`;
  const range = `${decimals(low, 2)} to ${decimals(high, 2)}`;
  chart.append(
    h(
      "figcaption",
      {},
      h("span", { class: "lfs-key-first" }, "query"),
      h("span", { class: "lfs-key-second" }, "this photograph"),
      `latents 1 to ${values[0].length} of embeddings of length 1, from ${range}`,
    ),
  );
  return chart;
}
