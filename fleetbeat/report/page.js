// Draws every plot of the page in the page's own colours, and again when they change (dark, light, paper).
(() => {
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const plots = [...document.querySelectorAll("script[data-plot]")].map((script) => [
    document.getElementById(script.dataset.plot),
    JSON.parse(script.textContent),
  ]);
  const look = (layout) => {
    const change = { "font.color": colour("--ink"), "hoverlabel.bgcolor": colour("--panel"), "hoverlabel.font.color": colour("--ink") };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
      for (const part of ["gridcolor", "linecolor", "zerolinecolor", "tickcolor"]) change[`${axis}.${part}`] = colour("--line");
    }
    return change;
  };
  const dress = () => Promise.all(plots.map(([place, spec]) => Plotly.relayout(place, look(spec.layout))));
  const onPaper = (printing) => {
    root.classList.toggle("printing", printing);
    for (const [place] of plots) Plotly.Plots.resize(place);
    dress();
  };
  Promise.all(plots.map(([place, spec]) => Plotly.newPlot(place, spec.data, spec.layout, { displayModeBar: false, responsive: true })))
    .then(dress)
    .then(() => (root.dataset.drawn = plots.length));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
})();
