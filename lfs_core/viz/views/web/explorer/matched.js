// Which part of the query a result matched, and which part of the result the query.

/** @import { How } from "../common/types.d.ts" */
/** @import { App, Explained } from "./types.d.ts" */

import { h, title } from "../common/elements.js";
import { drawOver, pen, within } from "../common/maps.js";

const CANVAS_OF_PART = 160; // px, longest side of a picture
const WORDS =
  "Bright places speak for a match together with places of the other photograph, each relative to " +
  "the brightest of its photograph.";

/**
 * Nothing where the method does not tell.
 *
 * @param {App} app
 * @param {Explained} answer
 * @param {(HTMLImageElement | null)[]} images
 * @param {How} how
 */
export function matchedParts(app, { matched, grid }, images, { colours }) {
  if (!matched || !grid) return null;
  const [rows, columns] = grid;
  const figures = ["Query", "Result"].map((role, side) => {
    const image = images[side];
    const ratio = image && !app.square ? image.width / image.height : 1;
    const [width, height] = within(CANVAS_OF_PART, ratio);
    const label = `${role}: the places that speak for a match together with the other photograph`;
    const canvas = h("canvas", { role: "img", "aria-label": label, width, height });
    // Each place as it is, without shades between: it is taken away as a whole.
    const values = Float32Array.from({ length: width * height }, (_, k) => {
      const row = Math.floor((Math.floor(k / width) / height) * rows);
      return matched[side][row * columns + Math.floor(((k % width) / width) * columns)];
    });
    const all = { colours, threshold: 0.1, opacity: 0.65, apart: false };
    drawOver(pen(canvas), image, values, width, height, all);
    return h("figure", {}, canvas, h("figcaption", {}, role));
  });
  return h(
    "section",
    { class: "lfs-matched", "aria-label": "Which parts match" },
    title("Which part of the query matched"),
    h("div", { class: "lfs-sides" }, ...figures),
    h("p", { class: "lfs-hint" }, WORDS),
  );
}
