// The pairs to choose from, and what is said of the chosen one.

/** @import { Contents } from "./types.d.ts" */

import { h, moveWithArrows, photograph } from "../common/elements.js";
import { decimals } from "../common/numbers.js";

/**
 * @param {Contents} contents
 * @param {(pair: number) => void} choose
 */
export function pairButtons({ pairs }, choose) {
  const group = h(
    "div",
    { class: "lfs-pairs", role: "group", "aria-label": "Pair" },
    ...pairs.map(({ similarity, decision, photographs }, k) =>
      h(
        "button",
        { type: "button", onclick: () => choose(k) },
        ...photographs.map((src) => photograph(src)),
        h("span", {}, `${k + 1}: ${decimals(similarity, 2)} ${decision}`),
      ),
    ),
  );
  moveWithArrows(group, "button", (chosen) => chosen.click());
  return group;
}

/**
 * What the network says of a pair.
 *
 * @param {Contents["pairs"][0]} pair
 */
export function sentence({ similarity, decision, threshold }) {
  const where = decision === "similar" ? "above" : "not above";
  return [
    `Cosine ${decimals(similarity, 2)}: the network calls them `,
    h("strong", {}, decision),
    typeof threshold === "number" ? ` (${where} \u03be\u2081 = ${threshold}).` : ".",
  ];
}
