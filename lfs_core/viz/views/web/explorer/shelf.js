// Photographs, asked for when they are first shown.

/** @import { Ask } from "../common/types.d.ts" */
/** @import { Contents, Picture, Shelf } from "./types.d.ts" */

import { remembering } from "../common/asking.js";
import { picture } from "../common/bytes.js";
import { photograph } from "../common/elements.js";

/** @type {(image: HTMLImageElement, found: Picture) => void} */
function fill(image, { source, problem }) {
  if (source) image.src = source;
  else image.title = problem ?? "";
  image.classList.toggle("lfs-missing", !source);
}

/**
 * @param {Contents} contents
 * @param {Ask} ask
 * @returns {Shelf}
 */
export function pictureShelf({ live, pictures: held = {}, sides: [small, large] }, ask) {
  /** @param {number} item */
  const inPage = (item) => held[item] ?? { problem: "This page does not hold this photograph." };
  const find = remembering(
    /** @type {(side: number, item: number) => Promise<Picture>} */
    async (side, item) => {
      if (!live) return inPage(item);
      const { pictures = {}, problem } = await ask("pictures", side, item);
      return pictures[item] ?? { problem };
    },
  );
  let last = Promise.resolve();
  return {
    image(item, alt) {
      const image = photograph(null, alt, { draggable: "false" });
      if (!live) fill(image, inPage(item));
      // One after the other, and only those that are still shown: what is opened does not wait.
      else {
        last = last.then(async () => {
          if (image.isConnected) fill(image, await find(small, item));
        });
      }
      return image;
    },
    async loaded(item) {
      const { source } = await find(large, item);
      return source ? picture(source) : null;
    },
  };
}
