// A pair's photographs and maps, unpacked when they are first wanted.

/** @import { Size } from "../common/types.d.ts" */
/** @import { Contents, Loaded, Side } from "./types.d.ts" */

import { picture, unpacked } from "../common/bytes.js";
import { enlarge, within } from "../common/maps.js";

const LARGE_SIDE = 320; // px, longest side of a large picture
const SMALL_SIDE = 96; // of a small one

/**
 * @param {Contents["methods"][0]["maps"][0][0]} maps
 * @param {Size} size [rows, columns]
 * @param {Size} small [width, height]
 * @returns {Promise<Side>}
 */
async function side({ map, signed }, size, small) {
  const values = await unpacked(map);
  const steps = values.map((value) => 255 * value);
  return {
    values,
    steps,
    small: enlarge(steps, size, ...small),
    range: map.range,
    signed: signed && { values: await unpacked(signed), range: signed.range },
  };
}

/**
 * Gives pairs by their number; each is loaded once.
 *
 * @param {Contents} contents
 * @returns {(k: number) => Promise<Loaded>}
 */
export function pairLoader({ pairs, methods }) {
  /** @type {Map<number, Promise<Loaded>>} */
  const known = new Map();
  /** @type {(k: number) => Promise<Loaded>} */
  async function load(k) {
    const { photographs, size } = pairs[k];
    const images = await Promise.all(photographs.map(picture));
    const ratio = images[0].width / images[0].height;
    const small = within(SMALL_SIDE, ratio);
    const maps = await Promise.all(
      methods.map((method) => Promise.all(method.maps[k].map((one) => side(one, size, small)))),
    );
    return { images, size, maps, small, large: within(LARGE_SIDE, ratio) };
  }
  return (k) => {
    const found = known.get(k) ?? load(k);
    known.set(k, found);
    return found;
  };
}
