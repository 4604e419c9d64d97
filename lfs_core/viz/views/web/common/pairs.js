// Pairs to choose from, and what the network says of one.

import { decimals } from "./bytes.js";
import { button, choices, h, mark, photograph, title } from "./elements.js";

/**
 * @typedef {{ similarity: number, similar: boolean, pictures: string[] }} OnePair
 */

/** @param {boolean} similar */
export const decision = (similar) => (similar ? "similar" : "dissimilar");

/**
 * @param {OnePair[]} pairs
 * @param {(pair: number) => void} choose
 * @param {number} [first]
 */
export function pairButtons(pairs, choose, first = 0) {
  const buttons = pairs.map(({ similarity, similar, pictures }, k) => {
    const one = button("", () => {
      mark(group, k);
      choose(k);
    });
    const words = `${k + 1}: ${decimals(similarity, 2)} ${decision(similar)}`;
    const images = pictures.map((src, side) =>
      photograph(src, `${side ? "Second" : "First"} image of pair ${k + 1}`),
    );
    one.append(...images, h("span", {}, words));
    return one;
  });
  const group = choices("lfs-pairs", "Pair", ...buttons);
  mark(group, first);
  return group;
}

/**
 * @param {string} network what it is called
 * @param {{ similarity: number, similar: boolean, sure?: string, sureMeans?: string }} pair
 * @param {string | null} [threshold]
 */
export function sentence(network, { similarity, similar, sure, sureMeans }, threshold = null) {
  const where = similar ? "above" : "not above";
  return [
    `Cosine ${decimals(similarity, 2)}: ${network} calls them `,
    h("strong", {}, decision(similar)),
    threshold === null ? "" : ` (${where} \u03be\u2081 = ${threshold})`,
    ...(sure ? [", ", h("span", { title: sureMeans }, sure)] : []),
    ".",
  ];
}

/** Reasons to doubt what is shown; however much it is, it takes the same place. */
export function doubtsBox() {
  const list = h("ul");
  const properties = { class: "lfs-doubts", "aria-label": "Doubts", tabindex: 0 };
  const element = h("section", properties, title("Reasons to doubt this"), list);
  /** @param {string[]} said */
  function show(said) {
    const lines = said.length ? said : ["Nothing that was measured."];
    list.replaceChildren(...lines.map((text) => h("li", {}, text)));
    element.classList.toggle("lfs-none", !said.length);
  }
  return { element, show };
}
