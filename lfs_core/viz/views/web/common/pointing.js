// Two pictures, and a place in them whose values are read.

/** @import { Point, Properties, Size } from "./types.d.ts" */

import { h } from "./elements.js";

export const SIDES = ["First image", "Second image"];
export const POINT = "Point at a picture, or use arrow keys on it, to read the values there.";

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} Pictures
 * @property {() => Size | undefined} size gives [rows, columns] of the maps, if there are any
 * @property {() => boolean} apart whether a canvas shows photograph and map beside each other
 * @property {(place: Point | null) => void} read is told the place that is pointed at
 */

/**
 * @param {number} place
 * @param {number} count
 */
const inside = (place, count) => Math.min(Math.max(place, 0), count - 1);

/**
 * The place of a map that the pointer is at.
 *
 * @param {PointerEvent} event
 * @param {Size} size
 * @param {boolean} apart
 * @returns {Point}
 */
function pointedAt({ currentTarget, clientX, clientY }, [rows, columns], apart) {
  const box = /** @type {Element} */ (currentTarget).getBoundingClientRect();
  const across = ((clientX - box.left) / box.width) * (apart ? 2 : 1);
  const down = (clientY - box.top) / box.height;
  return [
    inside(Math.floor((across % 1) * columns), columns),
    inside(Math.floor(down * rows), rows),
  ];
}

/**
 * The place that an arrow key leads to; null for other keys.
 *
 * @param {string} key
 * @param {Point | null} point
 * @param {Size} size
 * @returns {Point | null}
 */
function movedBy(key, point, [rows, columns]) {
  const by = STEPS[key];
  if (!by) return null;
  const [column, row] = point ?? [Math.floor(columns / 2), Math.floor(rows / 2)];
  return [inside(column + by[0], columns), inside(row + by[1], rows)];
}

/**
 * Both are canvases with room for facts below.
 *
 * @param {Pictures} pictures
 */
export function twoPictures({ size, apart, read }) {
  /** @type {Point | null} */
  let point = null;
  /** @param {PointerEvent} event */
  function pointAt(event) {
    const counts = size();
    if (counts) read(pointedAt(event, counts, apart()));
  }
  /** @param {KeyboardEvent} event */
  function moveBy(event) {
    const counts = size();
    const place = counts && movedBy(event.key, point, counts);
    if (!place) return;
    event.preventDefault();
    read(place);
  }
  const handlers = {
    onpointermove: pointAt,
    onpointerdown: pointAt,
    /** @param {PointerEvent} event */
    onpointerleave: (event) => event.pointerType === "mouse" && read(null),
    onkeydown: moveBy,
    onblur: () => read(null),
  };
  const sides = SIDES.map((name) => onePicture(name, handlers));
  return {
    sides,
    /**
     * Shows the place in both pictures, or none.
     *
     * @param {Point | null} place
     */
    mark(place) {
      point = place;
      const counts = size();
      for (const { marks } of sides) marks.replaceChildren(...markers(point, counts, apart()));
    },
  };
}

/**
 * @param {string} name
 * @param {Properties} handlers
 */
function onePicture(name, handlers) {
  const canvas = h("canvas", { role: "application", "aria-label": name, tabindex: 0, ...handlers });
  const facts = h("span", {});
  const marks = h("span", { class: "lfs-marks", "aria-hidden": "true" });
  const caption = h("figcaption", {}, h("span", { class: "lfs-title" }, name), h("br"), facts);
  const figure = h("figure", {}, h("div", { class: "lfs-picture" }, canvas, marks), caption);
  return { canvas, facts, marks, figure };
}

/**
 * Rings around a place; two if photograph and map lie beside each other.
 *
 * @param {Point | null} point
 * @param {Size | undefined} size
 * @param {boolean} apart
 */
function markers(point, size, apart) {
  if (!point || !size) return [];
  const [x, y] = percent(point, size);
  const places = apart ? [x / 2, 50 + x / 2] : [x];
  return places.map((left) => h("span", { style: `left: ${left}%; top: ${y}%` }));
}

/**
 * @param {Point} point
 * @param {Size} size
 */
const percent = ([column, row], [rows, columns]) => [
  (100 * (column + 0.5)) / columns,
  (100 * (row + 0.5)) / rows,
];

/**
 * Where a place's value is among a map's values.
 *
 * @param {Point} point
 * @param {Size} size
 */
export const placeOf = ([column, row], [, columns]) => row * columns + column;

/**
 * @param {Point} point
 * @param {Size} size
 */
export function wordsFor(point, size) {
  const [x, y] = percent(point, size).map(Math.round);
  return `${x} % from the left, ${y} % from the top:`;
}
