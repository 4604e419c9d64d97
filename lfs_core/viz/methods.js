// The same pairs as several methods explain them: all maps small, one method's large, with values.
// Its model holds everything in "contents".

const LARGE = 320; // px, longest side of a large picture
const SMALL = 96; // of a small one

function render({ model, el }) {
  const { colours: table, mapThreshold, pairs, methods } = model.get("contents");
  const colours = bytes(table);
  const loaded = new Map(); // pair to its photographs and maps
  let pair = 0;
  let method = 0;
  let threshold = 0; // whole maps, until the reader asks for less
  let opacity = 0.65;
  let apart = false;
  let point = null; // [column, row] of the maps
  let shown = null; // what is loaded of the pair

  // What is shown

  async function load({ photographs, size }, k) {
    const ratio = (images) => images[0].width / images[0].height;
    const images = await Promise.all(photographs.map(picture));
    const [width, height] = within(SMALL, ratio(images));
    const side = async ({ map, signed }) => {
      const values = await unpacked(map);
      const steps = values.map((value) => 255 * value);
      return {
        values,
        steps,
        small: enlarge(steps, size, width, height),
        range: map.range,
        signed: signed && { values: await unpacked(signed), range: signed.range },
      };
    };
    const maps = await Promise.all(methods.map(({ maps }) => Promise.all(maps[k].map(side))));
    return { images, size, maps, small: [width, height], large: within(LARGE, ratio(images)) };
  }

  async function choosePair(k) {
    pair = k;
    mark(pairButtons, k);
    if (!loaded.has(k)) loaded.set(k, load(pairs[k], k));
    const found = await loaded.get(k);
    if (pair !== k) return; // the reader has gone on
    shown = found;
    point = null;
    const { similarity, decision, threshold: limit } = pairs[k];
    const where = decision === "similar" ? "above" : "not above";
    headline.replaceChildren(
      `Cosine ${decimals(similarity, 2)}: the network calls them `,
      h("strong", {}, decision),
      typeof limit === "number" ? ` (${where} \u03be\u2081 = ${limit}).` : ".",
    );
    bar.replaceChildren(colourBar(colours, `evidence for \u201c${decision}\u201d`));
    resolution.textContent =
      `Maps are relative to their strongest place; as drawn here they have ${found.size[1]} ` +
      `\u00d7 ${found.size[0]} places.`;
    drawAll();
  }

  function chooseMethod(k) {
    method = k;
    select.value = k;
    mark(tiles, k);
    drawLarge();
  }

  function drawAll() {
    if (!shown) return;
    drawLarge();
    const [width, height] = shown.small;
    [...tiles.children].forEach((tile, k) =>
      tile.querySelectorAll("canvas").forEach((canvas, side) => {
        Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        const values = shown.maps[k][side].small;
        if (apart) drawAlone(context, 0, values, width, height, { colours, threshold });
        else {
          const how = { colours, threshold, opacity };
          drawOver(context, shown.images[side], values, width, height, how);
        }
      }),
    );
  }

  function drawLarge() {
    if (!shown) return;
    const [width, height] = shown.large;
    shown.maps[method].forEach(({ steps, range, signed }, side) => {
      const { canvas, facts } = larges.sides[side];
      const values = enlarge(steps, shown.size, width, height);
      const how = { colours, threshold, opacity, apart };
      drawMap(canvas, shown.images[side], values, width, height, how);
      const share = `${shareAbove(values, threshold)} lies above \u03be\u2082`;
      const [low, high] = range.map((value) => decimals(value, 2));
      facts.replaceChildren(
        range[1] > 0 ? `${share}; values go from ${low} to ${high}` : "The map is zero everywhere",
        signed ? `, signed ones from ${signed.range.map(withSign).join(" to ")}.` : ".",
      );
      canvas.setAttribute(
        "aria-label",
        `${SIDES[side]} with the map of ${methods[method].name}: ${share}. ` +
          "Arrow keys move the place whose values are read.",
      );
    });
    large.classList.toggle("lfs-apart", apart);
    showValues();
  }

  // Values at a place

  function showValues() {
    larges.mark(point);
    if (!point) {
      readout.textContent = POINT;
      return;
    }
    const at = placeOf(point, shown.size);
    readout.replaceChildren(
      ...shown.maps[method].map(({ values, signed }, side) => {
        const more = signed ? `, signed ${withSign(signed.values[at])}` : "";
        return h("span", {}, `${SIDES[side]} ${decimals(values[at], 3)}${more}`);
      }),
    );
    readout.prepend(wordsFor(point, shown.size));
  }

  function read(at) {
    point = at;
    showValues();
  }

  // Elements

  const headline = h("p", { role: "status", class: "lfs-headline" });
  const bar = h("div", {});
  const resolution = h("p", { class: "lfs-hint" });
  const readout = h("p", { role: "status", class: "lfs-values" });
  const larges = twoPictures(() => shown?.size, () => apart, read);
  const select = h(
    "select",
    { onchange: () => chooseMethod(Number(select.value)) },
    ...methods.map(({ name }, k) => h("option", { value: k }, name)),
  );
  const large = h(
    "section",
    { class: "lfs-large", "aria-label": "One method" },
    h("label", {}, "Method ", select),
    h("div", { class: "lfs-both" }, ...larges.sides.map(({ figure }) => figure)),
    readout,
  );

  const pairButtons = h(
    "div",
    { class: "lfs-pairs", role: "group", "aria-label": "Pair" },
    ...pairs.map(({ similarity, decision, photographs }, k) =>
      h(
        "button",
        { type: "button", onclick: () => choosePair(k) },
        // The book darkens photographs on dark pages, but for this class.
        ...photographs.map((src) => h("img", { src, alt: "", class: "dark-light" })),
        h("span", {}, `${k + 1}: ${decimals(similarity, 2)} ${decision}`),
      ),
    ),
  );
  const tiles = h(
    "div",
    { class: "lfs-tiles", role: "group", "aria-label": "All methods" },
    ...methods.map(({ name }, k) =>
      h(
        "button",
        {
          type: "button",
          onclick: ({ detail }) => {
            chooseMethod(k);
            if (detail) large.scrollIntoView({ block: "nearest" }); // by pointer: keys stay here
          },
        },
        h("canvas", { "aria-hidden": "true" }),
        h("canvas", { "aria-hidden": "true" }),
        h("span", {}, name),
      ),
    ),
  );
  for (const group of [pairButtons, tiles]) {
    moveWithArrows(group, "button", (chosen) => chosen.click());
  }

  const over = slider("Opacity of the maps", opacity, (value) => {
    opacity = value;
    drawAll();
  });
  const toggle = h("input", { type: "checkbox" });
  toggle.addEventListener("change", () => {
    apart = toggle.checked;
    over.hidden = apart;
    drawAll();
  });
  const above = slider("Show what is above \u03be\u2082", threshold, (value) => {
    threshold = value;
    drawAll();
  });
  const explained = h(
    "span",
    { class: "lfs-hint" },
    `The explanations themselves have \u03be\u2082 = ${mapThreshold}.`,
  );

  const root = h(
    "div",
    { class: "lfs-view lfs-methods" },
    pairButtons,
    headline,
    h(
      "div",
      { class: "lfs-controls" },
      h("label", {}, toggle, "Maps beside the photographs"),
      above,
      over,
      explained,
    ),
    bar,
    h("div", { class: "lfs-one-and-all" }, large, tiles),
    resolution,
  );
  el.append(root);
  chooseMethod(0);
  choosePair(0);
  return () => root.remove();
}

// Shows the figures that wait in a page.
function showPages() {
  eachPage("methods", (contents, el) => render({ model: { get: () => contents }, el }));
}

export default { render };
