// What of a photograph a network reads, as lfs_core.datasets cuts it out in Python.

/** @import { Box, Face, Pixels } from "./detection.d.ts" */

import { areaOf } from "./nms.js";
import { CHANNELS, cropped, emptyPixels } from "./pixels.js";
import { BILINEAR, LANCZOS, resized } from "./resampling.js";

const FACE_SIZE = 160; // px
const FACE_MARGIN = 14; // px of the crop; the box is enlarged by it
const CENTRE = 224 / 256; // of the short side
export const SURE = 0.9; // the probability below which a face is often background
const MAX_SIDE = 1024; // px
const LEFT_TO_RESIZE = 2; // Pillow first averages whole pixels, unless less than this is then left to resize

/**
 * A face's box with its margin, 160 pixels square.
 *
 * @type {(pixels: Pixels, face: Face) => Pixels}
 */
export function cropFace(pixels, { box: [left, top, right, bottom] }) {
  const x = (FACE_MARGIN * (right - left)) / (FACE_SIZE - FACE_MARGIN) / 2;
  const y = (FACE_MARGIN * (bottom - top)) / (FACE_SIZE - FACE_MARGIN) / 2;
  const crop = cropped(pixels, [
    Math.trunc(Math.max(left - x, 0)),
    Math.trunc(Math.max(top - y, 0)),
    Math.trunc(Math.min(right + x, pixels.width)),
    Math.trunc(Math.min(bottom + y, pixels.height)),
  ]);
  return resized(crop, [FACE_SIZE, FACE_SIZE], BILINEAR);
}

/**
 * The place of the face that is meant if nobody says: the most prominent of those that are sure.
 *
 * @param {Face[]} faces at least one
 * @param {[number, number]} size of the photograph, width and height
 */
export function chosenFace(faces, size) {
  const sure = [...faces.keys()].filter((k) => faces[k].probability >= SURE);
  const among = sure.length ? sure : [...faces.keys()];
  const standing = faces.map((face) => prominence(face, size));
  return among.reduce((best, k) => (standing[k] > standing[best] ? k : best));
}

/** @type {(face: Face, size: [number, number]) => number} in square pixels, less if off centre */
function prominence({ box }, [width, height]) {
  const [left, top, right, bottom] = box;
  const across = Math.max(Math.min(right, width) - Math.max(left, 0), 0);
  const down = Math.max(Math.min(bottom, height) - Math.max(top, 0), 0);
  const away = (left + right - width) ** 2 + (top + bottom - height) ** 2;
  const central = Math.exp(-away / (width ** 2 + height ** 2));
  return ((across * down) ** 2 / areaOf(box)) * central;
}

/**
 * A face's box in shares of the photograph's sides, the part within the photograph.
 *
 * @type {(face: Face, size: [number, number]) => Box}
 */
export function sharesOf({ box: [left, top, right, bottom] }, [width, height]) {
  /** @type {(at: number, length: number) => number} */
  const share = (at, length) => Math.min(Math.max(at / length, 0), 1);
  return [share(left, width), share(top, height), share(right, width), share(bottom, height)];
}

/**
 * The square in the middle, with sides of 7/8 of the short side.
 *
 * @param {Pixels} pixels
 */
export function centreSquare(pixels) {
  const { width, height } = pixels;
  const side = evenRounded(CENTRE * Math.min(width, height));
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  return cropped(pixels, [left, top, left + side, top + side]);
}

/** @type {(value: number) => number} halves to the even number, as Python does */
function evenRounded(value) {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}

/**
 * A photograph whose sides have at most 1024 pixels, as by Pillow's `thumbnail`.
 *
 * @param {Pixels} pixels
 */
export function reduced(pixels) {
  const { width, height } = pixels;
  if (Math.max(width, height) <= MAX_SIDE) return pixels;
  const size = reducedSize(width, height);
  const by = [width, height].map((side, k) => Math.max(Math.trunc(side / size[k] / LEFT_TO_RESIZE), 1));
  const extent = [Math.fround(width / by[0]), Math.fround(height / by[1])];
  return resized(joinedPixels(pixels, by), size, LANCZOS, /** @type {[number, number]} */ (extent));
}

/** @type {(width: number, height: number) => [number, number]} whose ratio is nearest */
function reducedSize(width, height) {
  const ratio = width / height;
  /** @type {(value: number, error: (side: number) => number) => number} */
  const nearest = (value, error) => {
    const [less, more] = [Math.floor(value), Math.ceil(value)];
    return Math.max(error(more) < error(less) ? more : less, 1);
  };
  if (ratio <= 1) {
    return [nearest(MAX_SIDE * ratio, (side) => Math.abs(ratio - side / MAX_SIDE)), MAX_SIDE];
  }
  /** @param {number} side */
  const error = (side) => (side === 0 ? 0 : Math.abs(ratio - MAX_SIDE / side));
  return [MAX_SIDE, nearest(MAX_SIDE / ratio, error)];
}

/**
 * Every block of so many pixels as one, their mean; blocks at the right and below may be smaller.
 *
 * @type {(pixels: Pixels, by: number[]) => Pixels}
 */
function joinedPixels(pixels, [across, down]) {
  if (across === 1 && down === 1) return pixels;
  const { width, height } = pixels;
  const small = emptyPixels(Math.ceil(width / across), Math.ceil(height / down));
  for (let k = 0; k < small.width * small.height; k++) {
    const left = (k % small.width) * across;
    const top = Math.floor(k / small.width) * down;
    const right = Math.min(left + across, width);
    const bottom = Math.min(top + down, height);
    small.data.set(meanColour(pixels, [left, top, right, bottom]), k * CHANNELS);
  }
  return small;
}

/** @type {(pixels: Pixels, box: Box) => number[]} opaque, divided as Pillow does */
function meanColour({ width, data }, [left, top, right, bottom]) {
  const count = (right - left) * (bottom - top);
  const sums = new Array(3).fill(Math.trunc(count / 2));
  for (let y = top; y < bottom; y++) {
    const end = (y * width + right) * CHANNELS;
    for (let at = end - (right - left) * CHANNELS; at < end; at += CHANNELS) {
      for (let c = 0; c < 3; c++) sums[c] += data[at + c];
    }
  }
  const share = Math.floor(2 ** 24 / count);
  return [...sums.map((sum) => Math.floor((sum * share) / 2 ** 24)), 255];
}
