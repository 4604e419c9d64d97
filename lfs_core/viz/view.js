// What all views share; it comes before each view's own code.

// Elements

function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  // Else JupyterLab would take keys for its own: "d d" deletes the cell.
  if (node.tabIndex >= 0 || tag === "dialog") node.dataset.lmSuppressShortcuts = "true";
  node.append(...children.filter((child) => child != null));
  return node;
}

const button = (text, onclick, properties = {}) =>
  h("button", { type: "button", onclick, ...properties }, text);

// A button that is disabled while it has the focus hands it on.
function enable(one, enabled, otherwise) {
  const focused = document.activeElement === one;
  one.disabled = !enabled;
  if (focused && !enabled) otherwise.focus();
}

// One of several elements is in the tab order; arrows, Home and End move among them.
function moveWithArrows(group, selector, chosen = () => {}) {
  const all = () => [...group.querySelectorAll(selector)];
  const enter = (item) => all().forEach((other) => (other.tabIndex = other === item ? 0 : -1));
  group.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) enter(item);
  });
  group.addEventListener("keydown", (event) => {
    const items = all();
    const place = items.indexOf(document.activeElement);
    if (place < 0) return;
    const perLine = items.filter((item) => item.offsetTop === items[0].offsetTop).length;
    const target = {
      ArrowRight: place + 1,
      ArrowLeft: place - 1,
      ArrowDown: place + perLine,
      ArrowUp: place - perLine,
      Home: 0,
      End: items.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    if (!items[target]) return;
    items[target].focus();
    chosen(items[target]);
  });
  const first = group.querySelector(`${selector}[aria-current="true"]`) ?? all()[0];
  if (first) enter(first);
}

// A slider with its name and value, from 0 to 1 or over a list of numbers; `oninput` is told the
// number, or its place in the list.
function slider(text, value, oninput, numbers = null) {
  const read = (at) => (numbers ? numbers[at] : at).toFixed(2).replace("-", "\u2212");
  const shownValue = h("output", {}, read(value));
  const range = numbers ? { max: numbers.length - 1, step: 1 } : { max: 1, step: 0.01 };
  // The name is without the value, which would change it.
  const input = h("input", { type: "range", "aria-label": text, min: 0, ...range, value });
  const say = () => numbers && input.setAttribute("aria-valuetext", read(Number(input.value)));
  say();
  input.addEventListener("input", () => {
    shownValue.textContent = read(Number(input.value));
    say();
    oninput(Number(input.value));
  });
  return h("label", {}, text, input, shownValue);
}

// A choice of several: {value: what is read}.
function chooser(text, choices, value, onchange) {
  const options = Object.entries(choices).map(([key, name]) => h("option", { value: key }, name));
  const properties = { "aria-label": text, onchange: () => onchange(select.value) };
  const select = h("select", properties, ...options);
  select.value = value;
  return h("label", {}, `${text} `, select);
}

// What is chosen is also where keys enter the group.
const mark = (group, k) =>
  [...group.children].forEach((one, at) => {
    one.setAttribute("aria-current", at === k);
    one.tabIndex = at === k ? 0 : -1;
  });

// Files

const MAX_UPLOAD = 7; // MB; as text it has a third more, and Jupyter takes 10

async function asText(file) {
  const content = new Uint8Array(await file.arrayBuffer());
  let letters = "";
  for (let k = 0; k < content.length; k += 8192) {
    letters += String.fromCharCode(...content.subarray(k, k + 8192));
  }
  return btoa(letters);
}

