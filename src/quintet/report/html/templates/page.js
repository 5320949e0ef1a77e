"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = () => innerWidth < 640;

  // Trials that are between the ends of all axes of a chart, and those that the filter of the
  // table finds: either hides in the other what it leaves out.
  const linked = { axes: () => true, words: () => true, tables: [], charts: [] };
  const inWords = (count) => count.toLocaleString("en");

  // Tables: a click on a title sorts, the filter takes words, "-word" leaves rows out.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const number = cell.dataset.sort;
    return number === undefined ? cell.textContent.trim() : parseFloat(number);
  };
  const empty = (key) => key === "" || Number.isNaN(key);
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  for (const table of all(".table")) {
    const body = table.querySelector("tbody");
    const rows = all("tr", body);
    const input = table.querySelector("input");
    const keyed = rows.some((row) => row.dataset.key);
    const heads = all("th", table);
    let shown = parseInt(table.dataset.shown) || rows.length;
    const more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    more.onclick = () => { shown = rows.length; show(); };
    if (shown < rows.length) table.append(more);

    function show() {
      const words = input ? input.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
      const fits = (row) => words.every((word) => {
        const text = row.textContent.toLowerCase();
        return word.length > 1 && word[0] === "-" ? !text.includes(word.slice(1)) : text.includes(word);
      });
      const named = new Set(rows.filter((row) => row.dataset.key && fits(row)).map((row) => row.dataset.key));
      let found = 0;
      for (const row of body.rows) row.hidden = !(fits(row) && (!keyed || linked.axes(row.dataset.key)) && ++found <= shown);
      if (keyed) linked.words = (key) => named.has(key);
      more.hidden = found <= shown;
      more.textContent = `Show all ${inWords(found)}`;
      if (input) table.querySelector(".count").textContent = found < rows.length ? `${inWords(found)} of ${inWords(rows.length)}` : `${inWords(found)} rows`;
    }
    heads.forEach((head, column) => {
      head.querySelector("button").onclick = () => {
        const number = head.classList.contains("number");
        const before = head.getAttribute("aria-sort");
        const order = before === "none" ? (number ? "descending" : "ascending") : before === "ascending" ? "descending" : "ascending";
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const keyed = rows.map((row) => [keyOf(row, column), row]);
        keyed.sort(([a], [b]) => empty(a) - empty(b) || sign * compare(a, b));
        body.append(...keyed.map(([, row]) => row));
        show();
      };
    });
    if (input) input.oninput = () => { show(); if (keyed) linked.charts.forEach((redraw) => redraw()); };
    if (keyed) linked.tables.push(show);
    show();
  }

  // Commands: a click copies; file:// pages may have no clipboard API.
  for (const button of all(".copy")) {
    const name = button.textContent;
    button.onclick = async () => {
      const text = button.dataset.copy;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = name; }, 1200);
    };
  }

  // The table of contents follows the reader.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      links.forEach((link) => link.classList.remove("here"));
      links.get(entry.target.id)?.classList.add("here");
    }
  }, { rootMargin: "0px 0px -70% 0px" });
  all("section[id]").forEach((section) => seen.observe(section));

  // Charts: "$name" in a figure is a colour of the style sheet, looked up again in the dark.
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const themed = (part) => {
    if (typeof part === "string") return /^\$[a-z]+$/.test(part) ? color(part.slice(1)) : part;
    if (Array.isArray(part)) return part.map(themed);
    if (part && typeof part === "object") return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, themed(v)]));
    return part;
  };
  const merge = (base, over) => {
    const merged = { ...base };
    for (const [key, value] of Object.entries(over)) {
      const both = value && typeof value === "object" && !Array.isArray(value) && merged[key] && typeof merged[key] === "object";
      merged[key] = both ? merge(merged[key], value) : value;
    }
    return merged;
  };
  const look = () => {
    const line = { gridcolor: "$grid", linecolor: "$line", zerolinecolor: "$line", tickcolor: "$line", zeroline: false, ticks: "outside", automargin: true, title: { standoff: 10, font: { size: 13, color: "$soft" } }, tickfont: { color: "$soft" } };
    return themed({
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "$ink" },
      colorway: ["$blue", "$orange", "$green", "$pink", "$sky", "$vermilion", "$yellow"],
      hoverlabel: { bgcolor: "$card", bordercolor: "$line", font: { color: "$ink" }, align: "left" },
      legend: { font: { color: "$soft" }, bgcolor: "rgba(0,0,0,0)" },
      coloraxis: { colorbar: { outlinewidth: 0, tickfont: { color: "$soft" } } },
      xaxis: line, yaxis: line,
    });
  };
  const layoutOf = (given, wide) => {
    const base = look();
    const axes = Object.keys(given).filter((key) => /^[xy]axis\d+$/.test(key));
    for (const key of axes) base[key] = base[`${key[0]}axis`];
    const margin = narrow() ? { l: 8, r: 8, t: 10, b: 8 } : { l: 20, r: 16, t: 14, b: 20 };
    const legend = narrow() && !wide ? { legend: { orientation: "h", x: 0, y: -0.28, yanchor: "top", xanchor: "left" } } : {};
    return { ...merge(merge({ ...base, margin }, themed(given)), legend), autosize: true };
  };
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const charts = all("figure.chart").map((chart) => ({
    chart,
    plot: chart.querySelector(".plot"),
    given: JSON.parse(chart.querySelector("script").textContent),
  }));
  const draw = ({ chart, plot, given, lines }) =>
    window.Plotly.react(plot, themed(lines ? lines() : given.data), layoutOf(given.layout, lines), config)
      .then(() => { chart.dataset.drawn = "true"; });

  // Lines through vertical axes: those outside the ends of an axis are drawn faint and without a text.
  const brushed = (each) => {
    const { chart, plot, given } = each;
    const axes = all(".brush", chart).map((brush) => all("input", brush));
    const stride = axes.length + 1;
    const keys = given.data.flatMap((trace) => trace.meta);
    const status = chart.querySelector("[role=status]");
    const reset = chart.querySelector(".tools button");
    const places = new Map(given.data.flatMap(({ meta, y }) => meta.map((key, i) => [key, y.slice(i * stride, (i + 1) * stride - 1)])));
    const within = (key) => !places.has(key) || places.get(key).every((at, i) => {
      const [low, high] = axes[i].map((input) => +input.value);
      return (at >= low || low === +axes[i][0].min) && (at <= high || high === 1);
    });
    const moved = () => axes.some(([low, high]) => low.value !== low.min || +high.value < 1);
    linked.axes = (key) => !moved() || (places.has(key) && within(key));
    const pick = ({ meta, x, y, text }, keep) => {
      const on = (_, i) => keep(meta[Math.floor(i / stride)]);
      return { x: x.filter(on), y: y.filter(on), text: x.map((_, i) => text[Math.floor(i / stride)]).filter(on) };
    };
    each.lines = () => {
      const keep = (key) => within(key) && linked.words(key);
      const out = given.data.map((trace) => pick(trace, (key) => !keep(key)));
      const faint = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, opacity: 0.5, line: { color: "$line", width: 1 } };
      const left = keys.filter(keep).length;
      status.textContent = left < keys.length ? `${inWords(left)} of ${inWords(keys.length)} trials` : `${inWords(left)} trials`;
      reset.hidden = !moved();
      return [{ ...faint, x: out.flatMap(({ x }) => x), y: out.flatMap(({ y }) => y) }, ...given.data.map((trace) => ({ ...trace, ...pick(trace, keep) }))];
    };
    const named = (axis, at) => {
      const marks = given.layout.annotations.filter(({ x }) => x === axis).sort((a, b) => a.y - b.y);
      const below = marks.findLast(({ y }) => y <= at + 1e-6);
      const above = marks.find(({ y }) => y >= at - 1e-6);
      return below === above ? below.text : [below && `above ${below.text}`, above && `below ${above.text}`].filter(Boolean).join(", ");
    };
    let due = 0;
    const redraw = () => { cancelAnimationFrame(due); due = requestAnimationFrame(() => window.Plotly && draw(each)); };
    const change = () => {
      axes.forEach((ends, i) => ends.forEach((input) => input.setAttribute("aria-valuetext", named(i, +input.value))));
      axes.forEach(([low, high]) => {
        const range = low.parentNode;
        range.classList.toggle("moved", low.value !== low.min || +high.value < 1);
        range.style.setProperty("--low", (low.value - low.min) / (1 - low.min));
        range.style.setProperty("--high", (high.value - low.min) / (1 - low.min));
      });
      linked.tables.forEach((show) => show());
      redraw();
    };
    axes.forEach(([low, high]) => {
      low.oninput = () => { low.value = Math.min(low.value, high.value); change(); };
      high.oninput = () => { high.value = Math.max(low.value, high.value); change(); };
    });
    reset.onclick = () => {
      axes.forEach(([low, high]) => { low.value = low.min; high.value = 1; });
      change();
    };
    // The axes stand where plotly has drawn them, after each change of the window's width.
    each.place = () => {
      const { xaxis, yaxis } = plot._fullLayout;
      axes.forEach(([low], i) => {
        const top = yaxis._offset + yaxis.l2p(1);
        const bottom = yaxis._offset + yaxis.l2p(+low.min);
        Object.assign(low.parentNode.style, { left: `${xaxis._offset + xaxis.l2p(i)}px`, top: `${top}px`, height: `${bottom - top}px` });
      });
    };
    linked.charts.push(redraw);
    change();
  };
  charts.filter(({ chart }) => chart.querySelector(".brush")).forEach(brushed);
  const drawAll = async () => {
    for (const each of charts) {
      await draw(each);
      if (each.place) {
        each.place();
        each.plot.on("plotly_afterplot", each.place);
      }
      await new Promise((resume) => setTimeout(resume));
    }
    document.documentElement.dataset.drawn = "true";
  };
  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const begin = async () => {
    const script = document.createElement("script");
    script.textContent = await inflate(document.getElementById("plotly").textContent);
    document.head.append(script);
    await drawAll();
    dark.addEventListener("change", drawAll);
  };
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
  if (!charts.length) document.documentElement.dataset.drawn = "true";
  else begin().catch((error) => {
    for (const { chart, plot } of charts) {
      chart.classList.add("failed");
      plot.textContent = `This chart could not be drawn: ${error.message}. It needs a browser of 2023 or later.`;
    }
  });
})();
