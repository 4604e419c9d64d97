// Which two photographs, and which faces in them.

/** @import { App, Entry, Part, Shown } from "./types.d.ts" */

import { h, mark, moveWithArrows, photograph, title } from "../common/elements.js";
import { dropZone, sendFiles } from "../common/files.js";
import { decimals } from "../common/numbers.js";
import { SIDES } from "../common/pointing.js";

/**
 * Live: all photographs, for each side of the pair, and the reader's own.
 *
 * @param {App} app
 * @param {HTMLElement} alert
 * @returns {Part}
 */
export function photographChoice(app, alert) {
  const { choice, contents, ask, update } = app;
  const strips = SIDES.map((side) =>
    h("div", { class: "lfs-photographs", role: "group", "aria-label": side }),
  );
  strips.forEach((strip) => moveWithArrows(strip, "button", (chosen) => chosen.click()));

  /** @type {(items: number[], parts: number[]) => Promise<void>} */
  function choose(items, parts) {
    Object.assign(choice, { items, parts });
    strips.forEach((strip, side) => mark(strip, items[side]));
    return update();
  }

  /** @type {(entry: Entry, item: number) => void} */
  function addEntry({ name, picture }, item) {
    strips.forEach((strip, side) => {
      const onclick = () => choose(choice.items.with(side, item), choice.parts.with(side, 0));
      const properties = { type: "button", title: name, "aria-label": name, onclick };
      strip.append(h("button", properties, picture ? photograph(picture) : name));
    });
  }

  /** @param {File[]} files */
  async function takeIn(files) {
    if (!files.length) return;
    const { taken, problems } = await sendFiles(files, ask);
    for (const { item, name, picture } of taken) addEntry({ name, picture }, item);
    // Two become the pair; one takes the place of the second photograph.
    const chosen = taken.slice(-2).map(({ item }) => item);
    const items = chosen.length === 2 ? chosen : [choice.items[0], ...chosen];
    if (chosen.length) await choose(items, [0, 0]);
    if (problems.length) alert.textContent = problems.join(" ");
  }

  contents.entries?.forEach(addEntry);
  strips.forEach((strip, side) => mark(strip, choice.items[side]));
  const faces = SIDES.map((side, k) => faceChoice(app, side, k));
  const element = h(
    "div",
    { class: "lfs-choice" },
    ...SIDES.map((side, k) => h("section", {}, title(side), strips[k], faces[k].element)),
    dropZone("Your own: choose one or two photographs, or drop them here", takeIn),
  );
  return { element, draw: (shown) => faces.forEach(({ draw }) => draw(shown)) };
}

/**
 * The faces of one photograph, if it has several.
 *
 * @param {App} app
 * @param {string} name
 * @param {number} side
 * @returns {Part}
 */
function faceChoice({ choice, update }, name, side) {
  const label = `Face in the ${name.toLowerCase()}`;
  const element = h("div", { class: "lfs-faces", role: "group", "aria-label": label });
  moveWithArrows(element, "button", (chosen) => chosen.click());
  /** @param {number} k */
  function choose(k) {
    choice.parts = choice.parts.with(side, k);
    mark(element, k);
    update();
  }
  let last = "";
  /** @param {Shown} shown */
  function draw({ photographs, choice: { network, items, parts } }) {
    const { pictures, name: file } = photographs[side];
    element.hidden = pictures.length < 2;
    const key = `${network},${items[side]}`;
    if (key !== last) {
      const buttons = pictures.map((src, k) => {
        const words = `Face ${k + 1} of ${pictures.length} in ${file}`;
        const properties = { type: "button", "aria-label": words, onclick: () => choose(k) };
        return h("button", properties, photograph(src));
      });
      element.replaceChildren(...buttons);
    }
    last = key;
    mark(element, parts[side]);
  }
  return { element, draw };
}

/**
 * In a page: the pairs that it holds.
 *
 * @param {App} app
 * @returns {Part}
 */
export function pairChoice({ choice, contents, update }) {
  const { pairs = [], answers = {}, first = 0 } = contents;
  /** @param {number} k */
  function choose(k) {
    Object.assign(choice, { items: pairs[k], parts: [0, 0] });
    mark(element, k);
    update();
  }
  const buttons = pairs.map(([a, b], k) => {
    const pictures = [a, b].map((item) => answers[`photograph,0,${item}`].pictures[0]);
    const { similarity, similar } = answers[`pair,0,${a},0,${b},0,${choice.threshold}`];
    const words = `${k + 1}: ${decimals(similarity, 2)} ${similar ? "similar" : "dissimilar"}`;
    const images = pictures.map((src) => photograph(src));
    const properties = { type: "button", onclick: () => choose(k) };
    return h("button", properties, ...images, h("span", {}, words));
  });
  const properties = { class: "lfs-pairs", role: "group", "aria-label": "Pair" };
  const element = h("div", properties, ...buttons);
  moveWithArrows(element, "button", (chosen) => chosen.click());
  mark(element, first);
  return { element, draw() {} };
}
