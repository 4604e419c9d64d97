// A photograph in which one of several faces is chosen.

/** @import { Faces } from "./types.d.ts" */

import { choices, h, mark, photograph } from "./elements.js";

/**
 * Faces are numbered from left to right; a click, or an arrow key, chooses one.
 *
 * @param {string} label
 * @param {((k: number) => void) | null} chosen is told the place of the face, from 0; null where
 *   none can be chosen
 */
export function faceChooser(label, chosen) {
  const boxes = choices("lfs-boxes", label);
  const picture = h("div", { class: "lfs-faces" });
  const hint = h("p", { class: "lfs-hint" });
  const element = h("div", { hidden: true }, picture, hint);
  let source = "";
  /** @type {(faces: Faces | null, name: string, current: number) => void} */
  function show(faces, name, current) {
    element.hidden = !faces;
    if (!faces) return;
    if (source !== faces.picture) {
      source = faces.picture;
      picture.replaceChildren(photograph(source, name), boxes);
      boxes.replaceChildren(...faces.boxes.map((box, k) => boxOf(box, k, name)));
    }
    mark(boxes, current);
    const which = `Face ${current + 1} of ${faces.boxes.length}, from left to right, is chosen.`;
    hint.textContent = chosen ? `${which} Click another one.` : which;
  }
  /** @type {(box: number[], k: number, name: string) => HTMLElement} sides in per cent */
  function boxOf([left, top, right, bottom], k, name) {
    const style = `left:${left}%;top:${top}%;width:${right - left}%;height:${bottom - top}%`;
    const words = `Face ${k + 1} in ${name}`;
    const properties = { type: "button", style, title: words, "aria-label": words };
    const onclick = () => chosen?.(k);
    return h("button", { ...properties, onclick, disabled: !chosen }, h("span", {}, k + 1));
  }
  return { element, show };
}
