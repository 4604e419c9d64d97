// A photograph from the camera, where the browser and the reader allow it.

/** @import { Taking } from "../pair_explorer/types.d.ts" */

import { alarm, button, h } from "../common/elements.js";
import { pen } from "../common/maps.js";

/** @param {Taking} taking */
export function camera({ takeIn }) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  const alert = alarm();
  const film = h("video", { playsinline: true, "aria-label": "What the camera sees" });
  const place = h("div", { class: "lfs-camera", hidden: true }, film);
  const open = button("Camera", start);
  /** @type {MediaStream | null} */
  let stream = null;
  let count = 0;
  place.append(h("div", { class: "lfs-bar" }, button("Take the photograph", take), button("Close", stop)));

  async function start() {
    alert.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    } catch {
      alert.textContent = "The browser gives no camera to this page; choose a file instead.";
      return;
    }
    film.srcObject = stream;
    place.hidden = false;
    await film.play();
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    place.hidden = true;
    open.focus();
  }

  function take() {
    const canvas = h("canvas", { width: film.videoWidth, height: film.videoHeight });
    pen(canvas).drawImage(film, 0, 0);
    canvas.toBlob((content) => {
      stop();
      if (content) takeIn([new File([content], `Camera ${++count}`, { type: "image/png" })]);
    }, "image/png");
  }
  return h("div", {}, open, place, alert);
}
