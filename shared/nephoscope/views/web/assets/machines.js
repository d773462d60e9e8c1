/* The table of machines: rows come as columns, once; later only what differs. Searching and narrowing ask nobody. */
"use strict";

(() => {
  const FACETS = ["cloud", "account", "region", "state", "type"];
  const rows = new Map();
  let token = "";
  let narrowly = false;
  let asking = null;
  let early = null;

  const element = (id) => document.getElementById(id);

  /* --- rows --- */

  function unpack(said) {
    const { columns, words, count } = said;
    const names = Object.keys(columns);
    const found = new Array(count);
    for (let place = 0; place < count; place++) {
      const row = {};
      for (const name of names) {
        const value = columns[name][place];
        row[name] = words[name] ? words[name][value] : value;
      }
      row.key = `${row.scope}|${row.id}`;
      row.search = `${row.name} ${row.id} ${row.tags} ${row.zone} ${row.type} ${row.failed}`.toLowerCase();
      found[place] = row;
    }
    return found;
  }

  function fetchRows() {
    const since = token && element("machines") ? `?since=${token}` : "";
    return fetch(`/rows${since}`, { cache: "no-store" }).then((answer) => (answer.ok ? answer.json() : null));
  }

  /* Rows are asked for before the table stands: it takes a while to build. */
  if (location.pathname === "/machines") {
    early = fetchRows().catch(() => null);
    const ahead = document.createElement("link");
    Object.assign(ahead, { rel: "preload", as: "script", href: "/_dash-component-suites/dash_ag_grid/async-community.js" });
    document.head.append(ahead);
  }

  async function load(api) {
    if (asking) return;
    asking = early ?? fetchRows();
    early = null;
    try {
      const said = await asking;
      if (said && said.token && !said.same) take(api, said);
    } catch {
      /* The banner says so already. */
    } finally {
      asking = null;
    }
  }

  /* What is asked for is known before the rows are set, so that they are filtered and drawn once. */
  function take(api, said) {
    const fresh = unpack(said);
    if (said.whole) {
      measure(api, said.metrics);
      rows.clear();
      for (const row of fresh) rows.set(row.key, row);
      offer();
      understand();
      api.setGridOption("rowData", fresh);
    } else {
      const gone = said.gone.filter((key) => rows.has(key)).map((key) => rows.get(key));
      const known = fresh.filter((row) => rows.has(row.key));
      const added = fresh.filter((row) => !rows.has(row.key));
      for (const row of gone) rows.delete(row.key);
      for (const row of fresh) rows.set(row.key, row);
      api.applyTransaction({ update: known, add: added, remove: gone });
      offer();
    }
    token = said.token;
    count(api);
  }

  /* A column for each metric that there are values of, behind those that say how a machine is. */
  function measure(api, metrics) {
    const columns = api.getColumnDefs();
    const known = columns.filter((column) => column.field.startsWith("value:")).map((column) => column.field);
    if (known.join() === metrics.map(([field]) => field).join()) return;
    const others = columns.filter((column) => !column.field.startsWith("value:"));
    const values = metrics.map(([field, headerName, unit]) => ({
      field, headerName, width: 165, type: "rightAligned", context: { unit },
      valueFormatter: ({ value }) => figure(value, unit),
    }));
    api.setGridOption("columnDefs", [...others.slice(0, 3), ...values, ...others.slice(3)]);
    narrowly = false;
    arrange(api);
  }

  /* --- narrowing --- */

  let wanted = { words: [], without: [], facets: [] };

  function understand() {
    const words = (element("words")?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const facets = FACETS.map((name) => [name, element(`facet-${name}`)?.value ?? ""]).filter(([, value]) => value);
    wanted = {
      words: words.filter((word) => !(word.startsWith("-") && word.length > 1)),
      without: words.filter((word) => word.startsWith("-") && word.length > 1).map((word) => word.slice(1)),
      facets,
      firing: element("facet-firing")?.value === "yes",
    };
  }

  function passes(row) {
    if (wanted.firing && !row.alerts) return false;
    for (const [name, value] of wanted.facets) if (!inFacet(name, row, value)) return false;
    for (const word of wanted.words) if (!row.search.includes(word)) return false;
    for (const word of wanted.without) if (row.search.includes(word)) return false;
    return true;
  }

  /* A link from a sum of states names a group of them. */
  const GROUPS = {
    stopped: ["stopped", "suspended"],
    changing: ["starting", "stopping", "repairing", "unknown"],
    gone: ["terminating", "terminated"],
  };

  function inFacet(name, row, value) {
    if (name === "state" && GROUPS[value]) return GROUPS[value].includes(row.state);
    return row[name] === value;
  }

  function narrowed(api) {
    understand();
    api.onFilterChanged();
    count(api);
  }

  function count(api) {
    const shown = api.getDisplayedRowCount();
    const buckets = [...rows.values()].some((row) => !row.state);
    const what = buckets ? "machines and buckets" : rows.size === 1 ? "machine" : "machines";
    const all = `${rows.size.toLocaleString("en")} ${what}`;
    const some = shown === rows.size ? all : `${shown.toLocaleString("en")} of ${all}`;
    const text = rows.size ? some : token ? "No machine is known." : "Nothing is known yet.";
    const place = element("matches");
    if (place && place.textContent !== text) place.textContent = text;
  }

  /* The choices are the words that the rows have. */
  function offer() {
    const query = new URLSearchParams(location.search);
    for (const name of FACETS) {
      const select = element(`facet-${name}`);
      if (!select) continue;
      const asked = select.dataset.offered ? select.value : query.get(name) ?? "";
      const found = new Set();
      for (const row of rows.values()) if (row[name]) found.add(row[name]);
      if (name === "state") Object.keys(GROUPS).forEach((group) => found.add(group));
      if (asked) found.add(asked);
      const choices = ["", ...[...found].sort()];
      if (select.dataset.offered !== choices.join("\n")) {
        select.replaceChildren(...choices.map((word) => new Option(word ? shortened(word) : "all", word)));
        select.dataset.offered = choices.join("\n");
      }
      select.value = asked;
    }
    const firing = element("facet-firing");
    if (firing && !firing.dataset.offered) {
      firing.value = query.get("firing") ?? "";
      firing.dataset.offered = "yes";
    }
  }

  const shortened = (word) => (word.length > 40 ? `${word.slice(0, 39)}…` : word);

  function changed() {
    const api = window.nephoscopeGrid;
    if (!api || !element("machines")) return;
    narrowed(api);
    const said = { q: element("words").value };
    for (const name of [...FACETS, "firing"]) said[name] = element(`facet-${name}`).value;
    window.nephoscope.keep(said);
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "words" || event.target.id?.startsWith("facet-")) changed();
  });

  /* --- the table --- */

  function sorted(api) {
    const by = api.getColumnState().find((column) => column.sort);
    window.nephoscope.keep({ sort: by ? `${by.colId}.${by.sort}` : "" });
  }

  function fit(api) {
    const narrow = window.innerWidth < 700;
    if (narrow === narrowly && !narrow) return;
    narrowly = narrow;
    const hidden = api.getColumns().map((column) => column.getColId())
      .filter((name) => !["name", "state", "alerts"].includes(name));
    api.setColumnsVisible(hidden, !narrow);
    const room = window.innerWidth - 24 - 112 - 84 - 4;
    api.setColumnWidths([{ key: "name", newWidth: narrow ? Math.max(140, room) : 260 }]);
    api.setColumnWidths([{ key: "state", newWidth: narrow ? 112 : 150 }, { key: "alerts", newWidth: narrow ? 84 : 90 }]);
  }

  /* As the address says. */
  function arrange(api) {
    fit(api);
    const [by, way] = (new URLSearchParams(location.search).get("sort") ?? "").split(/\.(?=[^.]*$)/);
    if (by && way) api.applyColumnState({ state: [{ colId: by, sort: way }] });
  }

  async function begin(grid) {
    grid.dataset.begun = "yes";
    const api = await window.dash_ag_grid.getApiAsync("machines");
    window.nephoscopeGrid = api;
    rows.clear();
    token = "";
    narrowly = false;
    api.setGridOption("isExternalFilterPresent", () => true);
    api.setGridOption("doesExternalFilterPass", (node) => passes(node.data));
    arrange(api);
    api.addEventListener("sortChanged", () => sorted(api));
    api.addEventListener("cellKeyDown", (event) => {
      if (event.event.key === "Enter") window.nephoscope.go(pageOf(event.data));
    });
    await load(api);
    count(api);
  }

  new MutationObserver(() => {
    const grid = element("machines");
    if (grid && !grid.dataset.begun && grid.querySelector(".ag-root")) begin(grid);
  }).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("nephoscope:state", (event) => {
    const api = window.nephoscopeGrid;
    if (element("machines")?.dataset.begun && api && event.detail.table !== token) load(api);
  });
  /* The same view by another address: its choices are taken over. */
  document.addEventListener("nephoscope:arrived", () => {
    const api = window.nephoscopeGrid;
    if (!element("machines")?.dataset.begun || !api) return;
    const query = new URLSearchParams(location.search);
    const said = { words: query.get("q") ?? "", "facet-firing": query.get("firing") ?? "" };
    for (const name of FACETS) said[`facet-${name}`] = query.get(name) ?? "";
    for (const [id, value] of Object.entries(said)) {
      const field = element(id);
      if (!field || field.value === value) continue;
      const kind = id === "words" ? HTMLInputElement : HTMLSelectElement;
      Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, value);
      if (id === "words") field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    narrowed(api);
  });
  window.addEventListener("resize", () => element("machines") && window.nephoscopeGrid && fit(window.nephoscopeGrid));

  const pageOf = (row) => `/machine?${new URLSearchParams({ scope: row.scope, id: row.id })}`;

  /* --- cells: text alone, never markup --- */

  const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

  function figure(value, unit) {
    if (value === null || value === undefined) return "";
    if (unit === "1") return `${figures(value * 100)} %`;
    if (unit === "By" || unit === "By/s") {
      let step = 0;
      while (Math.abs(value) >= 1024 && step < BINARY.length - 1) { value /= 1024; step++; }
      return `${figures(value)} ${BINARY[step]}${unit === "By" ? "" : "/s"}`;
    }
    return unit === "s" ? `${figures(value)} s` : figures(value);
  }

  const figures = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3 });

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions ?? {});
  functions.metricValue = figure;

  const make = (...parts) => window.React.createElement(...parts);
  const parts = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions ?? {});

  parts.MachineName = ({ data }) => make("span", { className: "machine" },
    make("a", { href: pageOf(data), tabIndex: -1 }, make("bdi", null, data.name)),
    data.shown_id ? make("bdi", { className: "faint id" }, data.shown_id) : null);
  parts.MachineState = ({ data }) => make("span", null,
    make("span", { className: `badge state-${data.state}` }, data.state),
    data.failed ? make("bdi", { className: "badge critical", title: data.failed }, data.failed) : null);
  parts.FiringCount = ({ value }) => (value ? make("span", { className: "badge critical" }, String(value)) : "");
})();
