// Photographs, asked for when they are first shown.

/** @import { Ask } from "../common/types.d.ts" */
/** @import { Contents, Picture, Shelf } from "./types.d.ts" */

import { picture } from "../common/bytes.js";
import { photograph } from "../common/elements.js";

const AT_ONCE = 8;
/** @type {Picture} */
const ABSENT = { problem: "This page does not hold this photograph." };

/**
 * @param {HTMLImageElement} image
 * @param {Picture} found
 */
function fill(image, { source, problem }) {
  if (source) image.src = source;
  else image.title = problem ?? "";
  image.classList.toggle("lfs-missing", !source);
}

/**
 * Asks for what is wanted, some at once; keys are "side:item".
 *
 * @param {Ask} askLater
 * @param {(key: string, found: Picture) => void} arrived
 */
function wishes(askLater, arrived) {
  /** @type {Set<string>} */
  const wanted = new Set();
  let busy = false;
  async function fetchAll() {
    if (busy) return;
    busy = true;
    while (wanted.size) {
      const [side] = [...wanted][0].split(":");
      const chunk = [...wanted].filter((key) => key.startsWith(`${side}:`)).slice(0, AT_ONCE);
      chunk.forEach((key) => wanted.delete(key));
      const items = chunk.map((key) => Number(key.split(":")[1]));
      const { pictures = {}, problem } = await askLater("pictures", Number(side), ...items);
      chunk.forEach((key, k) => arrived(key, pictures[items[k]] ?? { problem }));
    }
    busy = false;
  }
  return {
    /** @param {string} key */
    want(key) {
      wanted.add(key);
      queueMicrotask(fetchAll);
    },
    forget: () => wanted.clear(),
  };
}

/**
 * @param {HTMLElement} root where pictures are shown
 * @param {Contents} contents
 * @param {Ask} ask
 * @param {Ask} askLater
 * @returns {Shelf}
 */
export function pictureShelf(root, contents, ask, askLater) {
  const [small, large] = contents.sides;
  /** @type {Map<string, Picture>} */
  const known = new Map();
  for (const [item, found] of Object.entries(contents.pictures ?? {})) {
    for (const side of contents.sides) known.set(`${side}:${item}`, found);
  }
  const { want, forget } = wishes(askLater, (key, found) => {
    known.set(key, found);
    for (const image of root.querySelectorAll(`img[data-picture="${key}"]`)) {
      fill(/** @type {HTMLImageElement} */ (image), found);
    }
  });
  return {
    forget,
    image(item, alt) {
      const key = `${small}:${item}`;
      const image = photograph(null, alt, { "data-picture": key, draggable: "false" });
      const found = known.get(key) ?? (contents.live ? null : ABSENT);
      if (found) fill(image, found);
      else want(key);
      return image;
    },
    async loaded(item) {
      const key = `${large}:${item}`;
      if (!known.has(key) && contents.live) {
        const { pictures = {}, problem } = await ask("pictures", large, item);
        known.set(key, pictures[item] ?? { problem });
      }
      const { source } = known.get(key) ?? ABSENT;
      return source ? picture(source) : null;
    },
  };
}
