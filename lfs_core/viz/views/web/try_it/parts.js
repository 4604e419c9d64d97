// What of a photograph a network can read: its faces, the whole, or the square in its middle.

/** @import { Run } from "./detection.d.ts" */
/** @import { Own, Part, Sessions, Taken } from "./types.d.ts" */

import { findFaces } from "./detector.js";
import { centreSquare, chosenFace, cropFace, sharesOf, SURE } from "./framing.js";
import { numbers } from "./sessions.js";
import { resized } from "./resampling.js";

const OUTPUTS = ["regression", "probabilities", "landmarks"];

/** @type {(sessions: Sessions) => Run} the detector's networks */
const detection = (sessions) => async (name, data, shape) => {
  const made = await sessions.run(`faces-${name}`, { images: numbers(data, ...shape) });
  return OUTPUTS.filter((of) => of in made).map((of) => made[of].data);
};

/**
 * Its parts from left to right, and which is read if nobody says.
 *
 * @param {Taken} taken
 * @param {Own} own
 * @param {Sessions} sessions
 */
export async function partsOf({ pixels, isCut }, own, sessions) {
  const { width, height } = pixels;
  /** @type {Part[]} */
  let found = [];
  let chosen = 0;
  if (own.framing === "face" && !isCut) {
    const faces = await findFaces(pixels, detection(sessions));
    found = faces.map((face) => ({
      pixels: cropFace(pixels, face),
      doubts: face.probability < SURE ? [own.unsure] : [],
      box: sharesOf(face, [width, height]),
    }));
    if (faces.length) chosen = chosenFace(faces, [width, height]);
  }
  if (!found.length) {
    const framed = own.framing === "centre" && !isCut ? centreSquare(pixels) : pixels;
    const part = isCut ? resized(framed, [own.size, own.size]) : framed;
    const doubts = own.framing === "face" && !isCut ? [own.noFace] : [];
    found = [{ pixels: part, doubts, box: null }];
  }
  return Object.assign(found, { chosen });
}
