// One method's maps, large, with their values.

/** @import { Contents, Side, State } from "./types.d.ts" */

import { h } from "../common/elements.js";
import { drawMap, enlarge, shareAbove } from "../common/maps.js";
import { decimals, withSign } from "../common/numbers.js";
import { placeOf, POINT, SIDES, twoPictures, wordsFor } from "../common/pointing.js";

/**
 * @param {Contents} contents
 * @param {State} state
 * @param {(method: number) => void} choose
 */
export function oneMethod({ methods }, state, choose) {
  const readout = h("p", { role: "status", class: "lfs-values" });
  const pictures = twoPictures({
    size: () => state.shown?.size,
    apart: () => state.how.apart,
    read(point) {
      state.point = point;
      showValues();
    },
  });
  const options = methods.map(({ name }, k) => h("option", { value: k }, name));
  const select = h("select", {}, ...options);
  select.addEventListener("change", () => choose(Number(select.value)));
  const element = h(
    "section",
    { class: "lfs-large", "aria-label": "One method" },
    h("label", {}, "Method ", select),
    h("div", { class: "lfs-both" }, ...pictures.sides.map(({ figure }) => figure)),
    readout,
  );

  function showValues() {
    const { point, shown, method } = state;
    pictures.mark(point);
    if (point && shown) {
      const at = placeOf(point, shown.size);
      const lines = shown.maps[method].map((map, side) => h("span", {}, valueAt(map, side, at)));
      readout.replaceChildren(wordsFor(point, shown.size), ...lines);
    } else readout.textContent = POINT;
  }

  function draw() {
    const { shown, method, how } = state;
    select.value = String(method);
    if (!shown) return;
    shown.maps[method].forEach((map, side) => {
      const { canvas, facts } = pictures.sides[side];
      const values = enlarge(map.steps, shown.size, ...shown.large);
      drawMap(canvas, shown.images[side], values, ...shown.large, how);
      const share = `${shareAbove(values, how.threshold)} lies above \u03be\u2082`;
      facts.textContent = factsOf(map, share);
      canvas.setAttribute(
        "aria-label",
        `${SIDES[side]} with the map of ${methods[method].name}: ${share}. ` +
          "Arrow keys move the place whose values are read.",
      );
    });
    element.classList.toggle("lfs-apart", how.apart);
    showValues();
  }

  return { element, draw };
}

/**
 * @param {Side} map
 * @param {number} side
 * @param {number} at
 */
function valueAt({ values, signed }, side, at) {
  const more = signed ? `, signed ${withSign(signed.values[at])}` : "";
  return `${SIDES[side]} ${decimals(values[at], 3)}${more}`;
}

/**
 * @param {Side} map
 * @param {string} share
 */
function factsOf({ range, signed }, share) {
  const [low, high] = range.map((value) => decimals(value, 2));
  const all =
    range[1] > 0 ? `${share}; values go from ${low} to ${high}` : "The map is zero everywhere";
  return all + (signed ? `, signed ones from ${signed.range.map(withSign).join(" to ")}.` : ".");
}
