/* Asks whether something is new, says plainly when nobody answers, and moves between views without loading anew. */
"use strict";

(() => {
  const nothing = () => window.dash_clientside.no_update;
  const last = { number: 0, at: "", table: "" };

  /* Each interval, and with each view. While nobody sees the tab, nothing is asked. */
  async function tick() {
    if (document.hidden) return [nothing(), nothing(), nothing()];
    let state;
    try {
      const answer = await fetch("/state", { signal: AbortSignal.timeout(15000), cache: "no-store" });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      state = await answer.json();
    } catch (error) {
      const since = last.at ? `Last seen at ${last.at}; ` : "";
      title(null);
      return [nothing(), `${since}this page's own server does not answer: is nephoscope web still running?`, nothing()];
    }
    const news = state.number !== last.number;
    Object.assign(last, state);
    title(state);
    document.dispatchEvent(new CustomEvent("nephoscope:state", { detail: state }));
    return [news ? state.number : nothing(), state.banner, state.at ? `As of ${state.at}.` : ""];
  }

  /* (2) acme · nephoscope; with a question mark where nobody knows. */
  function title(state) {
    const fleet = document.getElementById("page")?.dataset.fleet ?? "";
    const heading = document.querySelector("#content h1")?.textContent ?? "";
    const view = heading && heading !== fleet ? `${heading} · ` : "";
    const mark = state === null || state.silent ? "(?) " : state.firing ? `(${state.firing}) ` : "";
    document.title = `${mark}${view}${fleet} · nephoscope`;
  }

  /* --- moving between views --- */

  let moved = false;

  function go(to) {
    moved = true;
    history.pushState({}, "", to);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate", { detail: to }));
  }

  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a[href^='/']");
    if (!anchor || anchor.target || event.defaultPrevented || event.button) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(anchor.getAttribute("href"));
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.(".skip")) return;
    event.preventDefault();
    document.getElementById("content")?.focus();
  });

  /* After a view has come: the navigation says where one is; its heading is read out to who has moved there. */
  function arrive() {
    for (const anchor of document.querySelectorAll("header nav a")) {
      const here = anchor.getAttribute("href") === location.pathname;
      if (here) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    requestAnimationFrame(() => {
      if (last.number) title(last);
      document.dispatchEvent(new Event("nephoscope:arrived"));
      if (!moved) return;
      moved = false;
      window.scrollTo(0, 0);
      document.querySelector("#content h1")?.focus({ preventScroll: true });
    });
    return nothing();
  }

  /* --- searching rows of tables --- */

  function narrow() {
    const field = document.getElementById("words");
    const rows = document.querySelectorAll("table.searched tbody tr");
    if (!field || !rows.length) return;
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.id !== "words" || document.getElementById("machines")) return;
    keep({ q: event.target.value });
    narrow();
  });

  /* What is asked for stands in the address, so that it can be sent to somebody. */
  function keep(said) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(said)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : ""));
  }

  /* A dashboard's frame is as tall as what is drawn in it. */
  function fit(frame) {
    const inside = frame.contentDocument?.documentElement;
    if (inside) frame.style.height = `${Math.max(320, inside.scrollHeight + 16)}px`;
  }

  document.addEventListener("load", (event) => {
    if (event.target.matches?.("iframe.drawn")) fit(event.target);
  }, true);
  window.addEventListener("resize", () => document.querySelectorAll("iframe.drawn").forEach(fit));

  const watcher = new MutationObserver(narrow);
  document.addEventListener("DOMContentLoaded", () => watcher.observe(document.body, { childList: true, subtree: true }));
  window.addEventListener("popstate", () => { moved = true; });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) window.dash_clientside.set_props?.("every", { n_intervals: Date.now() });
  });

  window.nephoscope = { keep, go, last };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { nephoscope: { tick, arrive } });
})();
