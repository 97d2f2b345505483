(() => {
  "use strict";
  const body = document.querySelector("#flights tbody");
  if (!body) return;
  const one = (id) => document.getElementById(id);
  const STEP = 200, all = [...body.rows], table = body.parentElement;
  const facts = new Map(all.map((row) => [row, {
    keys: row.dataset.k.split(" ").map(Number), lane: row.dataset.l, client: row.dataset.c, platform: row.dataset.p,
    text: (row.cells[0].textContent + " " + row.dataset.i).toLowerCase(), name: row.cells[0].querySelector("button").textContent.toLowerCase(),
  }]));
  const details = new Map(), store = one("details");
  let lines;  // the details of each flight as a JSON string with its markup, read when the first of them is opened
  const detailOf = (row) => {
    lines ??= store.textContent.split("\n");
    const made = document.createElement("template");
    made.innerHTML = JSON.parse(lines[Number(row.id.slice(1))]);
    return made.content;
  };
  let limit = STEP, order = [1, 1], ranked = all;  // [key, direction]: 0 lane, 1 worst first, 2 percent, 3 off, 4 spent, 5 planned, 6 trust, 7 name, 8 client, 9 platform
  const word = { 7: "name", 8: "client", 9: "platform" };

  const compare = (a, b) => {
    const [key, direction] = order, x = facts.get(a), y = facts.get(b);
    if (word[key]) return direction * x[word[key]].localeCompare(y[word[key]]) || x.keys[1] - y.keys[1];
    const p = x.keys[key], q = y.keys[key];
    if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q) || x.keys[1] - y.keys[1];
    return direction * (p - q) || x.keys[1] - y.keys[1];
  };

  const show = () => {
    const lane = one("lane").value, client = one("client").value, platform = one("platform").value;
    const asked = one("find").value.trim().toLowerCase();
    let found = 0;
    for (const row of ranked) {
      const its = facts.get(row);
      const fits = (!lane || its.lane === lane) && (!client || its.client === client) && (!platform || its.platform === platform)
        && (!asked || its.text.includes(asked));
      const hidden = !fits || ++found > limit;
      if (row.hidden !== hidden) row.hidden = hidden;
      if (details.has(row)) details.get(row).hidden = hidden;
    }
    const seen = Math.min(found, limit);
    one("count").textContent = seen === found ? `${found} of ${all.length} flights` : `the first ${seen} of ${found} flights that fit, ${all.length} in all`;
    one("more").hidden = seen === found;
  };

  const sort = () => {
    ranked = [...all].sort(compare);
    const rows = document.createDocumentFragment();
    for (const row of ranked) { rows.append(row); if (details.has(row)) rows.append(details.get(row)); }
    body.append(rows);
    for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
    const head = table.tHead.querySelector(`[data-s="${order[0]}"]`);
    if (head) head.parentElement.setAttribute("aria-sort", order[1] > 0 ? "ascending" : "descending");
    one("sort").value = order.join(" ");
    show();
  };

  const toggle = (row, open) => {
    const button = row.cells[0].querySelector("button");
    if (open && !details.has(row)) {
      const detail = document.createElement("tr"), cell = document.createElement("td");
      detail.className = "detail"; detail.id = row.id + "d"; cell.colSpan = row.cells.length;
      cell.append(detailOf(row)); detail.append(cell); row.after(detail); details.set(row, detail);
      button.setAttribute("aria-controls", detail.id);
    } else if (!open && details.has(row)) {
      details.get(row).remove(); details.delete(row); button.removeAttribute("aria-controls");
    }
    button.setAttribute("aria-expanded", String(open));
  };

  body.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) toggle(button.closest("tr"), button.getAttribute("aria-expanded") !== "true");
  });
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const key = Number(button.dataset.s);
    order = order[0] === key ? [key, -order[1]] : [key, Number(button.dataset.d)];
    sort();
  });
  for (const id of ["lane", "client", "platform"]) one(id).addEventListener("change", () => { limit = STEP; show(); });
  one("find").addEventListener("input", () => { limit = STEP; show(); });
  one("sort").addEventListener("change", () => { order = one("sort").value.split(" ").map(Number); sort(); });
  one("more").addEventListener("click", () => { limit += 5 * STEP; show(); });
  one("clear").addEventListener("click", () => { for (const id of ["lane", "client", "platform", "find"]) one(id).value = ""; limit = STEP; show(); });

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all.filter((row) => !row.hidden && row.dataset.l !== "healthy" && !details.has(row)).slice(0, STEP);
    for (const row of opened) toggle(row, true);
  });
  addEventListener("afterprint", () => { for (const row of opened) toggle(row, false); opened = []; });
  show();
})();
