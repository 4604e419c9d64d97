{
  // The chart that this script ends. It is drawn when it is open and Plotly is there.
  const chart = document.currentScript.parentElement;
  const place = chart.querySelector("div");
  const PATIENCE = 30000; // ms until plotly.js is taken to be missing
  const colour = () => ({ "font.color": getComputedStyle(chart).color });
  let begun = false;

  const plotly = async () => {
    for (let waited = 0; !globalThis.Plotly && waited < PATIENCE; waited += 50) {
      await new Promise((done) => setTimeout(done, 50));
    }
    return globalThis.Plotly;
  };

  const inflated = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  };

  const draw = async () => {
    if (begun || !chart.open) return;
    begun = true;
    const Plotly = await plotly();
    if (!Plotly) {
      place.textContent = "This chart is drawn where plotly.js is at hand.";
      return;
    }
    const { data, layout } = await inflated(chart.querySelector("[type='text/plain']").text);
    await Plotly.newPlot(place, data, layout, { responsive: true, displayModeBar: false });
    await Plotly.relayout(place, colour());
    const dark = new MutationObserver(() => Plotly.relayout(place, colour()));
    dark.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  chart.addEventListener("toggle", draw);
  draw();
}
