// Maps on canvases: beside photographs, or over them. Values go from 0 to 255.

/** @import { How, Size } from "./types.d.ts" */

import { h } from "./elements.js";

/**
 * Where the centres of `length` pixels lie among `count` values: the two beside them, and how far
 * they are from the first of these.
 *
 * @param {number} length
 * @param {number} count
 * @returns {[number, number, number][]}
 */
const neighbours = (length, count) =>
  Array.from({ length }, (_, k) => {
    const x = Math.min(Math.max(((k + 0.5) / length) * count - 0.5, 0), count - 1);
    const low = Math.floor(x);
    return [low, Math.min(low + 1, count - 1), x - low];
  });

/**
 * The map's values at the centres of (width x height) pixels, between its own pixels' centres.
 *
 * @param {ArrayLike<number>} steps
 * @param {Size} size [rows, columns]
 * @param {number} width
 * @param {number} height
 */
export function enlarge(steps, [rows, columns], width, height) {
  const across = neighbours(width, columns);
  const values = new Float32Array(width * height);
  neighbours(height, rows).forEach(([top, bottom, v], y) => {
    across.forEach(([left, right, u], x) => {
      const above = steps[top * columns + left] * (1 - u) + steps[top * columns + right] * u;
      const below = steps[bottom * columns + left] * (1 - u) + steps[bottom * columns + right] * u;
      values[y * width + x] = above * (1 - v) + below * v;
    });
  });
  return values;
}

/** @param {HTMLCanvasElement} canvas */
export const pen = (canvas) =>
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * The map's colours: `above` (0 to 1) of them where it is above the threshold, `below` elsewhere.
 *
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {How} how
 * @param {number} above
 * @param {number} below
 */
function colourLayer(values, width, height, { colours, threshold }, above, below) {
  const layer = h("canvas", { width, height });
  const pixels = pen(layer).createImageData(width, height);
  const { data } = pixels;
  values.forEach((value, k) => {
    const colour = 3 * Math.round(value);
    data[4 * k] = colours[colour];
    data[4 * k + 1] = colours[colour + 1];
    data[4 * k + 2] = colours[colour + 2];
    data[4 * k + 3] = 255 * (value > 255 * threshold ? above : below);
  });
  pen(layer).putImageData(pixels, 0, 0);
  return layer;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLImageElement} image
 * @param {number} width
 * @param {number} height
 */
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
 * A map alone, from x on; what is not above the threshold is dim.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {How} how
 */
export function drawAlone(context, x, values, width, height, how) {
  context.fillStyle = "black";
  context.fillRect(x, 0, width, height);
  context.drawImage(colourLayer(values, width, height, how, 1, 0.3), x, 0);
}

/**
 * What is above the threshold, over the photograph in grey.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLImageElement | null} image
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {How} how
 */
export function drawOver(context, image, values, width, height, how) {
  if (image) drawGrey(context, image, width, height);
  context.drawImage(colourLayer(values, width, height, how, how.opacity, 0), 0, 0);
}

/**
 * A map beside its photograph if `how.apart`, else over it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement | null} image
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {How} how
 */
export function drawMap(canvas, image, values, width, height, how) {
  canvas.width = how.apart ? 2 * width : width;
  canvas.height = height;
  const context = pen(canvas);
  if (how.apart) {
    if (image) context.drawImage(image, 0, 0, width, height);
    drawAlone(context, width, values, width, height, how);
  } else drawOver(context, image, values, width, height, how);
}

/**
 * Width and height of a picture of some proportion, neither above `side`.
 *
 * @param {number} side
 * @param {number} ratio width by height
 * @returns {Size}
 */
export const within = (side, ratio) => [
  Math.round(side * Math.min(1, ratio)),
  Math.round(side * Math.min(1, 1 / ratio)),
];

/**
 * How many of a map's pixels lie above the threshold.
 *
 * @param {Float32Array} values
 * @param {number} threshold
 */
export function shareAbove(values, threshold) {
  const above = values.filter((value) => value > 255 * threshold).length;
  const share = Math.round((100 * above) / values.length);
  return above && !share ? "less than 1 %" : `${share} %`;
}

/**
 * @param {Uint8Array} colours
 * @param {string} text
 * @param {string} [highest]
 */
export function colourBar(colours, text, highest = "1") {
  const stops = [];
  for (let k = 0; k < 256; k += 15) stops.push(`rgb(${colours.slice(3 * k, 3 * k + 3)})`);
  return h(
    "div",
    { class: "lfs-scale" },
    h("div", { style: `background: linear-gradient(to right, ${stops})` }),
    h("span", {}, "0"),
    h("span", {}, text),
    h("span", {}, highest),
  );
}
