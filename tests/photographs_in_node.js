// What the browser does with photographs, done by Node: a list of jobs is read, and answered.
//
// A job is [name of a function, photograph or numbers, what else it takes]. Bytes go as base64.

import { findFaces } from "./try_it/detector.js";
import { centreSquare, chosenFace, cropFace, reduced, sharesOf } from "./try_it/framing.js";
import { areaSums, averaged, cropped, onWhite, toFloats } from "./try_it/pixels.js";
import { floatsResized, LANCZOS, BILINEAR, resized } from "./try_it/resampling.js";

const fs = await import("node:fs");
const url = await import("node:url");
const argument = (k) => process.argv[k + 2];
const jobsFile = argument(0);
const answersFile = argument(1);
const networks = argument(2);
const runtime = argument(3);
const wasm = argument(4);

const runs = networks && (await detector());

async function detector() {
  const ort = await import(url.pathToFileURL(runtime).href);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = fs.readFileSync(wasm);
  const sessions = {};
  for (const name of ["p", "r", "o"]) {
    sessions[name] = await ort.InferenceSession.create(fs.readFileSync(`${networks}/${name}.onnx`));
  }
  return async (name, data, shape) => {
    const session = sessions[name];
    const outputs = await session.run({ images: new ort.Tensor("float32", data, shape) });
    return session.outputNames.map((output) => outputs[output].data);
  };
}

const packed = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
const sent = ({ width, height, data }) => ({ width, height, data: packed(data) });
const floats = (text) => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);

const tasks = {
  async faces(pixels) {
    const started = performance.now();
    const faces = await findFaces(pixels, runs);
    const milliseconds = performance.now() - started;
    const size = [pixels.width, pixels.height];
    const chosen = faces.length ? chosenFace(faces, size) : null;
    const shares = faces.map((face) => sharesOf(face, size));
    return { faces, chosen, shares, crops: faces.map((face) => sent(cropFace(pixels, face))), milliseconds };
  },
  cropFace: (pixels, box) => sent(cropFace(pixels, { box })),
  cropped: (pixels, box) => sent(cropped(pixels, box)),
  centreSquare: (pixels) => sent(centreSquare(pixels)),
  onWhite: (pixels) => sent(onWhite(pixels)),
  reduced: (pixels) => sent(reduced(pixels)),
  bilinear: (pixels, size) => sent(resized(pixels, size, BILINEAR)),
  lanczos: (pixels, size) => sent(resized(pixels, size, LANCZOS)),
  toFloats: (pixels) => packed(toFloats(pixels)),
  floatsResized: (values, from, size) => packed(floatsResized(floats(values), from, size)),
  averaged(pixels, box, size) {
    const into = new Float32Array(3 * size[0] * size[1]);
    averaged(areaSums(pixels), box, size, into);
    return packed(into);
  },
};

const answers = [];
for (const [name, given, ...others] of JSON.parse(fs.readFileSync(jobsFile, "utf8"))) {
  const data = given.data && new Uint8ClampedArray(Buffer.from(given.data, "base64"));
  answers.push(await tasks[name](data ? { ...given, data } : given, ...others));
}
fs.writeFileSync(answersFile, JSON.stringify(answers));
