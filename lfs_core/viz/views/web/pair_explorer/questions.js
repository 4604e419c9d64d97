// What is asked about a choice, and how answers become maps and numbers.

/** @import { Answer, Packed, Question } from "../common/types.d.ts" */
/** @import { App, Choice, Contents, Latents, Photograph, Settled, Shown, Side } from "./types.d.ts" */

import { bytes, inflate, picture, signedNumbers, unpacked } from "../common/bytes.js";

export const DECODED = "explainlfs"; // the method that has a decoder, p and relevance

/** @type {(choice: Settled) => Question} what questions about a pair are asked with */
export const setting = ({ network, items, parts, threshold }) =>
  [network, items[0], parts[0], items[1], parts[1], threshold];

/** @param {Pick<Choice, "method">} choice */
export const isDecoded = ({ method }) => method === DECODED;

/** @type {(contents: Contents, choice: Settled) => Question} */
function mapQuestion(contents, choice) {
  const { network, method, decoder, p, latent } = choice;
  if (!isDecoded(choice)) return ["map", method, ...setting(choice)];
  if (latent === null) return ["decoded", decoder, p, ...setting(choice)];
  const isLinear = contents.networks[network].decoders[decoder];
  if (isLinear) return ["column", decoder, network, latent];
  return ["latent", decoder, p, latent, ...setting(choice)];
}

// All that is shown of the choice, or what was wrong.
/** @type {(app: App) => Promise<Shown | { problem: string }>} */
export async function load({ contents, choice: now, know, shown: old }) {
  const asked = { ...now };
  const photographs = [];
  for (const item of asked.items) {
    const answer = await know("photograph", asked.network, item);
    if (answer.problem) return { problem: answer.problem };
    photographs.push(/** @type {Photograph & Answer} */ (answer));
  }
  const parts = photographs.map(({ chosen }, side) => asked.parts[side] ?? chosen);
  const choice = { ...asked, parts };
  const sources = photographs.map(({ pictures }, side) => pictures[parts[side]]);
  const images = await Promise.all(
    sources.map((src) => old?.images.find((image) => image.src === src) ?? picture(src)),
  );
  const pair = /** @type {any} */ (await know("pair", ...setting(choice)));
  if (pair.problem) return pair;
  const question = mapQuestion(contents, choice);
  const answer = await know(...question);
  if (answer.problem) return { problem: answer.problem };
  const { maps: packed, signed, size, told = null } = answer;
  const latents = latentsOf(pair);
  // A linear decoder's column is that of p R = 1.
  const { p, latent } = choice;
  const isColumn = question[0] === "column" && latent !== null;
  const times = isColumn ? contents.ps[p] * latents.R[latent] : 1;
  const only = packed.length === 1 ? [0, 0] : [0, 1];
  const maps = await Promise.all(
    only.map((k) => sideOf(packed[k], signed?.[k], size[0] * size[1], times)),
  );
  const doubts = [...photographs.flatMap((one, side) => one.doubts[parts[side]]), ...pair.doubts];
  return { photographs, images, pair, latents, maps, size, told, choice, doubts };
}

/** @type {(pair: { h: string[], d: string, scale: number, similar: boolean }) => Latents} */
function latentsOf({ h, d: steps, scale, similar }) {
  const d = Array.from(bytes(steps), (step) => step / 255);
  const R = similar ? d.map((value) => 1 - value) : d;
  return { h: h.map((values) => signedNumbers({ scale, values })), d, R };
}

/**
 * @param {Packed} map
 * @param {Packed | undefined} signed
 * @param {number} count of places
 * @param {number} times what values are multiplied by
 * @returns {Promise<Side>}
 */
async function sideOf({ range, steps }, signed, count, times) {
  const highest = times * range[1];
  const relative = highest ? await inflate(steps) : new Uint8Array(count);
  return {
    highest,
    relative,
    values: Float32Array.from(relative, (step) => (highest * step) / 255),
    signed: signed ? { range: signed.range, values: await unpacked(signed) } : null,
  };
}
