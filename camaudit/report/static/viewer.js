// A large view of one sample, made of what stands in the page already: any of its pictures over any other,
// blended, with a slider between them, or all side by side. Its state is the address: #check/sample?view=map.
"use strict";

(() => {
  const { make } = window.camaudit;
  const ROWS = ".plates > li[id], .strikes > li[id], .pairs > li[id]";
  const WAYS = { blend: "Blend", slide: "Before and after", beside: "Side by side" };
  const button = (text, act, attributes = {}) => {
    const made = make("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", act);
    return made;
  };

  // What a row has: its pictures in order, each with a name that is its own within the row.
  const pictures = (row) => {
    const seen = new Map();
    return [...row.querySelectorAll("figure")].map((figure) => {
      const kind = figure.classList.item(0);
      seen.set(kind, (seen.get(kind) || 0) + 1);
      const picture = figure.querySelector("img");
      const caption = figure.querySelector("figcaption bdi");
      return {
        figure,
        kind,
        key: seen.get(kind) > 1 ? `${kind}-${seen.get(kind)}` : kind,
        source: picture ? picture.src : "",
        name: caption ? caption.textContent : picture ? picture.alt : figure.textContent,
      };
    });
  };
  const link = (row) => row.querySelector("h4 a, .struck a");
  const neighbours = (row) =>
    [...row.closest(".check").querySelectorAll(`.${row.parentElement.classList.item(0)} > li[id]`)]
      .filter((item) => !item.hidden && item.closest("section") === row.closest("section"));

  // The command that draws the sample anew. Its name is read from the address: shown text is made harmless.
  const HIDDEN = /(?! )[\p{C}\p{Z}]/u;
  const quoted = (text) => {
    if (/^[\w@%+=:,./-]+$/.test(text)) return text;
    if (!HIDDEN.test(text)) return `'${text.replaceAll("'", "'\"'\"'")}'`;
    const spelled = [...text].map((letter) => {
      if ("'\\".includes(letter)) return `\\${letter}`;
      if (!HIDDEN.test(letter)) return letter;
      const code = letter.codePointAt(0).toString(16);
      return code.length < 5 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
    });
    return `$'${spelled.join("")}'`;
  };
  const command = (row) => {
    const pattern = row.closest(".check").querySelector(".show");
    const found = row.id.match(/^[^/]+\/([^/:]+)(:\d+)?$/);
    if (!pattern || !found) return "";
    let name;
    try { name = decodeURIComponent(found[1]); } catch { return ""; }
    if (name.includes("\0")) return "";
    return pattern.textContent.replace(/SAMPLE$/, () => (name.startsWith("-") ? "-- " : "") + quoted(name));
  };

  const title = make("h2", { id: "_viewer-title", tabindex: "-1" });
  const place = make("output", { class: "place", "aria-live": "polite" });
  const easel = make("div", { class: "easel" });
  const strip = make("div", { class: "strip", role: "group", "aria-label": "Picture on top" });
  const under = make("select");
  const ways = make("div", { class: "ways", role: "group", "aria-label": "How the two are shown" });
  const opacity = make("input", { type: "range", min: "0", max: "100", step: "1" });
  const share = make("output");
  const blend = make("label", { class: "opacity" }, make("span", {}, "Opacity of what lies on top"), opacity, share);
  const below = make("label", {}, "Under it", under);
  const particulars = make("div", { class: "particulars about" });
  const [previous, next, close] = [
    button("← Previous", () => step(-1)), button("Next →", () => step(1)), button("Close", () => dialog.close()),
  ];
  const dialog = make("dialog", { class: "viewer", "aria-labelledby": title.id },
    make("header", {}, title, place, make("div", { class: "steps" }, previous, next, close)),
    make("div", { class: "bench" }, easel,
      make("div", { class: "desk" }, strip, ways, blend, below, particulars)));
  document.body.append(dialog);

  let shown = null; // {row, all, view, under, by, opacity}
  let leaving = false;

  const of = (key) => shown.all.find((item) => item.key === key);
  const address = () => {
    const query = new URLSearchParams({ view: shown.view });
    if (shown.under !== shown.all[0].key) query.set("under", shown.under);
    if (shown.by !== "blend") query.set("by", shown.by);
    if (shown.opacity !== 100) query.set("opacity", String(shown.opacity));
    return `#${shown.row.id}?${query}`;
  };
  const remember = () => history.replaceState(history.state, "", address());

  // A picture for a figure, which takes its shape.
  const image = (item, figure) => {
    const made = make("img", { src: item.source, alt: item.name });
    const fit = () => figure.style.setProperty("--ratio", made.naturalWidth / made.naturalHeight || 1);
    made.addEventListener("load", fit);
    return made;
  };
  const reach = (item) => [...item.figure.querySelectorAll(".reach")].map((bar) => bar.cloneNode(true));
  const captioned = (item) => {
    const figure = make("figure");
    if (item.source) figure.append(image(item, figure), ...reach(item), make("figcaption", {}, item.name));
    else figure.append(make("p", { class: "none" }, item.name));
    return figure;
  };

  const scale = () => {
    const found = shown.row.closest("section").querySelector(".scale");
    return found ? [found.cloneNode(true)] : [];
  };

  const blended = () => {
    opacity.value = String(shown.opacity);
    share.textContent = `${shown.opacity} %`;
    easel.querySelectorAll(".top").forEach((over) => over.style.setProperty("opacity", String(shown.opacity / 100)));
  };

  const draw = () => {
    const [top, bottom] = [of(shown.view), of(shown.under)];
    easel.replaceChildren();
    easel.className = `easel ${shown.by}`;
    if (shown.by === "beside") {
      easel.append(...shown.all.map(captioned));
    } else if (shown.by === "slide" && top !== bottom) {
      const pair = make("figure", { class: "compare", "data-before": bottom.name, "data-after": top.name });
      pair.append(image(bottom, pair), image(top, pair));
      easel.append(pair);
      window.camaudit.compare(pair);
    } else {
      const stack = make("figure", { class: "stack" });
      const over = image(top, stack);
      over.classList.add("top");
      stack.append(...(top === bottom ? [] : [image(bottom, stack)]), over);
      easel.append(stack, ...reach(top));
    }
    easel.append(...scale());
    strip.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one.value === shown.view)));
    ways.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one.value === shown.by)));
    const alone = shown.by === "beside" || top === bottom;
    blend.hidden = alone || shown.by !== "blend";
    below.hidden = alone && shown.by === "beside";
    strip.hidden = shown.by === "beside";
    blended();
  };

  const change = (changes) => {
    Object.assign(shown, changes);
    draw();
    remember();
  };
  // Browsers limit how often an address may change, so it follows when the slider is let go.
  opacity.addEventListener("input", () => {
    shown.opacity = Number(opacity.value);
    blended();
  });
  opacity.addEventListener("change", remember);
  under.addEventListener("input", () => change({ under: under.value }));
  ways.append(...Object.entries(WAYS).map(([by, text]) =>
    button(text, () => change({ by }), { value: by })));

  const tell = (row) => {
    const told = row.querySelector(".about") || row;
    particulars.replaceChildren(...[...told.children]
      .filter((item) => item.matches("p, dl") && !item.matches(".struck"))
      .map((item) => item.cloneNode(true)));
    row.querySelectorAll(".struck").forEach((item) => {
      const rest = item.cloneNode(true);
      rest.querySelectorAll("a, button").forEach((own) => own.remove());
      if (rest.textContent.trim()) particulars.prepend(rest);
    });
    row.querySelectorAll("figcaption .sub").forEach((answer) => {
      const [name, text] = [answer.parentElement.querySelector("bdi"), answer.cloneNode(true)];
      particulars.append(make("p", {}, `${name.textContent}: `, text));
    });
    const line = command(row);
    if (line) particulars.append(make("p", { class: "repeat" }, "To draw it at every layer:", make("code", {}, line)));
  };

  // Shows a row: with the pictures chosen if it has these, else with its own first map over its first picture.
  const show = (row, wish = {}) => {
    const all = pictures(row);
    const there = all.filter((item) => item.source);
    const has = (key) => there.some((item) => item.key === key);
    const first = there[0] || all[0];
    const usual = there.find((item) => item.kind === "map") || there[1] || first;
    shown = {
      row,
      all,
      view: has(wish.view) ? wish.view : usual.key,
      under: has(wish.under) ? wish.under : first.key,
      by: wish.by in WAYS ? wish.by : "blend",
      opacity: Number.isFinite(wish.opacity) ? Math.min(100, Math.max(0, Math.round(wish.opacity))) : 100,
    };
    if (there.length < 2) shown.by = there.length ? "blend" : "beside";
    const rows = neighbours(row);
    const at = rows.indexOf(row);
    title.replaceChildren(...[...link(row).childNodes].map((node) => node.cloneNode(true)),
      make("span", { class: "kind" }, row.closest(".check").querySelector("h2 a").textContent));
    place.textContent = `${at + 1} of ${rows.length}`;
    [previous.disabled, next.disabled] = [at <= 0, at < 0 || at + 1 >= rows.length];
    strip.replaceChildren(...there.map((item) => {
      const chosen = button(item.name, () => change({ view: item.key }), { value: item.key });
      chosen.prepend(make("img", { src: item.source, alt: "" }));
      return chosen;
    }));
    under.replaceChildren(...there.map((item) => make("option", { value: item.key }, item.name)));
    under.value = shown.under;
    tell(row);
    draw();
    if (!dialog.open) {
      dialog.showModal();
      title.focus();
    }
  };

  const step = (by) => {
    const rows = neighbours(shown.row);
    const row = rows[rows.indexOf(shown.row) + by];
    if (!row) return;
    show(row, shown);
    remember();
    if (document.activeElement === document.body || document.activeElement.disabled) title.focus();
  };

  // Opening is a step forward, so that the browser's way back closes; what is changed inside is none.
  const open = (row, view) => {
    show(row, { view });
    history.pushState({ viewer: true }, "", address());
  };

  const wanted = () => {
    const [anchor, query = ""] = location.hash.slice(1).split("?");
    const found = new URLSearchParams(query);
    const row = found.has("view") ? document.getElementById(anchor) : null;
    return row && row.matches(ROWS) ? [row, {
      view: found.get("view"),
      under: found.get("under"),
      by: found.get("by"),
      opacity: found.has("opacity") ? Number(found.get("opacity")) : NaN,
    }] : null;
  };

  dialog.addEventListener("close", () => {
    const { row } = shown;
    if (wanted()) {
      leaving = Boolean(history.state && history.state.viewer);
      if (leaving) history.back();
      else history.replaceState(null, "", `#${row.id}`);
    }
    for (let fold = row.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    link(row).focus({ preventScroll: true });
    row.scrollIntoView({ behavior: "instant", block: "nearest" });
  });
  // Before the page follows an address: the way back out of the view leads to where the reader was.
  window.addEventListener("hashchange", (event) => {
    const found = wanted();
    if (found) {
      show(...found);
      return;
    }
    if (dialog.open || leaving) event.stopImmediatePropagation();
    if (leaving) link(shown.row).focus({ preventScroll: true }); // the browser took it when it went back
    leaving = false;
    if (dialog.open) dialog.close();
  }, true);

  document.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the ground around it
    const figure = event.target.closest(".plates figure, .strikes figure, .pairs figure");
    const row = event.target.closest(ROWS);
    if (!row) return;
    if (event.target.closest("button.enlarge")) open(row);
    else if (figure && event.target.matches("img")) open(row, pictures(row).find((item) => item.figure === figure).key);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open) {
      const turn = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1 }[event.key];
      const taken = event.key.startsWith("Arrow") ? "input, select" : "select";
      if (!turn || event.target.closest(taken)) return;
      event.preventDefault();
      step(turn);
    } else if (event.key === "Enter") {
      const row = event.target.closest(ROWS);
      if (!row || event.target !== link(row)) return;
      event.preventDefault();
      open(row);
    }
  });

  document.querySelectorAll(ROWS).forEach((row) => {
    if (!row.querySelector("figure img")) return;
    const name = link(row);
    name.after(make("button", { type: "button", class: "enlarge", "aria-label": `Enlarge ${name.textContent}` }, "Enlarge"));
  });
  const asked = wanted();
  if (asked) show(...asked);
})();
