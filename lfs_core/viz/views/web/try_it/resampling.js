// Photographs in other sizes, number by number as Pillow and PyTorch make them.
//
// Both weigh the neighbours of a place along a row, and then along a column. Each of the two steps
// turns the photograph, so that after both it lies as before.

/** @import { Filter, Pixels, Weights } from "./detection.d.ts" */

import { CHANNELS, emptyPixels } from "./pixels.js";

const BITS = 22; // behind the point of Pillow's weights, which are whole numbers

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** @type {Filter} */
export const BILINEAR = { reach: 1, weigh: (x) => Math.max(1 - Math.abs(x), 0) };

/** @type {Filter} */
export const LANCZOS = { reach: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) };

/**
 * Which values of a line each value of the resized line reads, and how much of each.
 *
 * @param {number} length of the line
 * @param {number} extent how much of it, from its start, is resized
 * @param {number} size of the resized line
 * @param {Filter} filter
 * @returns {Weights}
 */
function weightsOf(length, extent, size, filter) {
  const scale = extent / size;
  const stretch = Math.max(scale, 1); // the filter becomes wider where a line becomes shorter
  const reach = filter.reach * stretch;
  const most = 2 * Math.ceil(reach) + 1;
  const starts = new Int32Array(size);
  const counts = new Int32Array(size);
  const weights = new Float64Array(size * most);
  for (let k = 0; k < size; k++) {
    const middle = (k + 0.5) * scale;
    const start = Math.max(Math.trunc(middle - reach + 0.5), 0);
    const count = Math.min(Math.trunc(middle + reach + 0.5), length) - start;
    let total = 0;
    for (let j = 0; j < count; j++) {
      weights[k * most + j] = filter.weigh((start + j - middle + 0.5) / stretch);
      total += weights[k * most + j];
    }
    for (let j = 0; j < count; j++) weights[k * most + j] /= total;
    starts[k] = start;
    counts[k] = count;
  }
  return { starts, counts, weights, most };
}

/** @type {(weight: number) => number} as a whole number, halves away from 0 */
const inBits = (weight) => Math.sign(weight) * Math.round(Math.abs(weight) * 2 ** BITS);

/**
 * @param {Pixels} pixels
 * @param {Weights} how its rows are resized; they become columns
 */
function pixelsTurned({ width, height, data }, { starts, counts, weights, most }) {
  const shares = Int32Array.from(weights, inBits);
  const turned = emptyPixels(height, starts.length);
  const half = 1 << (BITS - 1); // so that what is cut off rounds
  for (let y = 0; y < height; y++) {
    let to = y * CHANNELS;
    for (let k = 0; k < starts.length; k++) {
      let red = half;
      let green = half;
      let blue = half;
      let from = (y * width + starts[k]) * CHANNELS;
      const end = k * most + counts[k];
      for (let j = k * most; j < end; j++) {
        red += data[from] * shares[j];
        green += data[from + 1] * shares[j];
        blue += data[from + 2] * shares[j];
        from += CHANNELS;
      }
      turned.data[to] = red >> BITS;
      turned.data[to + 1] = green >> BITS;
      turned.data[to + 2] = blue >> BITS;
      turned.data[to + 3] = 255;
      to += height * CHANNELS;
    }
  }
  return turned;
}

/** @param {Pixels} pixels turned, in their size */
const onlyTurned = (pixels) =>
  pixelsTurned(pixels, weightsOf(pixels.width, pixels.width, pixels.width, BILINEAR));

/**
 * A photograph in another size, as by Pillow's `resize`; transparency is left out.
 *
 * @param {Pixels} pixels
 * @param {[number, number]} size width and height
 * @param {Filter} [filter]
 * @param {[number, number]} [extent] the part that is resized, from the upper left corner, where
 *   it is not the whole; it may end within a pixel
 */
export function resized(pixels, size, filter = BILINEAR, extent = [pixels.width, pixels.height]) {
  const across = weightsOf(pixels.width, extent[0], size[0], filter);
  const down = weightsOf(pixels.height, extent[1], size[1], filter);
  // Rounding depends on what comes first: since Pillow 13 it is columns, if they lose much more.
  const lost = pixels.height - size[1];
  const columnsFirst = lost > Math.max(2 * (pixels.width - size[0]), 0);
  if (!columnsFirst) return pixelsTurned(pixelsTurned(pixels, across), down);
  const ready = pixelsTurned(pixelsTurned(onlyTurned(pixels), down), across);
  return onlyTurned(ready);
}

/**
 * @param {Float32Array} values (3,H,W)
 * @param {number} width
 * @param {Weights} how rows are resized; they become columns
 */
function floatsTurned(values, width, { starts, counts, weights, most }) {
  const height = values.length / (3 * width);
  const area = starts.length * height;
  const turned = new Float32Array(3 * area);
  for (let line = 0; line < 3 * height; line++) {
    const to = Math.floor(line / height) * area + (line % height);
    for (let k = 0; k < starts.length; k++) {
      let sum = 0;
      for (let j = 0; j < counts[k]; j++) {
        sum += values[line * width + starts[k] + j] * weights[k * most + j];
      }
      turned[to + k * height] = sum;
    }
  }
  return turned;
}

/**
 * (3,H,W) in another size, as by PyTorch's `interpolate` with mode "bilinear" and antialias.
 *
 * @param {Float32Array} values
 * @param {[number, number]} from width and height
 * @param {[number, number]} size width and height of the result
 */
export function floatsResized(values, from, size) {
  const across = weightsOf(from[0], from[0], size[0], BILINEAR);
  const down = weightsOf(from[1], from[1], size[1], BILINEAR);
  return floatsTurned(floatsTurned(values, from[0], across), from[1], down);
}