// Files sent to Python, one after the other: what it took in, and what was wrong with the others.
async function sendFiles(files, ask) {
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

// Where files are chosen, or dropped.
function dropZone(text, takeIn) {
  const upload = h("input", { type: "file", accept: "image/*", multiple: true });
  upload.addEventListener("change", async () => {
    await takeIn([...upload.files]);
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
    takeIn([...event.dataTransfer.files]);
  });
  return drop;
}

// Asking

// One question at a time: of several that are set quickly, Jupyter would send only the last. What
// the reader waits for goes before pictures.
function asker(model, busy) {
  const mark = `${Math.random()}`.slice(2);
  const urgent = [];
  const later = [];
  let open = null;
  let count = 0;
  const next = () => {
    open = urgent.shift() ?? later.shift() ?? null;
    busy(open !== null);
    if (!open) return;
    model.set("request", { id: open.id, ask: open.question });
    model.save_changes();
  };
  const receive = () => {
    const { id, answer } = model.get("response");
    if (!open || id !== open.id) return;
    open.done(answer);
    next();
  };
  model.on("change:response", receive);
  const ask = (question, queue = urgent) =>
    new Promise((done) => {
      queue.push({ id: `${mark}-${count++}`, question, done });
      if (!open) next();
    });
  return {
    ask: (...question) => ask(question),
    askLater: (...question) => ask(question, later),
    stop: () => model.off("change:response", receive),
  };
}

// A model without Python: it answers from a table.
function tableModel(contents) {
  const values = { contents, request: {}, response: {} };
  const listeners = new Set();
  const missing = { problem: "This page does not hold this. Live, in JupyterLab, it can be asked." };
  return {
    get: (key) => values[key],
    set: (key, value) => (values[key] = value),
    on: (event, listener) => event === "change:response" && listeners.add(listener),
    off: (event, listener) => listeners.delete(listener),
    save_changes: () =>
      queueMicrotask(() => {
        const { id, ask } = values.request;
        values.response = { id, answer: contents.answers[ask.join()] ?? missing };
        listeners.forEach((listener) => listener());
      }),
  };
}

// Says when Python takes long to answer, or has gone.
function patience(model, live) {
  const note = h("p", { class: "lfs-waiting", role: "status", hidden: true });
  let timers = [];
  const say = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };
  const gone = () =>
    say("Python does not answer. If its kernel was restarted, run the cell again; what is shown stays.");
  // Jupyter says so when the kernel is restarted, before anything is asked.
  if (live) model.on("comm_live_update", gone);
  const stop = () => timers.forEach(clearTimeout);
  return {
    note,
    busy(open) {
      stop();
      if (!open) say("");
      else if (live) {
        timers = [setTimeout(say, 3000, "Waiting for Python \u2026"), setTimeout(gone, 20000)];
      }
    },
    stop() {
      stop();
      if (live) model.off("comm_live_update", gone);
    },
  };
}

// Bytes

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream();
  const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
  const steps = new Uint8Array(await new Response(inflated).arrayBuffer());
  for (let k = 1; k < steps.length; k++) steps[k] += steps[k - 1]; // they came as differences
  return steps;
}

// Pictures and numbers

async function picture(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

const decimals = (value, count) => value.toFixed(count).replace("-", "\u2212");

// A map's values, from its steps.
async function unpacked({ range: [low, high], steps }) {
  const found = await inflate(steps);
  return Float32Array.from(found, (step) => low + ((high - low) * step) / 255);
}

// A signed value with its sign and three digits, however small it is.
function withSign(value) {
  const digits = Math.abs(value) < 0.001 ? value.toExponential(2) : value.toPrecision(3);
  return (value > 0 ? "+" : "") + (value ? digits.replaceAll("-", "\u2212") : "0");
}

// Maps

// The map's values at the centres of (width x height) pixels, between its own pixels' centres.
function enlarge(steps, [rows, columns], width, height) {
  const place = (k, length, count) => {
    const x = Math.min(Math.max(((k + 0.5) / length) * count - 0.5, 0), count - 1);
    const low = Math.floor(x);
    return [low, Math.min(low + 1, count - 1), x - low];
  };
  const across = Array.from({ length: width }, (_, x) => place(x, width, columns));
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const [top, bottom, v] = place(y, height, rows);
    for (let x = 0; x < width; x++) {
      const [left, right, u] = across[x];
      const above = steps[top * columns + left] * (1 - u) + steps[top * columns + right] * u;
      const below = steps[bottom * columns + left] * (1 - u) + steps[bottom * columns + right] * u;
      values[y * width + x] = above * (1 - v) + below * v;
    }
  }
  return values;
}

// The map's colours: full where it is above the threshold, `below` (0 to 1) of it elsewhere.
function colourLayer(values, width, height, colours, threshold, above, below) {
  const layer = h("canvas", { width, height });
  const context = layer.getContext("2d");
  const pixels = context.createImageData(width, height);
  const { data } = pixels;
  for (let k = 0; k < values.length; k++) {
    const colour = 3 * Math.round(values[k]);
    data[4 * k] = colours[colour];
    data[4 * k + 1] = colours[colour + 1];
    data[4 * k + 2] = colours[colour + 2];
    data[4 * k + 3] = 255 * (values[k] > 255 * threshold ? above : below);
  }
  context.putImageData(pixels, 0, 0);
  return layer;
}

function drawGrey(context, image, width, height) {
  context.drawImage(image, 0, 0, width, height);
  context.globalCompositeOperation = "saturation";
  context.fillStyle = "grey";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
  context.fillStyle = "rgb(0 0 0 / 0.4)";
  context.fillRect(0, 0, width, height);
}

// Width and height of a picture of some proportion, neither above `side`.
const within = (side, ratio) => [
  Math.round(side * Math.min(1, ratio)),
  Math.round(side * Math.min(1, 1 / ratio)),
];

