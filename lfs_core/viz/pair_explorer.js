// The pair explorer's view. It asks its model by setting "request" and hears "response"; the model
// is a widget with Python behind it, or, in a page, a table of answers made in advance.

const LARGE = 320; // px, longest side of a picture
const DECODED = "explainlfs"; // the method that has a decoder, p and relevance
const FEW = 32; // latents in the chart, unless all are wanted
const KEPT = 400; // answers that are remembered
const CHART = { width: 640, strip: 44, gap: 8, left: 34 };
const COLOUR_NAMES = { inferno: "inferno", viridis: "viridis", cividis: "cividis", gray: "grey" };
const ORDERS = { R: "relevance", d: "difference", j: "number" };

function render({ model, el }) {
  const contents = model.get("contents");
  const { live, networks, ps, thresholds, mapThreshold } = contents;
  const entries = [...(contents.entries ?? [])];
  const tables = Object.fromEntries(
    Object.entries(contents.colours).map(([name, table]) => [name, bytes(table)]),
  );
  const pictures = new Map(); // source to loaded picture
  const known = new Map(); // question to answer

  let network = 0;
  let items = live ? [0, 1] : contents.pairs[contents.first];
  let parts = [0, 0]; // which face of each photograph
  let method = networks[0].methods[0];
  let decoder = Object.keys(networks[0].decoders)[0] ?? "";
  let p = contents.p;
  let threshold = contents.threshold;
  let above = mapThreshold; // xi_2
  let opacity = 0.65;
  let apart = false;
  let colours = "inferno";
  let latent = null; // the one that is looked at alone
  let order = "R";
  let everyLatent = false;
  let point = null; // [column, row] of the maps
  let shown = null; // what is on the screen: answers, pictures, maps

  // Asking

  const waiting = patience(model, live);
  const { ask, stop } = asker(model, waiting.busy);

  async function know(...question) {
    const key = question.join();
    if (!known.has(key)) {
      const answer = await ask(...question);
      if (answer.problem) return answer;
      if (known.size >= KEPT) known.delete(known.keys().next().value);
      known.set(key, answer);
    }
    return known.get(key);
  }

  async function loaded(source) {
    if (!pictures.has(source)) pictures.set(source, await picture(source));
    return pictures.get(source);
  }

  const setting = () => [network, items[0], parts[0], items[1], parts[1], threshold];
  const isDecoded = () => method === DECODED;
  const isLinear = () => networks[network].decoders[decoder];

  const mapQuestion = () => {
    if (!isDecoded()) return ["map", method, ...setting()];
    if (latent === null) return ["decoded", decoder, p, ...setting()];
    if (isLinear()) return ["column", decoder, network, latent];
    return ["latent", decoder, p, latent, ...setting()];
  };

  // One thing after the other: while something is asked, the reader's last wish replaces others.
  let running = false;
  let again = false;
  async function update() {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      const answer = await load();
      if (again) continue;
      alert.textContent = answer.problem ?? "";
      if (answer.problem) continue;
      shown = answer;
      drawAll();
    }
    running = false;
  }

  async function load() {
    const photographs = [];
    for (const item of items) {
      const answer = await know("photograph", network, item);
      if (answer.problem) return answer;
      photographs.push(answer);
    }
    const images = await Promise.all(
      photographs.map(({ pictures }, side) => loaded(pictures[parts[side]])),
    );
    const pair = await know("pair", ...setting());
    if (pair.problem) return pair;
    const question = mapQuestion();
    const answer = await know(...question);
    if (answer.problem) return answer;
    const latents = { h: pair.h.map((h) => signedBytes(h, pair.scale)), d: stepsOf(pair.d) };
    latents.R = pair.similar ? latents.d.map((d) => 1 - d) : latents.d;
    // A linear decoder's column is that of p R = 1.
    const times = question[0] === "column" ? ps[p] * latents.R[latent] : 1;
    const only = answer.maps.length === 1 ? [0, 0] : [0, 1];
    const maps = await Promise.all(
      only.map(async (k) => {
        const { range, steps } = answer.maps[k];
        const highest = times * range[1];
        const relative = highest ? await inflate(steps) : new Uint8Array(answer.size[0] * answer.size[1]);
        const values = Float32Array.from(relative, (step) => (highest * step) / 255);
        const signed = answer.signed && {
          range: answer.signed[k].range,
          values: await unpacked(answer.signed[k]),
        };
        return { highest, relative, values, signed };
      }),
    );
    return { photographs, images, pair, latents, maps, size: answer.size, method, decoder, latent };
  }

  const signedBytes = (text, scale) =>
    Array.from(new Int8Array(bytes(text).buffer), (step) => scale * step);
  const stepsOf = (text) => Array.from(bytes(text), (step) => step / 255);

  // What is shown

  function drawAll() {
    const { pair, photographs } = shown;
    headline.replaceChildren(...sentence());
    showFaces();
    drawPictures();
    drawChart();
    const said = [...photographs.flatMap(({ doubts }, side) => doubts[parts[side]]), ...pair.doubts];
    showDoubts(said);
    askDoubts(said);
  }

  function sentence() {
    const { pair } = shown;
    const decision = pair.similar ? "similar" : "dissimilar";
    const where = pair.similar ? "above" : "not above";
    return [
      `Cosine ${decimals(pair.similarity, 2)}: ${networks[network].name} calls them `,
      h("strong", {}, decision),
      ` (${where} \u03be\u2081 = ${decimals(thresholds[threshold], 2)}).`,
    ];
  }

  function settingsInWords() {
    const words = [`Method ${shown.method}`];
    if (shown.method === DECODED) words.push(`decoder ${shown.decoder}`, `p = ${ps[p].toFixed(2)}`);
    if (shown.latent !== null) words.push(`latent ${shown.latent + 1} alone`);
    words.push(`\u03be\u2082 = ${above.toFixed(2)}`);
    return words.join(", ");
  }

  // How high a map goes, on its own scale.
  const highestOf = ({ highest }) =>
    shown.method === DECODED ? (highest ? digits(highest) : "0") : "1";
  const digits = (value) =>
    value < 0.001 ? value.toExponential(1).replace("-", "\u2212") : value.toPrecision(3);

  function barText() {
    if (shown.method === DECODED) return "change of a pixel\u2019s value";
    return `evidence for \u201c${shown.pair.similar ? "similar" : "dissimilar"}\u201d`;
  }

  const how = () => ({ colours: tables[colours], threshold: above, opacity, apart });
  const sizeOf = (image) => within(LARGE, image.width / image.height);

  function drawPictures() {
    shown.maps.forEach(({ highest, relative, signed }, side) => {
      const { canvas, facts } = large.sides[side];
      const [width, height] = sizeOf(shown.images[side]);
      const values = enlarge(relative, shown.size, width, height);
      drawMap(canvas, shown.images[side], values, width, height, how());
      const share = `${shareAbove(values, above)} lies above \u03be\u2082`;
      const name = shown.photographs[side].name;
      const alone = shown.latent === null ? "" : `latent ${shown.latent + 1} alone: `;
      facts.replaceChildren(
        name,
        h("br"),
        alone,
        highest ? share : "the map is zero everywhere",
        signed ? `; signed values go from ${signed.range.map(withSign).join(" to ")}` : "",
      );
      canvas.setAttribute(
        "aria-label",
        `${SIDES[side]}, ${name}, with the map of ${shown.method}: ${share}. ` +
          "Arrow keys move the place whose values are read.",
      );
      const bar = colourBar(tables[colours], barText(), highestOf(shown.maps[side]));
      bars[side].replaceChildren(bar);
    });
    both.classList.toggle("lfs-apart", apart);
    showValues();
  }

  function showValues() {
    large.mark(point);
    if (!point || !shown) {
      readout.textContent = POINT;
      return;
    }
    const at = placeOf(point, shown.size);
    readout.replaceChildren(
      wordsFor(point, shown.size),
      ...shown.maps.map(({ values, relative, signed }, side) => {
        const share = `${Math.round(relative[at] / 2.55)} % of its strongest place`;
        const value =
          shown.method === DECODED ? `${values[at] ? digits(values[at]) : "0"}, ${share}` : share;
        const more = signed ? `, signed ${withSign(signed.values[at])}` : "";
        return h("span", {}, `${SIDES[side]} ${value}${more}`);
      }),
    );
  }

  function read(at) {
    point = at;
    showValues();
  }

  function showDoubts(said) {
    doubts.hidden = !said.length;
    list.replaceChildren(...said.map((text) => h("li", {}, text)));
  }

  // What measurements say of the method comes after its map: it is not to be waited for.
  async function askDoubts(said) {
    const asked = shown;
    const kind = Number(asked.pair.similar);
    const answer = await know("doubts", method, isDecoded() ? decoder : "", network, kind);
    if (asked !== shown) return;
    asked.doubts = [...said, ...(answer.doubts ?? [answer.problem])];
    showDoubts(asked.doubts);
  }

  // Latents

  // Their numbers, in the order of the chart.
  function inOrder() {
    const { R, d } = shown.latents;
    const numbers = R.map((_, j) => j);
    if (order !== "j") numbers.sort((a, b) => ({ R, d })[order][b] - { R, d }[order][a]);
    return everyLatent ? numbers : numbers.slice(0, FEW);
  }

  function drawChart() {
    const { latents } = shown;
    const numbers = inOrder();
    const { width, strip, gap, left } = CHART;
    const across = (width - left) / numbers.length;
    const largest = Math.max(...latents.h.flat().map(Math.abs)) || 1;
    const strips = [
      ["h\u00b9", latents.h[0].map((value) => value / largest), true, "lfs-first"],
      ["h\u00b2", latents.h[1].map((value) => value / largest), true, "lfs-second"],
      ["d", latents.d, false, "lfs-difference"],
      ["R", latents.R, false, "lfs-relevance"],
    ];
    const bars = strips.map(([name, values, signed, look], row) => {
      const top = row * (strip + gap);
      const zero = signed ? top + strip / 2 : top + strip;
      const scale = signed ? strip / 2 : strip;
      const path = numbers
        .map((j, k) => {
          const x = (left + k * across).toFixed(1);
          return `M${x} ${zero}v${(-scale * values[j]).toFixed(1)}h${(0.8 * across).toFixed(2)}V${zero}z`;
        })
        .join("");
      return `<text x="0" y="${top + strip / 2 + 5}">${name}</text>
        <line x1="${left}" x2="${width}" y1="${zero}" y2="${zero}"/>
        <path class="${look}" d="${path}"/>`;
    });
    const height = strips.length * (strip + gap);
    const at = numbers.indexOf(latent);
    const chosen =
      at < 0
        ? ""
        : `<rect class="lfs-chosen" x="${left + at * across - 1}" y="0"
            width="${Math.max(across, 3)}" height="${height}"/>`;
    chart.innerHTML = `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${bars.join("")}${chosen}</svg>`;
    const count = latents.R.length;
    Object.entries({ min: 0, max: numbers.length, now: at + 1, text: latentInWords() }).forEach(
      ([name, value]) => chart.setAttribute(`aria-value${name}`, value),
    );
    number.max = count;
    number.value = latent === null ? "" : latent + 1;
    number.disabled = !isDecoded();
    whole.disabled = latent === null;
    facts.textContent = latentInWords();
    scale.textContent =
      `${numbers.length} of ${count} latents. h from \u2212${digits(largest)} to ` +
      `${digits(largest)}, d and R from 0 to 1.`;
  }

  function latentInWords() {
    if (!isDecoded()) return `Single latents are shown with method ${DECODED}.`;
    if (latent === null) return "No single latent is chosen: the map is that of all.";
    const { h, d, R } = shown.latents;
    const values = { "h\u00b9": h[0], "h\u00b2": h[1], d, R };
    const read = Object.entries(values).map(([name, of]) => `${name} ${decimals(of[latent], 3)}`);
    return `Latent ${latent + 1}: ${read.join(", ")}`;
  }

  function chooseLatent(j) {
    if (!shown || (j !== null && !isDecoded())) return;
    latent = j;
    drawChart();
    update();
  }

  function stepLatent(event) {
    if (!shown) return;
    const numbers = inOrder();
    const at = numbers.indexOf(latent);
    const last = numbers.length - 1;
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    chooseLatent(numbers[Math.min(Math.max(target, 0), last)]);
  }

  function pointLatent({ clientX }) {
    if (!shown) return;
    const box = chart.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * CHART.width - CHART.left;
    const numbers = inOrder();
    const at = Math.floor((x / (CHART.width - CHART.left)) * numbers.length);
    if (numbers[at] !== undefined) chooseLatent(numbers[at]);
  }

  const chart = h("div", {
    class: "lfs-latent-bars",
    role: "slider",
    tabindex: 0,
    "aria-label": "Latent whose map is shown",
    onkeydown: stepLatent,
    onclick: pointLatent,
  });
  const facts = h("p", { role: "status" });
  const scale = h("p", { class: "lfs-hint" });
  const number = h("input", { type: "number", min: 1, step: 1 });
  number.addEventListener("change", () => {
    const j = Number(number.value) - 1;
    const count = shown?.latents.R.length ?? 0;
    chooseLatent(number.value && Number.isInteger(j) && j >= 0 && j < count ? j : null);
  });
  const whole = button("Map of all latents", () => {
    chooseLatent(null);
    chart.focus();
  });
  const every = h("input", { type: "checkbox" });
  every.addEventListener("change", () => {
    everyLatent = every.checked;
    if (shown) drawChart();
  });

  // Photographs

  function choosePair(items_, at) {
    items = items_;
    parts = [0, 0];
    mark(pairs, at);
    update();
  }

  function choose(side, item) {
    items = items.with(side, item);
    parts = parts.with(side, 0);
    mark(strips[side], item);
    update();
  }

  const strips = SIDES.map((title) =>
    h("div", { class: "lfs-photographs", role: "group", "aria-label": title }),
  );
  strips.forEach((strip) => moveWithArrows(strip, "button", (chosen) => chosen.click()));

  function addEntry({ name, picture }, item) {
    strips.forEach((strip, side) =>
      strip.append(
        h(
          "button",
          { type: "button", title: name, "aria-label": name, onclick: () => choose(side, item) },
          // The book darkens photographs on dark pages, but for this class.
          picture ? h("img", { src: picture, alt: "", class: "dark-light" }) : name,
        ),
      ),
    );
  }

  async function takeIn(files) {
    if (!files.length) return;
    const { taken, problems } = await sendFiles(files, ask);
    for (const entry of taken) {
      entries[entry.item] = entry;
      addEntry(entry, entry.item);
    }
    // Two become the pair; one takes the place of the second photograph.
    const chosen = taken.slice(-2).map(({ item }) => item);
    if (chosen.length === 2) items = chosen;
    if (chosen.length === 1) items = items.with(1, chosen[0]);
    if (chosen.length) parts = [0, 0];
    strips.forEach((strip, side) => mark(strip, items[side]));
    if (chosen.length) await update();
    if (problems.length) alert.textContent = problems.join(" ");
  }

  const faces = SIDES.map((title) =>
    h("div", { class: "lfs-faces", role: "group", "aria-label": `Face in the ${title.toLowerCase()}` }),
  );
  faces.forEach((group) => moveWithArrows(group, "button", (chosen) => chosen.click()));

  function showFaces() {
    shown.photographs.forEach(({ pictures, name }, side) => {
      const group = faces[side];
      group.hidden = pictures.length < 2;
      if (group.dataset.shown !== `${network},${items[side]}`) {
        group.dataset.shown = `${network},${items[side]}`;
        group.replaceChildren(
          ...pictures.map((src, k) =>
            h(
              "button",
              {
                type: "button",
                "aria-label": `Face ${k + 1} of ${pictures.length} in ${name}`,
                onclick: () => {
                  parts = parts.with(side, k);
                  mark(group, k);
                  update();
                },
              },
              h("img", { src, alt: "", class: "dark-light" }),
            ),
          ),
        );
      }
      mark(group, parts[side]);
    });
  }

  // Export

  function download(name, content) {
    const link = h("a", { download: name, href: URL.createObjectURL(content) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const fileName = (kind) => `pair-${shown.method}.${kind}`;

  async function exportReport(kind, type) {
    const options = isDecoded() ? [decoder, p] : ["", p];
    const answer = await ask("report", kind, method, ...options, ...setting());
    if (answer.problem) alert.textContent = answer.problem;
    else download(fileName(kind), new Blob([answer.text], { type }));
  }

  // Both photographs, each with its map, and below them what is said about them.
  function exportPicture() {
    const [width, margin, line] = [2 * LARGE, 16, 20];
    const lines = [headline.textContent, settingsInWords() + "."];
    lines.push(...(shown.doubts ?? []));
    const canvas = h("canvas", { width: width + 3 * margin, height: 10 });
    let context = canvas.getContext("2d");
    const font = "14px system-ui, sans-serif";
    context.font = font;
    const wrapped = lines.flatMap((text) => wrap(context, text, width + margin));
    const heights = shown.images.map((image) => sizeOf(image)[1]);
    const tall = Math.max(...heights);
    canvas.height = 2 * tall + 4 * margin + line * (wrapped.length + 2);
    context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    shown.images.forEach((image, side) => {
      const [wide, high] = sizeOf(image);
      const left = margin + side * (LARGE + margin);
      context.drawImage(image, left, margin, wide, high);
      const layer = h("canvas");
      const values = enlarge(shown.maps[side].relative, shown.size, wide, high);
      drawMap(layer, image, values, wide, high, { ...how(), apart: false });
      if (apart) {
        Object.assign(layer, { width: wide, height: high });
        drawAlone(layer.getContext("2d"), 0, values, wide, high, how());
      }
      context.drawImage(layer, left, tall + 2 * margin);
      context.font = font;
      context.fillStyle = "black";
      const top = 2 * tall + 2 * margin + line;
      const [name] = wrap(context, shown.photographs[side].name, LARGE);
      context.fillText(name, left, top);
      context.fillText(`0 to ${highestOf(shown.maps[side])}: ${barText()}`, left, top + line);
    });
    wrapped.forEach((text, k) =>
      context.fillText(text, margin, 2 * tall + 3 * margin + line * (k + 3)),
    );
    canvas.toBlob((content) => download(fileName("png"), content), "image/png");
  }

  function wrap(context, text, width) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (context.measureText(longer).width <= width || !lines.at(-1)) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  // Controls

  const decoders = h("span", { class: "lfs-group" });
  const methods = h("span", { class: "lfs-group" });

  function showMethods() {
    const { methods: names, decoders: kinds } = networks[network];
    if (!names.includes(method)) method = names[0];
    if (!(decoder in kinds)) decoder = Object.keys(kinds)[0] ?? "";
    const same = (all) => Object.fromEntries(all.map((name) => [name, name]));
    methods.replaceChildren(
      chooser("Method", same(names), method, (chosen) => {
        method = chosen;
        latent = null;
        decoders.hidden = !isDecoded();
        update();
      }),
    );
    const pPlaces = contents.pPlaces;
    decoders.replaceChildren(
      chooser("Decoder", same(Object.keys(kinds)), decoder, (chosen) => {
        decoder = chosen;
        update();
      }),
      slider(
        "p",
        pPlaces.indexOf(p),
        (at) => {
          p = pPlaces[at];
          update();
        },
        pPlaces.map((at) => ps[at]),
      ),
    );
    decoders.hidden = !isDecoded();
  }

  const redraw = () => shown && drawPictures();
  const over = slider("Opacity of the maps", opacity, (value) => {
    opacity = value;
    redraw();
  });
  const toggle = h("input", { type: "checkbox" });
  toggle.addEventListener("change", () => {
    apart = toggle.checked;
    over.hidden = apart;
    redraw();
  });
  const controls = h("div", { class: "lfs-controls" });
  if (networks.length > 1) {
    const names = Object.fromEntries(networks.map(({ name }, k) => [k, name]));
    controls.append(
      chooser("Network", names, network, (chosen) => {
        network = Number(chosen);
        parts = [0, 0];
        latent = null;
        showMethods();
        update();
      }),
    );
  }
  controls.append(methods, decoders);
  if (live) {
    controls.append(
      slider(
        "\u03be\u2081",
        threshold,
        (at) => {
          threshold = at;
          update();
        },
        thresholds,
      ),
    );
  }
  controls.append(
    slider("Show what is above \u03be\u2082", above, (value) => {
      above = value;
      redraw();
    }),
    chooser("Colours", COLOUR_NAMES, colours, (chosen) => {
      colours = chosen;
      redraw();
    }),
    h("label", {}, toggle, "Maps beside the photographs"),
    over,
  );

  // Putting it together

  const alert = h("p", { role: "alert", class: "lfs-alert" });
  const headline = h("p", { role: "status", class: "lfs-headline" });
  const list = h("ul", {});
  const doubts = h(
    "section",
    { class: "lfs-doubts", "aria-label": "Doubts", hidden: true },
    h("p", { class: "lfs-title" }, "Not to be trusted, because:"),
    list,
  );
  const readout = h("p", { role: "status", class: "lfs-values" }, POINT);
  const large = twoPictures(
    () => shown?.size,
    () => apart,
    read,
  );
  const bars = SIDES.map(() => h("div", {}));
  const both = h("div", {}, h("div", { class: "lfs-both" }));
  large.sides.forEach(({ figure }, side) => {
    figure.append(bars[side]);
    both.firstChild.append(figure);
  });
  const pairs = h("div", { class: "lfs-pairs", role: "group", "aria-label": "Pair" });
  const drop = live ? dropZone("Your own: choose one or two photographs, or drop them here", takeIn) : null;
  const top = live
    ? h(
        "div",
        { class: "lfs-choice" },
        ...SIDES.map((title, side) =>
          h("section", {}, h("p", { class: "lfs-title" }, title), strips[side], faces[side]),
        ),
        drop,
      )
    : pairs;
  const exports = h(
    "div",
    { class: "lfs-bar", role: "group", "aria-label": "Save" },
    h("span", {}, "Save as"),
    button("PNG", () => shown && exportPicture()),
    live ? button("HTML", () => shown && exportReport("html", "text/html")) : null,
    live ? button("JSON", () => shown && exportReport("json", "application/json")) : null,
  );
  const root = h(
    "div",
    { class: "lfs-view lfs-pair-explorer" },
    top,
    waiting.note,
    alert,
    headline,
    doubts,
    controls,
    both,
    readout,
    h(
      "section",
      { class: "lfs-latent-part", "aria-label": "Latents" },
      h(
        "div",
        { class: "lfs-controls" },
        h("span", { class: "lfs-title" }, "Latents"),
        chooser("Order by", ORDERS, order, (chosen) => {
          order = chosen;
          if (shown) drawChart();
        }),
        h("label", {}, every, "Show all"),
        h("label", {}, "Latent number ", number),
        whole,
      ),
      chart,
      scale,
      facts,
    ),
    exports,
    live ? null : h("p", { class: "lfs-hint" }, "With your own photographs: ", h("code", {}, "make lab")),
  );
  el.append(root);
  showMethods();

  if (live) {
    entries.forEach(addEntry);
    strips.forEach((strip, side) => mark(strip, items[side]));
  } else {
    contents.pairs.forEach((pair, k) => {
      const photographs = pair.map((item) => contents.answers[["photograph", 0, item]]);
      const setting = [0, pair[0], 0, pair[1], 0, threshold];
      const { similarity, similar } = contents.answers[["pair", ...setting]];
      pairs.append(
        h(
          "button",
          { type: "button", onclick: () => choosePair(pair, k) },
          ...photographs.map(({ pictures: [src] }) => h("img", { src, alt: "", class: "dark-light" })),
          h("span", {}, `${k + 1}: ${decimals(similarity, 2)} ${similar ? "similar" : "dissimilar"}`),
        ),
      );
    });
    moveWithArrows(pairs, "button", (chosen) => chosen.click());
    mark(pairs, contents.first);
  }
  update();

  return () => {
    stop();
    waiting.stop();
    root.remove();
  };
}

// Shows the explorers that wait in a page.
function showPages() {
  eachPage("pair_explorer", (contents, el) => render({ model: tableModel(contents), el }));
}

export default { render };
