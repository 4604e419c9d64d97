// Both photographs of a pair with their maps, and what is said of them.

/** @import { How } from "../common/types.d.ts" */
/** @import { App, Explained } from "./types.d.ts" */

import { layering, slider } from "../common/controls.js";
import { h } from "../common/elements.js";
import { colourBar, drawMap, enlarge, shareAbove, within } from "../common/maps.js";
import { decimals } from "../common/numbers.js";
import { matchedParts } from "./matched.js";

const CANVAS = 320; // px, longest side of a picture

/**
 * @param {Explained} answer
 * @param {string} decision
 */
function sentence({ similarity, similar, threshold, method, sure, sureMeans }, decision) {
  const limit =
    typeof threshold === "number"
      ? ` (${similar ? "above" : "not above"} \u03be\u2081 = ${threshold})`
      : "";
  const words = `Similarity ${similarity.toFixed(3)}: the network calls them `;
  return h(
    "p",
    {},
    words,
    h("strong", {}, decision),
    `${limit}, `,
    h("span", { title: sureMeans }, `${sure}.`),
    ` Method: ${method}.`,
  );
}

/**
 * @param {How} how
 * @param {() => void} draw
 */
function controls(how, draw) {
  const names = { opacity: "Opacity of the map", apart: "Map beside the photograph" };
  const { over, apart } = layering(how, draw, names);
  const above = slider("Show what is above \u03be\u2082", how.threshold, (value) => {
    how.threshold = value;
    draw();
  });
  return h("div", { class: "lfs-controls" }, apart, above, over);
}

/**
 * @param {string} role "Query" or "Result"
 * @param {string} name
 * @param {[number, number]} range
 */
function figureOf(role, name, range) {
  const canvas = h("canvas", { role: "img" });
  const share = h("span", {});
  const values = range.map((value) => decimals(value, 2)).join(" to ");
  const caption = h(
    "figcaption",
    {},
    h("span", { class: "lfs-title" }, `${role}: ${name}`),
    h("br"),
    share,
    `; the map's values go from ${values}`,
  );
  return { canvas, share, name, figure: h("figure", {}, canvas, caption) };
}

/**
 * @param {App} app
 * @param {Explained} answer
 * @param {(HTMLImageElement | null)[]} images
 * @param {string[]} names
 * @param {How} how
 */
export function explanation(app, answer, images, names, how) {
  const decision = answer.similar ? "similar" : "dissimilar";
  const sides = ["Query", "Result"].map((role, side) =>
    figureOf(role, names[side], answer.ranges[side]),
  );
  function draw() {
    sides.forEach(({ canvas, share, name }, side) => {
      const image = images[side];
      const ratio = image && !app.square ? image.width / image.height : 1;
      const [width, height] = within(CANVAS, ratio);
      const values = enlarge(answer.steps[side], answer.size, width, height);
      drawMap(canvas, image, values, width, height, how);
      share.textContent = `${shareAbove(values, how.threshold)} lies above \u03be\u2082`;
      canvas.setAttribute("aria-label", `${name} with its map; ${share.textContent}`);
    });
  }
  draw();
  const elements = [
    sentence(answer, decision),
    controls(how, draw),
    h("ul", { class: "lfs-doubts", "aria-label": "Doubts" }, ...answer.doubts.map((said) => h("li", {}, said))),
    h("div", { class: "lfs-sides" }, ...sides.map(({ figure }) => figure)),
    colourBar(how.colours, `evidence for \u201c${decision}\u201d`),
    matchedParts(app, answer, images, how),
  ].filter((element) => element !== null);
  return { elements, draw };
}
