// Each method's pictures, with the superpixels that are replaced so far.

/** @import { Contents, Method } from "./types.d.ts" */

import { picture } from "../common/bytes.js";
import { h, photograph } from "../common/elements.js";
import { pen, within } from "../common/maps.js";
import { decimals } from "../common/numbers.js";
import { lineKey } from "./chart.js";

const FRAME = 160; // px, longest side of a picture

/**
 * Of similar pairs the first image is changed, of dissimilar ones both.
 *
 * @param {Contents} contents
 */
const changed = ({ similar }) => (similar ? [0] : [0, 1]);

/** @param {Contents} contents */
export function frames(contents) {
  const { similar, images, replacements, methods, flips, grid } = contents;
  const cards = methods.map((method, m) => card(contents, method, m));
  const element = h(
    "div",
    { class: "lfs-frames" },
    similar ? partner(images[1]) : null,
    ...cards.map(({ figure }) => figure),
  );
  /** @type {HTMLImageElement[][] | null} */
  let loaded = null; // photographs, and what replaces them
  let step = 0;

  function draw() {
    if (!loaded) return;
    const [originals, others] = loaded;
    methods.forEach(({ ranks }, m) =>
      changed(contents).forEach((side, k) => {
        const flipped = ranks[side].flatMap((rank, cell) => (rank < flips[step] ? [cell] : []));
        drawFrame(cards[m].canvases[k], originals[side], others[side], flipped, grid);
      }),
    );
  }

  Promise.all([images, replacements].map((all) => Promise.all(all.map(picture)))).then((found) => {
    loaded = found;
    draw();
  });
  return {
    element,
    /** @param {number} k */
    show(k) {
      step = k;
      for (const one of cards) one.say(k);
      draw();
    },
  };
}

/**
 * One method's pictures and what is said of them.
 *
 * @param {Contents} contents
 * @param {Method} method
 * @param {number} m
 */
function card(contents, { name, curve }, m) {
  const { flips, grid, threshold } = contents;
  const canvases = changed(contents).map(() => h("canvas", { role: "img" }));
  const value = h("span", {});
  const caption = h("figcaption", {}, h("span", { class: "lfs-title" }, name), lineKey(m), value);
  const figure = h("figure", {}, h("div", {}, ...canvases), caption);
  /** @param {number} k */
  function say(k) {
    const decision =
      typeof threshold === "number" ? (curve[k] > threshold ? ": similar" : ": dissimilar") : "";
    value.textContent = `cosine ${decimals(curve[k], 2)}${decision}`;
    const replaced = `${flips[k]} of ${grid * grid} superpixels replaced in the order of ${name}`;
    canvases.forEach((canvas, of) =>
      canvas.setAttribute("aria-label", `${of ? "Second" : "First"} image, ${replaced}`),
    );
  }
  return { canvases, figure, say };
}

/** @param {string} source */
const partner = (source) =>
  h(
    "figure",
    { class: "lfs-partner" },
    h("div", {}, photograph(source)),
    h("figcaption", {}, "The second image, which stays as it is."),
  );

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} image
 * @param {HTMLImageElement} other what replaces it
 * @param {number[]} cells that are replaced
 * @param {number} grid cells on a side
 */
function drawFrame(canvas, image, other, cells, grid) {
  const [width, height] = within(FRAME, image.width / image.height);
  Object.assign(canvas, { width, height });
  const context = pen(canvas);
  context.drawImage(image, 0, 0, width, height);
  /** @type {(place: number, length: number) => number} */
  const edge = (place, length) => Math.round((place * length) / grid);
  context.beginPath();
  for (const cell of cells) {
    const [row, column] = [Math.floor(cell / grid), cell % grid];
    const [left, top] = [edge(column, width), edge(row, height)];
    context.rect(left, top, edge(column + 1, width) - left, edge(row + 1, height) - top);
  }
  context.save();
  context.clip();
  context.drawImage(other, 0, 0, width, height);
  context.restore();
}
