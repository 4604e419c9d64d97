// Each method's pictures, with the superpixels that are replaced so far.

/** @import { Contents, Pair } from "./types.d.ts" */

import { picture, decimals } from "../common/bytes.js";
import { remembering } from "../common/asking.js";
import { h, photograph } from "../common/elements.js";
import { pen, within } from "../common/maps.js";
import { decision } from "../common/pairs.js";
import { SIDES } from "../common/pictures.js";

const FRAME = 160; // px, longest side of a picture
const STAYS = "The second image, which stays as it is.";

/** @param {Contents} contents */
export function frames({ names, flips, grid, pairs }) {
  const load = remembering(async (/** @type {number} */ k) => {
    const all = [...pairs[k].pictures, ...pairs[k].replacements].map(picture);
    return { images: await Promise.all(all), problem: undefined };
  });
  const element = h("div", { class: "lfs-frames" });
  let asked = 0; // how often

  /** @type {(pair: Pair, m: number, step: number, images: HTMLImageElement[]) => HTMLElement} */
  function card({ methods, similar, threshold }, m, step, images) {
    const { ranks, curve } = methods[m];
    const replaced = `${flips[step]} of ${grid * grid} superpixels replaced in the order of ${names[m]}`;
    // Of similar pairs the first image is changed, of dissimilar ones both.
    const canvases = ranks.slice(0, similar ? 1 : 2).map((rank, side) => {
      const canvas = h("canvas", { role: "img", "aria-label": `${SIDES[side]}, ${replaced}` });
      const cells = [...rank.keys()].filter((cell) => rank[cell] < flips[step]);
      drawFrame(canvas, images[side], images[2 + side], cells, grid);
      return canvas;
    });
    const called = threshold === null ? "" : `: ${decision(curve[step] > Number(threshold))}`;
    const value = h("span", {}, `cosine ${decimals(curve[step], 2)}${called}`);
    const caption = h("figcaption", {}, h("span", { class: "lfs-title" }, names[m]), value);
    return h("figure", {}, h("div", {}, ...canvases), caption);
  }

  return {
    element,
    /** @type {(k: number, which: number[], step: number) => Promise<void>} */
    async show(k, which, step) {
      const mine = ++asked;
      const { images } = await load(k);
      if (mine !== asked) return; // the reader has gone on
      const partner = h("div", {}, photograph(pairs[k].pictures[1], STAYS));
      const second = h("figure", { class: "lfs-partner" }, partner, h("figcaption", {}, STAYS));
      const cards = which.map((m) => card(pairs[k], m, step, images));
      element.replaceChildren(...(pairs[k].similar ? [second] : []), ...cards);
    },
  };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} image
 * @param {HTMLImageElement} other what replaces it
 * @param {number[]} cells that are replaced
 * @param {number} grid cells on a side
 */
function drawFrame(canvas, image, other, cells, grid) {
  const [width, height] = within(FRAME, image);
  Object.assign(canvas, { width, height });
  const context = pen(canvas);
  context.drawImage(image, 0, 0, width, height);
  /** @type {(place: number, length: number) => number} */
  const edge = (place, length) => Math.round((place * length) / grid);
  for (const cell of cells) {
    const [row, column] = [Math.floor(cell / grid), cell % grid];
    const [left, top] = [edge(column, width), edge(row, height)];
    context.rect(left, top, edge(column + 1, width) - left, edge(row + 1, height) - top);
  }
  context.clip();
  context.drawImage(other, 0, 0, width, height);
}
