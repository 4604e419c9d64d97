// What each window of an image does to its embedding: the windows are taken away one by one.

/** @import { Numbers, Own, Seen, Sessions } from "./types.d.ts" */

import { numbers } from "./sessions.js";

const TOGETHER = 8; // images of the network at a time

/** @type {(h: Float32Array) => Float32Array} of length one */
const unit = (h) => {
  const length = Math.hypot(...h);
  return h.map((value) => value / length);
};

/**
 * @param {Float32Array<ArrayBuffer>} image (3,H,W)
 * @param {number} size its side
 * @param {number} grid
 * @param {number[]} windows those of which one is taken away from each copy
 */
function without(image, size, grid, windows) {
  const area = size * size;
  const copies = new Float32Array(windows.length * image.length);
  const means = [0, 1, 2].map((c) => image.subarray(c * area, (c + 1) * area).reduce((a, b) => a + b, 0) / area);
  windows.forEach((window, k) => {
    copies.set(image, k * image.length);
    const [row, column] = [Math.floor(window / grid), window % grid];
    /** @param {number} line */
    const edge = (line) => Math.ceil((line * size) / grid);
    for (let c = 0; c < 3; c++) {
      for (let y = edge(row); y < edge(row + 1); y++) {
        const start = k * image.length + c * area + y * size;
        copies.fill(means[c], start + edge(column), start + edge(column + 1));
      }
    }
  });
  return copies;
}

/**
 * C (1,K,D): by how much each latent falls when a window is replaced by the mean colour.
 *
 * @param {Seen} seen
 * @param {Own} own
 * @param {Sessions} sessions
 * @param {(done: number) => void} tell how many windows were taken away; it may throw
 * @returns {Promise<Numbers>}
 */
export async function takenAway({ input, made }, { size, grid }, sessions, tell) {
  const whole = unit((await made).h.data);
  const count = grid * grid;
  const C = new Float32Array(count * whole.length);
  for (let first = 0; first < count; first += TOGETHER) {
    tell(first);
    const some = Array.from({ length: Math.min(TOGETHER, count - first) }, (_, k) => first + k);
    const images = numbers(without(input, size, grid, some), some.length, 3, size, size);
    const { h } = await sessions.run("network", { images }, ["h"]);
    some.forEach((window, k) => {
      const left = unit(h.data.slice(k * whole.length, (k + 1) * whole.length));
      left.forEach((value, j) => (C[window * whole.length + j] = whole[j] - value));
    });
  }
  return numbers(C, 1, count, whole.length);
}
