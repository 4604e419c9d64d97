// A square on a photograph, that pointers, keys, a wheel and a slider move and size.

import { h } from "../common/elements.js";
import { movedBy } from "../common/pictures.js";

const FEWEST = 32; // px, side of a square
const NUDGE = 0.02; // of the photograph's short side, by an arrow key
const WHEEL = 0.001; // how much larger by one step of a wheel

/** @typedef {{ x: number, y: number }} Point */

/** @type {(one: Point, other: Point) => number} */
const apart = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * @param {HTMLCanvasElement} canvas the photograph
 * @param {number} scale px shown for a px of it
 * @param {string} label
 */
export function square(canvas, scale, label) {
  const { width, height } = canvas;
  const short = Math.min(width, height);
  let [left, top, side] = [(width - short) / 2, (height - short) / 2, short];
  const frame = h("div", { class: "lfs-cut", tabindex: 0, role: "application", "aria-label": label });
  const slider = h("input", {
    type: "range",
    min: Math.min(FEWEST, short),
    max: short,
    value: short,
    "aria-label": "Side of the square, in pixels",
  });

  slider.oninput = () => size(Number(slider.value));

  /** @type {(x: number, y: number) => void} its corner, kept within the photograph */
  function move(x, y) {
    left = Math.min(Math.max(x, 0), width - side);
    top = Math.min(Math.max(y, 0), height - side);
    const [shownLeft, shownTop, shown] = [left, top, side].map((of) => `${of * scale}px`);
    Object.assign(frame.style, { left: shownLeft, top: shownTop, width: shown, height: shown });
  }

  /** @param {number} to its middle stays, where it can */
  function size(to) {
    const before = side;
    side = Math.min(Math.max(to, Number(slider.min)), short);
    slider.value = String(side);
    move(left + (before - side) / 2, top + (before - side) / 2);
  }

  /** @type {Map<number, Point>} where fingers, or the mouse, hold it */
  const held = new Map();
  /** @type {(event: PointerEvent) => Point} in px of the photograph */
  const pointOf = ({ clientX, clientY }) => ({ x: clientX / scale, y: clientY / scale });
  frame.onpointerdown = (event) => {
    held.set(event.pointerId, pointOf(event));
    frame.setPointerCapture(event.pointerId);
  };
  frame.onpointermove = (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) size((side * apart(now, other)) / Math.max(apart(before, other), 1));
    else move(left + now.x - before.x, top + now.y - before.y);
    held.set(event.pointerId, now);
  };
  frame.onpointerup = frame.onpointercancel = ({ pointerId }) => void held.delete(pointerId);
  const stage = h("div", { class: "lfs-cut-stage" }, canvas, frame);
  stage.onwheel = (event) => {
    event.preventDefault();
    size(side * Math.exp(WHEEL * event.deltaY));
  };
  frame.onkeydown = (event) => {
    const to = movedBy(event.key, [1, 1], [3, 3]);
    if (!to) return;
    event.preventDefault();
    move(left + (to[0] - 1) * NUDGE * short, top + (to[1] - 1) * NUDGE * short);
  };
  move(left, top);
  return {
    el: h("div", {}, stage, h("label", {}, "Size ", slider)),
    focus: () => frame.focus(),
    /** Its corner and side, in whole px. */
    at: () => [left, top, side].map(Math.floor),
  };
}
