// Photographs, asked for when they are first shown.

/** @import { Ask } from "../common/types.d.ts" */
/** @import { Contents, Picture, Shelf } from "./types.d.ts" */

import { remembering } from "../common/asking.js";
import { picture } from "../common/bytes.js";

const NOT_HELD = { problem: "This page does not hold this photograph." };

/** @type {(image: HTMLImageElement, found: Picture) => void} */
function put(image, { source, problem }) {
  if (source) image.src = source;
  else image.title = problem ?? "";
  image.classList.toggle("lfs-missing", !source);
}

/** @type {(contents: Contents, ask: Ask) => Shelf} */
export function pictureShelf({ live, pictures: held = {}, sides: [small, large] }, ask) {
  const find = remembering(
    /** @type {(side: number, item: number) => Promise<Picture>} */
    async (side, item) => {
      if (!live) return held[item] ?? NOT_HELD;
      const { pictures = {}, problem } = await ask("pictures", side, item);
      return pictures[item] ?? { problem };
    },
  );
  let last = Promise.resolve();
  return {
    fill(shown) {
      // One after the other, and only those that are still shown: what is opened does not wait.
      for (const image of shown.querySelectorAll("img")) {
        last = last.then(async () => {
          if (image.isConnected) put(image, await find(small, Number(image.dataset.item)));
        });
      }
    },
    async loaded(item) {
      const { source } = await find(large, item);
      return source ? picture(source) : null;
    },
  };
}
