// The reader's own files.

/** @import { Answer, Ask } from "./types.d.ts" */

import { h } from "./elements.js";

const MAX_UPLOAD = 7e6; // bytes; as text it has a third more, and Jupyter takes 10 MB
const REDUCED = [4096, 2048, 1024]; // px, longest side of a photograph that was too large

/** @param {number} size */
const megabytes = (size) => `${(size / 1e6).toFixed(1)} MB`;

/**
 * A photograph that can be sent, smaller if it is too large; and what the reader is told.
 *
 * @param {File} file
 * @returns {Promise<[Blob | null, string]>} null if it cannot be read
 */
async function sendable(file) {
  if (file.size <= MAX_UPLOAD) return [file, ""];
  // Turned as its camera says: what is sent no longer tells.
  const image = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  for (const side of image ? REDUCED : []) {
    const { width, height } = /** @type {ImageBitmap} */ (image);
    const scale = Math.min(1, side / Math.max(width, height));
    const size = [width, height].map((x) => Math.max(1, Math.round(x * scale)));
    const canvas = new OffscreenCanvas(size[0], size[1]);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = "white"; // where it is transparent, as in Python
    context.fillRect(0, 0, size[0], size[1]);
    context.imageSmoothingQuality = "high";
    context.drawImage(/** @type {ImageBitmap} */ (image), 0, 0, size[0], size[1]);
    const content = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    const was = `${file.name} (${megabytes(file.size)}, ${width} \u00d7 ${height})`;
    if (content.size <= MAX_UPLOAD) return [content, `${was} was reduced to ${size.join(" \u00d7 ")}.`];
  }
  const words = `has ${megabytes(file.size)}, and this browser cannot read it to make it smaller`;
  return [null, `${file.name} ${words}; save it as a JPEG of less than ${megabytes(MAX_UPLOAD)}.`];
}

/** @type {(file: Blob) => Promise<string>} its bytes as text */
const asText = (file) =>
  new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).split(",")[1] ?? "");
    reader.readAsDataURL(file);
  });

/**
 * Sends files to Python, one after the other.
 *
 * @param {File[]} files
 * @param {Ask} ask
 * @returns {Promise<{ taken: Answer[], said: string[] }>} what Python took in; what was wrong with
 *   the others, and which were reduced
 */
export async function sendFiles(files, ask) {
  const taken = [];
  const said = [];
  for (const file of files) {
    const [content, note] = await sendable(file);
    const answer = content && (await ask("upload", file.name, await asText(content)));
    if (answer && !answer.problem) taken.push(answer);
    said.push(answer?.problem ?? note);
  }
  return { taken, said: said.filter(Boolean) };
}

/**
 * Where files are chosen, or dropped.
 *
 * @type {(text: string, takeIn: (files: File[]) => Promise<void>) => HTMLElement}
 */
export function dropZone(text, takeIn) {
  const upload = h("input", { type: "file", accept: "image/*", multiple: true });
  upload.addEventListener("change", async () => {
    await takeIn([...(upload.files ?? [])]);
    upload.value = "";
  });
  return h("label", { class: "lfs-drop" }, text, upload);
}

/**
 * Gives the reader a file.
 *
 * @type {(name: string, content: Blob) => void}
 */
export function download(name, content) {
  const link = h("a", { download: name, href: URL.createObjectURL(content) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
