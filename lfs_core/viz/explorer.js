// The retrieval explorer's view. It asks its model by setting "request" and hears "response"; the
// model is a widget with Python behind it, or, in a page, a table of answers made in advance.

const PICTURES_AT_ONCE = 8;
const ENTRIES_AT_ONCE = 200;
const CANVAS = 320; // px, longest side of a picture in a pair

// Photographs, asked for when they are first shown

function pictureShelf(root, contents, askLater) {
  const [small, large] = contents.sides;
  const known = new Map(); // "side:item" to {source} or {problem}
  const wanted = new Set();
  let busy = false;
  for (const [item, source] of Object.entries(contents.pictures ?? {})) {
    for (const side of contents.sides) known.set(`${side}:${item}`, { source });
  }
  const fill = (image, { source, problem }) => {
    if (source) image.src = source;
    else image.title = problem;
    image.classList.toggle("lfs-missing", !source);
  };
  const fetchWanted = async () => {
    if (busy) return;
    busy = true;
    while (wanted.size) {
      const [first] = wanted;
      const side = Number(first.split(":")[0]);
      const keys = [...wanted].filter((key) => key.startsWith(`${side}:`));
      const chunk = keys.slice(0, PICTURES_AT_ONCE);
      chunk.forEach((key) => wanted.delete(key));
      const items = chunk.map((key) => Number(key.split(":")[1]));
      const { pictures = {}, problem } = await askLater("pictures", side, ...items);
      for (const key of chunk) {
        known.set(key, pictures[key.split(":")[1]] ?? { problem });
        root.querySelectorAll(`img[data-picture="${key}"]`).forEach((image) => {
          fill(image, known.get(key));
        });
      }
    }
    busy = false;
  };
  const want = (key) => {
    wanted.add(key);
    queueMicrotask(fetchWanted);
  };
  return {
    forget: () => wanted.clear(),
    image(item, alt, side = small) {
      const key = `${side}:${item}`;
      // The book darkens photographs on dark pages, but for this class.
      const image = h("img", { alt, "data-picture": key, class: "dark-light", draggable: "false" });
      if (known.has(key)) fill(image, known.get(key));
      else if (contents.live) want(key);
      else fill(image, { problem: "This page does not hold this photograph." });
      return image;
    },
    // A large photograph that is loaded, or null.
    async loaded(item, askNow) {
      const key = `${large}:${item}`;
      if (!known.has(key)) {
        if (!contents.live) return null;
        const { pictures = {}, problem } = await askNow("pictures", large, item);
        known.set(key, pictures[item] ?? { problem });
      }
      const { source } = known.get(key);
      if (!source) return null;
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    },
  };
}

// Latents

// Two embeddings as lines, the second one dashed.
function latentChart(first, second) {
  const [width, height] = [600, 120];
  const values = [first, second].map(({ scale, values }) =>
    Array.from(new Int8Array(bytes(values).buffer), (step) => scale * step),
  );
  const [low, high] = [Math.min(0, ...values.flat()), Math.max(...values.flat())];
  const y = (value) => (height * (high - value)) / (high - low || 1);
  const lines = values.map((line) =>
    line
      .map((value, j) => `${(((j + 0.5) / line.length) * width).toFixed(1)},${y(value).toFixed(1)}`)
      .join(" "),
  );
  const chart = h("figure", { class: "lfs-latents" });
  chart.innerHTML = `
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img"
      aria-label="The ${values[0].length} latents of both photographs">
      <line x1="0" x2="${width}" y1="${y(0)}" y2="${y(0)}" class="lfs-zero"/>
      <polyline points="${lines[0]}" class="lfs-first"/>
      <polyline points="${lines[1]}" class="lfs-second"/>
    </svg>`;
  chart.append(
    h(
      "figcaption",
      {},
      h("span", { class: "lfs-key-first" }, "query"),
      h("span", { class: "lfs-key-second" }, "this photograph"),
      `latents 1 to ${values[0].length} of embeddings of length 1, from `,
      `${low.toFixed(2).replace("-", "\u2212")} to ${high.toFixed(2)}`,
    ),
  );
  return chart;
}

// The view

