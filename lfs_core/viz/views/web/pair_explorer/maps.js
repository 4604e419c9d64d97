// Both photographs with their maps, in words as well.

/** @import { App, Contents, Part, Shown, Side } from "./types.d.ts" */

import { decimals, digits, withSign } from "../common/bytes.js";
import { decision } from "../common/pairs.js";
import { SIDES, twoPictures } from "../common/pictures.js";
import { isDecoded } from "./questions.js";

/** @type {(contents: Contents, threshold: number) => string} xi_1 as it is read */
export const thresholdInWords = ({ thresholds }, threshold) => decimals(thresholds[threshold], 2);

/** @type {(app: App, shown: Shown) => string} */
export function settingsInWords({ contents, how }, { choice }) {
  const { method, decoder, p, latent } = choice;
  const words = [contents.titles[method]];
  if (isDecoded(choice)) {
    words.push(`${contents.titles[decoder]} decoder`, `p = ${decimals(contents.ps[p], 2)}`);
  }
  if (latent !== null) words.push(`latent ${latent + 1} alone`);
  return [...words, `\u03be\u2082 = ${decimals(how.threshold, 2)}`].join(", ");
}

/** @type {(shown: Shown) => string} what a map's colours mean */
export const meaning = ({ choice, pair }) =>
  isDecoded(choice)
    ? "change, in ranges of a pixel (0 to 1)"
    : `evidence for \u201c${decision(pair.similar)}\u201d`;

/** @param {number} value */
const orZero = (value) => (value ? digits(value) : "0");

/** @type {(shown: Shown, map: Side) => string} how high a map goes, on its own scale */
export const highestOf = ({ choice }, { highest }) => (isDecoded(choice) ? orZero(highest) : "1");

/** @type {(shown: Shown, map: Side, at: number) => string} */
function valueAt({ choice }, { values, relative, signed }, at) {
  const share = `${Math.round(relative[at] / 2.55)} % of its strongest place`;
  const more = signed ? `, signed ${withSign(signed.values[at])}` : "";
  return (isDecoded(choice) ? `${orZero(values[at])}, ${share}` : share) + more;
}

/**
 * @param {App} app
 * @returns {Part & { readout: HTMLElement, redraw: () => void }}
 */
export function mapsPart(app) {
  const { element, readout, redraw, show } = twoPictures(app.how);
  /** @param {Shown} shown */
  function draw(shown) {
    const { choice, images, maps, photographs, size } = shown;
    const sides = maps.map((map, side) => {
      const alone = choice.latent === null ? "" : `latent ${choice.latent + 1} alone: `;
      const range = map.signed?.range.map(withSign).join(" to ");
      const more = range ? `; signed values go from ${range}` : "";
      const { name } = photographs[side];
      return {
        image: images[side],
        steps: map.relative,
        label: `${SIDES[side]}, ${name}, with the map of ${app.contents.titles[choice.method]}`,
        facts: (/** @type {string} */ share) => [
          name,
          alone + (map.highest ? share : "the map is zero everywhere") + more,
        ],
        value: (/** @type {number} */ at) => valueAt(shown, map, at),
        highest: highestOf(shown, map),
      };
    });
    show({ images: images.map(({ src }) => src).join(), size, meaning: meaning(shown), sides });
  }
  return { element, readout, draw, redraw };
}
