// What in one photograph answers places of the other.

/** @import { Cell, Kind, Match, Matrices, Matrix, Region, Told } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";

/** @param {Matrix} matrix */
function readMatrix({ scale, steps }) {
  const view = new DataView(bytes(steps).buffer);
  const count = view.byteLength / 2;
  return Float64Array.from({ length: count }, (_, k) => scale * view.getInt16(2 * k, true));
}

/** @type {(told: Told) => Matrices} */
export const readMatrices = ({ matches, likeness, probabilities }) => ({
  matches: readMatrix(matches),
  likeness: readMatrix(likeness),
  probabilities: readMatrix(probabilities),
});

/** @type {(region: Region, told: Told) => number[]} its places */
export function placesIn({ from, to }, { grid: [, columns] }) {
  const [[top, bottom], [left, right]] = [0, 1].map((k) =>
    [from[k], to[k]].sort((a, b) => a - b),
  );
  const found = [];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) found.push(row * columns + column);
  }
  return found;
}

// What every place of the other photograph says to a region: the sum of what they add to the
// cosine together with its places, or the mean of how alike they are.
/** @type {(matrices: Matrices, kind: Kind, side: number, places: number[]) => number[]} */
export function answerTo(matrices, kind, side, places) {
  const values = matrices[kind];
  const count = Math.sqrt(values.length);
  return Array.from({ length: count }, (_, other) => {
    const each = places.map((k) => values[side ? other * count + k : k * count + other]);
    const sum = each.reduce((a, b) => a + b, 0);
    return kind === "matches" ? sum : sum / places.length;
  });
}

/** @type {(told: Told, side: number, places: number[]) => Match[]} the most confident first */
export const matchesOf = ({ matched }, side, places) =>
  matched.filter((match) => places.includes(match[side]));

/** @type {(place: number, told: Told) => Cell} */
export const cellOf = (place, { grid: [, columns] }) => [
  Math.floor(place / columns),
  place % columns,
];
