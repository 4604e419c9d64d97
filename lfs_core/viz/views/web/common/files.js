// The reader's own files.

/** @import { Answer, Ask } from "./types.d.ts" */

import { h } from "./elements.js";

const MAX_UPLOAD = 7; // MB; as text it has a third more, and Jupyter takes 10

/** @param {File} file */
async function asText(file) {
  const content = new Uint8Array(await file.arrayBuffer());
  let letters = "";
  for (let k = 0; k < content.length; k += 8192) {
    letters += String.fromCharCode(...content.subarray(k, k + 8192));
  }
  return btoa(letters);
}

/**
 * Sends files to Python, one after the other.
 *
 * @param {File[]} files
 * @param {Ask} ask
 * @returns {Promise<{ taken: Answer[], problems: string[] }>} what Python took in, and what was
 *   wrong with the others
 */
export async function sendFiles(files, ask) {
  const taken = [];
  const problems = [];
  for (const file of files) {
    const megabytes = file.size / 1e6;
    const answer =
      megabytes > MAX_UPLOAD
        ? { problem: `${file.name} has ${megabytes.toFixed(1)} MB; reduce it to ${MAX_UPLOAD}.` }
        : await ask("upload", file.name, await asText(file));
    if (answer.problem) problems.push(answer.problem);
    else taken.push(answer);
  }
  return { taken, problems };
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
