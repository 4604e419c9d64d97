// Two photographs with their maps, and a place in them whose values are read.

/** @import { Child, How, Pictured, Point, Size } from "./types.d.ts" */

import { asNode, h } from "./elements.js";
import { colourBar, drawMap, enlarge, shareAbove, within } from "./maps.js";

export const SIDES = ["First image", "Second image"];
export const LARGE = 320; // px, longest side of a picture
const POINT = "Point at a picture, or use arrow keys on it, to read the values there.";

/** @type {Record<string, [number, number]>} to the right and down */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @type {(place: number, count: number) => number} */
const inside = (place, count) => Math.min(Math.max(place, 0), count - 1);

/**
 * The place, [column, row], of a grid of [rows, columns] that the pointer is at; `times` grids lie
 * next to each other.
 *
 * @type {(event: MouseEvent, size: Size, times?: number) => Point}
 */
export function pointedAt({ currentTarget, clientX, clientY }, [rows, columns], times = 1) {
  const box = /** @type {Element} */ (currentTarget).getBoundingClientRect();
  const across = ((clientX - box.left) / box.width) * times;
  const down = (clientY - box.top) / box.height;
  const within1 = times > 1 ? across % 1 : across;
  return [inside(Math.floor(within1 * columns), columns), inside(Math.floor(down * rows), rows)];
}

/**
 * The place that an arrow key leads to, from the middle if from nowhere; null for other keys.
 *
 * @type {(key: string, point: Point | null, size: Size) => Point | null}
 */
export function movedBy(key, point, [rows, columns]) {
  const by = STEPS[key];
  const [column, row] = point ?? [Math.floor(columns / 2), Math.floor(rows / 2)];
  return by ? [inside(column + by[0], columns), inside(row + by[1], rows)] : null;
}

/**
 * Canvases with captions, and below them the values at the place that is pointed at.
 *
 * @param {How} how
 */
export function twoPictures(how) {
  /** @type {Pictured | null} */
  let shown = null;
  /** @type {Point | null} */
  let point = null;
  const readout = h("p", { role: "status", class: "lfs-values" }, POINT);
  /** @param {PointerEvent} event */
  const pointAt = (event) => shown && read(pointedAt(event, shown.size, how.apart ? 2 : 1));
  const handlers = {
    onpointermove: pointAt,
    onpointerdown: pointAt,
    /** @param {PointerEvent} event */
    onpointerleave: (event) => event.pointerType === "mouse" && read(null),
    /** @param {KeyboardEvent} event */
    onkeydown(event) {
      const place = shown && movedBy(event.key, point, shown.size);
      if (!place) return;
      event.preventDefault();
      read(place);
    },
    onblur: () => read(null),
  };
  const sides = SIDES.map(() => {
    const canvas = h("canvas", { role: "application", tabindex: 0, ...handlers });
    const marks = h("span", { class: "lfs-marks", "aria-hidden": "true" });
    const caption = h("figcaption");
    const bar = h("div");
    const picture = h("div", { class: "lfs-picture" }, canvas, marks);
    return { canvas, marks, caption, bar, figure: h("figure", {}, picture, caption, bar) };
  });
  const both = h("div", { class: "lfs-both" }, ...sides.map(({ figure }) => figure));
  const element = h("div", {}, both);

  /** @param {Point | null} place */
  function read(place) {
    point = place;
    const [rows, columns] = shown?.size ?? [1, 1];
    const [column, row] = place ?? [0, 0];
    const [x, y] = [(100 * (column + 0.5)) / columns, (100 * (row + 0.5)) / rows];
    const lefts = place ? (how.apart ? [x / 2, 50 + x / 2] : [x]) : [];
    for (const { marks } of sides) {
      marks.replaceChildren(...lefts.map((left) => h("span", { style: `left: ${left}%; top: ${y}%` })));
    }
    /** @type {Child[]} */
    const values = (place ? shown?.sides ?? [] : []).map(({ value }, side) =>
      h("span", {}, `${SIDES[side]} ${value(row * columns + column)}`),
    );
    const where = `${Math.round(x)} % from the left, ${Math.round(y)} % from the top:`;
    readout.replaceChildren(place ? where : POINT, ...values.map(asNode));
  }

  function redraw() {
    if (!shown) return;
    const { size, meaning, names, square } = shown;
    shown.sides.forEach(({ image, steps, facts, label, highest, outline }, side) => {
      const { canvas, caption, bar } = sides[side];
      const pixels = within(LARGE, square ? null : image);
      const values = enlarge(steps, size, pixels);
      drawMap(canvas, image, values, pixels, how, { outline });
      const share = shareAbove(values, how.threshold);
      const heading = h("span", { class: "lfs-title" }, names?.[side] ?? SIDES[side]);
      const lines = facts(share).flatMap((line) => [h("br"), line]);
      caption.replaceChildren(heading, ...lines.map(asNode));
      const keys = "Arrow keys move the place whose values are read.";
      canvas.setAttribute("aria-label", `${label}: ${share}. ${keys}`);
      bar.replaceChildren(...(highest ? [colourBar(how.colours, meaning, highest)] : []));
    });
    element.classList.toggle("lfs-apart", how.apart);
    read(point);
  }

  return {
    element,
    readout,
    redraw,
    /** @param {Pictured} next */
    show(next) {
      if (shown?.images !== next.images) point = null; // another pair
      shown = next;
      redraw();
    },
  };
}
