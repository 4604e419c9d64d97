// Files as pixels, and pixels as pictures.

/** @import { Pixels } from "./detection.d.ts" */

import { h } from "../common/elements.js";
import { pen } from "../common/maps.js";
import { reduced } from "./framing.js";
import { onWhite } from "./pixels.js";

const LEAST_SIDE = 8; // px; below this there is nothing to explain
const LARGEST = 4096; // px that are read as they are; what is larger, the browser makes smaller

/** @type {(words: string) => Error} */
const problem = (words) => new Error(words);

/**
 * A file as upright pixels on white, at most 1024 a side, as in Python.
 *
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<Pixels>}
 */
export async function readPixels(file, name) {
  const image = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => null);
  if (!image) {
    const heic = /\.hei[cf]$/i.test(name) ? " This browser reads no HEIC: save it as a JPEG." : "";
    throw problem(`${name} is no image that this browser can read.${heic}`);
  }
  const { width, height } = image;
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const [across, down] = [width, height].map((side) => Math.round(side * scale));
  if (Math.min(across, down, Math.min(width, height) * Math.min(1, 1024 / Math.max(width, height))) < LEAST_SIDE) {
    throw problem(`${name} is ${width}x${height} pixels; at least ${LEAST_SIDE} a side are needed.`);
  }
  const canvas = h("canvas", { width: across, height: down });
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, across, down);
  image.close();
  const { data } = context.getImageData(0, 0, across, down);
  return reduced(onWhite({ width: across, height: down, data: new Uint8ClampedArray(data) }));
}

/** @param {Pixels} pixels */
export function canvasOf({ width, height, data }) {
  const canvas = h("canvas", { width, height });
  pen(canvas).putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

/** @type {(pixels: Pixels, side: number) => string} a picture whose longest side is at most this */
export function pictureOf(pixels, side) {
  const whole = canvasOf(pixels);
  const scale = Math.min(1, side / Math.max(pixels.width, pixels.height));
  if (scale === 1) return whole.toDataURL("image/png");
  const [width, height] = [pixels.width, pixels.height].map((of) => Math.max(1, Math.round(of * scale)));
  const canvas = h("canvas", { width, height });
  const context = pen(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, width, height);
  return canvas.toDataURL("image/jpeg", 0.9);
}