function render({ model, el }) {
  const contents = model.get("contents");
  const { live, labels, classNames } = contents;
  const names = { ...contents.names }; // and those of uploads
  const colours = bytes(contents.colours);
  const uid = `lfs-${`${Math.random()}`.slice(2)}`;
  const entries = contents.entries.filter((item) => item < contents.photographs);
  const guests = contents.entries.filter((item) => item >= contents.photographs);
  const precisions = new Map();
  const latents = new Map();
  const explained = new Map(); // "query,item" to the answer, with maps unpacked

  let query = null; // item
  let opened = null; // its answer
  let tab = "top";
  let shown = entries; // those that the filter leaves
  let entriesShown = ENTRIES_AT_ONCE;

  const root = h("div", { class: "lfs-view lfs-explorer" });
  const waiting = patience(model, live);
  const { ask, askLater, stop } = asker(model, waiting.busy);
  const shelf = pictureShelf(root, contents, askLater);

  const className = (item) => {
    const name = classNames[labels[item]];
    return name === undefined || name === names[item] ? "" : name; // a class of one has no name
  };
  const isRight = (item) => labels[item] === opened.label;
  const marked = () => opened.label !== null;
  const verdict = (item) => (isRight(item) ? "\u2713 right" : "\u2717 other class");

  // The list of photographs

  const filter = h("input", { type: "search", oninput: () => narrow() });
  const count = h("p", { class: "lfs-count", role: "status" });
  const list = h("ul", { class: "lfs-list" });
  const more = button("Show more", () => {
    entriesShown += ENTRIES_AT_ONCE;
    showEntries();
  });

  function narrow() {
    const text = filter.value.trim().toLowerCase();
    const without = text.startsWith("!");
    const word = without ? text.slice(1) : text;
    const has = (item) => names[item].toLowerCase().includes(word);
    shown = word ? entries.filter((item) => has(item) !== without) : entries;
    entriesShown = ENTRIES_AT_ONCE;
    showEntries();
    showPlace();
  }

  function entry(item) {
    const ap = precisions.get(item);
    const known = ap !== undefined && ap !== null;
    return h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          "data-item": item,
          "aria-current": item === query ? "true" : null,
          onclick: () => open(item),
        },
        h("span", { class: "lfs-name", title: names[item] }, names[item]),
        known
          ? h("span", { class: "lfs-ap", style: `--ap: ${ap}` }, `AP ${ap.toFixed(2)}`)
          : h("span", { class: "lfs-ap lfs-no-ap" }, ap === null ? "no AP" : ""),
      ),
    );
  }

  function fillList(target, items) {
    const focused = target.contains(document.activeElement);
    const top = target.scrollTop;
    target.replaceChildren(...items.map(entry));
    target.scrollTop = top;
    const current =
      target.querySelector('[aria-current="true"]') ?? target.querySelector("button");
    target.querySelectorAll("button").forEach((b) => (b.tabIndex = b === current ? 0 : -1));
    if (focused && current) current.focus({ preventScroll: true });
    return current;
  }

  function showEntries() {
    if (shown.includes(query)) {
      entriesShown = Math.max(entriesShown, shown.indexOf(query) + 1);
    }
    const current = fillList(list, shown.slice(0, entriesShown));
    more.hidden = shown.length <= entriesShown;
    count.textContent = `${shown.length} of ${entries.length}`;
    if (current?.getAttribute("aria-current")) keepInSight(current);
  }

  // Scrolls the list only, not the page.
  function keepInSight(item) {
    const [box, row] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
    if (row.top < box.top) list.scrollTop += row.top - box.top;
    if (row.bottom > box.bottom) list.scrollTop += row.bottom - box.bottom;
  }

  // Images from outside the gallery

  const guestList = h("ul", { class: "lfs-list" });
  const alert = h("p", { role: "alert", class: "lfs-alert" });
  const drop = dropZone("Choose images, or drop them here", takeIn);

  async function takeIn(files) {
    alert.textContent = "";
    const { taken, problems } = await sendFiles(files, ask);
    for (const { item, name } of taken) {
      names[item] = name;
      guests.push(item);
    }
    alert.textContent = problems.join(" ");
    if (taken.length) open(taken.at(-1).item);
  }

  // The query

  const place = h("output", { class: "lfs-place" });
  const previous = button("\u2039 Previous", () => step(-1));
  const next = button("Next \u203a", () => step(1));
  const proportions = h("input", { type: "checkbox", checked: true });
  proportions.addEventListener("change", () => {
    root.classList.toggle("lfs-square", !proportions.checked);
    pair.draw();
  });
  const head = h("div", { class: "lfs-head" });
  const panel = h("div", { role: "tabpanel", id: `${uid}-panel`, class: "lfs-panel", tabindex: 0 });

  const currentList = () => (query >= contents.photographs ? guests : shown);

  function step(by) {
    const items = currentList();
    const at = items.indexOf(query);
    const target = items[at < 0 ? 0 : at + by];
    if (target !== undefined) open(target);
  }

  function showPlace() {
    const items = currentList();
    const at = items.indexOf(query);
    const kind = query >= contents.photographs ? " of your images" : "";
    place.textContent = `${at < 0 ? "\u2013" : at + 1} / ${items.length}${kind}`;
    enable(previous, items.length && at !== 0, next);
    enable(next, items.length && at !== items.length - 1, previous);
  }

  async function open(item) {
    query = item;
    shelf.forget();
    showEntries();
    fillList(guestList, guests);
    showPlace();
    const answer = await ask("open", item);
    if (item !== query) return; // the reader has gone on
    opened = answer;
    if (answer.problem) {
      head.replaceChildren(h("p", { role: "alert", class: "lfs-alert" }, answer.problem));
      panel.replaceChildren();
      return;
    }
    if (item < contents.photographs) precisions.set(item, answer.precision);
    showHead();
    showEntries();
    fillList(guestList, guests);
    showTab();
  }

  function headline() {
    const { nearest, relevant, precision, position } = opened;
    if (!marked()) {
      return position === null
        ? "An image from outside the gallery: what is right is not known."
        : "No other photograph of its class is in the gallery.";
    }
    const right = nearest.map(([item]) => isRight(item));
    const found = right.filter(Boolean).length;
    const recall = contents.recallAt.filter((k) => k <= right.length).map(
      (k) => `@${k} ${right.slice(0, k).includes(true) ? "yes" : "no"}`,
    );
    const top = nearest.length;
    const ap = precision.toFixed(2);
    return `${found} of ${relevant} in the top ${top}, AP@${top} ${ap}, Recall${recall.join(", ")}`;
  }

  function strip() {
    if (!marked()) return null;
    const right = opened.nearest.map(([item]) => isRight(item));
    const ranks = right.flatMap((is, k) => (is ? [k + 1] : [])).join(", ");
    return h(
      "div",
      { class: "lfs-strip", role: "img", "aria-label": `Right at ranks: ${ranks || "none"}.` },
      ...right.map((is) => h("span", { class: is ? "lfs-right" : "" })),
    );
  }

  function showHead() {
    const twin = query >= contents.photographs && opened.position !== null;
    const name = opened.position === null ? "" : className(opened.position);
    head.replaceChildren(
      h("span", { class: "lfs-frame" }, shelf.image(query, `The query, ${opened.name}`)),
      h(
        "div",
        {},
        h("p", { class: "lfs-title" }, opened.name),
        name ? h("p", {}, `class ${name}`) : null,
        twin ? h("p", {}, `The gallery holds it, as ${names[opened.position]}.`) : null,
        h("p", { class: "lfs-headline", role: "status" }, headline()),
        strip(),
      ),
    );
  }

  // Tabs

  const TABS = { top: `Top ${contents.top}`, answers: "Answers", ranking: "Ranking" };
  const tabs = h(
    "div",
    { role: "tablist", class: "lfs-tabs", "aria-label": "What to show of the answer" },
    ...Object.entries(TABS).map(([key, text]) =>
      button(text, () => choose(key), {
        role: "tab",
        id: `${uid}-${key}`,
        "data-tab": key,
        "aria-controls": `${uid}-panel`,
      }),
    ),
  );
  moveWithArrows(tabs, "[role=tab]", (chosen) => chosen.click());

  function choose(key) {
    tab = key;
    shelf.forget();
    showTab();
  }

  function showTab() {
    for (const one of tabs.children) {
      const selected = one.dataset.tab === tab;
      one.setAttribute("aria-selected", selected);
      one.tabIndex = selected ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `${uid}-${tab}`);
    if (opened && !opened.problem) ({ top: showTop, answers: showAnswers, ranking: showRanking })[tab]();
  }

  // A photograph that was retrieved; a click explains it.
  function hit([item, rank, score], hits) {
    const name = className(item);
    const parts = [`Rank ${rank}`, `similarity ${score.toFixed(3)}`];
    if (name) parts.push(`class ${name}`);
    if (marked()) parts.push(isRight(item) ? "right" : "other class");
    return h(
      "button",
      {
        type: "button",
        class: `lfs-hit ${marked() ? (isRight(item) ? "lfs-right" : "lfs-wrong") : ""}`,
        title: names[item],
        "aria-label": `${parts.join(", ")}: ${names[item]}. Explain.`,
        "data-item": item,
        onclick: () => pair.open(item, hits),
      },
      h("span", { class: "lfs-frame" }, shelf.image(item, "")),
      h("span", { class: "lfs-line" }, h("b", {}, rank), h("span", {}, score.toFixed(3))),
      name ? h("span", { class: "lfs-class" }, name) : null,
      marked() ? h("span", { class: "lfs-mark" }, verdict(item)) : null,
    );
  }

  function grid(hits, label) {
    const group = h("div", { class: "lfs-grid", role: "group", "aria-label": label });
    group.append(...hits.map((one) => hit(one, hits)));
    moveWithArrows(group, ".lfs-hit");
    return group;
  }

  function showTop() {
    const { nearest, farthest, ranks } = opened;
    const top = nearest.map(([item, score], k) => [item, k + 1, score]);
    const bottom = farthest.map(([item, score], k) => [item, ranks - k, score]);
    panel.replaceChildren(
      h("p", { class: "lfs-title" }, `The ${top.length} most similar`),
      grid(top, "Most similar"),
      ...(bottom.length
        ? [
            h("p", { class: "lfs-title" }, `The ${bottom.length} least similar, least first`),
            grid(bottom, "Least similar"),
          ]
        : []),
    );
  }

  function pager(start, size, total, go) {
    return h(
      "div",
      { class: "lfs-bar" },
      button("\u2039 Earlier", () => go(start - size), { disabled: start === 0 }),
      h("output", {}, `${total ? start + 1 : 0}\u2013${Math.min(start + size, total)} of ${total}`),
      button("Later \u203a", () => go(start + size), { disabled: start + size >= total }),
    );
  }

  // Asks, and gives null if the reader has gone on meanwhile.
  async function askHere(...question) {
    const [askedQuery, askedTab] = [query, tab];
    const answer = await ask(...question);
    return askedQuery === query && askedTab === tab ? answer : null;
  }

  async function showAnswers(start = 0) {
    if (!marked()) {
      panel.replaceChildren(h("p", {}, headline()));
      return;
    }
    const answer = await askHere("answers", query);
    if (!answer) return;
    if (answer.problem) return showProblem(answer.problem);
    const hits = answer.hits.slice(start, start + contents.page);
    panel.replaceChildren(
      h("p", { class: "lfs-title" }, `All others of class ${classNames[opened.label]}`),
      pager(start, contents.page, answer.hits.length, showAnswers),
      grid(hits, "Photographs of the query's class"),
    );
  }

  const showProblem = (problem) =>
    panel.replaceChildren(h("p", { role: "alert", class: "lfs-alert" }, problem));

  async function showRanking(start = 0) {
    const answer = await askHere("ranking", query, start);
    if (!answer) return;
    if (answer.problem) return showProblem(answer.problem);
    const detail = h("div", { class: "lfs-detail" });
    const hits = answer.hits.map(([item, score], k) => [item, start + k + 1, score]);
    const squares = h("div", { class: "lfs-squares", role: "group", "aria-label": "Ranking" });
    hits.forEach(([item, rank, score], k) => {
      const right = marked() && isRight(item);
      const state = marked() ? (right ? ", right" : ", other class") : "";
      squares.append(
        h(
          "button",
          {
            type: "button",
            class: right ? "lfs-square-hit lfs-right" : "lfs-square-hit",
            "data-place": k,
            "aria-label": `Rank ${rank}, ${score.toFixed(3)}${state}: ${names[item]}`,
          },
          right ? "\u2713" : "",
        ),
      );
    });
    let pending;
    let at = null;
    const show = (event) => {
      const square = event.target.closest(".lfs-square-hit");
      if (!square || square.dataset.place === at) return;
      at = square.dataset.place;
      squares.querySelector(".lfs-chosen")?.classList.remove("lfs-chosen");
      square.classList.add("lfs-chosen");
      clearTimeout(pending); // not for each square that the pointer passes
      pending = setTimeout(() => showDetail(detail, hits[at], hits), live ? 80 : 0);
    };
    for (const event of ["mouseover", "focusin", "click"]) squares.addEventListener(event, show);
    moveWithArrows(squares, ".lfs-square-hit");
    panel.replaceChildren(
      h(
        "p",
        {},
        "One square a photograph, in the order of the ranking",
        marked() ? "; \u2713 marks those of the query's class" : "",
        ". Point at one to see it.",
      ),
      opened.ranks > contents.ranksAtOnce
        ? pager(start, contents.ranksAtOnce, opened.ranks, showRanking)
        : "",
      squares,
      detail,
    );
    if (hits.length) showDetail(detail, hits[0], hits);
  }

  async function latentsOf(item) {
    if (!latents.has(item)) latents.set(item, await ask("latents", item));
    return latents.get(item);
  }

  async function showDetail(detail, one, hits) {
    const [item, rank, score] = one;
    detail.dataset.item = item;
    const chart = h("div", { class: "lfs-chart" }, "\u2026");
    const facts = [`Rank ${rank}`, `similarity ${score.toFixed(3)}`];
    if (className(item)) facts.push(`class ${className(item)}`);
    if (marked()) facts.push(verdict(item));
    detail.replaceChildren(
      h("span", { class: "lfs-frame" }, shelf.image(item, names[item])),
      h(
        "div",
        {},
        h("p", { class: "lfs-title" }, names[item]),
        h("p", {}, facts.join(", ")),
        button("Explain this pair", () => pair.open(item, hits)),
      ),
      chart,
    );
    const [first, second] = [await latentsOf(query), await latentsOf(item)];
    if (detail.dataset.item !== String(item)) return;
    const problem = first.problem ?? second.problem;
    chart.replaceChildren(problem ? h("p", {}, problem) : latentChart(first, second));
  }

  // A pair and its explanation

  function pairPanel() {
    const title = h("p", { class: "lfs-title", id: `${uid}-title` });
    const body = h("div", { class: "lfs-body" });
    const earlier = button("\u2039 Previous", () => go(-1), { "aria-label": "Previous result" });
    const later = button("Next \u203a", () => go(1), { "aria-label": "Next result" });
    const close = button("\u00d7 Close", () => dialog.close(), {
      class: "lfs-close",
      autofocus: true,
    });
    const dialog = h(
      "dialog",
      { class: "lfs-pair", "aria-labelledby": `${uid}-title` },
      h("div", { class: "lfs-bar" }, earlier, later, close),
      title,
      body,
    );
    let pairs = []; // [item, rank, score], to go through
    let item = null;
    let sides = []; // canvas, caption, image and map of both photographs
    let opacity = 0.65;
    let threshold = null; // the explanation's own until the reader moves it
    let apart = false;

    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && event.target.tagName !== "INPUT") {
        event.preventDefault();
        go(by);
      }
    });
    dialog.addEventListener("close", () => (item = null));

    const at = () => pairs.findIndex(([other]) => other === item);

    function go(by) {
      const target = pairs[at() + by];
      if (target) show(target[0]);
    }

    function open(chosen, hits) {
      pairs = hits;
      if (!dialog.open) dialog.showModal();
      show(chosen);
    }

    async function show(chosen) {
      item = chosen;
      sides = [];
      enable(earlier, at() > 0, close);
      enable(later, at() < pairs.length - 1, close);
      const [, rank] = pairs[at()];
      const state = marked() ? `, ${verdict(item)}` : "";
      title.textContent = `${opened.name} and ${names[item]}, rank ${rank}${state}`;
      const asked = query;
      const key = `${asked},${item}`;
      if (!explained.has(key)) {
        body.replaceChildren(h("p", { role: "status", class: "lfs-busy" }, "explaining \u2026"));
        const answer = await ask("pair", asked, chosen);
        if (!answer.problem) answer.steps = await Promise.all(answer.maps.map(inflate));
        if (!answer.problem) explained.set(key, answer);
        else if (item === chosen) {
          body.replaceChildren(h("p", { role: "alert", class: "lfs-alert" }, answer.problem));
        }
      }
      const answer = explained.get(key);
      if (!answer || item !== chosen) return;
      const images = [await shelf.loaded(asked, ask), await shelf.loaded(chosen, ask)];
      if (item !== chosen) return; // the reader has gone on
      explain(answer, images);
    }

    function explain(answer, images) {
      const decision = answer.similar ? "similar" : "dissimilar";
      const limit =
        typeof answer.threshold === "number"
          ? ` (${answer.similar ? "above" : "not above"} \u03be\u2081 = ${answer.threshold})`
          : "";
      const files = [opened.name, names[item]];
      sides = images.map((image, side) => ({
        image,
        name: files[side],
        steps: answer.steps[side],
        size: answer.size,
        canvas: h("canvas", { role: "img" }),
        share: h("span", {}),
      }));
      body.replaceChildren(
        h(
          "p",
          {},
          `Similarity ${answer.similarity.toFixed(3)}: the network calls them `,
          h("strong", {}, decision),
          `${limit}. Method: ${answer.method}.`,
        ),
        h("div", { class: "lfs-controls" }, ...controls(answer)),
        h(
          "div",
          { class: "lfs-sides" },
          ...sides.map(({ canvas, name, share }, side) =>
            h(
              "figure",
              {},
              canvas,
              h(
                "figcaption",
                {},
                h("span", { class: "lfs-title" }, `${side ? "Result" : "Query"}: ${name}`),
                h("br"),
                share,
                `; the map's values go from ${answer.ranges[side].map((v) => v.toFixed(2)).join(" to ")}`,
              ),
            ),
          ),
        ),
        colourBar(colours, `evidence for \u201c${decision}\u201d`),
      );
      draw();
    }

    function controls(answer) {
      const over = slider("Opacity of the map", opacity, (value) => {
        opacity = value;
        draw();
      });
      over.hidden = apart;
      const toggle = h("input", { type: "checkbox", checked: apart });
      toggle.addEventListener("change", () => {
        apart = toggle.checked;
        over.hidden = apart;
        draw();
      });
      threshold ??= answer.mapThreshold;
      return [
        h("label", {}, toggle, "Map beside the photograph"),
        slider("Show what is above \u03be\u2082", threshold, (value) => {
          threshold = value;
          draw();
        }),
        over,
      ];
    }

    function draw() {
      for (const side of sides) drawSide(side);
    }

    function drawSide({ image, canvas, share, name, steps, size }) {
      const ratio = image && proportions.checked ? image.width / image.height : 1;
      const [width, height] = within(CANVAS, ratio);
      const values = enlarge(steps, size, width, height);
      drawMap(canvas, image, values, width, height, { colours, threshold, opacity, apart });
      share.textContent = `${shareAbove(values, threshold)} lies above \u03be\u2082`;
      canvas.setAttribute("aria-label", `${name} with its map; ${share.textContent}`);
    }

    return { dialog, open, draw };
  }

  const pair = pairPanel();

  // Putting it together

  const hint = h("p", { class: "lfs-hint" }, "! before a word leaves names with it out.");
  const outside = h(
    "section",
    { "aria-label": "Your images" },
    h("p", { class: "lfs-title" }, "Your images"),
    live
      ? drop
      : h("p", { class: "lfs-hint" }, "To query with your own images: ", h("code", {}, "make lab")),
    alert,
    guestList,
  );
  const inside = h(
    "section",
    { "aria-label": "Photographs" },
    h("p", { class: "lfs-title" }, live ? "Photographs" : "Queries in this page"),
    h("label", { class: "lfs-filter" }, "Filter by name", filter),
    hint,
    count,
    list,
    more,
  );
  for (const one of [list, guestList]) {
    moveWithArrows(one, "button", (chosen) => open(Number(chosen.dataset.item)));
  }
  root.append(
    h(
      "div",
      { class: "lfs-columns" },
      h("div", { class: "lfs-aside" }, inside, outside),
      h(
        "div",
        { class: "lfs-main" },
        h(
          "div",
          { class: "lfs-bar", role: "group", "aria-label": "Query" },
          previous,
          place,
          next,
          h("label", {}, proportions, "Keep proportions"),
        ),
        waiting.note,
        head,
        tabs,
        panel,
        live
          ? null
          : h(
              "p",
              { class: "lfs-hint" },
              `${contents.entries.length} queries of a gallery of ${contents.photographs} `,
              "photographs; live, in JupyterLab, all of them can be asked.",
            ),
      ),
    ),
    pair.dialog,
  );
  el.append(root);

  if (!live) {
    for (const item of entries) {
      precisions.set(item, contents.answers[`open,${item}`].precision);
    }
  }
  open(contents.entries[0]).then(async () => {
    if (!live) return;
    const answer = await askLater("precisions");
    for (const [item, ap] of Object.entries(answer.precisions ?? {})) {
      precisions.set(Number(item), ap);
    }
    showEntries();
  });

  return () => {
    stop();
    waiting.stop();
    root.remove();
  };
}

// Shows the explorers that wait in a page.
function showPages() {
  eachPage("explorer", (contents, el) => render({ model: tableModel(contents), el }));
}

export default { render };
