// A square of a photograph, cut out by hand.

/** @import { App, Taking } from "../pair_explorer/types.d.ts" */

import { button, h, title } from "../common/elements.js";
import { SIDES } from "../common/pictures.js";
import { square } from "./square.js";

const SHOWN = 320; // px, longest side of the photograph as it is shown

/**
 * @param {App} app
 * @param {Taking} taking
 */
export function cutting({ ask, choice }, taking) {
  const place = h("div");
  const sides = SIDES.map((side, k) => button(`Cut the ${side.toLowerCase()}`, () => open(k)));

  /** @param {number} side of the pair */
  async function open(side) {
    const item = choice.items[side];
    const { name, canvas, problem } = await ask("whole", item);
    if (problem) return;
    const { width, height } = canvas;
    const scale = SHOWN / Math.max(width, height);
    Object.assign(canvas.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    const label =
      `The square that is cut out of ${name}. ` +
      "Arrow keys, or a finger, move it; two fingers, a wheel or the slider size it.";
    const cut = square(canvas, scale, label);
    const close = () => {
      place.replaceChildren();
      sides[side].focus();
    };
    const use = async () => {
      const taken = await ask("cut", item, ...cut.at());
      close();
      if (!taken.problem) await taking.put(/** @type {any} */ (taken), side);
    };
    const done = h("div", { class: "lfs-bar" }, button("Use this square", use), button("Leave it", close));
    place.replaceChildren(title(`${SIDES[side]}, ${name}`), cut.el, done);
    cut.focus();
  }

  return h("div", {}, h("div", { class: "lfs-bar" }, "By hand:", ...sides), place);
}
