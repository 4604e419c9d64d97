// Which place of one photograph matches which of the other. Its model holds everything in
// "contents".

/** @import { Place } from "../common/types.d.ts" */
/** @import { Contents } from "./types.d.ts" */

import { h } from "../common/elements.js";
import { matchBoard } from "./board.js";

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const root = h(
    "div",
    { class: "lfs-view lfs-match-view" },
    matchBoard(contents, contents.photographs),
    h("p", { class: "lfs-hint" }, contents.caution),
  );
  el.append(root);
  return () => root.remove();
}

export default { render };
