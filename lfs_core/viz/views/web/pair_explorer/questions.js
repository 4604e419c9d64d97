// What is asked about a choice, and how answers become maps and numbers.

/** @import { Answer, Ask, Packed, Question } from "../common/types.d.ts" */
/** @import { App, Choice, Contents, Latents, Photograph, Settled, Shown, Side } from "./types.d.ts" */

import { bytes, inflate, picture, signedNumbers, unpacked } from "../common/bytes.js";

export const DECODED = "explainlfs"; // the method that has a decoder, p and relevance
const KEPT = 400; // answers that are remembered

/**
 * Asks only what was not answered before.
 *
 * @param {Ask} ask
 * @returns {Ask}
 */
export function remembering(ask) {
  /** @type {Map<string, Answer>} */
  const known = new Map();
  return async (...question) => {
    const key = question.join();
    const found = known.get(key);
    if (found) return found;
    const answer = await ask(...question);
    if (answer.problem) return answer;
    if (known.size >= KEPT) known.delete([...known.keys()][0]);
    known.set(key, answer);
    return answer;
  };
}

/** @type {Map<string, Promise<HTMLImageElement>>} */
const loadedPictures = new Map();

/** @param {string} source */
function loadedOnce(source) {
  const found = loadedPictures.get(source) ?? picture(source);
  loadedPictures.set(source, found);
  return found;
}

/**
 * What questions about a pair are asked with.
 *
 * @param {Settled} choice
 */
export const setting = ({ network, items, parts, threshold }) =>
  [network, items[0], parts[0], items[1], parts[1], threshold];

/** @param {Choice} choice */
export const isDecoded = ({ method }) => method === DECODED;

/**
 * @param {Contents} contents
 * @param {Settled} choice
 * @returns {Question}
 */
function mapQuestion(contents, choice) {
  const { network, method, decoder, p, latent } = choice;
  if (!isDecoded(choice)) return ["map", method, ...setting(choice)];
  if (latent === null) return ["decoded", decoder, p, ...setting(choice)];
  const isLinear = contents.networks[network].decoders[decoder];
  if (isLinear) return ["column", decoder, network, latent];
  return ["latent", decoder, p, latent, ...setting(choice)];
}

/**
 * All that is shown of the choice, or what was wrong.
 *
 * @param {App} app
 * @returns {Promise<Shown | { problem: string }>}
 */
export async function load(app) {
  const { contents, know } = app;
  const asked = { ...app.choice };
  const photographs = [];
  for (const item of asked.items) {
    const answer = await know("photograph", asked.network, item);
    if (answer.problem) return { problem: answer.problem };
    photographs.push(/** @type {Photograph & Answer} */ (answer));
  }
  const parts = photographs.map(({ chosen }, side) => asked.parts[side] ?? chosen);
  const choice = { ...asked, parts };
  const images = await Promise.all(
    photographs.map(({ pictures: sources }, side) => loadedOnce(sources[parts[side]])),
  );
  const pair = /** @type {any} */ (await know("pair", ...setting(choice)));
  if (pair.problem) return pair;
  const question = mapQuestion(contents, choice);
  const answer = await know(...question);
  if (answer.problem) return { problem: answer.problem };
  const latents = latentsOf(pair);
  // A linear decoder's column is that of p R = 1.
  const { p, latent } = choice;
  const isColumn = question[0] === "column" && latent !== null;
  const times = isColumn ? contents.ps[p] * latents.R[latent] : 1;
  const maps = await mapsOf(answer, times);
  const doubts = [
    ...photographs.flatMap((one, side) => one.doubts[parts[side]]),
    ...pair.doubts,
  ];
  const { size, told = null } = answer;
  return { photographs, images, pair, latents, maps, size, told, choice, doubts };
}

/**
 * @param {{ h: string[], d: string, scale: number, similar: boolean }} pair
 * @returns {Latents}
 */
function latentsOf({ h, d: steps, scale, similar }) {
  const d = Array.from(bytes(steps), (step) => step / 255);
  const R = similar ? d.map((value) => 1 - value) : d;
  return { h: h.map((values) => signedNumbers({ scale, values })), d, R };
}

/**
 * @param {Answer} answer
 * @param {number} times what values are multiplied by
 */
function mapsOf({ maps, signed, size }, times) {
  const only = maps.length === 1 ? [0, 0] : [0, 1];
  return Promise.all(only.map((k) => sideOf(maps[k], signed?.[k], size[0] * size[1], times)));
}

/**
 * @param {Packed} map
 * @param {Packed | undefined} signed
 * @param {number} count of places
 * @param {number} times
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
