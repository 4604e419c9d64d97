// One photograph whose places are pointed at.

/** @import { Point } from "../common/types.d.ts" */
/** @import { Cell, Photograph, Region, Told } from "./types.d.ts" */

import { h, photograph } from "../common/elements.js";
import { movedBy, pointedAt, SIDES } from "../common/pictures.js";
import { heat, outline, vector } from "./drawing.js";

/** @type {(place: number[]) => Cell} */
const turned = ([a, b]) => [b, a];

/** @param {Region | null} region */
const isWide = (region) => region !== null && region.from.join() !== region.to.join();

/**
 * @param {Told} told
 * @param {number} side
 * @param {Photograph} shown
 * @param {() => Region | null} region what is asked about
 * @param {(region: Region | null) => void} ask
 */
export function matchPicture(told, side, { name, picture }, region, ask) {
  const [rows, columns] = told.grid;
  const over = vector(`${columns} ${rows}`, "<g></g><g></g>");
  const [warmth, edges] = over.children;
  const words =
    `${SIDES[side]}, ${name}: ${rows} rows of ${columns} places. ` +
    "Arrow keys move, with Shift they widen the region, Escape leaves.";
  Object.assign(over, { tabIndex: 0, role: "application", ariaLabel: words });
  over.dataset.lmSuppressShortcuts = "true";
  const image = photograph(picture, `${SIDES[side]}, ${name}`, { draggable: "false" });
  const element = h("div", { class: "lfs-match-picture" }, image, over);

  /** @type {Cell | null} */
  let pressed = null;
  /** @param {PointerEvent} event */
  const cellAt = (event) => turned(pointedAt(event, told.grid));
  /** @param {PointerEvent} event */
  const passes = ({ pointerType }) => pointerType === "mouse" && !pressed && !isWide(region());
  over.addEventListener("pointerdown", (event) => {
    pressed = cellAt(event);
    over.setPointerCapture(event.pointerId);
    ask({ side, from: pressed, to: pressed });
  });
  over.addEventListener("pointermove", (event) => {
    const to = cellAt(event);
    if (pressed || passes(event)) ask({ side, from: pressed ?? to, to });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, () => (pressed = null));
  }
  over.addEventListener("pointerleave", (event) => passes(event) && ask(null));
  over.addEventListener("keydown", (event) => {
    if (event.key === "Escape") ask(null);
    const asked = region();
    const now = asked?.side === side ? asked : null;
    // The first key shows the middle.
    const moved = movedBy(event.key, now && /** @type {Point} */ (turned(now.to)), told.grid);
    if (!moved) return;
    event.preventDefault();
    const to = now ? turned(moved) : /** @type {Cell} */ ([rows, columns].map((n) => Math.floor(n / 2)));
    ask({ side, from: event.shiftKey && now ? now.from : to, to });
  });

  return {
    element,
    focus: () => over.focus(),
    /** @param {Region[]} regions what is framed */
    frame(regions) {
      edges.innerHTML = regions.map(outline).join("");
    },
    /** @type {(values: number[] | null, largest: number) => void} */
    warm(values, largest) {
      element.classList.toggle("lfs-warm", values !== null);
      warmth.innerHTML = values ? heat(values, largest, told).join("") : "";
    },
  };
}
