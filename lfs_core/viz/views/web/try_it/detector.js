// Faces in a photograph, found by MTCNN as facenet_pytorch does it in Python.

/** @import { Box, Candidate, Face, Pixels, Run, Sums } from "./detection.d.ts" */

import { areaOf, ofSmaller, surest } from "./nms.js";
import { areaSums, averaged } from "./pixels.js";

const SMALLEST = 20; // px, the smallest face looked for
const CELL = 12; // px of a photograph that the first network reads for one place
const STEP = 2; // px between such places
const SMALLER = 0.709; // each size of the photograph, of the one before
const LEAST = { p: 0.6, r: 0.7, o: 0.7 }; // the probability from which a candidate stays
const SIDE = { r: 24, o: 48 }; // px that these networks read
const BATCH = 512; // boxes at once, so that memory does not grow with their number

/**
 * The faces of a photograph, from left to right.
 *
 * @param {Pixels} pixels upright and opaque
 * @param {Run} run
 * @returns {Promise<Face[]>}
 */
export async function findFaces(pixels, run) {
  const { width, height } = pixels;
  if (Math.min(width, height) < SMALLEST) return [];
  const sums = areaSums(pixels);
  /** @type {Candidate[]} */
  const found = [];
  for (const scale of scalesOf(Math.min(width, height))) {
    found.push(...surest(await proposed(sums, scale, run), 0.5));
  }
  const first = surest(found, 0.7).map((of) => ({ ...of, box: squared(moved(of, 0)) }));
  const second = surest(await judged(sums, first, "r", run), 0.7);
  const squares = second.map((of) => ({ ...of, box: squared(moved(of, 1)) }));
  const third = await judged(sums, squares, "o", run);
  const faces = third.map((of) => ({ ...of, box: moved(of, 1), landmarks: placed(of) }));
  // Of equally sure ones the first stays; which one NumPy keeps depends on the processor.
  return surest(faces, 0.7, ofSmaller)
    .map(({ box, score, landmarks }) => ({ box, probability: score, landmarks }))
    .sort(fromLeft);
}

/** @param {number} side the photograph's short one */
function scalesOf(side) {
  const scales = [];
  let scale = CELL / SMALLEST;
  for (let short = side * scale; short >= CELL; short *= SMALLER) {
    scales.push(scale);
    scale *= SMALLER;
  }
  return scales;
}

/**
 * Where the first network sees faces in one size of the photograph.
 *
 * @type {(sums: Sums, scale: number, run: Run) => Promise<Candidate[]>}
 */
async function proposed(sums, scale, run) {
  const width = Math.trunc(sums.width * scale + 1);
  const height = Math.trunc(sums.height * scale + 1);
  const data = new Float32Array(3 * width * height);
  averaged(sums, [0, 0, sums.width, sums.height], [width, height], data);
  const [shifts, probabilities] = await run("p", asRead(data), [1, 3, height, width]);
  const columns = Math.ceil((width - 2) / STEP) - 4;
  const places = probabilities.length / 2;
  const found = [];
  for (let k = 0; k < places; k++) {
    const score = probabilities[places + k];
    if (score < Math.fround(LEAST.p)) continue;
    const [x, y] = [STEP * (k % columns), STEP * Math.floor(k / columns)];
    const corners = [x + 1, y + 1, x + CELL, y + CELL].map((at) => unscaled(at, scale));
    const shift = [0, 1, 2, 3].map((side) => shifts[side * places + k]);
    found.push({ box: /** @type {Box} */ (corners), score, shift });
  }
  return found;
}

/** @type {(at: number, scale: number) => number} a whole pixel, rounded as in Python */
const unscaled = (at, scale) => Math.floor(Math.fround(at / Math.fround(scale)));

/**
 * The candidates in which a network that looks more closely still sees a face.
 *
 * @type {(sums: Sums, candidates: Candidate[], name: "r" | "o", run: Run) => Promise<Candidate[]>}
 */
async function judged(sums, candidates, name, run) {
  const side = SIDE[name];
  const size = 3 * side * side;
  const seen = candidates
    .map(({ box }) => ({ box, within: visible(box, sums) }))
    .filter(({ within: [left, top, right, bottom] }) => right > left && bottom > top);
  const found = [];
  for (let start = 0; start < seen.length; start += BATCH) {
    const batch = seen.slice(start, start + BATCH);
    const data = new Float32Array(batch.length * size);
    batch.forEach(({ within }, k) =>
      averaged(sums, within, [side, side], data.subarray(k * size, (k + 1) * size)),
    );
    const shape = [batch.length, 3, side, side];
    const [shifts, probabilities, points] = await run(name, asRead(data), shape);
    for (const [k, { box }] of batch.entries()) {
      const score = probabilities[2 * k + 1];
      if (!(score > Math.fround(LEAST[name]))) continue;
      const shift = shifts.subarray(4 * k, 4 * k + 4);
      found.push({ box, score, shift, points: points?.subarray(10 * k, 10 * k + 10) });
    }
  }
  return found;
}

/** @type {(data: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>} in [-1, 1], in place */
function asRead(data) {
  for (let k = 0; k < data.length; k++) data[k] = (data[k] - 127.5) / 128;
  return data;
}

/** @type {(box: Box, sums: Sums) => Box} the whole pixels of a box that are in the photograph */
const visible = ([left, top, right, bottom], { width, height }) => [
  Math.max(Math.trunc(left), 1) - 1,
  Math.max(Math.trunc(top), 1) - 1,
  Math.min(Math.trunc(right), width),
  Math.min(Math.trunc(bottom), height),
];

/** @type {(candidate: Candidate, edge: number) => Box} `edge`: whether the last pixel counts */
function moved({ box: [left, top, right, bottom], shift }, edge) {
  const width = right - left + edge;
  const height = bottom - top + edge;
  return [
    left + shift[0] * width,
    top + shift[1] * height,
    right + shift[2] * width,
    bottom + shift[3] * height,
  ];
}

/** @type {(box: Box) => Box} as wide as it is high, around the same middle */
function squared([left, top, right, bottom]) {
  const side = Math.max(right - left, bottom - top);
  const [x, y] = [(left + right - side) / 2, (top + bottom - side) / 2];
  return [x, y, x + side, y + side];
}

/** @type {(candidate: Candidate) => number[][]} */
const placed = ({ box: [left, top, right, bottom], points = [] }) =>
  [0, 1, 2, 3, 4].map((k) => [
    left - 1 + (right - left + 1) * points[k],
    top - 1 + (bottom - top + 1) * points[k + 5],
  ]);

/** @type {(one: Face, other: Face) => number} */
const fromLeft = ({ box: one }, { box: other }) =>
  one[0] - other[0] || areaOf(other) - areaOf(one);
