// Numbers and pictures as they are sent: packed, as text.

/** @import { Packed } from "./types.d.ts" */

/**
 * The bytes that were sent as text.
 *
 * @param {string} text
 */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** @param {Uint8Array<ArrayBuffer>} packed */
export function unzip(packed) {
  const stream = new Blob([packed]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/**
 * Signed numbers in 255 steps.
 *
 * @param {{ scale: number, values: string }} packed
 */
export const signedNumbers = ({ scale, values }) =>
  Array.from(new Int8Array(bytes(values).buffer), (step) => scale * step);

/**
 * A map's steps, 0 to 255.
 *
 * @param {string} text
 */
export async function inflate(text) {
  const steps = new Uint8Array(await unzip(bytes(text)));
  for (let k = 1; k < steps.length; k++) steps[k] += steps[k - 1]; // they came as differences
  return steps;
}

/**
 * A map's values.
 *
 * @param {Packed} map
 */
export async function unpacked({ range: [low, high], steps }) {
  const found = await inflate(steps);
  return Float32Array.from(found, (step) => low + ((high - low) * step) / 255);
}

/**
 * A picture that is loaded.
 *
 * @param {string} source
 */
export async function picture(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}
