// The same pairs as several methods explain them: all maps small, one method's large, with values.
// Its model holds everything in "contents".

/** @import { Place } from "../common/types.d.ts" */
/** @import { Contents, State } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";
import { layering, slider } from "../common/controls.js";
import { h, mark } from "../common/elements.js";
import { colourBar } from "../common/maps.js";
import { eachPage, stillModel } from "../common/pages.js";
import { allMethods } from "./all.js";
import { pairLoader } from "./loading.js";
import { oneMethod } from "./one.js";
import { pairButtons, sentence } from "./pairs.js";

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const load = pairLoader(contents);
  const whole = { threshold: 0, opacity: 0.65, apart: false }; // until the reader asks for less
  const how = { colours: bytes(contents.colours), ...whole };
  /** @type {State} */
  const state = { pair: 0, method: 0, how, point: null, shown: null };

  /** @type {(k: number, byPointer?: boolean) => void} */
  function chooseMethod(k, byPointer = false) {
    state.method = k;
    all.mark();
    one.draw();
    if (byPointer) one.element.scrollIntoView({ block: "nearest" }); // by key: they stay here
  }

  /** @param {number} k */
  async function choosePair(k) {
    state.pair = k;
    mark(pairs, k);
    const shown = await load(k);
    if (state.pair !== k) return; // the reader has gone on
    Object.assign(state, { shown, point: null });
    facts.show(k, shown.size);
    draw();
  }

  function draw() {
    one.draw();
    all.draw();
  }

  const one = oneMethod(contents, state, chooseMethod);
  const all = allMethods(contents, state, chooseMethod);
  const pairs = pairButtons(contents, choosePair);
  const facts = factsOfPair(contents, how.colours);
  const root = h(
    "div",
    { class: "lfs-view lfs-methods" },
    pairs,
    facts.headline,
    controls(contents, state, draw),
    facts.bar,
    h("div", { class: "lfs-one-and-all" }, one.element, all.element),
    facts.resolution,
  );
  el.append(root);
  chooseMethod(0);
  choosePair(0);
  return () => root.remove();
}

/**
 * What is said of a pair, above and below its maps.
 *
 * @param {Contents} contents
 * @param {Uint8Array} colours
 */
function factsOfPair({ pairs }, colours) {
  const headline = h("p", { role: "status", class: "lfs-headline" });
  const bar = h("div", {});
  const resolution = h("p", { class: "lfs-hint" });
  /** @type {(k: number, size: [number, number]) => void} */
  const show = (k, [rows, columns]) => {
    headline.replaceChildren(...sentence(pairs[k]));
    bar.replaceChildren(colourBar(colours, `evidence for \u201c${pairs[k].decision}\u201d`));
    resolution.textContent =
      "Maps are relative to their strongest place; as drawn here they have " +
      `${columns} \u00d7 ${rows} places.`;
  };
  return { headline, bar, resolution, show };
}

/**
 * @param {Contents} contents
 * @param {State} state
 * @param {() => void} draw
 */
function controls({ mapThreshold }, { how }, draw) {
  const names = { opacity: "Opacity of the maps", apart: "Maps beside the photographs" };
  const { over, apart } = layering(how, draw, names);
  const above = slider("Show what is above \u03be\u2082", how.threshold, (value) => {
    how.threshold = value;
    draw();
  });
  const own = `The explanations themselves have \u03be\u2082 = ${mapThreshold}.`;
  return h(
    "div",
    { class: "lfs-controls" },
    apart,
    above,
    over,
    h("span", { class: "lfs-hint" }, own),
  );
}

/** Shows the figures that wait in a page. */
export function showPages() {
  eachPage("methods", render, stillModel);
}

export default { render };
