// Which places match, of the probabilities that they do.

/** @import { Match, Told } from "../matches/types.d.ts" */
/** @import { Named, Own } from "./types.d.ts" */

import { packedMatrix } from "./packing.js";

/**
 * Places that choose each other, the most confident first.
 *
 * @param {Float32Array} probabilities (K,K)
 * @param {number} least confidence of a match
 */
function mutual(probabilities, least) {
  const count = Math.sqrt(probabilities.length);
  const places = [...Array(count).keys()];
  /** @type {(values: number[]) => number} */
  const best = (values) => values.indexOf(Math.max(...values));
  const forth = places.map((k) => best(places.map((l) => probabilities[k * count + l])));
  const back = places.map((l) => best(places.map((k) => probabilities[k * count + l])));
  /** @type {Match[]} */
  const found = places
    .filter((k) => back[forth[k]] === k)
    .map((k) => [k, forth[k], probabilities[k * count + forth[k]]]);
  return found.filter((match) => match[2] >= least).sort((a, b) => b[2] - a[2]);
}

/**
 * @param {Named} made matches, likeness and probabilities
 * @param {Own} own
 * @returns {Told}
 */
export function told({ matches, likeness, probabilities }, { grid, places, lines, least }) {
  return {
    grid: [grid, grid],
    matches: packedMatrix(matches.data),
    likeness: packedMatrix(likeness.data),
    probabilities: packedMatrix(probabilities.data),
    matched: mutual(probabilities.data, least),
    places,
    lines,
    least,
  };
}
