// What every page does beside being read: busy buttons, the reader's time zone, and a page for when nothing can be reached.
// Everything works without it, and less comfortably.

const TIME_ZONE = "coccinelle_time_zone";

/** Tells the server in which zone to write times, from the next page on. */
function tellTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`${TIME_ZONE}=${zone}`)) {
    document.cookie = `${TIME_ZONE}=${zone}; path=/dashboard; max-age=31536000; samesite=lax`;
  }
}

/** Offers the names of time zones where one is typed. */
function offerZones() {
  const list = document.querySelector("datalist#zones");
  const zones = list ? Intl.supportedValuesOf?.("timeZone") : null;
  for (const zone of zones ?? []) list.append(new Option("", zone));
}

/** The buttons of a form, wherever on the page they stand. */
function buttonsOf(form) {
  return [...form.elements].filter((element) => element.localName === "button");
}

/** A button that was pressed says that it works, and cannot be pressed twice. */
function showBusy(event) {
  const form = event.target;
  if (!form.matches("[data-busy]") || event.defaultPrevented) return;
  const button = event.submitter ?? form.querySelector("button");
  button?.setAttribute("aria-busy", "true");
  // After the form has taken the button's value along.
  setTimeout(() => buttonsOf(form).forEach((each) => { each.disabled = true; }), 0);
}

/** A token behind the `#` of the address never reaches a log. It is used at once and taken out of the address. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const field = document.querySelector("#token");
  if (!token || !field) return;
  history.replaceState(null, "", location.pathname + location.search);
  field.value = token;
  field.form.requestSubmit();
}

/** Filters what is shown while one types; without it, the form asks the server. */
function filterAsOneTypes() {
  const field = document.querySelector("form[data-filter] input[type=search]");
  if (!field) return;
  const filter = () => {
    const sought = field.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("[data-name]")) row.hidden = !row.dataset.name.toLowerCase().includes(sought);
    const isEmpty = (list) => [...list.children].every((row) => row.hidden);
    const aisles = [...document.querySelectorAll(".aisle")];
    for (const title of aisles) title.hidden = isEmpty(title.nextElementSibling);
    for (const list of document.querySelectorAll("[data-live=cards] > ul")) list.parentElement.hidden = isEmpty(list);
    // As the server says it: of what can be connected, whatever is connected above.
    const nothing = document.querySelector("[data-nothing]");
    if (nothing) nothing.hidden = aisles.some((title) => !title.hidden);
  };
  field.addEventListener("input", filter);
  // What was drawn anew meanwhile is filtered as well.
  document.addEventListener("drawn", filter);
}

function keepOfflinePage() {
  const version = document.body.dataset.version;
  navigator.serviceWorker?.register(`/dashboard/worker.js?${version}`, { scope: "/dashboard/" }).catch(() => {});
  if (document.querySelector("meta[name=offline]")) awaitNetwork();
}

/**
 * Loads the page that was asked for once we are reached again. The browser's word alone is not enough: it may come
 * before anything can be fetched, and does not come where it was we who were away.
 */
function awaitNetwork() {
  const ask = () => fetch("/dashboard/offline", { cache: "no-store" }).then(() => location.reload(), () => {});
  addEventListener("online", ask);
  setInterval(ask, 3000);
}

/** Copies what stands beside a button. */
async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value ?? field.textContent);
  } catch {
    // By http, or where it is forbidden: it is selected, to be copied by hand.
    if (field.select) field.select();
    else getSelection().selectAllChildren(field);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 1500);
}

tellTimeZone();
offerZones();
takeToken();
filterAsOneTypes();
keepOfflinePage();
document.addEventListener("submit", showBusy);
document.addEventListener("click", copy);
// A page that comes back from the browser's memory is no longer busy.
addEventListener("pageshow", () => document.querySelectorAll("[aria-busy]").forEach((button) => {
  button.removeAttribute("aria-busy");
  if (button.form) buttonsOf(button.form).forEach((each) => { each.disabled = false; });
}));
