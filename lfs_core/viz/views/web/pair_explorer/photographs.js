// Which two photographs, and which faces in them.

/** @import { App, Entry, Part, Taking } from "./types.d.ts" */

import { button, choices, h, keepInSight, mark, photograph, title } from "../common/elements.js";
import { faceChooser } from "../common/faces.js";
import { dropZone, sendFiles } from "../common/files.js";
import { pairButtons } from "../common/pairs.js";
import { SIDES } from "../common/pictures.js";

/**
 * Live: all photographs, for each side of the pair, and the reader's own.
 *
 * @param {App} app
 * @param {HTMLElement} alert
 * @returns {Part & Taking}
 */
export function photographChoice(app, alert) {
  const { choice, contents, ask, update } = app;
  const strips = SIDES.map((side) => choices("lfs-photographs", side));

  /** @type {(items: number[], parts: (number | null)[]) => Promise<void>} */
  function choose(items, parts) {
    Object.assign(choice, { items, parts });
    strips.forEach((strip, side) => {
      mark(strip, items[side]);
      keepInSight(strip, strip.children[items[side]]);
    });
    return update();
  }

  /** @type {(entry: Entry, item: number) => void} unless it is there */
  function addEntry({ name, picture }, item) {
    if (item < strips[0].children.length) return;
    strips.forEach((strip, side) => {
      const choosing = () => choose(choice.items.with(side, item), choice.parts.with(side, null));
      const one = button(picture ? "" : name, choosing, { title: name, "aria-label": name });
      if (picture) one.append(photograph(picture, name));
      strip.append(one);
    });
  }

  /** @type {Taking["put"]} */
  function put({ item, name, picture }, side) {
    addEntry({ name, picture }, item);
    return choose(choice.items.with(side, item), choice.parts.with(side, null));
  }

  /** @param {File[]} files */
  async function takeIn(files) {
    if (!files.length) return;
    const { taken, said } = await sendFiles(files, ask);
    for (const { item, name, picture } of taken) addEntry({ name, picture }, item);
    // Two become the pair; one takes the place of the second photograph.
    const chosen = taken.slice(-2).map(({ item }) => item);
    const items = chosen.length === 2 ? chosen : [choice.items[0], ...chosen];
    if (chosen.length) await choose(items, [null, null]);
    if (said.length) alert.textContent = said.join(" ");
  }

  contents.entries?.forEach(addEntry);
  strips.forEach((strip, side) => mark(strip, choice.items[side]));
  // The faces of each photograph, if it has several.
  const faces = SIDES.map((side, k) =>
    faceChooser(`Face in the ${side.toLowerCase()}`, (face) => {
      choice.parts = choice.parts.with(k, face);
      update();
    }),
  );
  const element = h(
    "div",
    { class: "lfs-choice" },
    ...SIDES.map((side, k) => h("section", {}, title(side), strips[k], faces[k].element)),
    dropZone("Your own: choose one or two photographs, or drop them here", takeIn),
  );
  return {
    element,
    takeIn,
    put,
    draw({ photographs, choice: { parts } }) {
      faces.forEach(({ show }, k) => show(photographs[k].faces, photographs[k].name, parts[k]));
    },
  };
}

/** @type {(app: App) => Part} in a page: the pairs that it holds */
export function pairChoice({ choice, contents, update }) {
  const { pairs = [], buttons = [], first } = contents;
  const element = pairButtons(
    buttons,
    (k) => {
      Object.assign(choice, { items: pairs[k], parts: [null, null] });
      update();
    },
    first,
  );
  return { element, draw() {} };
}
