// Which place of one photograph matches which of the other, for methods that tell.

/** @import { Told } from "../matches/types.d.ts" */
/** @import { App, Part, Shown } from "./types.d.ts" */

import { h, title } from "../common/elements.js";
import { matchBoard } from "../matches/board.js";

/**
 * @param {App} app
 * @returns {Part}
 */
export function matchingPart({ contents, choice }) {
  const { networks, telling, titles } = contents;
  const element = h("section", { class: "lfs-matching", "aria-label": "Which place matches which" });
  /** @type {Told | null} */
  let old = null;

  /** Which of the network's methods would tell. */
  function others() {
    const able = networks[choice.network].methods.filter((name) => telling.includes(name));
    if (!able.length) return [];
    const names = able.map((name) => titles[name]).join(", ");
    const words = `${titles[choice.method]} does not tell which place matches which; ${names} does.`;
    return [h("p", { class: "lfs-hint" }, words)];
  }

  /** @param {Shown} shown */
  function draw({ told, photographs, images }) {
    if (told && told === old) return; // what the reader has pointed at stays
    old = told;
    const both = photographs.map(({ name }, side) => ({ name, picture: images[side].src }));
    const shown = told ? [title("Which place matches which"), matchBoard(told, both)] : others();
    element.replaceChildren(...shown);
    element.hidden = !shown.length;
  }
  return { element, draw };
}
