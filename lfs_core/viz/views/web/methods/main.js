// The same pairs as several methods explain them: all maps small, one method's large, with values.
// Its model holds everything in "contents".

/** @import { PicturedSide, Place } from "../common/types.d.ts" */
/** @import { Contents, Loaded, Side } from "./types.d.ts" */

import { remembering } from "../common/asking.js";
import { bytes, decimals, picture, unpacked, withSign } from "../common/bytes.js";
import { chooser, layering } from "../common/controls.js";
import { choices, h, mark } from "../common/elements.js";
import { colourBar, drawMap, enlarge, within } from "../common/maps.js";
import { decision, pairButtons, sentence } from "../common/pairs.js";
import { SIDES, twoPictures } from "../common/pictures.js";

const SCALE = "Maps are relative to their strongest place; as drawn here they have";
const SMALL = 96; // px, longest side of a small picture

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const { methods, pairs, mapThreshold } = contents;
  // All of a map is shown until the reader asks for less.
  const how = { colours: bytes(contents.colours), threshold: 0, opacity: 0.65, apart: false };
  const load = remembering((/** @type {number} */ k) => loaded(contents, k));
  /** @type {Loaded | null} */
  let shown = null;
  let [pair, method] = [0, 0];

  const names = Object.fromEntries(methods.map(({ name }, k) => [k, name]));
  const select = chooser("Method", names, 0, (k) => chooseMethod(Number(k)));
  const large = twoPictures(how);
  const one = h("section", { class: "lfs-large", "aria-label": "One method" }, select, large.element, large.readout);
  const tiles = methods.map(({ name }, k) =>
    tileOf(name, ({ detail }) => {
      chooseMethod(k);
      if (detail > 0) one.scrollIntoView({ block: "nearest" }); // by key: the reader stays here
    }),
  );
  const all = choices("lfs-tiles", "All methods", ...tiles.map(({ tile }) => tile));
  const headline = h("p", { role: "status", class: "lfs-headline" });
  const bar = h("div");
  const resolution = h("p", { class: "lfs-hint" });

  /** @param {number} k */
  function chooseMethod(k) {
    method = k;
    /** @type {HTMLSelectElement} */ (select.querySelector("select")).value = String(k);
    mark(all, k);
    showLarge();
  }

  /** @param {number} k */
  async function choosePair(k) {
    pair = k;
    const found = await load(k);
    if (pair !== k) return; // the reader has gone on
    shown = found;
    const { threshold, size } = pairs[k];
    headline.replaceChildren(...sentence("the network", pairs[k], threshold));
    bar.replaceChildren(colourBar(how.colours, meaning()));
    resolution.textContent = `${SCALE} ${size[1]} \u00d7 ${size[0]} places.`;
    showLarge();
    drawSmall();
  }

  const meaning = () => `evidence for \u201c${decision(pairs[pair].similar)}\u201d`;

  function showLarge() {
    if (!shown) return;
    const { images, maps } = shown;
    const sides = maps[method].map((map, side) => sideOf(map, images[side], side, methods[method].name));
    large.show({ images, size: pairs[pair].size, meaning: meaning(), sides });
  }

  function drawSmall() {
    if (!shown) return;
    const { images, maps } = shown;
    tiles.forEach(({ canvases }, k) =>
      canvases.forEach((canvas, side) =>
        drawMap(canvas, images[side], maps[k][side].small, within(SMALL, images[side]), how, { alone: true }),
      ),
    );
  }

  const own = `The explanations themselves have \u03be\u2082 = ${mapThreshold}.`;
  const hint = h("span", { class: "lfs-hint" }, own);
  const controls = layering(how, () => (large.redraw(), drawSmall()));
  const root = h(
    "div",
    { class: "lfs-view lfs-methods" },
    pairButtons(pairs, choosePair),
    headline,
    h("div", { class: "lfs-controls" }, ...controls, hint),
    bar,
    h("div", { class: "lfs-one-and-all" }, one, all),
    resolution,
  );
  el.append(root);
  chooseMethod(0);
  choosePair(0);
  return () => root.remove();
}

/** @type {(name: string, onclick: (event: MouseEvent) => void) => { tile: HTMLButtonElement, canvases: HTMLCanvasElement[] }} */
function tileOf(name, onclick) {
  const canvases = SIDES.map(() => h("canvas", { "aria-hidden": "true" }));
  const tile = h("button", { type: "button", onclick }, ...canvases, h("span", {}, name));
  return { tile, canvases };
}

/** @type {(contents: Contents, k: number) => Promise<Loaded>} a pair's photographs and maps */
async function loaded({ pairs, methods }, k) {
  const { pictures, size } = pairs[k];
  const images = await Promise.all(pictures.map(picture));
  const maps = methods.map(({ maps: all }) =>
    Promise.all(
      all[k].map(async ({ map, signed }, side) => {
        const values = await unpacked(map);
        const steps = values.map((value) => 255 * value);
        const small = enlarge(steps, size, within(SMALL, images[side]));
        const own = signed && { range: signed.range, values: await unpacked(signed) };
        return { values, steps, small, range: map.range, signed: own };
      }),
    ),
  );
  return { images, maps: await Promise.all(maps) };
}

/**
 * @param {Side} map
 * @param {HTMLImageElement} image
 * @param {number} side
 * @param {string} name of the method
 * @returns {PicturedSide}
 */
function sideOf({ steps, values, range, signed }, image, side, name) {
  const [low, high] = range.map((value) => decimals(value, 2));
  const ends = signed ? `, signed ones from ${signed.range.map(withSign).join(" to ")}` : "";
  return {
    image,
    steps,
    label: `${SIDES[side]} with the map of ${name}`,
    facts: (share) => [
      `${range[1] > 0 ? `${share}; values go from ${low} to ${high}` : "The map is zero everywhere"}${ends}.`,
    ],
    value: (at) => decimals(values[at], 3) + (signed ? `, signed ${withSign(signed.values[at])}` : ""),
  };
}

export default { render };
