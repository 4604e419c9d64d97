// Maps on canvases: next to photographs, or over them. Values go from 0 to 255.

/** @import { How, Size } from "./types.d.ts" */

import { h } from "./elements.js";

/**
 * Where the centres of `length` pixels lie among `count` values: the two around them, and how far
 * they are from the first of these.
 *
 * @type {(length: number, count: number) => [number, number, number][]}
 */
const neighbours = (length, count) =>
  Array.from({ length }, (_, k) => {
    const x = Math.min(Math.max(((k + 0.5) / length) * count - 0.5, 0), count - 1);
    const low = Math.floor(x);
    return [low, Math.min(low + 1, count - 1), x - low];
  });

/**
 * A map's values, [rows, columns], at the centres of [width, height] pixels, between its own
 * pixels' centres.
 *
 * @type {(steps: ArrayLike<number>, size: Size, pixels: Size) => Float32Array}
 */
export function enlarge(steps, [rows, columns], [width, height]) {
  const across = neighbours(width, columns);
  const values = new Float32Array(width * height);
  const mixed = new Float32Array(columns); // between two rows
  neighbours(height, rows).forEach(([top, bottom, v], y) => {
    for (let x = 0; x < columns; x++) {
      mixed[x] = steps[top * columns + x] * (1 - v) + steps[bottom * columns + x] * v;
    }
    across.forEach(([left, right, u], x) => {
      values[y * width + x] = mixed[left] * (1 - u) + mixed[right] * u;
    });
  });
  return values;
}

/** @param {HTMLCanvasElement} canvas */
export const pen = (canvas) =>
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/** @type {(values: Float32Array, size: Size, how: How) => HTMLCanvasElement} a map's colours */
function colourLayer(values, [width, height], { colours, threshold, opacity, apart }) {
  // Alone it is dim where it is not above the threshold; the photograph stays as it is there.
  const [above, below] = apart ? [1, 0.3] : [opacity, 0];
  const layer = h("canvas", { width, height });
  const pixels = pen(layer).createImageData(width, height);
  const { data } = pixels;
  values.forEach((value, k) => {
    const colour = 3 * Math.round(value);
    for (let c = 0; c < 3; c++) data[4 * k + c] = colours[colour + c];
    data[4 * k + 3] = 255 * (value > 255 * threshold ? above : below);
  });
  pen(layer).putImageData(pixels, 0, 0);
  return layer;
}

/** @type {(context: CanvasRenderingContext2D, image: HTMLImageElement, width: number, height: number) => void} */
function drawGrey(context, image, width, height) {
  context.drawImage(image, 0, 0, width, height);
  context.globalCompositeOperation = "saturation";
  context.fillStyle = "grey";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
  context.fillStyle = "rgb(0 0 0 / 0.4)";
  context.fillRect(0, 0, width, height);
}

/**
 * A map next to its photograph if `how.apart`, else over it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement | null} image
 * @param {Float32Array} values
 * @param {Size} pixels
 * @param {How} how
 * @param {{ alone?: boolean, outline?: string | null }} [more] a map without its photograph; a path
 *   (in units of the picture's sides) that is drawn around a part
 */
export function drawMap(canvas, image, values, pixels, how, { alone, outline } = {}) {
  const [width, height] = pixels;
  const lefts = how.apart && !alone ? [0, width] : [0];
  Object.assign(canvas, { width: lefts.length * width, height });
  const context = pen(canvas);
  if (image && lefts.length > 1) context.drawImage(image, 0, 0, width, height);
  const at = lefts[lefts.length - 1];
  context.fillStyle = "black";
  if (how.apart) context.fillRect(at, 0, width, height);
  else if (image) drawGrey(context, image, width, height);
  context.drawImage(colourLayer(values, pixels, how), at, 0);
  for (const left of outline ? lefts : []) strokeAround(canvas, outline ?? "", left, pixels);
}

/**
 * A light line within a dark one, seen on any photograph.
 *
 * @type {(canvas: HTMLCanvasElement, outline: string, left: number, pixels: Size) => void}
 */
function strokeAround(canvas, outline, left, [width, height]) {
  const context = pen(canvas);
  const path = new Path2D();
  path.addPath(new Path2D(outline), new DOMMatrix([width, 0, 0, height, left, 0]));
  for (const [style, size] of /** @type {[string, number][]} */ ([["#000", 5], ["#fff", 2]])) {
    Object.assign(context, { strokeStyle: style, lineWidth: size });
    context.stroke(path);
  }
}

/**
 * Width and height of a picture that is as wide by its height as `of`, neither above `side`.
 *
 * @type {(side: number, of: { width: number, height: number } | null) => Size}
 */
export function within(side, of) {
  const ratio = of ? of.width / of.height : 1;
  return [Math.round(side * Math.min(1, ratio)), Math.round(side * Math.min(1, 1 / ratio))];
}

/**
 * How many of a map's pixels lie above the threshold.
 *
 * @type {(values: Float32Array, threshold: number) => string}
 */
export function shareAbove(values, threshold) {
  const above = values.filter((value) => value > 255 * threshold).length;
  const share = Math.round((100 * above) / values.length);
  return `${above && !share ? "less than 1" : share} % lies above \u03be\u2082`;
}

/** @type {(colours: Uint8Array, text: string, highest?: string) => HTMLElement} */
export function colourBar(colours, text, highest = "1") {
  const stops = Array.from({ length: 18 }, (_, k) => `rgb(${colours.slice(45 * k, 45 * k + 3)})`);
  const ground = h("div", { style: `background: linear-gradient(to right, ${stops})` });
  const words = ["0", text, highest].map((word) => h("span", {}, word));
  return h("div", { class: "lfs-scale" }, ground, ...words);
}
