// A square of a photograph, cut out by hand: moved by dragging or arrow keys, sized by a slider.

/** @import { App, Taking } from "../pair_explorer/types.d.ts" */

import { button, h, title } from "../common/elements.js";
import { movedBy, SIDES } from "../common/pictures.js";

const SHOWN = 320; // px, longest side of the photograph as it is shown
const FEWEST = 32; // px, side of a square
const NUDGE = 0.02; // of the photograph's short side, by an arrow key

/**
 * @param {App} app
 * @param {Taking} taking
 */
export function cutting({ ask, choice }, taking) {
  const place = h("div");
  const sides = SIDES.map((side, k) => button(`Cut the ${side.toLowerCase()}`, () => open(k)));
  let item = 0;
  let side = 0;
  let [left, top, length] = [0, 0, 0];

  /** @param {number} which of the pair */
  async function open(which) {
    [side, item] = [which, choice.items[which]];
    const { name, canvas, problem } = await ask("whole", item);
    if (problem) return;
    const { width, height } = canvas;
    const short = Math.min(width, height);
    length = short;
    left = (width - length) / 2;
    top = (height - length) / 2;
    const scale = SHOWN / Math.max(width, height);
    Object.assign(canvas.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    const frame = h("div", {
      class: "lfs-cut",
      tabindex: 0,
      role: "application",
      "aria-label": `The square that is cut out of ${name}. Arrow keys move it; the slider sizes it.`,
    });
    const size = h("input", { type: "range", min: FEWEST, max: short, value: short, "aria-label": "Side of the square, in pixels" });

    function draw() {
      left = Math.min(Math.max(left, 0), width - length);
      top = Math.min(Math.max(top, 0), height - length);
      const [x, y, wide] = [left, top, length].map((of) => `${of * scale}px`);
      Object.assign(frame.style, { left: x, top: y, width: wide, height: wide });
    }
    size.oninput = () => {
      const before = length;
      length = Number(size.value);
      left += (before - length) / 2; // its middle stays
      top += (before - length) / 2;
      draw();
    };
    /** @type {{ x: number, y: number } | null} */
    let held = null;
    frame.onpointerdown = ({ clientX, clientY, pointerId }) => {
      held = { x: clientX / scale - left, y: clientY / scale - top };
      frame.setPointerCapture(pointerId);
    };
    frame.onpointermove = ({ clientX, clientY }) => {
      if (!held) return;
      [left, top] = [clientX / scale - held.x, clientY / scale - held.y];
      draw();
    };
    frame.onpointerup = () => (held = null);
    frame.onkeydown = (event) => {
      const to = movedBy(event.key, [1, 1], [3, 3]);
      if (!to) return;
      event.preventDefault();
      left += (to[0] - 1) * NUDGE * short;
      top += (to[1] - 1) * NUDGE * short;
      draw();
    };
    draw();
    const done = h("div", { class: "lfs-bar" }, button("Use this square", use), button("Leave it", close));
    const stage = h("div", { class: "lfs-cut-stage" }, canvas, frame);
    place.replaceChildren(title(`${SIDES[side]}, ${name}`), stage, h("label", {}, "Size ", size), done);
    frame.focus();
  }

  async function use() {
    const [x, y] = [left, top].map(Math.floor);
    const taken = await ask("cut", item, x, y, Math.floor(length));
    close();
    if (!taken.problem) await taking.put(/** @type {any} */ (taken), side);
  }

  function close() {
    place.replaceChildren();
    sides[side].focus();
  }

  return h("div", {}, h("div", { class: "lfs-bar" }, "By hand:", ...sides), place);
}
