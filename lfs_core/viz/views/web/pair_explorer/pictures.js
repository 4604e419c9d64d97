// Both photographs with their maps, and the values at a place.

/** @import { Point } from "../common/types.d.ts" */
/** @import { App, Part, Shown } from "./types.d.ts" */

import { asNode, h } from "../common/elements.js";
import { colourBar, drawMap, enlarge, shareAbove, within } from "../common/maps.js";
import { withSign } from "../common/numbers.js";
import { placeOf, POINT, SIDES, twoPictures, wordsFor } from "../common/pointing.js";
import { highestOf, meaning, valueAt } from "./words.js";

export const LARGE = 320; // px, longest side of a picture

/** @param {HTMLImageElement} image */
export const sizeOf = (image) => within(LARGE, image.width / image.height);

/**
 * @param {App} app
 * @returns {Part & { readout: HTMLElement, redraw: () => void }}
 */
export function pictures(app) {
  const readout = h("p", { role: "status", class: "lfs-values" }, POINT);
  /** @type {Point | null} */
  let point = null;
  const large = twoPictures({
    size: () => app.shown?.size,
    apart: () => app.how.apart,
    read(place) {
      point = place;
      showValues();
    },
  });
  const bars = large.sides.map(() => h("div", {}));
  large.sides.forEach(({ figure }, side) => figure.append(bars[side]));
  const figures = large.sides.map(({ figure }) => figure);
  const element = h("div", {}, h("div", { class: "lfs-both" }, ...figures));

  function showValues() {
    const { shown } = app;
    large.mark(point);
    if (point && shown) {
      const at = placeOf(point, shown.size);
      const lines = shown.maps.map((map, side) => {
        const more = map.signed ? `, signed ${withSign(map.signed.values[at])}` : "";
        return h("span", {}, `${SIDES[side]} ${valueAt(shown, map, at)}${more}`);
      });
      readout.replaceChildren(wordsFor(point, shown.size), ...lines);
    } else readout.textContent = POINT;
  }

  /**
   * @param {Shown} shown
   * @param {number} side
   */
  function drawSide(shown, side) {
    const { canvas, facts } = large.sides[side];
    const { relative } = shown.maps[side];
    const [width, height] = sizeOf(shown.images[side]);
    const values = enlarge(relative, shown.size, width, height);
    drawMap(canvas, shown.images[side], values, width, height, app.how);
    const share = `${shareAbove(values, app.how.threshold)} lies above \u03be\u2082`;
    const { name } = shown.photographs[side];
    facts.replaceChildren(asNode(name), h("br"), factsOf(shown, side, share));
    canvas.setAttribute(
      "aria-label",
      `${SIDES[side]}, ${name}, with the map of ${app.contents.titles[shown.choice.method]}: ${share}. ` +
        "Arrow keys move the place whose values are read.",
    );
    const highest = highestOf(shown, shown.maps[side]);
    bars[side].replaceChildren(colourBar(app.how.colours, meaning(shown), highest));
  }

  /** @param {Shown} shown */
  function draw(shown) {
    shown.maps.forEach((_, side) => drawSide(shown, side));
    element.classList.toggle("lfs-apart", app.how.apart);
    showValues();
  }

  return { element, readout, draw, redraw: () => app.shown && draw(app.shown) };
}

/**
 * @param {Shown} shown
 * @param {number} side
 * @param {string} share
 */
function factsOf({ choice: { latent }, maps }, side, share) {
  const { highest, signed } = maps[side];
  const alone = latent === null ? "" : `latent ${latent + 1} alone: `;
  const range = signed?.range.map(withSign).join(" to ");
  const more = range ? `; signed values go from ${range}` : "";
  return alone + (highest ? share : "the map is zero everywhere") + more;
}
