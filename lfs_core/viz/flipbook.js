// Pixel flipping, step by step: the same pair, taken apart in the order of several methods' maps,
// and how the cosine answers. Its model holds everything in "contents".

const PICTURE = 160; // px, longest side
const PAUSE = 450; // ms between steps
const CHART = { width: 560, height: 260, left: 44, right: 12, top: 12, bottom: 40 };
const DASHES = ["", "8 4", "2 3", "10 3 2 3", "5 2", "1 5"];
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, properties = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(properties)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// Numbers with one or two digits between two bounds, a step of 0.1, 0.2 or 0.5 apart.
function ticks(low, high) {
  const step = [0.1, 0.2, 0.5].find((one) => (high - low) / one <= 6) ?? 0.5;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(k * step);
  return found;
}

function render({ model, el }) {
  const { fill, grid, flips, similar, threshold, images, replacements, methods } =
    model.get("contents");
  const changed = similar ? [0] : [0, 1];
  const last = flips.length - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let step = last; // opens with the outcome; playing starts from the beginning
  let playing = null; // the timer
  let loaded = null; // photographs and what replaces them

  // Pictures

  function drawPictures() {
    if (!loaded) return;
    methods.forEach(({ ranks }, m) =>
      changed.forEach((side, k) => {
        const canvas = cards[m].canvases[k];
        const image = loaded.images[side];
        const [width, height] = within(PICTURE, image.width / image.height);
        Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0, width, height);
        const edge = (place, length) => Math.round((place * length) / grid);
        context.beginPath();
        ranks[side].forEach((rank, cell) => {
          if (rank >= flips[step]) return;
          const [row, column] = [Math.floor(cell / grid), cell % grid];
          const [left, right] = [edge(column, width), edge(column + 1, width)];
          const [top, bottom] = [edge(row, height), edge(row + 1, height)];
          context.rect(left, top, right - left, bottom - top);
        });
        context.save();
        context.clip();
        context.drawImage(loaded.replacements[side], 0, 0, width, height);
        context.restore();
      }),
    );
  }

  // Curves

  const values = methods.flatMap(({ curve }) => curve);
  const bounds = typeof threshold === "number" ? [...values, threshold] : values;
  const [low, high] = [Math.min(...bounds) - 0.03, Math.max(...bounds) + 0.03];
  const x = (k) =>
    CHART.left + (k / Math.max(last, 1)) * (CHART.width - CHART.left - CHART.right);
  const y = (value) =>
    CHART.top + ((high - value) / (high - low)) * (CHART.height - CHART.top - CHART.bottom);
  const points = (curve) => curve.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`);

  function drawChart() {
    const [end, bottom] = [CHART.width - CHART.right, CHART.height - CHART.bottom];
    const text = (words, properties) => svg("text", properties, words);
    const every = Math.max(1, Math.ceil(flips.length / 11));
    return svg(
      "svg",
      {
        viewBox: `0 0 ${CHART.width} ${CHART.height}`,
        role: "img",
        "aria-label":
          "The cosine as superpixels are replaced: " +
          methods
            .map(({ name, curve }) => `${name} from ${decimals(curve[0], 2)} to ${decimals(curve[last], 2)}`)
            .join(", "),
      },
      ...ticks(low, high).flatMap((value) => [
        svg("line", { class: "lfs-grid", x1: CHART.left, x2: end, y1: y(value), y2: y(value) }),
        text(decimals(value, 1), { x: CHART.left - 6, y: y(value) + 4, "text-anchor": "end" }),
      ]),
      ...flips.flatMap((count, k) =>
        k % every ? [] : [text(count, { x: x(k), y: bottom + 16, "text-anchor": "middle" })],
      ),
      text(`superpixels replaced by ${fill}, of ${grid * grid}`, {
        x: (CHART.left + end) / 2,
        y: CHART.height - 6,
        "text-anchor": "middle",
      }),
      ...(typeof threshold === "number"
        ? [
            svg("line", {
              class: "lfs-limit",
              x1: CHART.left,
              x2: end,
              y1: y(threshold),
              y2: y(threshold),
            }),
            text("\u03be\u2081", { x: end - 4, y: y(threshold) - 5, "text-anchor": "end" }),
          ]
        : []),
      now,
      ...methods.flatMap(({ curve }, m) => [
        svg("polyline", { class: `lfs-ahead lfs-colour-${m % DASHES.length}`, points: points(curve).join(" ") }),
        lines[m],
        dots[m],
      ]),
    );
  }

  const now = svg("line", {
    class: "lfs-now",
    y1: CHART.top,
    y2: CHART.height - CHART.bottom,
  });
  const lines = methods.map((_, m) =>
    svg("polyline", {
      class: `lfs-colour-${m % DASHES.length}`,
      "stroke-dasharray": DASHES[m % DASHES.length],
    }),
  );
  const dots = methods.map((_, m) =>
    svg("circle", { class: `lfs-colour-${m % DASHES.length}`, r: 4 }),
  );

  // A step

  function show(k) {
    step = k;
    input.value = k;
    const count = `${flips[k]} of ${grid * grid}`;
    shownStep.textContent = count;
    input.setAttribute("aria-valuetext", `${count} superpixels replaced`);
    now.setAttribute("x1", x(k));
    now.setAttribute("x2", x(k));
    methods.forEach(({ name, curve }, m) => {
      lines[m].setAttribute("points", points(curve.slice(0, k + 1)).join(" "));
      dots[m].setAttribute("cx", x(k));
      dots[m].setAttribute("cy", y(curve[k]));
      const is = curve[k] > threshold ? "similar" : "dissimilar";
      const decision = typeof threshold === "number" ? `: ${is}` : "";
      cards[m].value.textContent = `cosine ${decimals(curve[k], 2)}${decision}`;
      cards[m].canvases.forEach((canvas, of) =>
        canvas.setAttribute(
          "aria-label",
          `${of ? "Second" : "First"} image, ${count} superpixels replaced in the order of ${name}`,
        ),
      );
    });
    drawPictures();
  }

  function pause() {
    clearInterval(playing);
    playing = null;
    play.textContent = calm.matches ? "Next step" : "Play";
  }

  function advance() {
    if (step < last) show(step + 1);
    if (step === last) pause();
  }

  // Nothing moves by itself for readers who asked for less motion: they go step by step.
  function start() {
    if (step === last) show(0);
    else if (calm.matches) advance();
    if (calm.matches) return;
    play.textContent = "Pause";
    playing = setInterval(() => (root.isConnected ? advance() : pause()), PAUSE);
  }

  // Elements

  const play = button("Play", () => (playing ? pause() : start()), { class: "lfs-play" });
  calm.addEventListener("change", pause);
  const shownStep = h("output", {});
  const input = h("input", { type: "range", min: 0, max: last, step: 1 });
  input.addEventListener("input", () => {
    pause();
    show(Number(input.value));
  });
  const cards = methods.map(({ name }, m) => {
    const canvases = changed.map(() => h("canvas", { role: "img" }));
    const value = h("span", {});
    const key = svg(
      "svg",
      { viewBox: "0 0 40 8", class: "lfs-key", "aria-hidden": "true" },
      svg("line", {
        class: `lfs-colour-${m % DASHES.length}`,
        x1: 0,
        x2: 40,
        y1: 4,
        y2: 4,
        "stroke-dasharray": DASHES[m % DASHES.length],
      }),
    );
    const title = h("span", { class: "lfs-title" }, name);
    const caption = h("figcaption", {}, title, key, value);
    return { canvases, value, figure: h("figure", {}, h("div", {}, ...canvases), caption) };
  });
  const partner = h("img", { src: images[1], alt: "", class: "dark-light" });
  const pair = h(
    "figure",
    { class: "lfs-partner" },
    h("div", {}, partner),
    h("figcaption", {}, "The second image, which stays as it is."),
  );
  const root = h(
    "div",
    { class: "lfs-view lfs-flipbook" },
    h(
      "p",
      { class: "lfs-headline" },
      `Cosine ${decimals(methods[0].curve[0], 2)}: the network calls them `,
      h("strong", {}, similar ? "similar" : "dissimilar"),
      `. The most relevant superpixels of ${similar ? "the first image" : "both images"} are ` +
        "replaced, one after the other. The better a method has found what matters, the sooner " +
        `the cosine ${similar ? "falls" : "rises"}.`,
    ),
    h(
      "div",
      { class: "lfs-controls" },
      play,
      h("label", {}, "Superpixels replaced", input, shownStep),
    ),
    h(
      "div",
      { class: "lfs-frames" },
      similar ? pair : null,
      ...cards.map(({ figure }) => figure),
    ),
    h("div", { class: "lfs-curves" }, drawChart()),
  );
  pause();
  show(last);
  el.append(root);
  Promise.all([images, replacements].map((all) => Promise.all(all.map(picture)))).then(
    ([photographs, others]) => {
      loaded = { images: photographs, replacements: others };
      drawPictures();
    },
  );
  return () => {
    pause();
    root.remove();
  };
}

// Shows the flip-books that wait in a page.
function showPages() {
  eachPage("flipbook", (contents, el) => render({ model: { get: () => contents }, el }));
}

export default { render };
