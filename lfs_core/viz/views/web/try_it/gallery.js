// The photographs that were taken in, and what the network makes of their parts.

/** @import { Numbers, Own, Part, Seen, Sessions, Taken } from "./types.d.ts" */

import { partsOf } from "./parts.js";
import { toFloats } from "./pixels.js";
import { readPixels } from "./reading.js";
import { floatsResized } from "./resampling.js";
import { bothOf, numbers } from "./sessions.js";
import { takenAway } from "./windows.js";

export const STALE = "stopped"; // what nobody waits for any more

/**
 * Each photograph is read once, each part goes through the network once.
 *
 * @param {Own} own
 * @param {string[]} names of the photographs that are offered
 * @param {Sessions} sessions
 * @param {(words: string) => void} say what is being done
 */
export function gallery(own, names, sessions, say) {
  /** @type {Promise<Taken>[]} */
  const photographs = own.samples.map(async (source, k) => ({
    name: names[k],
    pixels: await readPixels(await (await fetch(source)).blob(), names[k]),
    isCut: false,
  }));
  /** @type {Map<number, Promise<Part[] & { chosen: number }>>} */
  const parts = new Map();
  /** @type {Map<string, Seen>} */
  const seen = new Map();
  let wishes = 0;

  /** @param {number} item */
  function partsAt(item) {
    const known = parts.get(item) ?? photographs[item].then((of) => partsOf(of, own, sessions));
    parts.set(item, known);
    known.catch(() => parts.delete(item));
    return known;
  }

  /** @type {(item: number, part: number) => Promise<Seen>} */
  async function see(item, part) {
    const { pixels } = (await partsAt(item))[part];
    const key = `${item},${part}`;
    const known = seen.get(key);
    if (known) return known;
    const { size } = own;
    const { width, height } = pixels;
    const floats = toFloats(pixels);
    const fits = width === size && height === size;
    const input = fits ? floats : floatsResized(floats, [width, height], [size, size]);
    const made = sessions.run("network", { images: numbers(input, 1, 3, size, size) });
    const now = { input, made, windows: null };
    seen.set(key, now);
    made.catch(() => seen.delete(key));
    return now;
  }

  return {
    /** @type {(taken: Taken) => number} its place */
    add: (taken) => photographs.push(Promise.resolve(taken)) - 1,
    /** @param {number} item */
    at: (item) => photographs[item],
    partsAt,
    /** @type {(setting: number[]) => Promise<Seen[]>} both images of a pair */
    both: async ([, a, aPart, b, bPart]) => [await see(a, aPart), await see(b, bPart)],
    /**
     * Causal maps (2,K,D) of two images, by taking windows away; it stops if a newer wish comes.
     *
     * @param {Seen[]} images
     * @returns {Promise<Numbers>}
     */
    async causalMaps(images) {
      const mine = wishes;
      const count = own.grid ** 2;
      const found = [];
      for (const [side, one] of images.entries()) {
        one.windows ??= takenAway(one, own, sessions, (done) => {
          if (mine !== wishes) throw new Error(STALE);
          say(`Taking windows away: ${side * count + done} of ${images.length * count} \u2026`);
        });
        one.windows.catch(() => (one.windows = null));
        try {
          found.push({ C: await one.windows });
        } finally {
          say("");
        }
      }
      return bothOf(found, "C");
    },
    hurry: () => void wishes++,
  };
}
