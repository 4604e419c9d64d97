// Which two photographs, and which faces in them.

/** @import { App, Entry, Part } from "./types.d.ts" */

import { h, keepInSight, mark, moveWithArrows, photograph, title } from "../common/elements.js";
import { faceChooser } from "../common/faces.js";
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

  /** @type {(items: number[], parts: (number | null)[]) => Promise<void>} */
  function choose(items, parts) {
    Object.assign(choice, { items, parts });
    strips.forEach((strip, side) => {
      mark(strip, items[side]);
      keepInSight(strip, strip.children[items[side]]);
    });
    return update();
  }

  /** @type {(entry: Entry, item: number) => void} */
  function addEntry({ name, picture }, item) {
    strips.forEach((strip, side) => {
      const onclick = () => choose(choice.items.with(side, item), choice.parts.with(side, null));
      const properties = { type: "button", title: name, "aria-label": name, onclick };
      strip.append(h("button", properties, picture ? photograph(picture) : name));
    });
  }

  /** @param {File[]} files */
  async function takeIn(files) {
    if (!files.length) return;
    const { taken, said } = await sendFiles(files, ask);
    for (const { item, name, picture } of taken) {
      if (item >= strips[0].children.length) addEntry({ name, picture }, item);
    }
    // Two become the pair; one takes the place of the second photograph.
    const chosen = taken.slice(-2).map(({ item }) => item);
    const items = chosen.length === 2 ? chosen : [choice.items[0], ...chosen];
    if (chosen.length) await choose(items, [null, null]);
    if (said.length) alert.textContent = said.join(" ");
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
  const { element, show } = faceChooser(`Face in the ${name.toLowerCase()}`, (k) => {
    choice.parts = choice.parts.with(side, k);
    update();
  });
  return {
    element,
    draw({ photographs, choice: { parts } }) {
      const { faces, name: file } = photographs[side];
      show(faces, file, parts[side]);
    },
  };
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
    Object.assign(choice, { items: pairs[k], parts: [null, null] });
    mark(element, k);
    update();
  }
  const buttons = pairs.map(([a, b], k) => {
    const photographs = [a, b].map((item) => answers[`photograph,0,${item}`]);
    const pictures = photographs.map(({ pictures: all, chosen }) => all[chosen]);
    const [i, j] = photographs.map(({ chosen }) => chosen);
    const { similarity, similar } = answers[`pair,0,${a},${i},${b},${j},${choice.threshold}`];
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
