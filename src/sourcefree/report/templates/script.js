"use strict";
(() => {
  const gallery = document.getElementById("gallery");
  if (!gallery) return;
  const byId = (id) => document.getElementById(id);
  const cards = Array.from(gallery.children);
  const [filter, only, order] = ["gallery-filter", "gallery-class", "gallery-order"].map(byId);

  for (const name of [...new Set(cards.map((card) => card.dataset.predicted))].sort()) {
    only.add(new Option(name, name));
  }
  if (cards.every((card) => card.dataset.wrong === "")) {
    for (const value of ["wrong", "right"]) filter.querySelector(`[value=${value}]`).remove();
  }
  const passes = {
    all: () => true,
    changed: (card) => card.dataset.changed === "1",
    wrong: (card) => card.dataset.wrong === "1",
    right: (card) => card.dataset.wrong === "0",
  };
  const update = () => {
    const sign = { given: 0, low: 1, high: -1 }[order.value];
    const sorted = sign
      ? [...cards].sort((a, b) => sign * (Number(a.dataset.confidence) - Number(b.dataset.confidence)))
      : cards;
    let shown = 0;
    for (const card of sorted) {
      card.hidden = !(passes[filter.value](card) && (!only.value || card.dataset.predicted === only.value));
      shown += card.hidden ? 0 : 1;
      gallery.append(card);
    }
    byId("gallery-count").textContent = `${shown} of ${cards.length}`;
  };
  byId("gallery-controls").hidden = false;
  byId("gallery-controls").addEventListener("change", update);
  byId("gallery-controls").addEventListener("submit", (event) => event.preventDefault());
  update();
})();
