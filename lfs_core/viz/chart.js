// Draws the charts of a page with Plotly, which the page has loaded before. They follow the page's
// width, and by its style its colours; their menus are the browser's own, and on paper each choice
// has a picture.
{
  const PAPER = 660; // px, width of a picture on paper
  const MENUS = { order: "Order of the rows", mark: "Which readings are marked" };
  const CONFIG = { displayModeBar: false };
  const { Plotly } = globalThis;

  const inflated = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  };

  // What lies between the axes is as high as it was made, however much is written around it.
  const fit = (place, inner) => {
    const { t, b } = place._fullLayout._size;
    const height = Math.ceil(inner + t + b);
    if (!inner || Math.abs(height - place._fullLayout.height) < 2) return undefined;
    place.style.height = `${height}px`;
    return Plotly.relayout(place, { height });
  };

  const chooser = (menu, changed) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", MENUS[menu.name] ?? "What is shown");
    for (const { label } of menu.buttons) select.add(new Option(label));
    select.addEventListener("change", () => changed(menu.buttons[select.selectedIndex]));
    return select;
  };

  const draw = async (chart) => {
    if (chart.drawn) return;
    chart.drawn = true;
    const place = chart.querySelector(".lfs-chart-plot");
    const { data, layout } = await inflated(chart.querySelector("[type='text/plain']").text);
    const { updatemenus = [], ...plain } = layout;
    const inner = layout.meta?.inner;
    chart.kept = { data, layout: plain, updatemenus };
    const apply = (button) => Plotly[button.method](place, ...structuredClone(button.args));
    chart
      .querySelector(".lfs-chart-choices")
      .replaceChildren(...updatemenus.map((menu) => chooser(menu, apply)));
    place.textContent = "";
    place.style.minHeight = "";
    place.style.height = `${layout.height}px`;
    await Plotly.newPlot(place, structuredClone(data), structuredClone(plain), CONFIG);
    await fit(place, inner);
    place.on("plotly_afterplot", () => fit(place, inner));
    // Plotly's own way loses the width once `fit` has set a height.
    const widen = ({ clientWidth: width }) =>
      width && width !== place._fullLayout.width && Plotly.relayout(place, { width });
    new ResizeObserver(() => widen(place)).observe(place);
    chart.dataset.drawn = "";
  };

  // Plotly draws at once, so that pictures are there before the page is printed.
  const picture = (chart) => {
    const { data, layout, updatemenus } = structuredClone(chart.kept);
    const [menu] = updatemenus;
    const each = menu && !(menu.name in MENUS);
    const paper = document.createElement("div");
    paper.className = "lfs-chart-paper";
    chart.querySelector(".lfs-chart-plot").after(paper);
    for (const button of each ? menu.buttons : [null]) {
      const place = document.createElement("div");
      if (button) paper.append(button.label);
      paper.append(place);
      const size = structuredClone({ ...layout, width: PAPER, autosize: false });
      Plotly.newPlot(place, structuredClone(data), size, { staticPlot: true });
      if (button) Plotly.update(place, ...button.args);
      fit(place, layout.meta?.inner);
    }
  };

  const charts = [...document.querySelectorAll(".lfs-chart")];
  addEventListener("beforeprint", () => charts.filter((c) => c.kept && c.open !== false).forEach(picture));
  addEventListener("afterprint", () =>
    document.querySelectorAll(".lfs-chart-paper").forEach((paper) => paper.remove()),
  );
  const all = async () => {
    for (const chart of charts) {
      chart.addEventListener("toggle", () => chart.open && draw(chart));
      if (chart.open !== false) await draw(chart);
    }
  };
  if (Plotly) all();
}
