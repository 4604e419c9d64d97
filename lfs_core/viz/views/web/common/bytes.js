// Numbers and pictures as they are sent, packed as text; and numbers as they are read.

/** @import { Packed } from "./types.d.ts" */

/** @param {string} text the bytes that were sent as it */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** @param {Uint8Array<ArrayBuffer>} packed */
export function unzip(packed) {
  const stream = new Blob([packed]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** @param {{ scale: number, values: string }} packed signed numbers in 255 steps */
export const signedNumbers = ({ scale, values }) =>
  Array.from(new Int8Array(bytes(values).buffer), (step) => scale * step);

/** @param {string} text a map's steps, 0 to 255 */
export async function inflate(text) {
  const steps = new Uint8Array(await unzip(bytes(text)));
  for (let k = 1; k < steps.length; k++) steps[k] += steps[k - 1]; // they came as differences
  return steps;
}

/** @param {Packed} map whose values are wanted */
export async function unpacked({ range: [low, high], steps }) {
  const found = await inflate(steps);
  return Float32Array.from(found, (step) => low + ((high - low) * step) / 255);
}

/** @param {string} source of a picture that is to be loaded */
export async function picture(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

/** @type {(value: number, count: number) => string} with a true minus */
export const decimals = (value, count) => value.toFixed(count).replace("-", "\u2212");

/** @type {(value: number) => string} three digits, however small; not for negative values */
export const digits = (value) =>
  value < 0.001 ? value.toExponential(1).replace("-", "\u2212") : value.toPrecision(3);

/** @type {(value: number) => string} with its sign and three digits, however small */
export function withSign(value) {
  const text = Math.abs(value) < 0.001 ? value.toExponential(2) : value.toPrecision(3);
  return (value > 0 ? "+" : "") + (value ? text.replaceAll("-", "\u2212") : "0");
}
