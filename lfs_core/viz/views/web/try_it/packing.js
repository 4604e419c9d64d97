// Numbers as views are sent them.

/** @import { Packed } from "../common/types.d.ts" */
/** @import { Matrix } from "../matches/types.d.ts" */
/** @import { Numbers } from "./types.d.ts" */

/** @type {(values: ArrayBufferView<ArrayBuffer>) => string} the bytes of an array, as text */
export function asBytes(values) {
  const all = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let letters = "";
  for (let at = 0; at < all.length; at += 8192) {
    letters += String.fromCharCode(...all.subarray(at, at + 8192));
  }
  return btoa(letters);
}

/**
 * A map in 255 steps of its range, as differences of neighbours.
 *
 * @param {Float32Array} values
 * @param {[number, number]} range
 * @returns {Promise<Packed>}
 */
async function packedMap(values, [low, high]) {
  const steps = Uint8ClampedArray.from(values, (v) => (255 * (v - low)) / (high - low || 1));
  const differences = Uint8Array.from(steps, (step, k) => step - (k ? steps[k - 1] : 0));
  const stream = new Blob([differences]).stream().pipeThrough(new CompressionStream("deflate"));
  const deflated = new Uint8Array(await new Response(stream).arrayBuffer());
  return { range: [low, high], steps: asBytes(deflated) };
}

/** @type {(maps: Numbers) => Float32Array[]} one of each image */
const eachMap = ({ data }) => [0, 1].map((k) => data.subarray((k * data.length) / 2, ((k + 1) * data.length) / 2));

/** @type {(maps: Numbers) => Promise<Packed[]>} maps that reach up to 1 */
export const packedMaps = (maps) => Promise.all(eachMap(maps).map((of) => packedMap(of, [0, 1])));

/** @type {(maps: Numbers) => Promise<Packed[]>} maps that reach as high as they do */
export const packedChanges = (maps) =>
  Promise.all(eachMap(maps).map((of) => packedMap(of, [0, Math.max(...of)])));

/** @type {(maps: Numbers, ranges: Numbers) => Promise<Packed[]>} signed maps within given ranges */
export const packedWithin = (maps, { data }) =>
  Promise.all(eachMap(maps).map((of, k) => packedMap(of, [data[2 * k], data[2 * k + 1]])));

/** @type {(values: Float32Array) => Matrix} */
export function packedMatrix(values) {
  const scale = Math.max(values.reduce((most, v) => Math.max(most, Math.abs(v)), 0), 1e-12) / (2 ** 15 - 1);
  return { scale, steps: asBytes(Int16Array.from(values, (v) => Math.round(v / scale))) };
}

/** @type {(h: Float32Array, d: Float32Array) => { scale: number, h: string[], d: string }} */
export function packedLatents(h, d) {
  const scale = Math.max(h.reduce((most, v) => Math.max(most, Math.abs(v)), 0), 1e-12) / 127;
  const steps = Int8Array.from(h, (v) => Math.round(v / scale));
  const half = steps.length / 2;
  return {
    scale,
    h: [steps.slice(0, half), steps.slice(half)].map(asBytes),
    d: asBytes(Uint8Array.from(d, (v) => Math.round(255 * v))),
  };
}
