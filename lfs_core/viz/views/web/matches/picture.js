// One photograph whose places are pointed at.

/** @import { Cell, Photograph, Region, Told } from "./types.d.ts" */

import { photograph } from "../common/elements.js";
import { heat, outline, vector } from "./drawing.js";

/** @type {Record<string, Cell>} */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * @typedef {object} Asking
 * @property {() => Region | null} region what is asked about
 * @property {(region: Region | null) => void} ask
 * @property {(side: number) => string} name
 */

/**
 * @param {Told} told
 * @param {number} side
 * @param {Photograph} shown
 * @param {Asking} asking
 */
export function matchPicture(told, side, { name, picture }, { region, ask, name: called }) {
  const [rows, columns] = told.grid;
  const warmth = vector("g");
  const edges = vector("g");
  const over = vector(
    "svg",
    {
      viewBox: `0 0 ${columns} ${rows}`,
      preserveAspectRatio: "none",
      tabindex: 0,
      role: "application",
      "aria-label":
        `${called(side)}, ${name}: ${rows} rows of ${columns} places. ` +
        "Arrow keys move, with Shift they widen the region, Escape leaves.",
      "data-lm-suppress-shortcuts": "true",
    },
    warmth,
    edges,
  );
  const image = photograph(picture, `${called(side)}, ${name}`, { draggable: "false" });
  const element = document.createElement("div");
  element.className = "lfs-match-picture";
  element.append(image, over);

  /** @type {Cell | null} */
  let pressed = null;
  const own = () => (region()?.side === side ? region() : null);

  /**
   * @param {PointerEvent} event
   * @returns {Cell}
   */
  function cellAt({ clientX, clientY }) {
    const box = over.getBoundingClientRect();
    const at = [(clientY - box.top) / box.height, (clientX - box.left) / box.width];
    const [row, column] = told.grid.map((count, k) =>
      Math.min(Math.max(Math.floor(at[k] * count), 0), count - 1),
    );
    return [row, column];
  }
  over.addEventListener("pointerdown", (event) => {
    pressed = cellAt(event);
    over.setPointerCapture(event.pointerId);
    ask({ side, from: pressed, to: pressed });
  });
  over.addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (pressed) ask({ side, from: pressed, to: cell });
    else if (event.pointerType === "mouse" && !isWide(region())) ask({ side, from: cell, to: cell });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, () => (pressed = null));
  }
  over.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !pressed && !isWide(region())) ask(null);
  });
  over.addEventListener("keydown", (event) => {
    if (event.key === "Escape") ask(null);
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    const now = own();
    const middle = /** @type {Cell} */ ([Math.floor(rows / 2), Math.floor(columns / 2)]);
    const to = now ? moved(now.to, by) : middle;
    ask({ side, from: event.shiftKey && now ? now.from : to, to });
  });
  /**
   * @param {Cell} cell
   * @param {Cell} by
   */
  function moved(cell, by) {
    const [row, column] = told.grid.map((count, k) =>
      Math.min(Math.max(cell[k] + by[k], 0), count - 1),
    );
    return /** @type {Cell} */ ([row, column]);
  }

  return {
    element,
    focus: () => over.focus(),
    /** @param {Region[]} regions what is framed */
    frame(regions) {
      edges.replaceChildren(...regions.flatMap(outline));
    },
    /**
     * @param {number[] | null} values
     * @param {number} largest
     */
    warm(values, largest) {
      element.classList.toggle("lfs-warm", values !== null);
      warmth.replaceChildren(...(values ? heat(values, largest, told) : []));
    },
  };
}

/** @param {Region | null} region */
const isWide = (region) =>
  region !== null && (region.from[0] !== region.to[0] || region.from[1] !== region.to[1]);