// A map alone, from x on; what is not above the threshold is dim.
function drawAlone(context, x, values, width, height, { colours, threshold }) {
  context.fillStyle = "black";
  context.fillRect(x, 0, width, height);
  context.drawImage(colourLayer(values, width, height, colours, threshold, 1, 0.3), x, 0);
}

// What is above the threshold, over the photograph in grey.
function drawOver(context, image, values, width, height, { colours, threshold, opacity }) {
  if (image) drawGrey(context, image, width, height);
  context.drawImage(colourLayer(values, width, height, colours, threshold, opacity, 0), 0, 0);
}

// A map beside its photograph if `how.apart`, else over it.
function drawMap(canvas, image, values, width, height, how) {
  canvas.width = how.apart ? 2 * width : width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (how.apart) {
    if (image) context.drawImage(image, 0, 0, width, height);
    drawAlone(context, width, values, width, height, how);
  } else drawOver(context, image, values, width, height, how);
}

// How many of a map's pixels lie above the threshold.
function shareAbove(values, threshold) {
  const above = values.filter((value) => value > 255 * threshold).length;
  const share = Math.round((100 * above) / values.length);
  return above && !share ? "less than 1 %" : `${share} %`;
}

function colourBar(colours, text, highest = "1") {
  const stops = [];
  for (let k = 0; k < 256; k += 15) stops.push(`rgb(${colours.slice(3 * k, 3 * k + 3)})`);
  return h(
    "div",
    { class: "lfs-scale" },
    h("div", { style: `background: linear-gradient(to right, ${stops})` }),
    h("span", {}, "0"),
    h("span", {}, text),
    h("span", {}, highest),
  );
}

// Two pictures, and a place in them whose values are read

const SIDES = ["First image", "Second image"];
const POINT = "Point at a picture, or use arrow keys on it, to read the values there.";

// Both are canvases with room for facts below. The place is [column, row] of maps of some size.
//   size: gives [rows, columns] of the maps, if there are any
//   apart: whether each canvas shows photograph and map beside each other
//   read: is told the place that is pointed at, or null
function twoPictures(size, apart, read) {
  let point = null;
  const inside = (place, count) => Math.min(Math.max(place, 0), count - 1);

  function pointAt({ currentTarget, clientX, clientY }) {
    if (!size()) return;
    const box = currentTarget.getBoundingClientRect();
    const across = ((clientX - box.left) / box.width) * (apart() ? 2 : 1);
    const parts = [across % 1, (clientY - box.top) / box.height];
    const counts = [size()[1], size()[0]];
    read(parts.map((part, k) => inside(Math.floor(part * counts[k]), counts[k])));
  }

  function moveBy(event) {
    if (!size()) return;
    const [rows, columns] = size();
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const by = steps[event.key];
    if (!by) return;
    event.preventDefault();
    const [column, row] = point ?? [Math.floor(columns / 2), Math.floor(rows / 2)];
    read([inside(column + by[0], columns), inside(row + by[1], rows)]);
  }

  const sides = SIDES.map((title) => {
    const canvas = h("canvas", {
      role: "application",
      "aria-label": title,
      tabindex: 0,
      onpointermove: pointAt,
      onpointerdown: pointAt,
      onpointerleave: (event) => event.pointerType === "mouse" && read(null),
      onkeydown: moveBy,
      onblur: () => read(null),
    });
    const facts = h("span", {});
    const marks = h("span", { class: "lfs-marks", "aria-hidden": "true" });
    const caption = h("figcaption", {}, h("span", { class: "lfs-title" }, title), h("br"), facts);
    const figure = h("figure", {}, h("div", { class: "lfs-picture" }, canvas, marks), caption);
    return { canvas, facts, marks, figure };
  });

  return {
    sides,
    // Shows the place in both pictures, or none.
    mark(place) {
      point = place;
      for (const { marks } of sides) {
        marks.replaceChildren();
        if (!point) continue;
        const [x, y] = percent(point, size());
        const places = apart() ? [x / 2, 50 + x / 2] : [x];
        marks.append(...places.map((left) => h("span", { style: `left: ${left}%; top: ${y}%` })));
      }
    },
  };
}

const percent = ([column, row], [rows, columns]) => [
  (100 * (column + 0.5)) / columns,
  (100 * (row + 0.5)) / rows,
];

const placeOf = ([column, row], [, columns]) => row * columns + column;

function wordsFor(point, size) {
  const [x, y] = percent(point, size).map(Math.round);
  return `${x} % from the left, ${y} % from the top:`;
}

// Pages

// Shows a view wherever in the page its contents wait.
function eachPage(view, show) {
  for (const place of document.querySelectorAll(`.lfs-page[data-view="${view}"]:not([data-shown])`)) {
    place.dataset.shown = "";
    const data = place.querySelector("script[type='application/json']");
    show(JSON.parse(data.textContent), place);
  }
}

