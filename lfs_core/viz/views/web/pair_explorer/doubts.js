// Reasons to doubt what is shown.

/** @import { App, Part } from "./types.d.ts" */

import { doubtsBox } from "../common/pairs.js";
import { isDecoded } from "./questions.js";

/**
 * @param {App} app
 * @returns {Part}
 */
export function doubtsPart(app) {
  const { element, show } = doubtsBox();
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
