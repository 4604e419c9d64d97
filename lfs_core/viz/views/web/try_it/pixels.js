// Photographs as pixels: cut, laid on white, averaged over areas, and as numbers for networks.

/** @import { Box, Pixels, Sums } from "./detection.d.ts" */

export const CHANNELS = 4;

/**
 * Pixels that are still to be filled; until then all are 0, and transparent.
 *
 * @type {(width: number, height: number) => Pixels}
 */
export const emptyPixels = (width, height) => ({
  width,
  height,
  data: new Uint8ClampedArray(width * height * CHANNELS),
});

/**
 * What lies in a box, whose sides are whole numbers within the photograph.
 *
 * @type {(pixels: Pixels, box: Box) => Pixels}
 */
export function cropped({ width, data }, [left, top, right, bottom]) {
  const crop = emptyPixels(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const row = data.subarray((y * width + left) * CHANNELS, (y * width + right) * CHANNELS);
    crop.data.set(row, (y - top) * crop.width * CHANNELS);
  }
  return crop;
}

/**
 * Transparent pixels laid on white, rounded as Pillow does.
 *
 * @param {Pixels} pixels
 * @returns {Pixels}
 */
export function onWhite({ width, height, data }) {
  const laid = data.slice();
  for (let at = 0; at < data.length; at += CHANNELS) {
    const share = data[at + 3] * 128;
    for (let c = 0; c < 3; c++) {
      const mixed = data[at + c] * share + 255 * (255 * 128 - share) + (128 << 7);
      laid[at + c] = ((mixed >> 8) + mixed) >> 15;
    }
    laid[at + 3] = 255;
  }
  return { width, height, data: laid };
}

/**
 * (3,H,W) in [0, 1], as networks read pixels; transparency is left out.
 *
 * @param {Pixels} pixels
 */
export function toFloats({ width, height, data }) {
  const area = width * height;
  const floats = new Float32Array(3 * area);
  for (let k = 0; k < area; k++) {
    for (let c = 0; c < 3; c++) floats[c * area + k] = data[k * CHANNELS + c] / 255;
  }
  return floats;
}

/**
 * Sums from the upper left corner, of which four give the sum of any box. They go round at 2^32,
 * which does no harm to boxes of fewer than 16 million pixels.
 *
 * @param {Pixels} pixels
 * @returns {Sums}
 */
export function areaSums({ width, height, data }) {
  const stride = 3 * (width + 1);
  const sums = new Uint32Array(stride * (height + 1));
  let from = 0;
  for (let y = 0; y < height; y++) {
    let [red, green, blue] = [0, 0, 0]; // of this row
    let to = (y + 1) * stride + 3;
    for (let x = 0; x < width; x++) {
      red += data[from];
      green += data[from + 1];
      blue += data[from + 2];
      sums[to] = sums[to - stride] + red;
      sums[to + 1] = sums[to + 1 - stride] + green;
      sums[to + 2] = sums[to + 2 - stride] + blue;
      from += CHANNELS;
      to += 3;
    }
  }
  return { width, height, sums };
}

/** @type {(place: number, length: number, size: number) => number} */
const startOf = (place, length, size) => Math.floor((place * length) / size);

/** @type {(place: number, length: number, size: number) => number} */
const endOf = (place, length, size) => Math.ceil(((place + 1) * length) / size);

/**
 * The pixels of a box averaged, as PyTorch's `interpolate` does with mode "area".
 *
 * @param {Sums} photograph
 * @param {Box} box in whole pixels
 * @param {[number, number]} size width and height of the result
 * @param {Float32Array} into is filled with (3,H,W) in [0, 255]
 */
export function averaged({ width, sums }, [left, top, right, bottom], [across, down], into) {
  const area = across * down;
  const stride = 3 * (width + 1);
  // Columns are the same in every row.
  const columns = Array.from({ length: across }, (_, x) => x);
  const starts = columns.map((x) => 3 * (left + startOf(x, right - left, across)));
  const ends = columns.map((x) => 3 * (left + endOf(x, right - left, across)));
  for (let y = 0; y < down; y++) {
    const upper = top + startOf(y, bottom - top, down);
    const lower = top + endOf(y, bottom - top, down);
    for (let x = 0; x < across; x++) {
      const count = ((ends[x] - starts[x]) / 3) * (lower - upper);
      let start = upper * stride;
      let end = lower * stride;
      for (let to = y * across + x; to < 3 * area; to += area) {
        const below = sums[end + ends[x]] - sums[end + starts[x]];
        const above = sums[start + ends[x]] - sums[start + starts[x]];
        into[to] = ((below - above) >>> 0) / count;
        start += 1;
        end += 1;
      }
    }
  }
}
