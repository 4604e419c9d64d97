// All methods' maps, small.

/** @import { Contents, State } from "./types.d.ts" */

import { h, mark, moveWithArrows } from "../common/elements.js";
import { drawAlone, drawOver, pen } from "../common/maps.js";

/**
 * @param {Contents} contents
 * @param {State} state
 * @param {(method: number, byPointer: boolean) => void} choose
 */
export function allMethods({ methods }, state, choose) {
  const tiles = methods.map(({ name }, k) => {
    const canvases = [0, 1].map(() => h("canvas", { "aria-hidden": "true" }));
    /** @param {MouseEvent} event */
    const onclick = ({ detail }) => choose(k, detail > 0);
    const tile = h("button", { type: "button", onclick }, ...canvases, h("span", {}, name));
    return { tile, canvases };
  });
  const element = h(
    "div",
    { class: "lfs-tiles", role: "group", "aria-label": "All methods" },
    ...tiles.map(({ tile }) => tile),
  );
  moveWithArrows(element, "button", (chosen) => chosen.click());

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Float32Array} values
   * @param {HTMLImageElement} image
   * @param {[number, number]} size
   */
  function drawSmall(canvas, values, image, [width, height]) {
    Object.assign(canvas, { width, height });
    if (state.how.apart) drawAlone(pen(canvas), 0, values, width, height, state.how);
    else drawOver(pen(canvas), image, values, width, height, state.how);
  }

  function draw() {
    const { shown } = state;
    if (!shown) return;
    tiles.forEach(({ canvases }, k) =>
      canvases.forEach((canvas, side) =>
        drawSmall(canvas, shown.maps[k][side].small, shown.images[side], shown.small),
      ),
    );
  }

  return { element, draw, mark: () => mark(element, state.method) };
}
