// A photograph in which one of several faces is chosen.

/** @import { Faces } from "./types.d.ts" */

import { h, mark, moveWithArrows, photograph } from "./elements.js";

/**
 * Faces are numbered from left to right; a click, or an arrow key, chooses one.
 *
 * @param {string} label
 * @param {((k: number) => void) | null} chosen is told the place of the face, from 0; null where
 *   none can be chosen
 */
export function faceChooser(label, chosen) {
  const boxes = h("div", { class: "lfs-boxes", role: "group", "aria-label": label });
  const image = photograph("");
  const picture = h("div", { class: "lfs-faces" }, boxes); // a picture of nothing is a broken one
  const hint = h("p", { class: "lfs-hint" });
  const element = h("div", { hidden: true }, picture, hint);
  moveWithArrows(boxes, "button", (box) => box.click());
  /**
   * @param {Faces | null} faces
   * @param {string} name of the photograph
   * @param {number} current
   */
  function show(faces, name, current) {
    element.hidden = !faces;
    if (!faces) return;
    if (image.getAttribute("src") !== faces.picture) {
      image.src = faces.picture;
      picture.prepend(image);
      boxes.replaceChildren(...faces.boxes.map((box, k) => boxOf(box, k, name)));
    }
    mark(boxes, current);
    const count = faces.boxes.length;
    const which = `Face ${current + 1} of ${count}, from left to right, is chosen.`;
    hint.textContent = chosen ? `${which} Click another one.` : which;
  }
  /**
   * @param {number[]} box left, top, right and bottom, in per cent
   * @param {number} k
   * @param {string} name
   */
  function boxOf([left, top, right, bottom], k, name) {
    const [width, height] = [right - left, bottom - top];
    const style = `left:${left}%;top:${top}%;width:${width}%;height:${height}%`;
    const words = `Face ${k + 1} in ${name}`;
    const properties = { type: "button", style, title: words, "aria-label": words };
    const onclick = () => chosen?.(k);
    return h("button", { ...properties, onclick, disabled: !chosen }, h("span", {}, k + 1));
  }
  return { element, show };
}
