// Makes the report quicker to work with. Everything is readable without it; nothing is loaded or sent.
"use strict";

(() => {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  window.camaudit = { ...window.camaudit, make };

  // "0.71 [0.69, 0.73]" counts as 0.71; a text without a number sorts last.
  const numberOf = (text) => {
    const found = text.replace(/,(?=\d{3})/g, "").replace("−", "-").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/i);
    return found ? Number(found[0]) : NaN;
  };

  const compare = (left, right, numeric) => {
    if (!numeric) return left.localeCompare(right, undefined, { numeric: true });
    const [a, b] = [numberOf(left), numberOf(right)];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return a - b;
  };

  // Undefined values stay last in both directions.
  const ordered = (items, text, numeric, down) => {
    const missing = (item) => numeric && Number.isNaN(numberOf(text(item)));
    const known = items.filter((item) => !missing(item)).sort((a, b) => compare(text(a), text(b), numeric));
    return [...(down ? known.reverse() : known), ...items.filter(missing)];
  };

  // Tables: a button in every heading.
  const sortable = (table) => {
    table.querySelectorAll("thead th:not([data-fixed])").forEach((head) => {
      const button = make("button", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const text = (row) => row.cells[head.cellIndex].textContent.trim();
        body.append(...ordered([...body.rows], text, head.classList.contains("number"), down));
      });
    });
  };

  // State: #check?q=text&by=column&short=1
  const state = () => {
    const [anchor, query = ""] = location.hash.slice(1).split("?");
    return { anchor, query: new URLSearchParams(query) };
  };

  const remember = (anchor, query) => {
    const text = query.toString();
    history.replaceState(null, "", `#${anchor}${text ? `?${text}` : ""}`);
  };

  const valueOf = (item, title) => {
    const found = [...item.querySelectorAll("dt")].find((term) => term.textContent === title);
    return found ? found.nextElementSibling.textContent : "";
  };

  const samples = (section) => {
    const check = section.closest(".check").id;
    const lists = [...section.querySelectorAll(".plates")];
    const items = lists.flatMap((list) => [...list.children]);
    if (items.length < 2) return () => {};
    const first = lists[0].children.length;
    const fold = section.querySelector("details.more");
    const summary = fold && fold.querySelector("summary");
    const titles = [...new Set(items.flatMap((item) => [...item.querySelectorAll("dt")].map((term) => term.textContent)))];

    const search = make("input", { type: "search", placeholder: "name, label, status …", autocomplete: "off" });
    const order = make("select", {}, make("option", { value: "" }, "as reported"));
    titles.forEach((title) => {
      order.append(make("option", { value: title }, `${title}, rising`));
      order.append(make("option", { value: `-${title}` }, `${title}, falling`));
    });
    const short = make("input", { type: "checkbox" });
    const count = make("output", { "aria-live": "polite" });
    const tools = make("div", { class: "tools", role: "search", "aria-label": `Samples of ${check}` },
      make("label", {}, "Search", search), make("label", {}, "Order", order));
    if (items.some((item) => item.classList.contains("failing")) && items.some((item) => !item.classList.contains("failing")))
      tools.append(make("label", { class: "tick" }, short, "falling short only"));
    tools.append(count);
    lists[0].before(tools);

    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const column = order.value.replace(/^-/, "");
      const text = (item) => valueOf(item, column);
      const numeric = items.some((item) => !Number.isNaN(Number(text(item))) && text(item) !== "");
      const chosen = (column ? ordered(items, text, numeric, order.value.startsWith("-")) : items).filter((item) => {
        const content = item.textContent.toLowerCase();
        return (!short.checked || item.classList.contains("failing")) && words.every((word) => content.includes(word));
      });
      const kept = new Set(chosen);
      items.forEach((item) => { item.hidden = !kept.has(item); });
      lists[0].append(...chosen.slice(0, first));
      if (lists[1]) lists[1].append(...chosen.slice(first), ...items.filter((item) => !kept.has(item)));
      else lists[0].append(...items.filter((item) => !kept.has(item)));
      const rest = Math.max(0, chosen.length - first);
      if (fold) fold.hidden = rest === 0;
      if (summary) summary.textContent = `${rest} more sample${rest === 1 ? "" : "s"}`;
      count.textContent = chosen.length === items.length ? "" : `${chosen.length} of ${items.length} shown`;
    };

    const changed = () => {
      const query = new URLSearchParams();
      if (search.value) query.set("q", search.value);
      if (order.value) query.set("by", order.value);
      if (short.checked) query.set("short", "1");
      remember(check, query);
      show();
    };
    [search, order, short].forEach((control) => control.addEventListener("input", changed));

    return (query) => {
      search.value = query.get("q") || "";
      order.value = query.get("by") || "";
      if (order.selectedIndex < 0) order.value = "";
      short.checked = query.get("short") === "1";
      show();
    };
  };

  const restore = new Map();
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("section.samples").forEach((section) => {
    restore.set(section.closest(".check").id, samples(section));
  });

  // Twice: what lies off the screen is measured only once it comes near, and moves its neighbours.
  const jump = (target) => {
    target.scrollIntoView({ behavior: "instant" });
    requestAnimationFrame(() => target.scrollIntoView({ behavior: "instant" }));
  };

  const follow = () => {
    const { anchor, query } = state();
    const target = document.getElementById(anchor);
    if (!target) return;
    if (location.hash.includes("?") && restore.has(anchor)) {
      restore.get(anchor)(query);
      jump(target.querySelector("section.samples"));
      return;
    }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.hidden = false;
    jump(target);
  };
  window.addEventListener("hashchange", follow);
  if (location.hash) follow();

  // Keyboard: / searches, j and k (or the arrows, on a sample) walk the samples.
  const walk = (step, from) => {
    const shown = [...document.querySelectorAll(".plates > li")].filter((item) => item.getClientRects().length);
    const at = from ? shown.indexOf(from) : -1;
    const next = shown[from ? at + step : shown.findIndex((item) => item.getBoundingClientRect().bottom > 0)];
    if (!next) return;
    next.querySelector("h4 a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, pre")) return;
    if (document.querySelector("dialog[open]")) return; // its keys are its own
    const from = event.target.closest(".plates > li");
    const step = { j: 1, k: -1, ...(from ? { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 } : {}) }[event.key];
    if (step) {
      event.preventDefault();
      walk(step, from);
    } else if (event.key === "/") {
      const fields = [...document.querySelectorAll(".tools input[type=search]")];
      const field = fields.find((item) => item.getBoundingClientRect().bottom > 0) || fields[0];
      if (field) {
        event.preventDefault();
        field.focus();
        field.scrollIntoView({ block: "center" });
      }
    }
  });
})();
