// Answers the explorer's questions as Python does, by networks that run in the page.

/** @import { Answer, Ask, Question } from "../common/types.d.ts" */
/** @import { Named, Numbers, Offer, Seen, Sessions, Steps } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";
import { gallery, STALE } from "./gallery.js";
import { packedChanges, packedLatents, packedMaps, packedWithin } from "./packing.js";
import { cropped } from "./pixels.js";
import { canvasOf, pictureOf, readPixels } from "./reading.js";
import { bothOf, numbers, single } from "./sessions.js";
import { told } from "./telling.js";

/** @typedef {ReturnType<typeof gallery>} Gallery */
/** @typedef {Record<string, (...given: any[]) => Promise<Answer>>} Kinds */

const PICTURE = 160; // px, longest side
const THUMBNAIL = 72;
const WHOLE = 480; // of a photograph in which a face is chosen
const SLOW = ["occlusion", "causal"]; // methods that take windows away
/** @type {Record<string, string[]>} what methods read of the network, other than embeddings */
const READ = { simexpert: ["places"], amortised: ["C", "features"] };

/**
 * @param {Offer} offer
 * @param {Sessions} sessions
 * @param {(words: string) => void} say what is being done
 */
export function engine(offer, sessions, say) {
  const names = (offer.entries ?? []).map(({ name }) => name);
  const photographs = gallery(offer.own, names, sessions, say);
  const kinds = {
    ...ofPhotographs(photographs),
    ...ofPairs(offer, sessions, photographs),
    ...ofDecoders(offer, sessions, photographs),
  };

  /** @type {(question: Question) => Answer | undefined} what was answered when the page was made */
  const prepared = ([kind, ...of]) =>
    offer.answers[[kind, ...(kind === "map" ? of.slice(0, 1) : of)].join()];

  /** @type {Ask} */
  async function ask(...question) {
    const known = prepared(question);
    if (known) return known;
    const [kind, ...of] = question;
    try {
      return await /** @type {Kinds} */ (kinds)[kind](...of);
    } catch (error) {
      const words = /** @type {Error} */ (error).message;
      return { problem: words === STALE ? "Stopped." : words };
    }
  }
  return { ask, hurry: photographs.hurry };
}

/** @type {(photographs: Gallery) => Kinds} */
const ofPhotographs = (photographs) => ({
  async upload(name, text) {
    const pixels = await readPixels(new Blob([bytes(text)]), name);
    const item = photographs.add({ name, pixels, isCut: false });
    return { item, name, picture: pictureOf(pixels, THUMBNAIL) };
  },
  async cut(from, left, top, side) {
    const whole = await photographs.at(from);
    const pixels = cropped(whole.pixels, [left, top, left + side, top + side]);
    const name = `${whole.name}, cut by hand`;
    const item = photographs.add({ name, pixels, isCut: true });
    return { item, name, picture: pictureOf(pixels, THUMBNAIL) };
  },
  async whole(item) {
    const { name, pixels } = await photographs.at(item);
    return { name, canvas: canvasOf(pixels) };
  },
  async photograph(_, item) {
    const { name, pixels } = await photographs.at(item);
    const found = await photographs.partsAt(item);
    const boxes = found.flatMap(({ box }) => (box ? [box.map((at) => 100 * at)] : []));
    return {
      name,
      pictures: found.map((part) => pictureOf(part.pixels, PICTURE)),
      doubts: found.map(({ doubts }) => doubts.map((words) => words.replace("{name}", name))),
      chosen: found.chosen,
      faces: boxes.length > 1 ? { picture: pictureOf(pixels, WHOLE), boxes } : null,
    };
  },
});

/** @type {(steps: Steps, similarity: number) => string} */
const wordsAt = (steps, similarity) =>
  (steps.find(([limit]) => similarity <= limit) ?? steps[steps.length - 1])[1];

/** @type {(both: Seen[]) => Promise<Named[]>} */
const madeOf = (both) => Promise.all(both.map(({ made }) => made));

/** @type {(offer: Offer, sessions: Sessions, photographs: Gallery) => Kinds} */
const ofPairs = ({ own, telling, thresholds }, sessions, photographs) => ({
  async pair(...setting) {
    const h = bothOf(await madeOf(await photographs.both(setting)), "h");
    const { similarity, d } = await sessions.run("pair", { h });
    const value = similarity.data[0];
    const limit = thresholds[setting[5]];
    const similar = value > limit;
    const { near, outside } = own;
    const isOutside = outside && (value < outside.low || value > outside.high);
    return {
      similarity: value,
      similar,
      sure: wordsAt(own.sure[Number(similar)], value),
      sureMeans: own.sureMeans,
      ...packedLatents(h.data, d.data),
      doubts: [
        ...(Math.abs(value - limit) < near.within ? [near.words] : []),
        ...(isOutside ? [outside.words] : []),
      ],
    };
  },
  async map(method, ...setting) {
    const both = await photographs.both(setting);
    const made = await madeOf(both);
    /** @type {Record<string, Numbers>} */
    const given = { h: bothOf(made, "h"), threshold: single(thresholds[setting[5]]) };
    for (const name of READ[method] ?? []) given[name] = bothOf(made, name);
    if (SLOW.includes(method)) given.C = await photographs.causalMaps(both);
    const found = await sessions.run(method, given);
    return {
      size: own.mapSize,
      maps: await packedMaps(found.maps),
      signed: await packedWithin(found.signed, found.ranges),
      told: telling.includes(method) ? told(found, own) : null,
    };
  },
});

/** @type {(offer: Offer, sessions: Sessions, photographs: Gallery) => Kinds} */
function ofDecoders({ ps, thresholds }, sessions, photographs) {
  /** @type {(decoder: string, p: number, j: number | null, setting: number[]) => Promise<Answer>} */
  async function changes(decoder, p, j, setting) {
    const h = bothOf(await madeOf(await photographs.both(setting)), "h");
    const [, width] = h.dims;
    const only = new Float32Array(width).fill(j === null ? 1 : 0);
    if (j !== null) only[j] = 1;
    const { change } = await sessions.run(`decoder-${decoder}`, {
      h,
      only: numbers(only, width),
      p: single(ps[p]),
      threshold: single(thresholds[setting[5]]),
    });
    return { size: change.dims.slice(1), maps: await packedChanges(change), signed: null };
  }
  return {
    decoded: (decoder, p, ...setting) => changes(decoder, p, null, setting),
    latent: (decoder, p, j, ...setting) => changes(decoder, p, j, setting),
  };
}
