// The cohort page's own script. It reads the page, never markup from data: every text goes in as text, no element from a string.
// In the head: what is marked `rest` is then never drawn, which is most of the work that 2,000 lines make. Lines that are not on
// the page that is shown leave the document until they are; on paper all that fit are there.
"use strict";
(() => {
const words = new Intl.Collator("en", {numeric: true, sensitivity: "base"});
const PAGE = 100;
const number = (value) => value.toLocaleString("en");

function make(tag, text, names = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(names)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const counted = ([found, planted, open]) => planted ? `${found} of ${planted}${open ? ` (+${open} open)` : ""}` : "–";

function read(tr, order) {
  const cells = tr.cells, last = cells.length - 1;
  const name = cells[1].querySelector("bdi").textContent;
  const counts = (tr.dataset.c ?? "").split(" ").filter(Boolean).map((packed) => packed.split("/").map(Number));
  const [low, high] = cells[4].textContent.split("–").map(Number);
  return {
    tr, order, name, counts, low, high, text: name.toLowerCase(), total: Number(cells[2].textContent), over: cells[3].textContent,
    band: cells[6].textContent, gates: cells[7].textContent, waiting: Number(cells[8].textContent), decision: cells[last].textContent,
    marks: [...cells[1].querySelectorAll(".tag")].map((tag) => tag.textContent), report: cells[1].querySelector("a")?.getAttribute("href"),
    style: cells[5].getAttribute("style"), box: cells[0].firstElementChild,
    found: last > 9 ? cells[9] : null,
  };
}

const GATES = {
  person: (row) => /need/.test(row.gates), fail: (row) => /fail/.test(row.gates), pass: (row) => /^\d+ pass$/.test(row.gates),
};
const STATES = {
  waiting: (row) => row.waiting > 0, marked: (row) => row.marks.length > 0,
  undecided: (row) => !row.decision, decided: (row) => Boolean(row.decision),
};

function group(section) {
  const table = section.querySelector("table.rows"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const keys = table.dataset.keys ? table.dataset.keys.split("|") : [];
  const rows = [...table.tBodies].flatMap((part) => [...part.rows]).map(read);
  const all = rows.map((row) => {
    const levels = row.counts.filter((_, at) => keys[at].startsWith("level "));
    return [0, 1, 2].map((n) => levels.reduce((sum, count) => sum + count[n], 0));
  });
  const inputs = [...section.querySelectorAll("[data-filter]")], by = section.querySelector("[data-by]");
  const count = section.querySelector(".count"), bar = section.querySelector(".picked");
  const pager = section.querySelector(".pager"), said = section.querySelector(".picked span");
  let picked = [], fitting = rows, first = 0, size = PAGE;

  const share = (row) => by?.value ? row.counts[Number(by.value)] : all[row.order];
  const rate = (row) => { const [found, planted] = share(row) ?? [0, 0]; return planted ? found / planted : -1; };

  function filter() {
    const value = Object.fromEntries(inputs.map((input) => [input.dataset.filter, input.value.trim()]));
    const text = value.text.toLowerCase(), least = value.least === "" ? -Infinity : Number(value.least);
    fitting = rows.filter((row) => row.text.includes(text) && (!value.band || row.band === value.band)
      && (!value.gates || GATES[value.gates](row)) && (!value.state || STATES[value.state](row)) && row.total >= least);
    turn(0);
  }

  function turn(to, most = size) {
    first = Math.max(0, Math.min(to, fitting.length - 1));
    size = most;
    const shown = fitting.slice(first, first + size);
    body.replaceChildren(...shown.map((row) => row.tr));
    const part = shown.length < fitting.length ? `, lines ${number(first + 1)} to ${number(first + shown.length)}` : "";
    count.textContent = `${number(fitting.length)} of ${number(rows.length)} fit${part}`;
    pager.hidden = fitting.length <= PAGE;
    pager.querySelector("[data-back]").disabled = first === 0;
    pager.querySelector("[data-on]").disabled = first + size >= fitting.length;
    pager.querySelector("[data-whole]").textContent = size === PAGE ? "All lines" : `${PAGE} at a time`;
  }

  function sort(head, way) {
    const column = heads.indexOf(head), kind = head.dataset.sort;
    const value = kind === "found" ? rate : column === 4 ? (row) => row.low : column === 2 ? (row) => row.total
      : column === 8 ? (row) => row.waiting : column === 1 ? (row) => row.name
      : column === 6 ? (row) => row.band : column === 7 ? (row) => row.gates : (row) => row.decision;
    const of = new Map(rows.map((row) => [row, value(row)]));
    const compare = kind === "text" ? (a, b) => words.compare(of.get(a), of.get(b)) : (a, b) => of.get(a) - of.get(b);
    rows.sort((a, b) => way * compare(a, b) || a.order - b.order);
    filter();
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
  }

  function show() {
    for (const row of rows) if (row.found) row.found.textContent = counted(share(row) ?? [0, 0, 0]);
    const head = heads.find((cell) => cell.dataset.sort === "found"), said = by.selectedOptions[0].textContent;
    head.querySelector("span").textContent = said;
    if (head.hasAttribute("aria-sort")) sort(head, head.getAttribute("aria-sort") === "ascending" ? 1 : -1);
  }

  function pick(row) {
    picked = row.box.checked ? [...picked, row] : picked.filter((other) => other !== row);
    while (picked.length > 2) picked.shift().box.checked = false;
    tell();
  }

  function tell() {
    bar.hidden = !picked.length;
    said.textContent = picked.length === 1 ? `${picked[0].name}: tick a second one to compare.`
      : picked.map((row) => row.name).join(" and ");
    bar.querySelector("[data-compare]").disabled = picked.length < 2;
  }

  for (const head of heads.filter((cell) => cell.dataset.sort)) {
    const button = make("button", undefined, {type: "button"}, ...head.childNodes);
    head.append(button);
    const first = head.dataset.sort === "text" ? 1 : -1;
    button.addEventListener("click", () => sort(head, head.hasAttribute("aria-sort")
      ? (head.getAttribute("aria-sort") === "ascending" ? -1 : 1) : first));
  }
  heads[2].setAttribute("aria-sort", "descending");
  inputs.forEach((input) => input.addEventListener("input", filter));
  by?.addEventListener("change", show);
  section.querySelector("[data-reset]").addEventListener("click", () => { inputs.forEach((input) => { input.value = ""; }); filter(); });
  const at = new Map(rows.map((row) => [row.box, row]));
  body.addEventListener("change", (event) => at.has(event.target) && pick(at.get(event.target)));
  bar.querySelector("[data-compare]").addEventListener("click", () => compare(picked, keys));
  bar.querySelector("[data-clear]").addEventListener("click", () => {
    const box = picked.at(-1).box;
    picked.forEach((row) => { row.box.checked = false; });
    picked = [];
    tell();
    box.focus();
  });
  pager.querySelector("[data-back]").addEventListener("click", () => turn(first - size));
  pager.querySelector("[data-on]").addEventListener("click", () => turn(first + size));
  pager.querySelector("[data-whole]").addEventListener("click", () => turn(0, size === PAGE ? Infinity : PAGE));
  let before = PAGE;
  addEventListener("beforeprint", () => { before = size; turn(0, Infinity); });
  addEventListener("afterprint", () => turn(0, before));
  [...table.tBodies].slice(1).forEach((part) => part.remove());
  section.querySelector(".controls").hidden = section.querySelector(".told").hidden = false;
  filter();
}

function compare([one, other], keys) {
  const both = (name, of) => make("tr", undefined, {}, make("th", name, {scope: "row"}), ...[one, other].map((row) => make("td", undefined, {}, of(row))));
  const line = () => make("tr", undefined, {}, make("td"), ...[one, other].map((row) => make("th", row.name, {scope: "col"})));
  const facts = make("table", undefined, {}, make("thead", undefined, {}, line()), make("tbody", undefined, {},
    both("Total", (row) => `${row.total} of ${row.over}`), both("90 % interval", (row) => `${row.low} to ${row.high}`)));
  const scale = both("On one scale", () => "");
  [one, other].forEach((row, n) => { const cell = scale.cells[n + 1]; cell.className = "b"; cell.setAttribute("style", row.style); cell.ariaHidden = "true"; });
  facts.tBodies[0].append(scale, both("Band", (row) => row.band), both("Gates", (row) => row.gates || "–"),
    both("Waiting for a person", (row) => String(row.waiting)), both("Marks", (row) => row.marks.join("; ") || "none"),
    both("Decision", (row) => row.decision || "none yet"), both("Report", (row) => row.report ? make("a", "open", {href: row.report}) : "–"));
  const overlap = one.low <= other.high && other.low <= one.high;
  const pair = document.getElementById("pair"), close = make("button", "Close", {type: "button", class: "close"});
  close.addEventListener("click", () => pair.close());
  pair.replaceChildren(close, make("h2", `${one.name} beside ${other.name}`, {id: "pair-title"}),
    make("p", overlap ? "Their intervals overlap: the program cannot order the two." : "Their intervals do not overlap."), facts,
    ...["level", "domain"].flatMap((by) => shares(by, keys, [one, other], line)));
  pair.showModal();
  close.focus();
}

function shares(by, keys, both, line) {
  const rows = keys.map((key, at) => [key, at]).filter(([key]) => key.startsWith(`${by} `)).map(([key, at]) => make("tr", undefined, {},
    make("th", key.slice(by.length + 1).replaceAll("-", " "), {scope: "row"}), ...both.map((row) => {
      const share = row.counts[at] ?? [0, 0, 0];
      const bar = make("span", undefined, {class: "part", "aria-hidden": "true", style: `--f:${share[1] ? 100 * share[0] / share[1] : 0}`});
      return make("td", counted(share), {}, bar);
    })));
  if (!rows.length) return [];
  return [make("h3", `Found by ${by}`), make("table", undefined, {}, make("thead", undefined, {}, line()), make("tbody", undefined, {}, ...rows))];
}

document.documentElement.classList.add("live");
addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("section.group").forEach(group);
  performance.mark("cohort-usable");
});
})();
