"use strict";
// Follows the server: a new version is loaded at the same place, with the same filters.
(() => {
  const [EVERY, KEPT] = [2000, "quintet"];
  const version = document.currentScript.dataset.version;
  const inputs = [...document.querySelectorAll("main input")];
  const footer = document.querySelector("footer");
  const written = footer.textContent;

  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  inputs.forEach((input, i) => {
    if (!kept.words?.[i]) return;
    input.value = kept.words[i];
    input.dispatchEvent(new Event("input"));
  });
  if (kept.top) addEventListener("load", () => scrollTo(0, kept.top));

  const renew = () => {
    sessionStorage.setItem(KEPT, JSON.stringify({ top: scrollY, words: inputs.map((input) => input.value) }));
    location.reload();
  };
  const typing = () => inputs.includes(document.activeElement) && document.hasFocus();
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
