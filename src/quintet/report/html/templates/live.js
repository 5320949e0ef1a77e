"use strict";
// Follows the server: a new version is loaded at the same place, with the same filters.
(() => {
  const [EVERY, KEPT] = [2000, "quintet"];
  const version = document.currentScript.dataset.version;
  const inputs = [...document.querySelectorAll("main input")];
  const names = inputs.map((input) => input.getAttribute("aria-label"));
  const footer = document.querySelector("footer");
  const written = footer.textContent;

  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  inputs.forEach((input, i) => {
    if (!kept.values?.[names[i]]) return;
    input.value = kept.values[names[i]];
    input.dispatchEvent(new Event("input"));
  });
  inputs[names.indexOf(kept.focused)]?.focus({ preventScroll: true });
  if (kept.top) addEventListener("load", () => scrollTo(0, kept.top));

  const renew = () => {
    const values = Object.fromEntries(inputs.map((input, i) => [names[i], input.value]));
    const focused = names[inputs.indexOf(document.activeElement)];
    sessionStorage.setItem(KEPT, JSON.stringify({ top: scrollY, values, focused }));
    location.reload();
  };
  const busy = ":active, [type=search]"; // moved by a pointer, or typed into
  const typing = () => inputs.includes(document.activeElement) && document.activeElement.matches(busy) && document.hasFocus();
  setInterval(async () => {
    try {
      const latest = await (await fetch("version")).text();
      footer.textContent = written;
      if (latest !== version && !typing()) renew();
    } catch {
      footer.textContent = `${written} The command that follows it has ended.`;
    }
  }, EVERY);
})();
