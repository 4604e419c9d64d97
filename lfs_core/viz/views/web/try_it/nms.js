// Of boxes that overlap, only the surest stays.

/** @import { Box, Candidate } from "./detection.d.ts" */

/** @type {(box: Box, edge?: number) => number} `edge` is 1 if the last pixel counts */
export const areaOf = ([left, top, right, bottom], edge = 0) =>
  (right - left + edge) * (bottom - top + edge);

/** @type {(one: Box, other: Box, edge?: number) => number} the area that two boxes share */
function overlapOf(one, other, edge = 0) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]) + edge;
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]) + edge;
  return Math.max(width, 0) * Math.max(height, 0);
}

/**
 * The share of what two boxes cover together that both cover.
 *
 * @type {(one: Box, other: Box) => number}
 */
export function ofUnion(one, other) {
  const both = overlapOf(one, other);
  return Math.fround(both / (areaOf(one) + areaOf(other) - both));
}

/**
 * The share of the smaller box that both cover; the last pixel counts as part of a box.
 *
 * @type {(one: Box, other: Box) => number}
 */
export const ofSmaller = (one, other) =>
  Math.fround(overlapOf(one, other, 1) / Math.min(areaOf(one, 1), areaOf(other, 1)));

/**
 * The candidates that overlap no surer one by more than `most`, the surest first.
 *
 * @template {Candidate} T
 * @param {T[]} candidates
 * @param {number} most
 * @param {(one: Box, other: Box) => number} [overlap]
 */
export function surest(candidates, most, overlap = ofUnion) {
  let left = candidates.toSorted((one, other) => other.score - one.score);
  /** @type {T[]} */
  const kept = [];
  while (left.length) {
    const [first] = left;
    kept.push(first);
    left = left.filter((other) => other !== first && !(overlap(first.box, other.box) > most));
  }
  return kept;
}
