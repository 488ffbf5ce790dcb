// Puts a slider on every <figure class="compare"> of two pictures; without it they stand side by side.
// `data-before` and `data-after` name the two sides, `beside` in its class keeps the pictures beside the slider.
"use strict";

(() => {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const slider = (figure) => {
    const pictures = [...figure.querySelectorAll("img")];
    if (pictures.length !== 2) return;
    const { before = "before", after = "after" } = figure.dataset;
    const beside = figure.classList.contains("beside");
    const shown = beside ? pictures.map((picture) => picture.cloneNode()) : pictures;
    const stage = make("div", { class: "stage" });
    const range = make("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": `From ${before} to ${after}` });
    // The sides are spelled out by the range's own text.
    const sides = make("p", { class: "sides", "aria-hidden": "true" }, make("span", {}, before), make("span", {}, after));
    const place = figure.querySelector(":scope > figcaption");
    figure.insertBefore(make("div", { class: "slider" }, stage, range, sides), place);
    stage.append(...shown);
    // The same pictures again have been described already.
    if (beside) shown.forEach((picture) => picture.setAttribute("alt", ""));
    figure.classList.add("sliding");

    const show = () => {
      stage.style.setProperty("--at", `${range.value}%`);
      range.setAttribute("aria-valuetext", `left ${range.value} % ${before}, right ${100 - range.value} % ${after}`);
    };
    const point = (event) => {
      const box = stage.getBoundingClientRect();
      range.value = Math.round((100 * (event.clientX - box.left)) / box.width);
      show();
    };
    range.addEventListener("input", show);
    stage.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      range.focus({ preventScroll: true });
      point(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) point(event);
    });
    show();
  };

  document.querySelectorAll("figure.compare").forEach(slider);
  // For figures that another script makes later.
  window.camaudit = { ...window.camaudit, compare: slider };
})();
