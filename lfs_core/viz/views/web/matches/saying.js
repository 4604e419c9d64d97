// Matches in words.

/** @import { Match, Region, Told } from "./types.d.ts" */

import { decimals } from "../common/bytes.js";
import { matchesOf, placesIn } from "./answers.js";

export const HOW =
  "Point at a place, or use arrow keys on a photograph, to see what answers it in the other. " +
  "Drag over a region, or hold Shift with the arrow keys, to ask about several places.";

const NAMES = ["first image", "second image"];

/** @type {(told: Told, match: Match) => string} as the list has it */
export const matchInWords = ({ places }, [k, l, confidence]) =>
  `${places[k]} \u2192 ${places[l]}, confidence ${decimals(confidence, 2)}`;

/** @param {Told} told how many places have a match, and what is drawn */
export function overview({ matched, places, lines, least }) {
  if (!matched.length) {
    return `No place of either photograph has a match with a confidence of at least ${least}.`;
  }
  const drawn = Math.min(matched.length, lines.length);
  const which = drawn === matched.length ? "All are joined" : `The ${drawn} most confident are joined`;
  return (
    `${matched.length} of ${places.length} places have a match in the other photograph, one to ` +
    `one, with a confidence of at least ${least}. ${which}: the wider the line, the more confident.`
  );
}

/** @type {(told: Told, region: Region) => string} what answers it */
export function answerInWords(told, region) {
  const places = placesIn(region, told);
  const words =
    places.length > 1
      ? answerToSeveral(told, region.side, places)
      : answerToOne(told, region.side, places[0]);
  return words[0].toUpperCase() + words.slice(1);
}

/** @type {(told: Told, side: number, place: number) => string} */
function answerToOne(told, side, place) {
  const { places, likeliest, least } = told;
  const asked = `${places[place]} of the ${NAMES[side]}`;
  const [match] = matchesOf(told, side, [place]);
  if (match) {
    const found = `${places[match[1 - side]]} of the ${NAMES[1 - side]}`;
    return `${asked} matches ${found}, confidence ${decimals(match[2], 2)}.`;
  }
  const [best, value] = likeliest[side][place];
  if (value < least) {
    const most = value >= 0.005 ? `, ${places[best]}, has ${decimals(value, 2)}` : " has less than 0.01";
    return `${asked} has no match: the likeliest place of the ${NAMES[1 - side]}${most}.`;
  }
  const [rival, more] = likeliest[1 - side][best];
  return (
    `${asked} has no match of its own: its likeliest place, ${places[best]} ` +
    `(${decimals(value, 2)}), goes better with ${places[rival]} (${decimals(more, 2)}).`
  );
}

/** @type {(told: Told, side: number, places: number[]) => string} */
function answerToSeveral(told, side, places) {
  const { length } = matchesOf(told, side, places);
  const [first, last] = [places[0], places[places.length - 1]].map((k) => told.places[k]);
  const have = length > 1 ? `${length} have a match` : `${length || "none"} has a match`;
  return `${places.length} places of the ${NAMES[side]}, from ${first}, to ${last}: ${have}.`;
}
