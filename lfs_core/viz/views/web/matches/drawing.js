// Places, heat and lines as vectors over photographs.

/** @import { Line, Match, Region, Told } from "./types.d.ts" */

import { h } from "../common/elements.js";
import { cellOf } from "./answers.js";

const BETWEEN = 6; // the photographs, in per cent of the width of both
const WIDE = 1.5; // px, of a line without confidence
const WIDER = 3; // px more, with all of it
const BEND = 0.3; // of a line: of several in one row, as in a mirror image, none covers another
const OPAQUE = 0.8; // the strongest heat
const PLAIN = { colour: "#fff", ink: "#000", dashed: false };
const THIN = 'fill="none" vector-effect="non-scaling-stroke"';

/**
 * An SVG element of a page, which knows its kind without an address.
 *
 * @type {(size: string, inside?: string) => SVGElement}
 */
export function vector(size, inside = "") {
  const place = h("div");
  place.innerHTML = `<svg viewBox="0 0 ${size}" preserveAspectRatio="none">${inside}</svg>`;
  return /** @type {SVGElement} */ (place.firstChild);
}

/** @type {(region: Region) => string} a light edge within a dark one, seen on any photograph */
export function outline({ from, to }) {
  const [y, x] = [0, 1].map((k) => Math.min(from[k], to[k]));
  const [height, width] = [0, 1].map((k) => Math.abs(from[k] - to[k]) + 1);
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${THIN}`;
  return `${box} stroke="#000" stroke-width="5"/>${box} stroke="#fff" stroke-width="2.5"/>`;
}

/**
 * One rectangle for each place: the first colour where its value is above 0, the second below.
 *
 * @param {number[]} values
 * @param {number} largest what is drawn strongest
 * @param {Told} told
 */
export const heat = (values, largest, told) =>
  values.map((value, k) => {
    const [y, x] = cellOf(k, told);
    const opacity = OPAQUE * Math.min(Math.abs(value) / (largest || 1), 1);
    const style = `fill: var(--${value > 0 ? "for" : "against"})`;
    // A little wider than its place: no gaps between.
    return `<rect x="${x}" y="${y}" width="1.01" height="1.01" style="${style}" opacity="${opacity}"/>`;
  });

// Lines over both photographs, and a number at both ends of those that are among the first.
/** @param {Match[]} matches @param {Told} told */
export function joinedPlaces(matches, told) {
  /** @type {string[]} */
  const lines = [];
  /** @type {HTMLElement[]} */
  const numbers = [];
  const [rows, columns] = told.grid;
  const width = (100 - BETWEEN) / 2;
  for (const match of [...matches].reverse()) {
    const k = told.matched.indexOf(match);
    const drawnAs = told.lines[k] ?? PLAIN;
    const ends = [0, 1].map((side) => {
      const [row, column] = cellOf(match[side], told);
      const x = side * (width + BETWEEN) + (width * (column + 0.5)) / columns;
      return [x, (100 * (row + 0.5)) / rows]; // on the stage, in per cent
    });
    lines.push(lineBetween(ends, match[2], drawnAs));
    if (told.lines[k]) numbers.push(...ends.map((end) => badge(k, drawnAs, end)));
  }
  return { lines, numbers };
}

/** @type {(ends: number[][], confidence: number, drawnAs: Line) => string} */
function lineBetween([[x1, y1], [x2, y2]], confidence, { colour, dashed }) {
  const width = WIDE + WIDER * confidence;
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2 - BEND * (x2 - x1)];
  const dashes = dashed ? 'stroke-dasharray="9 6"' : "";
  const way = `<path d="M ${x1} ${y1} Q ${x} ${y} ${x2} ${y2}" ${THIN} ${dashes}`;
  const [ground, line] = [`stroke="#000" stroke-width="${width + 2}"`, `stroke="${colour}"`];
  return `${way} ${ground}/>${way} ${line} stroke-width="${width}"/>`;
}

/**
 * The number of a match, in its colour.
 *
 * @type {(k: number, drawnAs: Line, at?: number[]) => HTMLElement} at, in per cent of the stage
 */
export function badge(k, { colour, ink }, at) {
  const where = at ? `left: ${at[0]}%; top: ${at[1]}%; ` : "";
  const style = `${where}background: ${colour}; color: ${ink}`;
  return h("span", { class: "lfs-match-number", style }, k + 1);
}
