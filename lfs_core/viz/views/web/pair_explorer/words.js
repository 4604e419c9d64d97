// What is said of a pair and its maps.

/** @import { App, Contents, Latents, Shown, Side } from "./types.d.ts" */

import { h } from "../common/elements.js";
import { decimals, digits } from "../common/numbers.js";
import { DECODED, isDecoded } from "./questions.js";

/**
 * What the network says.
 *
 * @param {Contents} contents
 * @param {Shown} shown
 */
export function sentence({ networks, thresholds }, { pair, choice }) {
  const where = pair.similar ? "above" : "not above";
  return [
    `Cosine ${decimals(pair.similarity, 2)}: ${networks[choice.network].name} calls them `,
    h("strong", {}, pair.similar ? "similar" : "dissimilar"),
    ` (${where} \u03be\u2081 = ${decimals(thresholds[choice.threshold], 2)}), `,
    h("span", { title: pair.sureMeans }, `${pair.sure}.`),
  ];
}

/**
 * @param {App} app
 * @param {Shown} shown
 */
export function settingsInWords({ contents, how }, { choice }) {
  const { method, decoder, p, latent } = choice;
  const words = [contents.titles[method]];
  if (isDecoded(choice)) words.push(`${contents.titles[decoder]} decoder`, `p = ${contents.ps[p].toFixed(2)}`);
  if (latent !== null) words.push(`latent ${latent + 1} alone`);
  words.push(`\u03be\u2082 = ${how.threshold.toFixed(2)}`);
  return words.join(", ");
}

/**
 * What a map's colours mean.
 *
 * @param {Shown} shown
 */
export function meaning({ choice, pair }) {
  if (isDecoded(choice)) return "change of a pixel\u2019s value";
  return `evidence for \u201c${pair.similar ? "similar" : "dissimilar"}\u201d`;
}

/** @param {number} value */
const orZero = (value) => (value ? digits(value) : "0");

/**
 * How high a map goes, on its own scale.
 *
 * @param {Shown} shown
 * @param {Side} map
 */
export const highestOf = ({ choice }, { highest }) => (isDecoded(choice) ? orZero(highest) : "1");

/**
 * A map's value at a place.
 *
 * @param {Shown} shown
 * @param {Side} map
 * @param {number} at
 */
export function valueAt({ choice }, { values, relative }, at) {
  const share = `${Math.round(relative[at] / 2.55)} % of its strongest place`;
  return isDecoded(choice) ? `${orZero(values[at])}, ${share}` : share;
}

/**
 * The latent that is chosen, and its numbers.
 *
 * @param {App} app
 * @param {Latents} latents
 */
export function latentInWords({ contents, choice }, { h: [h1, h2], d, R }) {
  const { latent } = choice;
  if (!isDecoded(choice)) return `Single latents are shown with ${contents.titles[DECODED]}.`;
  if (latent === null) return "No single latent is chosen: the map is that of all.";
  const read = Object.entries({ "h\u00b9": h1, "h\u00b2": h2, d, R }).map(
    ([name, values]) => `${name} ${decimals(values[latent], 3)}`,
  );
  return `Latent ${latent + 1}: ${read.join(", ")}`;
}
