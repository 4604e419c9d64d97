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

// A slider from 0 to 1 with its name and value.
function slider(text, value, oninput) {
  const shownValue = h("output", {}, value.toFixed(2));
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.01, value });
  input.addEventListener("input", () => {
    shownValue.textContent = Number(input.value).toFixed(2);
    oninput(Number(input.value));
  });
  return h("label", {}, text, input, shownValue);
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

function colourBar(colours, text) {
  const stops = [];
  for (let k = 0; k < 256; k += 15) stops.push(`rgb(${colours.slice(3 * k, 3 * k + 3)})`);
  return h(
    "div",
    { class: "lfs-scale" },
    h("div", { style: `background: linear-gradient(to right, ${stops})` }),
    h("span", {}, "0"),
    h("span", {}, text),
    h("span", {}, "1"),
  );
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

