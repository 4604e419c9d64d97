// What matches are, in words.

/** @import { Match, Matrices, Told } from "./types.d.ts" */

const IMAGES = ["first image", "second image"];

/** @param {Told} told @param {Match} match */
export const matchInWords = ({ places }, [k, l, confidence]) =>
  `${places[k]} \u2192 ${places[l]}, confidence ${confidence.toFixed(2)}`;

/** @type {(told: Told) => string} how many places have a match, and what is drawn */
export function overview({ places, matched, lines, least }) {
  const { length } = matched;
  if (!length) {
    return `No place of either photograph has a match with a confidence of at least ${least}.`;
  }
  const drawn = Math.min(length, lines.length);
  const which = drawn === length ? "All are" : `The ${drawn} most confident are`;
  return (
    `${length} of ${places.length} places have a match in the other photograph, one to one, with ` +
    `a confidence of at least ${least}. ${which} joined: the wider the line, the more confident.`
  );
}

/** @type {(values: number[]) => number} the place of the largest */
const placeOfLargest = (values) => values.indexOf(Math.max(...values));

/**
 * What answers a place of one image in the other one.
 *
 * @type {(told: Told, matrices: Matrices, side: number, place: number) => string}
 */
export function answerOf({ places, matched, least }, { probabilities }, side, place) {
  const count = places.length;
  /** @type {(own: number, other: number) => number} */
  const chosen = (own, other) => probabilities[side ? other * count + own : own * count + other];
  const all = [...places.keys()];
  const [own, other] = side ? [...IMAGES].reverse() : IMAGES;
  const name = places[place];
  const asked = `${name[0].toUpperCase()}${name.slice(1)} of the ${own}`;
  const match = matched.find((one) => one[side] === place);
  if (match) {
    const where = `${places[match[1 - side]]} of the ${other}`;
    return `${asked} matches ${where}, confidence ${match[2].toFixed(2)}.`;
  }
  const best = placeOfLargest(all.map((at) => chosen(place, at)));
  const value = chosen(place, best);
  if (value < least) {
    const most = value >= 0.005 ? `, ${places[best]}, has ${value.toFixed(2)}` : " has less than 0.01";
    return `${asked} has no match: the likeliest place of the ${other}${most}.`;
  }
  const rival = placeOfLargest(all.map((at) => chosen(at, best)));
  return (
    `${asked} has no match of its own: its likeliest place, ${places[best]} ` +
    `(${value.toFixed(2)}), goes better with ${places[rival]} (${chosen(rival, best).toFixed(2)}).`
  );
}
