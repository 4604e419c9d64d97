// What speaks against trusting what is shown.

/** @import { App, Part } from "./types.d.ts" */

import { h, title } from "../common/elements.js";
import { isDecoded } from "./questions.js";

/**
 * @param {App} app
 * @returns {Part}
 */
export function doubtsPart(app) {
  const list = h("ul", {});
  const element = h(
    "section",
    { class: "lfs-doubts", "aria-label": "Doubts" },
    title("What speaks against trusting this"),
    list,
  );
  /** @param {string[]} said */
  function show(said) {
    const lines = said.length ? said : ["Nothing that was measured."];
    list.replaceChildren(...lines.map((text) => h("li", {}, text)));
    element.classList.toggle("lfs-none", !said.length);
  }
  return {
    element,
    // What measurements say of the method comes after its map: it is not to be waited for.
    async draw(shown) {
      const { method, decoder, network } = shown.choice;
      const said = shown.doubts;
      const kind = Number(shown.pair.similar);
      const asked = isDecoded(shown.choice) ? decoder : "";
      const answer = await app.know("doubts", method, asked, network, kind);
      if (shown !== app.shown) return;
      shown.doubts = [...said, ...(answer.doubts ?? [answer.problem])];
      show(shown.doubts);
    },
  };
}
