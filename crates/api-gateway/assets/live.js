// Pages that follow what happens. A part with `data-live` names itself, and in `data-on` the kinds of news that concern it
// (and in `data-about` the integration). When one comes, the page is asked for again and only those parts are replaced, so
// that what is drawn is always drawn by the server.

const parts = () => [...document.querySelectorAll("[data-live]")];
const QUIET = 700;
let waiting = null;
let asking = false;
let paused = false;

/** Replaces the parts by what the server shows now, and marks the rows that were not there. */
async function refresh() {
  waiting = null;
  if (document.hidden || paused) return;
  if (asking) return later();
  asking = true;
  try {
    // A page that a form has shown is not found again at the form's address.
    const response = await fetch(document.body.dataset.path, { headers: { accept: "text/html" }, redirect: "error" });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    // Whoever has halted it meanwhile sees nothing move.
    if (paused) return;
    for (const part of parts()) replace(part, fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`));
  } catch {
    // The stream comes back by itself, and with it the next chance.
  } finally {
    asking = false;
  }
}

function replace(part, fresh) {
  if (!fresh || part.innerHTML === fresh.innerHTML) return;
  // Nothing changes under somebody's hands.
  if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return;
  if (part.querySelector("dialog[open]")) return;
  const before = new Set([...part.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
  const scrolled = [...part.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  const focused = part.contains(document.activeElement) ? again(document.activeElement) : null;
  const next = document.importNode(fresh, true);
  for (const row of next.querySelectorAll("[data-row]")) {
    if (before.size > 0 && !before.has(row.dataset.row)) row.classList.add("arrived");
  }
  for (const id of open) next.querySelector(`details#${CSS.escape(id)}`)?.setAttribute("open", "");
  part.replaceWith(next);
  document.dispatchEvent(new Event("drawn"));
  for (const [number, each] of [...next.querySelectorAll(".scroll")].entries()) each.scrollTo(...(scrolled[number] ?? [0, 0]));
  if (focused) next.querySelector(focused)?.focus({ preventScroll: true });
}

/** By what the same element is found in what is drawn anew: whoever walks a list by the keyboard stays where they are. */
function again(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches("details[id] > summary")) return `#${CSS.escape(element.parentElement.id)} > summary`;
  const name = ["href", "formaction", "aria-labelledby", "aria-label"].find((each) => element.hasAttribute(each));
  return name ? `${element.localName}[${name}="${CSS.escape(element.getAttribute(name))}"]` : null;
}

/** Soon, and once for everything that comes until then. Whoever comes back to the page asks by that: until then nobody looks. */
function later() {
  if (!document.hidden && !paused) waiting ??= setTimeout(refresh, QUIET);
}

/** Halts what moves, for whoever reads it, and lets it go on. */
function pause(event) {
  const button = event.target.closest("[data-pause]");
  if (!button) return;
  paused = !paused;
  [button.textContent, button.dataset.pause] = [button.dataset.pause, button.textContent];
  // What is halted is not live.
  button.previousElementSibling.hidden = paused;
  later();
}

function concerns(part, kind, told) {
  const about = part.dataset.about;
  const kinds = (part.dataset.on ?? "").split(" ");
  return (kind === "gap" || kinds.includes(kind)) && (!about || !told.integration_id || told.integration_id === about);
}

function hear(event) {
  let told = {};
  try { told = JSON.parse(event.data); } catch { /* `gap` tells nothing. */ }
  if (parts().some((part) => concerns(part, event.type, told))) later();
}

if (parts().length > 0) {
  const stream = new EventSource("/api/v1/stream");
  for (const kind of ["attempt", "delivery", "health", "run", "gap"]) stream.addEventListener(kind, hear);
  addEventListener("pagehide", () => stream.close());
  document.addEventListener("click", pause);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) later(); });
  // What a run has counted moves on between its pages, too.
  setInterval(() => { if (document.querySelector("[data-live] progress")) later(); }, 2000);
}
