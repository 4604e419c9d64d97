// The reader's own files.

/** @import { Answer, Ask } from "./types.d.ts" */

import { h } from "./elements.js";

const MAX_UPLOAD = 7e6; // bytes; as text it has a third more, and Jupyter takes 10 MB
const REDUCED = [4096, 2048, 1024]; // px, longest side of a photograph that was too large
const JPEG_QUALITY = 0.92; // of JPEG

/**
 * A photograph that can be sent: itself, or smaller if it is too large; null if it cannot be read.
 *
 * @param {File} file
 * @returns {Promise<{ content: Blob, note: string } | null>}
 */
async function sendable(file) {
  if (file.size <= MAX_UPLOAD) return { content: file, note: "" };
  // Turned as its camera says: what is sent no longer tells.
  const image = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!image) return null;
  for (const side of REDUCED) {
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const [width, height] = [image.width, image.height].map((x) => Math.max(1, Math.round(x * scale)));
    const canvas = h("canvas", { width, height });
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.fillStyle = "white"; // where it is transparent, as in Python
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
    const content = await new Promise(
      /** @param {(blob: Blob | null) => void} done */
      (done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY),
    );
    if (content && content.size <= MAX_UPLOAD) {
      const from = `${(file.size / 1e6).toFixed(1)} MB, ${image.width} \u00d7 ${image.height}`;
      return { content, note: `${file.name} (${from}) was reduced to ${width} \u00d7 ${height}.` };
    }
  }
  return null;
}

/** @param {Blob} file */
async function asText(file) {
  const content = new Uint8Array(await file.arrayBuffer());
  let letters = "";
  for (let k = 0; k < content.length; k += 8192) {
    letters += String.fromCharCode(...content.subarray(k, k + 8192));
  }
  return btoa(letters);
}

/** @param {File} file */
const tooLarge = ({ name, size }) =>
  `${name} has ${(size / 1e6).toFixed(1)} MB, and this browser cannot read it to make it smaller; ` +
  `save it as a JPEG of less than ${MAX_UPLOAD / 1e6} MB.`;

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
    const found = await sendable(file);
    const answer = found
      ? await ask("upload", file.name, await asText(found.content))
      : { problem: tooLarge(file) };
    if (answer.problem) said.push(answer.problem);
    else taken.push(answer);
    if (found?.note && !answer.problem) said.push(found.note);
  }
  return { taken, said };
}

/**
 * Where files are chosen, or dropped.
 *
 * @param {string} text
 * @param {(files: File[]) => Promise<void>} takeIn
 */
export function dropZone(text, takeIn) {
  const upload = h("input", { type: "file", accept: "image/*", multiple: true });
  upload.addEventListener("change", async () => {
    await takeIn([...(upload.files ?? [])]);
    upload.value = "";
  });
  const drop = h("label", { class: "lfs-drop" }, text, upload);
  for (const event of ["dragenter", "dragover"]) {
    drop.addEventListener(event, (e) => {
      e.preventDefault();
      drop.classList.add("lfs-over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("lfs-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("lfs-over");
    takeIn([...(event.dataTransfer?.files ?? [])]);
  });
  return drop;
}

/**
 * Gives the reader a file.
 *
 * @param {string} name
 * @param {Blob} content
 */
export function download(name, content) {
  const link = h("a", { download: name, href: URL.createObjectURL(content) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
